//! `[[service]]`: what is managed.

use std::time::Duration;

use super::{problem::At, schema, section::Section, update, watch, workload};
use crate::domain::{
    inventory::{Service, Strategy},
    names::{Branch, HostName, LoginName, RemoteDir, ServiceName, Tag},
    rights::Rights,
    watch::Policy,
};

/// A service as far as it could be read, and the places of what it refers to.
pub(super) struct ServiceDraft<'a> {
    pub(super) name: Option<At<&'a str>>,
    pub(super) host: Option<At<&'a str>>,
    /// Where what it is stands, or the service that is named after.
    pub(super) workload_at: usize,
    /// `None` when something about it is wrong, and reported.
    pub(super) service: Option<Service>,
}

/// Phones put a full stop behind a word, so commands are read without it.
pub(super) fn full_stop(section: &Section<'_>, name: Option<At<&str>>) {
    if let Some(At { value, at }) = name
        && value.ends_with('.')
    {
        let advice = "commands are read without it, because phones put one behind the last word";
        section.problems.report(at, format!("`name` ends with a full stop: {value:?}"), advice);
    }
}

pub(super) fn read<'a>(section: &Section<'a>, watched: &Policy) -> ServiceDraft<'a> {
    let name_text = section.required("name", "give the name it has in the room, like \"bridge\"");
    let host_text = section.required("host", "name the [[host]] it runs on");
    let name = section.parsed("name", name_text, ServiceName::parse);
    if let Some(At { value: "all", at }) = name_text {
        section.problems.report(at, "a service cannot be called \"all\"", "in a command, `all` means every service");
    }
    full_stop(section, name_text);
    let host = section.parsed("host", host_text, HostName::parse);
    let workload::WorkloadDraft { workload, at: workload_at, strategies } =
        workload::read(section, name.as_ref(), name_text.map(|text| text.at));
    let dir_text = section.text("dir");
    let dir = section.parsed("dir", dir_text, RemoteDir::parse);
    let branch_text = section.text("branch");
    let branch =
        branch_text.map_or_else(|| Some(Branch::default()), |text| section.parsed("branch", Some(text), Branch::parse));
    let run_as_text = section.text("run_as");
    let run_as = section.parsed("run_as", run_as_text, LoginName::parse);
    let tag_texts = section.texts("tags");
    let tags: Vec<_> = tag_texts.iter().filter_map(|tag| section.parsed("tags", Some(*tag), Tag::parse)).collect();
    let update = section.table("update", &schema::UPDATE);
    let update = update.map_or_else(|| update::default(strategies), |given| update::read(&given, strategies));
    let hour = Duration::from_secs(3600);
    let stop_timeout = section
        .value("stop_timeout")
        .map(|_| section.duration("stop_timeout", Duration::from_secs(10), Duration::ZERO..=hour));
    let own = section.table("watch", &schema::SERVICE_WATCH).map(|own| watch::policy(&own, watched));
    let optional = section.flag("optional").unwrap_or(watched.optional);
    let watch = Policy { optional, ..own.unwrap_or_else(|| watched.clone()) };
    // A script of the operator's own needs no clone, and images have names.
    let dirless = matches!(update.strategy, Strategy::Command { .. } | Strategy::Pull);
    for key in ["branch", "update"].into_iter().filter(|key| *key != "update" || !dirless) {
        if let (Some(at), None) = (section.place(key), section.place("dir")) {
            let advice = "give `dir`, its clone on the host, or drop it";
            section.problems.report(at, format!("`{key}` means nothing without `dir`"), advice);
        }
    }
    let whole = (dir.is_some() == dir_text.is_some() && run_as.is_some() == run_as_text.is_some())
        .then_some((name, host, workload, branch));
    let service = match whole {
        Some((Some(name), Some(host), Some(workload), Some(branch))) => {
            let rights = Rights::Change;
            Some(Service { name, host, workload, dir, branch, run_as, tags, update, stop_timeout, watch, rights })
        }
        Some(_) | None => None,
    };
    ServiceDraft { name: name_text, host: host_text, workload_at, service }
}
