//! Announces incidents: alone and at once with the last lines of the log, or
//! together with others.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Incidents, edit::AlertMessage, notify, record};
use crate::{
    domain::{
        incident::{Incident, IncidentId},
        message::MessageClass,
        names::MemberName,
        outgoing::MessageKey,
        output::{CommandOutput, LogError},
        reply,
        subject::Subject,
        watch::Level,
    },
    engine::{
        ctx::Ctx,
        effect::Effect,
        event::{Answer, Asker, Ticket},
        host_request::HostRequest,
        step::Step,
    },
};

/// An incident so long after the last one that was announced is announced at
/// once.
pub(super) const APART: SignedDuration = SignedDuration::from_secs(10);
/// How long others are waited for, to be announced with it.
pub(super) const GATHER: SignedDuration = SignedDuration::from_secs(3);
/// The same, when people have been notified often in the last minute.
const GATHER_LONGER: SignedDuration = SignedDuration::from_secs(20);
/// So often in a minute is often.
const OFTEN: usize = 3;
/// Pages remembered: more than are asked about.
const PAGES: usize = 10;
/// An announcement waits no longer than this for its evidence.
const EVIDENCE: Duration = Duration::from_secs(3);

impl Incidents {
    /// Tells of it at once, or together with others.
    pub(super) fn announce(&mut self, id: IncidentId, ctx: &mut Ctx<'_>) -> Step {
        let quiet = self.announced_at.is_none_or(|last| ctx.now.duration_since(last) >= APART);
        if self.waiting.is_empty() && quiet && ctx.can_speak {
            self.announced_at = Some(ctx.now);
            return self.tell_with_evidence(id, ctx);
        }
        self.waiting.push(id);
        let due = ctx.now.checked_add(self.gather(id, ctx.now)).unwrap_or(ctx.now);
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
        Step::none()
    }

    /// How long it waits for others. What has waited long once, for its first
    /// announcement, does not do so again for a louder one.
    fn gather(&mut self, id: IncidentId, now: Timestamp) -> SignedDuration {
        let lately = self.pages.iter().filter(|at| now.duration_since(**at) < SignedDuration::from_mins(1)).count();
        if lately >= OFTEN && self.delayed.insert(id) { GATHER_LONGER } else { GATHER }
    }

    fn record_page(&mut self, now: Timestamp) {
        self.pages.push_back(now);
        if self.pages.len() > PAGES {
            self.pages.pop_front();
        }
    }

    /// Tells of those that waited, when their time has come.
    pub(super) fn announce_waiting(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.due.take_if(|due| *due <= ctx.now).is_none() {
            return Step::none();
        }
        let waiting = std::mem::take(&mut self.waiting);
        let open: Vec<IncidentId> = waiting.into_iter().filter(|id| self.open.contains_key(id)).collect();
        if !open.is_empty() {
            self.announced_at = Some(ctx.now);
        }
        match open[..] {
            [one] => self.tell_with_evidence(one, ctx),
            _ => self.tell(&open, ctx),
        }
    }

    /// Whether the log of what it is about is being read.
    pub(super) fn collects_evidence(&self, id: IncidentId) -> bool {
        self.evidence.values().any(|of| *of == id)
    }

    fn tell_with_evidence(&mut self, id: IncidentId, ctx: &mut Ctx<'_>) -> Step {
        let Some(Incident { subject: Subject::Service(name), cause, .. }) = self.open.get(&id) else {
            return self.tell(&[id], ctx);
        };
        let Some(service) = ctx.inventory.service(name) else { return Step::none() };
        let member = cause.member().and_then(|member| MemberName::parse(member).ok());
        let ticket = ctx.ids.ticket(Asker::Incidents);
        self.evidence.insert(ticket, id);
        let command = service.logs(member.as_ref(), reply::alert::LOG_LINES * 3);
        Effect::Host { host: service.host.clone(), request: HostRequest::Read { command, limit: EVIDENCE, ticket } }
            .into()
    }

    /// The evidence is there, or will not come.
    pub fn answered(&mut self, ticket: Ticket, answer: Answer, ctx: &mut Ctx<'_>) -> Step {
        let (Some(id), Answer::Output(output)) = (self.evidence.remove(&ticket), answer) else { return Step::none() };
        // Over while the log was read: there is nothing to tell of.
        let Some(incident) = self.open.get_mut(&id) else { return Step::none() };
        incident.log = Some(log(&incident.subject, output, ctx));
        self.tell(&[id], ctx)
    }

    /// Says it: incidents that are open, in one message.
    fn tell(&mut self, ids: &[IncidentId], ctx: &mut Ctx<'_>) -> Step {
        let told: Vec<(IncidentId, Level)> = ids.iter().filter_map(|id| Some((*id, self.level(*id, ctx)?))).collect();
        let Some(loudest) = told.iter().map(|(_, level)| *level).max() else { return Step::none() };
        // It is named for one that is as loud as it is: each is paged under a name of its own at most once.
        let named = told.iter().find(|(_, level)| *level == loudest).map(|(id, _)| *id);
        let Some(first) = named.and_then(|id| self.open.get(&id)) else { return Step::none() };
        let (first, nth) = (first.id, first.cause.relapses());
        let mut step = self.supersede(first, ctx);
        for (id, level) in &told {
            let Some(incident) = self.open.get_mut(id) else { continue };
            let before = incident.told_with.replace(first);
            incident.told_nth = nth;
            incident.told_as = Some(loudest);
            incident.said = Some(*level);
            incident.relapses = incident.cause.relapses();
            incident.last_paged_at = (*level == Level::Page).then_some(ctx.now);
            step.push(record(incident));
            if let Some(before) = before.filter(|before| *before != first) {
                self.leave(before);
            }
        }
        let (class, which) = match loudest {
            Level::Page => {
                self.record_page(ctx.now);
                (MessageClass::Page, "page")
            }
            Level::Note => (MessageClass::Answer, "note"),
        };
        let open: Vec<&Incident> = told.iter().filter_map(|(id, _)| self.open.get(id)).collect();
        let text = reply::incident::told(&open, &[], ctx.inventory, ctx.now);
        let MessageKey(key) = first.message(which, nth);
        let mut message = AlertMessage::said(key.clone(), class, ctx.now);
        // Those that were told with it before are told by its new message from now on.
        for other in self.open.values_mut().filter(|other| other.told_with == Some(first) && !ids.contains(&other.id)) {
            (other.told_nth, other.told_as) = (nth, Some(loudest));
            step.push(record(other));
            message.outdate();
        }
        self.messages.insert(first, message);
        step.then(notify(key, class, text))
    }

    /// How loudly an incident is to be told now.
    fn level(&self, id: IncidentId, ctx: &Ctx<'_>) -> Option<Level> {
        let incident = self.open.get(&id)?;
        let silent = self.is_silent(&incident.subject, ctx.inventory, ctx.now);
        Some(if silent { Level::Note } else { incident.cause.level() })
    }
}

/// What a service printed last, as an incident keeps it.
fn log(subject: &Subject, output: Result<CommandOutput, String>, ctx: &Ctx<'_>) -> Result<String, String> {
    let service = match subject {
        Subject::Service(name) => ctx.inventory.service(name),
        Subject::Host(_) | Subject::Disk(_) => None,
    };
    let tail = service.map_or(Err(LogError::NotDeployed), |service| service.read_log(output));
    tail.map(|tail| tail.text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_waited_long_once_does_not_again_for_something_louder() {
        let (mut incidents, now) = (Incidents::new(), Timestamp::UNIX_EPOCH);
        for _ in 0..OFTEN {
            incidents.record_page(now);
        }
        assert_eq!(incidents.gather(IncidentId(1), now), GATHER_LONGER);
        assert_eq!(incidents.gather(IncidentId(1), now), GATHER, "its second announcement");
        assert_eq!(incidents.gather(IncidentId(2), now), GATHER_LONGER, "another's first");
    }
}
