//! An incident is over, and that is told.

use super::{
    Incidents,
    announce::{APART, GATHER},
    notify, record,
};
use crate::{
    domain::{
        incident::{Incident, Resolution},
        message::MessageClass,
        reply,
        subject::Subject,
        watch::{Closed, Level, Who},
    },
    engine::{ctx::Ctx, step::Step},
};

impl Incidents {
    /// It is not wrong any more.
    pub fn closed(&mut self, subject: &Subject, how: Resolution, ctx: &mut Ctx<'_>) -> Step {
        let Some(mut incident) = self.about(subject).and_then(|id| self.open.remove(&id)) else {
            return Step::none();
        };
        tracing::info!(incident = incident.id.0, ?subject, "closed");
        incident.end = Some((how, ctx.now));
        let step = Step::from(record(&incident));
        self.waiting.retain(|id| *id != incident.id);
        self.delayed.remove(&incident.id);
        if let Some(message) = incident.told_with.and_then(|id| self.messages.get_mut(&id)) {
            message.closed(incident.clone());
        }
        // Over before it was announced: that it was, is told silently.
        self.closed.push(incident);
        let apart = self.last_closed.is_none_or(|last| ctx.now.duration_since(last) >= APART);
        let alone = apart && self.closed.len() == 1;
        let due = if alone { ctx.now } else { ctx.now.checked_add(GATHER).unwrap_or(ctx.now) };
        self.closed_due.get_or_insert(due);
        step.then(self.tick(ctx))
    }

    /// Ends those of services that there are no more.
    pub fn end_of_others(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let is_service = |subject: &Subject| match subject {
            Subject::Service(name) => ctx.inventory.service(name).is_some(),
            Subject::Host(_) | Subject::Disk(_) => true,
        };
        let subjects = self.open.values().map(|incident| &incident.subject);
        let others: Vec<Subject> = subjects.filter(|subject| !is_service(subject)).cloned().collect();
        others.iter().map(|subject| self.closed(subject, Resolution::Gone, ctx)).collect()
    }

    /// Tells of those that are over, when their time has come.
    pub(super) fn tell_closed(&mut self, ctx: &Ctx<'_>) -> Step {
        if self.closed_due.take_if(|due| *due <= ctx.now).is_none() {
            return Step::none();
        }
        let closed = std::mem::take(&mut self.closed);
        let Some(first) = closed.first().map(|incident| incident.id) else { return Step::none() };
        self.last_closed = Some(ctx.now);
        let silent = |incident: &Incident| self.is_silent(&incident.subject, ctx.inventory, ctx.now);
        let paged = closed.iter().any(|i| i.said == Some(Level::Page) && !is_known(i) && !silent(i));
        let class = if paged { MessageClass::Page } else { MessageClass::Answer };
        notify(first.key("over"), class, reply::incident::over(&closed, ctx.inventory)).into()
    }
}

/// Who stopped it through the bot knows, and sees the result; and who took it away does.
fn is_known(incident: &Incident) -> bool {
    matches!(incident.end, Some((Resolution::Service(Closed::Stopped(Who::Operator(_))) | Resolution::Gone, _)))
}
