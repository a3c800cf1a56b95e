//! Routes: an event to the machine it is for, what one machine signals to the
//! others, and a request to whoever carries it out. Synchronous and total: an
//! event and the time in, effects out. It can be tested without a runtime, and
//! it cannot block.
//!
//! Each machine owns its state, and no other touches it; what several look at
//! is the [`World`].

mod managed;
mod restore;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use jiff::Timestamp;

use super::{
    ctx::{Ctx, Ids},
    dashboard::Dashboards,
    discovery::Discovery,
    effect::Effect,
    event::{Answer, Asker, Event},
    incidents::Incidents,
    intake::Intake,
    notifier::Notifier,
    operations::Operations,
    queries::{Queries, instant},
    request::Request,
    step::{Signal, Step},
    watcher::Watcher,
    world::World,
};
use crate::{
    domain::{command::Command, inbound::Me, inventory::Inventory},
    ports::Identity,
};

/// See the module.
#[derive(Debug)]
pub struct Dispatcher {
    inventory: Arc<Inventory>,
    ids: Ids,
    intake: Intake,
    queries: Queries,
    operations: Operations,
    watcher: Watcher,
    incidents: Incidents,
    dashboards: Dashboards,
    notifier: Notifier,
    discovery: Discovery,
}

impl Dispatcher {
    /// A dispatcher that knows nothing of the world yet.
    pub fn new(inventory: Arc<Inventory>, me: Me, identity: Identity) -> Self {
        Self {
            ids: Ids::new(identity),
            intake: Intake::new(me),
            queries: Queries::default(),
            operations: Operations::default(),
            watcher: Watcher::new(&inventory),
            incidents: Incidents::new(),
            dashboards: Dashboards::default(),
            notifier: Notifier::default(),
            discovery: Discovery::default(),
            inventory,
        }
    }

    /// What is managed: by the config, and what was found since.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Answers an event.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let only_time = matches!(event, Event::Tick);
        let step = self.route(event, now);
        let mut effects = self.carry(step, now);
        if only_time {
            // After what the watcher has found.
            let inventory = Arc::clone(&self.inventory);
            let step = self.incidents.tick(&mut Ctx::new(&inventory, now, &mut self.ids, &self.notifier));
            effects.extend(self.carry(step, now));
        }
        let inventory = Arc::clone(&self.inventory);
        let world = World {
            inventory: &inventory,
            operations: &self.operations,
            watcher: &self.watcher,
            incidents: &self.incidents,
        };
        let ctx = &Ctx::new(&inventory, now, &mut self.ids, &self.notifier);
        // A tick that does nothing changes nothing.
        if !only_time || !effects.is_empty() {
            self.dashboards.touch(world, ctx);
        }
        effects.extend(self.dashboards.tick(world, ctx).effects);
        effects
    }

    /// When [`Event::Tick`] should come next.
    pub fn deadline(&self) -> Option<Timestamp> {
        // Without a room nothing can be said, and a room that is ready is a moment of its own.
        let incidents = self.notifier.can_speak().then(|| self.incidents.deadline(&self.inventory)).flatten();
        let others = [self.queries.deadline(), self.watcher.deadline(), self.dashboards.deadline(), incidents];
        others.into_iter().flatten().min()
    }

    /// Hands an event to the machine it is for.
    fn route(&mut self, event: Event, now: Timestamp) -> Step {
        let Self { inventory, ids, intake, queries, operations, watcher, incidents, dashboards, notifier, discovery } =
            self;
        let inventory = Arc::clone(inventory);
        let ctx = &mut Ctx::new(&inventory, now, ids, notifier);
        match event {
            Event::Message(message) => {
                intake.message(message, World { inventory: &inventory, operations, watcher, incidents }, ctx)
            }
            Event::Reply { message, to } => {
                intake.reply(message, &to, World { inventory: &inventory, operations, watcher, incidents }, ctx)
            }
            Event::Named(me) => {
                intake.named(me);
                Step::none()
            }
            Event::RoomReady(room) => {
                let deferred = notifier.room_ready(room, &inventory);
                ctx.can_speak = true;
                let told = deferred.then(incidents.tick(ctx));
                told.then(discovery.room_ready(World { inventory: &inventory, operations, watcher, incidents }, ctx))
            }
            Event::MayPin(room) => dashboards.may_pin(room, ctx),
            Event::Unreadable { room, event, why } => intake.unreadable(&room, &event, why),
            Event::Snapshot { ticket, report } => {
                let step = operations.snapshot(&report, ctx).then(watcher.snapshot(&report, ctx));
                let world = World { inventory: &inventory, operations, watcher, incidents };
                step.then(ticket.map(|ticket| queries.snapshot(ticket, report, world, ctx)))
            }
            Event::Answer { ticket, answer } => match (ticket.asker, answer) {
                (Asker::Intake, Answer::Replay(replay)) => {
                    let world = World { inventory: &inventory, operations, watcher, incidents };
                    intake.replay_checked(ticket, replay, world, ctx)
                }
                (Asker::Operations, Answer::Cancel(result)) => operations.cancelled(ticket, &result, ctx),
                (Asker::Queries, answer) => queries.answered(ticket, answer, ctx),
                (Asker::Incidents, answer) => incidents.answered(ticket, answer, ctx),
                // Nobody else asks for any of these.
                (Asker::Intake | Asker::Operations | Asker::Watcher, answer) => {
                    tracing::error!(?ticket, ?answer, "an answer that nobody asked for");
                    Step::none()
                }
            },
            Event::Runtime { login, host, event } => watcher.event(&host, login.as_ref(), &event, ctx),
            Event::Discovered { host, listings, complaints } => {
                let world = World { inventory: &inventory, operations, watcher, incidents };
                discovery.listed(&host, listings, complaints, world, ctx)
            }
            Event::EngineWent(host) => watcher.engine_went(&host, ctx),
            Event::Job { operation, news } => operations.news(operation, news, ctx),
            Event::Stopping => operations.stopping(ctx),
            Event::Tick => {
                let world = World { inventory: &inventory, operations, watcher, incidents };
                let answered = queries.tick(world, ctx);
                answered.then(watcher.tick(ctx))
            }
        }
    }

    /// Carries what the machines signal from one to the next, until nothing is
    /// left to be said. Their effects stay in the order in which they came.
    fn carry(&mut self, step: Step, now: Timestamp) -> Vec<Effect> {
        let Step { mut effects, signals } = step;
        let mut signals = VecDeque::from(signals);
        while let Some(signal) = signals.pop_front() {
            let step = self.signal(signal, now);
            effects.extend(step.effects);
            // What follows from a signal comes before what was signalled after it.
            step.signals.into_iter().rev().for_each(|signal| signals.push_front(signal));
        }
        effects
    }

    fn signal(&mut self, signal: Signal, now: Timestamp) -> Step {
        let Self { inventory, ids, watcher, incidents, notifier, .. } = self;
        let inventory = Arc::clone(inventory);
        let ctx = &mut Ctx::new(&inventory, now, ids, notifier);
        match signal {
            Signal::Accepted(request) => self.carry_out(*request, now),
            Signal::Managed { host, added, gone } => self.manage(host, added, &gone, now),
            Signal::Reacted(request, incident) => incidents.reacted(&request, &incident, ctx),
            Signal::OperationStarted(operation) => {
                watcher.operation_started(&operation);
                Step::none()
            }
            Signal::OperationEnded(ended) => watcher.operation_ended(&ended, ctx),
            Signal::Opened(subject, cause) => incidents.opened(subject, cause, ctx),
            Signal::Closed(subject, how) => incidents.closed(&subject, how, ctx),
            Signal::Notify(notification) => notifier.notify(notification, &inventory),
        }
    }

    /// Has a request done by the machine it is for.
    fn carry_out(&mut self, request: Request, now: Timestamp) -> Step {
        let Self { inventory, ids, queries, operations, watcher, incidents, notifier, .. } = self;
        let inventory = Arc::clone(inventory);
        let ctx = &mut Ctx::new(&inventory, now, ids, notifier);
        let Request { command, .. } = &request;
        match command.get().clone() {
            Command::Help { about } => instant::help(&request, about.as_deref(), ctx),
            Command::Ping => instant::ping(&request),
            Command::Whoami => instant::whoami(&request, ctx),
            Command::Operations => {
                instant::operations(&request, World { inventory: &inventory, operations, watcher, incidents }, ctx)
            }
            Command::Alerts => {
                instant::alerts(&request, World { inventory: &inventory, operations, watcher, incidents }, ctx)
            }
            Command::Status { services } => {
                let world = World { inventory: &inventory, operations, watcher, incidents };
                queries.status(&request, services, world, ctx)
            }
            Command::Hosts { hosts } => queries.hosts(&request, hosts, ctx),
            Command::Logs { target, lines } => queries.logs(&request, target, lines, ctx),
            Command::Preview { service } => queries.preview(&request, service, ctx),
            Command::History { past } => queries.history(&request, past, ctx),
            Command::Change { wanted, target } => operations.begin(&request, &wanted, target, ctx),
            Command::Cancel { operation } => operations.cancel(&request, operation, ctx),
            Command::Ack { incidents: ids } => incidents.acknowledge(&request, &ids, ctx),
            Command::Silence { scope, length, reason } => incidents.silence(&request, &scope, length, reason, ctx),
            Command::Unsilence { silences } => incidents.unsilence(&request, &silences, ctx),
        }
    }
}
