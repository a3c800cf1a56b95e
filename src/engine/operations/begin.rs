//! Begins changes, and takes up those that an earlier process began.

use super::{Operations, active::ActiveOperation};
use crate::{
    domain::{
        change::Wanted,
        job::Job,
        message::MessageClass,
        names::HostName,
        operation::{Operation, Outcome},
        progress::Progress,
        record::Record,
        reply::{self, refusal},
        runtime,
        target::Target,
    },
    engine::{
        ctx::Ctx,
        effect::Effect,
        event::{Asker, JobState},
        host_request::HostRequest,
        request::Request,
        speech,
        step::{Signal, Step},
    },
    ports::Entry,
};

impl Operations {
    /// Begins a change. It is in the ledger before its host hears of it.
    pub fn begin(&mut self, request: &Request, wanted: &Wanted, target: Target, ctx: &mut Ctx<'_>) -> Step {
        let Target { service: name, member } = target;
        let Some(service) = ctx.inventory.service(&name) else { return Step::none() };
        if let Some(other) = self.of(&name) {
            return request.refuse("one change at a time", &refusal::in_progress(other, ctx.prefix(), ctx.now));
        }
        let change = wanted.change;
        let body = match service.workload.runtime().change(wanted, service, member.as_ref(), &request.origin.actor()) {
            Ok(body) => body,
            Err(why) => return request.refuse("not possible", &refusal::not_possible(&name, why)),
        };
        let id = ctx.ids.operation();
        let job = Job {
            id: ctx.ids.job(id),
            nonce: ctx.ids.nonce(id),
            run_as: service.run_as.clone(),
            body,
            limit: runtime::limit(change, service),
        };
        let operation = Operation {
            id,
            change,
            service: name,
            member,
            host: self.host_for(&service.host, ctx),
            origin: request.origin.clone(),
            asked: request.asked.clone(),
            began: ctx.now,
            job,
        };
        let owner = operation.origin.actor();
        tracing::info!(operation = id.0, %owner, service = %operation.service, "{}", change.doing());
        let text = reply::change::in_progress(&operation, &Progress::default(), None, ctx.now);
        let active = ActiveOperation::new(operation.clone());
        let run = active.run(service, JobState::New, ctx.now);
        self.active.insert(id, active);
        Step::from(Effect::Record(Entry::Began(Box::new(operation.clone()))))
            .then(speech::handled(&operation.origin, change.command()))
            .then(speech::say(&operation.origin, "progress", MessageClass::Progress, &text, vec![]))
            .then(run)
            .then(Signal::OperationStarted(Box::new(operation)))
    }

    /// Where a change is carried out: of several hosts on one of them to its end,
    /// since only that one knows of its job.
    fn host_for(&self, host: &HostName, ctx: &Ctx<'_>) -> HostName {
        let any_of = ctx.inventory.host(host).map(|known| &known.any_of[..]).unwrap_or_default();
        let answering = self.answering.get(host).filter(|answering| any_of.contains(answering));
        answering.or(any_of.first()).unwrap_or(host).clone()
    }

    /// Follows an operation that an earlier process began.
    pub fn resume(&mut self, record: Record, ctx: &mut Ctx<'_>) -> Step {
        let Record { operation, phases, cancelled_by, .. } = record;
        let reached = phases.into_iter().map(|(phase, _)| phase).collect();
        let active = ActiveOperation::resumed(operation, reached, cancelled_by);
        let operation = active.operation.clone();
        let unknown = |what: &str| {
            let checked = format!("its {what} is no longer in the config, so I did not look");
            Outcome::Unknown { checked, found: None }
        };
        let Some(service) = ctx.inventory.service(&operation.service) else {
            return self.conclude(active, unknown("service"), None, ctx);
        };
        if ctx.inventory.host(&operation.host).is_none() {
            return self.conclude(active, unknown("host"), Some(service), ctx);
        }
        tracing::info!(operation = operation.id.0, service = %service.name, "follows on after a restart");
        let mut step = Step::from(active.run(service, active.state(), ctx.now));
        if active.cancelled_by.is_some() {
            // Perhaps it was not told any more. It hears it twice as well as once.
            let ticket = ctx.ids.ticket(Asker::Operations);
            let request = HostRequest::CancelJob { operation: operation.id, job: operation.job.clone(), ticket };
            step.push(Effect::Host { host: operation.host.clone(), request });
        }
        self.active.insert(operation.id, active);
        step.then(Signal::OperationStarted(Box::new(operation)))
    }
}
