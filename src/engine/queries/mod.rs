//! Questions: what is asked and changes nothing. Some are answered from what is
//! known, others when hosts or the ledger have spoken.

mod history;
mod hosts;
pub mod instant;
mod logs;
mod partial;
mod preview;
mod status;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::{history::History, hosts::Hosts, logs::Logs, preview::Preview, status::Status};
use super::{
    ctx::Ctx,
    event::{Answer, Ticket},
    step::Step,
    world::World,
};
use crate::domain::observation::HostReport;

/// See the module.
#[derive(Debug, Default)]
pub struct Queries {
    pending: BTreeMap<Ticket, Pending>,
}

/// A question that is not answered yet.
#[derive(Debug)]
enum Pending {
    Status(Status),
    Logs(Logs),
    Preview(Preview),
    History(History),
    Hosts(Hosts),
}

impl Queries {
    /// What was asked for is there.
    pub fn answered(&mut self, ticket: Ticket, answer: Answer, ctx: &Ctx<'_>) -> Step {
        let question = self.question(ticket);
        match (self.pending.remove(&question), answer) {
            (Some(Pending::Logs(logs)), Answer::Output(output)) => logs.answered(output, ctx),
            (Some(Pending::Preview(preview)), Answer::Output(output)) => preview.answered(output, ctx),
            (Some(Pending::History(history)), Answer::Records(records)) => history.answered(&records, ctx),
            (Some(Pending::Hosts(hosts)), Answer::Output(output)) => {
                let (step, pending) = hosts.answered(ticket, output, ctx);
                self.pending.extend(pending.map(|hosts| (question, Pending::Hosts(hosts))));
                step
            }
            // An answer to something else, or to nothing any more.
            (pending, Answer::Output(_) | Answer::Cancel(_) | Answer::Replay(_) | Answer::Records(_)) => {
                self.pending.extend(pending.map(|pending| (question, pending)));
                Step::none()
            }
        }
    }

    /// The question that a ticket belongs to: one about several hosts has several.
    fn question(&self, ticket: Ticket) -> Ticket {
        let asked = |pending: &Pending| match pending {
            Pending::Hosts(hosts) => hosts.has_asked(ticket),
            Pending::Status(_) | Pending::Logs(_) | Pending::Preview(_) | Pending::History(_) => false,
        };
        self.pending.iter().find(|(_, pending)| asked(pending)).map_or(ticket, |(question, _)| *question)
    }

    /// A host that a question was about was looked at.
    pub fn snapshot(&mut self, ticket: Ticket, report: HostReport, world: World<'_>, ctx: &Ctx<'_>) -> Step {
        match self.pending.remove(&ticket) {
            Some(Pending::Status(status)) => {
                let (step, pending) = status.snapshot(report, world, ctx);
                self.pending.extend(pending.map(|status| (ticket, Pending::Status(status))));
                step
            }
            other => {
                self.pending.extend(other.map(|other| (ticket, other)));
                Step::none()
            }
        }
    }

    /// What is due by now.
    pub fn tick(&mut self, world: World<'_>, ctx: &Ctx<'_>) -> Step {
        let tick = |pending: &mut Pending| match pending {
            Pending::Status(status) => status.tick(world, ctx),
            Pending::Hosts(hosts) => hosts.tick(ctx),
            Pending::Logs(_) | Pending::Preview(_) | Pending::History(_) => Step::none(),
        };
        self.pending.values_mut().map(tick).collect()
    }

    /// When something will be due.
    pub fn deadline(&self) -> Option<Timestamp> {
        let deadline = |pending: &Pending| match pending {
            Pending::Status(status) => status.deadline(),
            Pending::Hosts(hosts) => hosts.deadline(),
            Pending::Logs(_) | Pending::Preview(_) | Pending::History(_) => None,
        };
        self.pending.values().filter_map(deadline).min()
    }
}
