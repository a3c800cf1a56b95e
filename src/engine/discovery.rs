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
        watch::{Detector, Intent, Who},
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
    /// How many more than a host may have, when that was last said.
    left_out: BTreeMap<HostName, usize>,
    /// How many messages were made of what was found: each has a name of its own.
    messages: u64,
}

/// What runtimes said instead of showing anything.
#[derive(Debug)]
struct Complaint {
    texts: Vec<String>,
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
        // What somebody stopped is not gone: units are not shown then.
        let is_stopped = |service: &_| {
            let intent = world.watcher.known(service).map(Detector::intent);
            matches!(intent, Some(Intent::Stopped { by: Who::Operator(_), .. }))
        };
        let busy = |service: &_| world.operations.of(service).is_some() || is_stopped(service);
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
        let is_new = !changes.added.is_empty();
        if is_new || !changes.gone.is_empty() {
            let added = as_services(&changes.added, ctx.inventory);
            let gone = changes.gone.into_iter().map(|gone| gone.name).collect();
            step.push(Signal::Managed { host: host.clone(), added, gone });
        }
        let too_many = self.left_out.insert(host.clone(), changes.left_out).unwrap_or_default() < changes.left_out;
        if too_many && !is_new {
            step.push(self.say(host, reply::discovery::too_many(host, changes.left_out), ctx));
        }
        step.then(self.complained(host, complaints, ctx))
    }

    /// A runtime that does not show what it runs finds nothing, and nobody would
    /// know why. Said once it is no passing trouble, which the watch tells of.
    fn complained(&mut self, host: &HostName, complaints: Vec<String>, ctx: &Ctx<'_>) -> Step {
        if complaints.is_empty() {
            self.complaints.remove(host);
            return Step::none();
        }
        match self.complaints.get_mut(host) {
            Some(known) if known.texts == complaints && known.is_told => Step::none(),
            Some(known) if known.texts == complaints => {
                known.is_told = true;
                self.say(host, reply::discovery::not_shown(host, &complaints), ctx).into()
            }
            Some(_) | None => {
                self.complaints.insert(host.clone(), Complaint { texts: complaints, is_told: false });
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
