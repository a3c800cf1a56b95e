//! Changes: begun once, followed to their one outcome.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{Dispatcher, answer, handled, key, lost::Lost};
use crate::{
    domain::{
        change::Wanted,
        impact::Impact,
        inbound::Inbound,
        inventory::Service,
        job::{Job, JobId},
        message::{Body, MessageClass},
        names::{ServiceName, UserId},
        operation::{self, Operation, OperationId, Outcome},
        outgoing::{Outgoing, What},
        progress::{Phase, Progress},
        record::{End, Record},
        reply::{self, change::Told},
        runtime::docker_change,
    },
    engine::event::{Effect, JobNews, JobState},
};

/// A result that took longer than this is worth a message of its own: nobody
/// looks at an edit that long.
const NOTICED: SignedDuration = SignedDuration::from_secs(30);

/// The exit status of what SIGTERM ended.
const TOLD_TO_END: u32 = 143;

/// Characters kept of what somebody asked.
const ASKED: usize = 200;

/// A change that has no outcome yet.
#[derive(Debug)]
pub(super) struct ActiveOperation {
    pub(super) operation: Operation,
    pub(super) progress: Progress,
    /// The phases that the ledger has.
    reached: BTreeSet<Phase>,
    edits: u32,
    /// Who called it off, if somebody did.
    pub(super) cancelled_by: Option<UserId>,
    /// Why nobody can follow it.
    pub(super) lost: Option<Lost>,
}

impl Dispatcher {
    pub(super) fn underway_for(&self, service: &ServiceName) -> Option<&Operation> {
        self.underway.values().map(|u| &u.operation).find(|o| o.service == *service)
    }

    pub(super) fn begin(&mut self, message: &Inbound, wanted: &Wanted, written: &str, now: Timestamp) -> Vec<Effect> {
        let name = match self.service(written) {
            Ok(name) => name,
            Err(text) => return self.refuse(message, "no such service", &text),
        };
        let inventory = Arc::clone(&self.inventory);
        let Some(service) = inventory.service(&name) else { return Vec::new() };
        if let Some(other) = self.underway_for(&name) {
            let text = reply::refusal::underway(other, &inventory.commands.prefix, now);
            return self.refuse(message, "one change at a time", &text);
        }
        let change = wanted.change;
        let body = match docker_change::body(wanted, service, &message.sender) {
            Ok(body) => body,
            Err(why) => return self.refuse(message, "not possible", &reply::refusal::not_possible(&name, why)),
        };
        let number = self.identity.next_operation;
        self.identity.next_operation += 1;
        let job = Job {
            id: JobId::new(&self.identity.instance, number),
            nonce: self.identity.nonce(number),
            run_as: service.run_as.clone(),
            body,
            limit: docker_change::limit(change, service),
        };
        let operation = Operation {
            id: OperationId(number),
            change,
            service: name,
            host: service.host.clone(),
            owner: message.sender.clone(),
            room: message.room.clone(),
            request: message.event.clone(),
            asked: message.body.trim().chars().take(ASKED).collect(),
            began: now,
            job,
        };
        tracing::info!(operation = number, owner = %operation.owner, service = %operation.service, "{}", change.doing());
        self.watch_begins(&operation.service);
        let carry = carry(&operation, service, now, JobState::New);
        let text = reply::change::underway(&operation, &Progress::default(), None, now);
        let effects = vec![
            Effect::Begin(Box::new(operation.clone())),
            handled(message, change.command()),
            answer(&message.room, &message.event, "progress", MessageClass::Progress, &text, vec![]),
            carry,
        ];
        self.underway.insert(operation.id, ActiveOperation::new(operation));
        effects
    }

    /// Follows an operation that an earlier process began.
    pub(super) fn take_up(&mut self, record: Record, now: Timestamp) -> Vec<Effect> {
        let inventory = Arc::clone(&self.inventory);
        let Record { operation, phases, cancelled_by, .. } = record;
        let (id, host, job) = (operation.id, operation.host.clone(), operation.job.clone());
        let underway = ActiveOperation {
            cancelled_by,
            reached: phases.into_iter().map(|(p, _)| p).collect(),
            ..ActiveOperation::new(operation)
        };
        let unknown = |what: &str| {
            let checked = format!("its {what} is no longer in the config, so I did not look");
            Outcome::Unknown { checked, found: None }
        };
        let Some(service) = inventory.service(&underway.operation.service) else {
            return self.conclude(underway, unknown("service"), None, now);
        };
        if !inventory.hosts.iter().any(|known| known.name == host) {
            return self.conclude(underway, unknown("host"), Some(service), now);
        }
        tracing::info!(operation = id.0, service = %service.name, "follows on after a restart");
        self.watch_begins(&service.name);
        let mut effects = vec![carry(&underway.operation, service, now, underway.known())];
        if underway.cancelled_by.is_some() {
            // Perhaps it was not told any more. It hears it twice as well as once.
            effects.push(Effect::Cancel { host, operation: id, job, ticket: self.ticket() });
        }
        self.underway.insert(id, underway);
        effects
    }

    pub(super) fn job_news(&mut self, id: OperationId, news: JobNews, now: Timestamp) -> Vec<Effect> {
        let Some(mut underway) = self.underway.remove(&id) else { return Vec::new() };
        let inventory = Arc::clone(&self.inventory);
        let service = inventory.service(&underway.operation.service);
        let outcome = match news {
            JobNews::Progress(progress) => {
                underway.progress = *progress;
                let mut effects = underway.newly_reached(now);
                effects.extend(self.say_progress(underway, None, now));
                return effects;
            }
            JobNews::Blocked(why) => return self.say_progress(underway, Some(&why), now),
            JobNews::Exited { code, progress } => {
                underway.progress = *progress;
                // Told to end before it could listen: before its first phase.
                let early = code == TOLD_TO_END && underway.progress.phases.is_empty();
                match service {
                    Some(_) if early && underway.cancelled_by.is_some() => {
                        Outcome::Cancelled { by: None, phase: None, impact: Impact::Untouched }
                    }
                    Some(service) => operation::judge(&underway.operation, service, code, &underway.progress, now),
                    None => {
                        let checked = format!("the job ended with {code}, its service is not in the config");
                        Outcome::Unknown { checked, found: None }
                    }
                }
            }
            JobNews::NotStarted(_) if underway.cancelled_by.is_some() => {
                Outcome::Cancelled { by: None, phase: None, impact: Impact::Untouched }
            }
            JobNews::NotStarted(why) => Outcome::NotStarted(why),
            JobNews::Stuck => {
                let checked = "its time is over, I told it to end, and it does not".to_owned();
                Outcome::Unknown { checked, found: None }
            }
            JobNews::Vanished(why) => return self.lose(underway, Lost::Gone(why), now),
            JobNews::Unreached(why) => return self.lose(underway, Lost::Unreached(why), now),
        };
        self.conclude(underway, outcome, service, now)
    }

    pub(super) fn say_progress(
        &mut self,
        mut underway: ActiveOperation,
        note: Option<&str>,
        now: Timestamp,
    ) -> Vec<Effect> {
        let called_off = underway.cancelled_by.as_ref().map(reply::operations::called_off);
        let note = note.or(called_off.as_deref());
        let text = reply::change::underway(&underway.operation, &underway.progress, note, now);
        let say = underway.edit(self.identity.start, &text, false);
        self.underway.insert(underway.operation.id, underway);
        vec![say]
    }

    pub(super) fn conclude(
        &mut self,
        mut underway: ActiveOperation,
        mut outcome: Outcome,
        service: Option<&Service>,
        now: Timestamp,
    ) -> Vec<Effect> {
        let operation = underway.operation.clone();
        tracing::info!(operation = operation.id.0, service = %operation.service, "{}", outcome.name());
        let prefix = self.inventory.commands.prefix.as_str();
        let progress = underway.progress.clone();
        if let Outcome::Cancelled { by, .. } = &mut outcome {
            *by = underway.cancelled_by.clone();
        }
        let told = Told { operation: &operation, service, progress: &progress, outcome: &outcome, prefix, now };
        let (text, short) = (reply::change::result(&told), reply::change::finished(&told));
        let end = End { at: now, outcome: outcome.name().to_owned(), verdict: reply::change::verdict(&told) };
        let mut effects = underway.newly_reached(now);
        effects.push(underway.edit(self.identity.start, &short, true));
        effects.push(Effect::End { id: operation.id, end });
        let (class, mentions) = match outcome {
            Outcome::Succeeded => (MessageClass::Answer, vec![]),
            // Who asked for it must know that it did not happen.
            Outcome::Failed { .. } | Outcome::NotStarted(_) | Outcome::TimedOut { .. } | Outcome::Unknown { .. } => {
                (MessageClass::Page, vec![operation.owner.clone()])
            }
            // Nobody's phone rings at the hand that called it off; the owner's does.
            Outcome::Cancelled { by: Some(ref by), .. } if *by != operation.owner => {
                (MessageClass::Page, vec![operation.owner.clone()])
            }
            // Who asked looks at the answer that comes at once.
            Outcome::Refused(_) | Outcome::Cancelled { .. } => (MessageClass::Answer, vec![]),
        };
        let noticed = now.duration_since(operation.began) > NOTICED;
        let refused = matches!(outcome, Outcome::Refused(_) | Outcome::Cancelled { .. });
        if class == MessageClass::Page || noticed || refused || operation.change.deploys() {
            effects.push(answer(&operation.room, &operation.request, "result", class, &text, mentions));
        }
        effects.extend(self.watch_ends(&operation, &progress, &outcome, now));
        effects
    }
}

impl ActiveOperation {
    fn new(operation: Operation) -> Self {
        Self {
            operation,
            progress: Progress::default(),
            reached: BTreeSet::new(),
            edits: 0,
            cancelled_by: None,
            lost: None,
        }
    }

    /// What is known of its job, when it is taken up again.
    pub(super) fn known(&self) -> JobState {
        if self.reached.is_empty() { JobState::Submitted } else { JobState::Started }
    }

    /// Notes the phases that were not noted before.
    fn newly_reached(&mut self, now: Timestamp) -> Vec<Effect> {
        let id = self.operation.id;
        let phases = self.progress.phases.iter().map(|(phase, _)| *phase);
        let new: Vec<Phase> = phases.filter(|phase| self.reached.insert(*phase)).collect();
        new.into_iter().map(|phase| Effect::Reach { id, phase, at: now }).collect()
    }

    /// Keys of edits are counted anew by each process, so they name it too.
    pub(super) fn edit(&mut self, start: u64, text: &str, last: bool) -> Effect {
        self.edits += 1;
        let request = &self.operation.request;
        let number = if last { "last".to_owned() } else { format!("{start}.{}", self.edits) };
        Effect::Say(Outgoing {
            key: key(request, &format!("progress#{number}")),
            room: self.operation.room.clone(),
            what: What::Edit {
                of: key(request, "progress"),
                class: MessageClass::Progress,
                body: Body::from_markdown(text),
                last,
            },
        })
    }
}

/// The host keeps the limit itself, and then puts back what it has touched:
/// whoever follows waits for that too. What is left counts from when the change
/// began, also after a restart; a moment is always left to look.
pub(super) fn carry(operation: &Operation, service: &Service, now: Timestamp, known: JobState) -> Effect {
    let whole = operation.job.limit + docker_change::aftercare(service);
    let spent = Duration::try_from(now.duration_since(operation.began)).unwrap_or_default();
    Effect::Carry {
        host: operation.host.clone(),
        operation: operation.id,
        job: operation.job.clone(),
        limit: whole.saturating_sub(spent).max(Duration::from_secs(15)),
        known,
    }
}
