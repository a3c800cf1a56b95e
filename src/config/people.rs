//! `[[room]]` and `[[operator]]`: where the bot listens, and to whom.

use std::collections::BTreeMap;

use super::{
    problem::{At, Problems},
    section::Section,
    settings::RoomSettings,
    unique::Unique,
};
use crate::domain::{names::UserId, origin::Actor, role::Role, room::RoomAddress, suggest::nearest};

const ROLES: &[&str] = &["viewer", "operator", "admin"];

pub(super) fn rooms(sections: &[Section<'_>], problems: &Problems<'_>) -> Vec<RoomSettings> {
    if sections.is_empty() {
        let advice = "add a [[room]] with its `id`; the bot listens nowhere else";
        problems.report(0, "there is no room", advice);
    }
    let mut known = Unique::new("room");
    let mut rooms = Vec::new();
    for section in sections {
        let Some(id) = section.required("id", "give the room's alias or ID, like #ops:example.org") else { continue };
        match RoomAddress::parse(id.value) {
            Ok(address) => {
                if known.take(id.value, id.at, problems) {
                    rooms.push(RoomSettings { address });
                }
            }
            Err(bad) => problems.report_name(id.at, "id", bad),
        }
    }
    rooms
}

pub(super) fn operators(
    sections: &[Section<'_>],
    bot: Option<&UserId>,
    problems: &Problems<'_>,
) -> BTreeMap<UserId, Role> {
    if sections.is_empty() {
        let advice = "add an [[operator]] with `user` and `role`; nobody else is listened to";
        problems.report(0, "there is no operator", advice);
    }
    let mut known = Unique::new("operator");
    let mut operators = BTreeMap::new();
    for section in sections {
        let user = section.required("user", "give a full Matrix ID, like @alice:example.org");
        let role = role(section);
        let Some(At { value: user, at }) = user else { continue };
        match UserId::parse(user) {
            Ok(id) if Some(&id) == bot => {
                problems.report(at, format!("{id} is the bot itself"), "it never listens to itself: name a person");
            }
            Ok(id) if Actor::is_reserved(&id) => {
                problems.report(
                    at,
                    format!("{id} stands for the console"),
                    "nobody else can have that ID: name a person",
                );
            }
            Ok(id) => {
                if known.take(user, at, problems)
                    && let Some(role) = role
                {
                    operators.insert(id, role);
                }
            }
            Err(bad) => problems.report_name(at, "user", bad),
        }
    }
    operators
}

fn role(section: &Section<'_>) -> Option<Role> {
    let advice = "viewer reads, operator changes, admin may do everything";
    let At { value, at } = section.required("role", advice)?;
    match value {
        "viewer" => Some(Role::Viewer),
        "operator" => Some(Role::Operator),
        "admin" => Some(Role::Admin),
        _ => {
            let near = nearest(value, ROLES).map(|near| format!("did you mean \"{near}\"? "));
            let advice = near.unwrap_or_default() + advice;
            section.problems.report(at, format!("`role` is not known: {value:?}"), advice);
            None
        }
    }
}
