//! What becomes of a change while its host carries it out.

use super::{Operations, active::ActiveOperation, lost::Lost};
use crate::{
    domain::{
        impact::Impact,
        observation::HostReport,
        operation::{self, OperationId, Outcome},
        reply,
    },
    engine::{
        ctx::Ctx,
        effect::Effect,
        event::{Asker, JobNews},
        host_request::HostRequest,
        step::Step,
    },
};

/// The exit status of what SIGTERM ended.
const TOLD_TO_END: u32 = 143;

impl Operations {
    /// News of a job.
    pub fn news(&mut self, id: OperationId, news: JobNews, ctx: &mut Ctx<'_>) -> Step {
        let Some(mut active) = self.active.remove(&id) else { return Step::none() };
        let service = ctx.inventory.service(&active.operation.service);
        let outcome = match news {
            JobNews::Progress(progress) => {
                active.progress = *progress;
                let step = active.newly_reached(ctx.now).then(active.show(None, ctx));
                self.active.insert(id, active);
                return step;
            }
            JobNews::Blocked(why) => {
                let step = active.show(Some(&why), ctx);
                self.active.insert(id, active);
                return step;
            }
            JobNews::Exited { code, progress } => {
                active.progress = *progress;
                // Told to end before it could listen: before its first phase.
                let early = code == TOLD_TO_END && active.progress.phases.is_empty();
                match service {
                    Some(_) if early && active.cancelled_by.is_some() => {
                        Outcome::Cancelled { by: None, phase: None, impact: Impact::Untouched }
                    }
                    Some(service) => operation::judge(&active.operation, service, code, &active.progress, ctx.now),
                    None => {
                        let checked = format!("the job ended with {code}, its service is not in the config");
                        Outcome::Unknown { checked, found: None }
                    }
                }
            }
            JobNews::NotStarted(_) if active.cancelled_by.is_some() => {
                Outcome::Cancelled { by: None, phase: None, impact: Impact::Untouched }
            }
            JobNews::NotStarted(why) => Outcome::NotStarted(why),
            JobNews::Stuck => {
                let checked = "its time is over, I told it to end, and it does not".to_owned();
                Outcome::Unknown { checked, found: None }
            }
            JobNews::Vanished(why) => return self.lose(active, Lost::Gone(why), ctx),
            JobNews::Unreached(why) => return self.lose(active, Lost::Unreached(why), ctx),
        };
        self.conclude(active, outcome, service, ctx)
    }

    /// Keeps a change whose job was lost from sight open, says so, and looks at
    /// its host: what is found there goes with the outcome.
    fn lose(&mut self, mut active: ActiveOperation, lost: Lost, ctx: &mut Ctx<'_>) -> Step {
        let (Lost::Gone(why) | Lost::Unreached(why)) = &lost;
        let note = reply::change::lost(why);
        tracing::warn!(operation = active.operation.id.0, "lost from sight: {why}");
        let host = active.looked_at_through(ctx.inventory).clone();
        active.lost = Some(lost);
        // Nobody waits for this ticket: the report is heard by whoever can use it.
        let request = HostRequest::Snapshot { ticket: ctx.ids.ticket(Asker::Operations) };
        let look = Effect::Host { host, request };
        let step = active.show(Some(&note), ctx).then(look);
        self.active.insert(active.operation.id, active);
        step
    }

    /// A host was seen: what was lost there can be told, or followed again.
    pub fn snapshot(&mut self, report: &HostReport, ctx: &Ctx<'_>) -> Step {
        if let Some(answered) = &report.facts.answered {
            self.answering.insert(report.host.clone(), answered.clone());
        }
        let Ok(seen) = &report.seen else { return Step::none() };
        let answered = report.facts.answered.as_ref().unwrap_or(&report.host);
        let is_reached = |active: &ActiveOperation| active.operation.host == *answered;
        let lost =
            |active: &ActiveOperation| active.lost.is_some() && *active.looked_at_through(ctx.inventory) == report.host;
        let found: Vec<OperationId> = self.active.values().filter(|a| lost(a)).map(|a| a.operation.id).collect();
        let mut step = Step::none();
        for id in found {
            let Some(mut active) = self.active.remove(&id) else { continue };
            let service = ctx.inventory.service(&active.operation.service);
            let (Some(lost), Some(service)) = (active.lost.take(), service) else { continue };
            match lost {
                Lost::Unreached(_) if is_reached(&active) => {
                    step.push(active.run(service, active.state(), ctx.now));
                    self.active.insert(id, active);
                }
                // Another of several hosts can say how the service is, and not how the job is.
                Lost::Unreached(checked) | Lost::Gone(checked) => {
                    let before = operation::seen(active.progress.before.as_deref(), service, report.at);
                    let after = seen.iter().find(|o| o.service == service.name);
                    let found = after.map(|after| reply::change::found(before.as_ref(), after, ctx.now));
                    step.push(self.conclude(active, Outcome::Unknown { checked, found }, Some(service), ctx));
                }
            }
        }
        step
    }
}
