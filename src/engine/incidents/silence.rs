//! Silences: what notifies nobody for a while, and does again when that is over.

use jiff::{SignedDuration, Timestamp};

use super::Incidents;
use crate::{
    domain::{
        command::Scope,
        incident::{Incident, IncidentId},
        reply::incident as reply,
        silence::Silence,
    },
    engine::{ctx::Ctx, effect::Effect, request::Request, step::Step},
    ports::Entry,
};

impl Incidents {
    /// Silences by their selector, or `all`.
    pub fn silences_called(&self, written: &str) -> Vec<u64> {
        let all = written.eq_ignore_ascii_case("all");
        let named = |silence: &&Silence| all || silence.selector.eq_ignore_ascii_case(written);
        self.silences.values().filter(named).map(|silence| silence.id).collect()
    }

    /// Somebody wants to be notified of nothing for a while.
    pub fn silence(
        &mut self,
        request: &Request,
        scope: &Scope,
        length: SignedDuration,
        reason: Option<String>,
        ctx: &Ctx<'_>,
    ) -> Step {
        let Scope { selector, services } = scope.clone();
        // Said again, it is said anew.
        let again = self.silences.values().find(|silence| silence.selector == selector).map(|silence| silence.id);
        let id = again.unwrap_or(self.next_silence);
        self.next_silence = self.next_silence.max(id + 1);
        let until = ctx.now.checked_add(length).unwrap_or(Timestamp::MAX);
        let silence = Silence { id, selector, by: request.origin.actor(), until, reason };
        self.silences.insert(id, silence.clone());
        tracing::info!(by = %silence.by, selector = silence.selector, "silenced until {until}");
        let text = reply::silenced(&silence, services, ctx.prefix(), ctx.now);
        Step::from(Effect::Record(Entry::Silenced(silence))).then(request.answer("silence", &text))
    }

    /// Somebody wants to be notified again.
    pub fn unsilence(&mut self, request: &Request, silences: &[u64], ctx: &mut Ctx<'_>) -> Step {
        let ended: Vec<Silence> = silences.iter().filter_map(|id| self.silences.remove(id)).collect();
        let over = ended.iter().map(|silence| Effect::Record(Entry::SilenceOver(silence.id)));
        let step: Step = over.collect();
        step.then(request.answer("unsilence", &reply::unsilenced(&ended))).then(self.announce_held(ctx))
    }

    /// A silence that is over lets notify what is still open.
    pub(super) fn end_silences(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let over: Vec<u64> = self.silences.values().filter(|s| s.until <= ctx.now).map(|s| s.id).collect();
        for id in &over {
            self.silences.remove(id);
        }
        let step: Step = over.into_iter().map(|id| Effect::Record(Entry::SilenceOver(id))).collect();
        step.then(self.announce_held(ctx))
    }

    /// Announces what only a silence or a maintenance window held back.
    fn announce_held(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let is_held = |incident: &&Incident| {
            incident.is_held()
                && !self.is_silent(&incident.subject, ctx.inventory, ctx.now)
                && !self.waiting.contains(&incident.id)
                && !self.collects_evidence(incident.id)
        };
        let held: Vec<IncidentId> = self.open.values().filter(is_held).map(|incident| incident.id).collect();
        held.into_iter().map(|id| self.announce(id, ctx)).collect()
    }
}
