//! The machine of services that are found: what hosts show, and which of it is
//! a service by now.

use std::collections::BTreeMap;

use super::{
    ctx::Ctx,
    effect::Effect,
    step::{Form, Notification, Signal, Step},
    world::World,
};
use crate::{
    domain::{
        inventory::{Inventory, Service},
        message::MessageClass,
        names::HostName,
        reply,
        roster::{FoundService, Listing, Roster, as_services},
    },
    ports::Entry,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Discovery {
    roster: Roster,
    /// Runtimes that would not show what they run, by host.
    complaints: BTreeMap<HostName, Complaint>,
    /// What hosts showed last before there was a room: what is found and not said would never be.
    unsaid: BTreeMap<HostName, (Vec<Listing>, Vec<String>)>,
    /// How many messages were made of what was found: each has a name of its own.
    messages: u64,
}

/// What a runtime said instead of showing anything.
#[derive(Debug)]
struct Complaint {
    text: String,
    is_told: bool,
}

impl Discovery {
    /// Goes on with what an earlier process had found; gives the services, and
    /// what to forget of it.
    pub fn restore(&mut self, kept: Vec<FoundService>, inventory: &Inventory) -> (Vec<Service>, Vec<Effect>) {
        let dropped = self.roster.restore(kept, inventory);
        let forget = dropped.into_iter().map(|service| Effect::Record(Entry::Gone(service.name)));
        (self.roster.services(inventory), forget.collect())
    }

    /// There is a room to say things in.
    pub fn room_ready(&mut self, world: World<'_>, ctx: &Ctx<'_>) -> Step {
        let unsaid = std::mem::take(&mut self.unsaid).into_iter();
        unsaid.map(|(host, (listings, complaints))| self.listed(&host, listings, complaints, world, ctx)).collect()
    }

    /// A host was asked what runs there.
    pub fn listed(
        &mut self,
        host: &HostName,
        listings: Vec<Listing>,
        complaints: Vec<String>,
        world: World<'_>,
        ctx: &Ctx<'_>,
    ) -> Step {
        if !ctx.can_speak {
            self.unsaid.insert(host.clone(), (listings, complaints));
            return Step::none();
        }
        let busy = |service: &_| world.operations.of(service).is_some();
        let changes = self.roster.listed(host, &listings, ctx.inventory, busy, ctx.now);
        let kept = changes.added.iter().chain(&changes.updated);
        let mut step: Step = kept.map(|found| Effect::Record(Entry::Found(Box::new(found.clone())))).collect();
        step.push(changes.gone.iter().map(|gone| Effect::Record(Entry::Gone(gone.name.clone()))).collect::<Step>());
        if !changes.added.is_empty() {
            step.push(self.say(host, reply::discovery::found(host, &changes, ctx.inventory, ctx.prefix()), ctx));
        }
        if !changes.gone.is_empty() {
            step.push(self.say(host, reply::discovery::gone(host, &changes.gone), ctx));
        }
        if !changes.added.is_empty() || !changes.gone.is_empty() {
            let added = as_services(&changes.added, ctx.inventory);
            let gone = changes.gone.into_iter().map(|gone| gone.name).collect();
            step.push(Signal::Managed { host: host.clone(), added, gone });
        }
        step.then(self.complained(host, &complaints, ctx))
    }

    /// A runtime that does not show what it runs finds nothing, and nobody would
    /// know why. Said once it is no passing trouble, which the watch tells of.
    fn complained(&mut self, host: &HostName, complaints: &[String], ctx: &Ctx<'_>) -> Step {
        let Some(text) = complaints.first() else {
            self.complaints.remove(host);
            return Step::none();
        };
        match self.complaints.get_mut(host) {
            Some(known) if known.text == *text && known.is_told => Step::none(),
            Some(known) if known.text == *text => {
                known.is_told = true;
                self.say(host, reply::discovery::not_shown(host, text), ctx).into()
            }
            Some(_) | None => {
                self.complaints.insert(host.clone(), Complaint { text: text.clone(), is_told: false });
                Step::none()
            }
        }
    }

    fn say(&mut self, host: &HostName, text: String, ctx: &Ctx<'_>) -> Signal {
        self.messages += 1;
        let key = format!("found/{host}/{}-{}", ctx.ids.process(), self.messages);
        Signal::Notify(Notification { key, class: MessageClass::Answer, text, form: Form::Message })
    }
}
