//! What people say about incidents: who is on it, what may be silent.

use jiff::{SignedDuration, Timestamp};

use super::{Dispatcher, handled, incidents::incident_of};
use crate::{
    domain::{
        access,
        command::{self, Command, Reading},
        inbound::Inbound,
        incident::{Incident, IncidentId, Silence, Subject, acknowledges},
        names::UserId,
        outgoing::MessageKey,
        reply::{self, incident as texts},
        selector::{self, Selector},
    },
    engine::event::Effect,
};

impl Dispatcher {
    pub(super) fn tell_alerts(&self, message: &Inbound, now: Timestamp) -> Vec<Effect> {
        let open: Vec<&Incident> = self.desk.open.values().collect();
        let silences: Vec<&Silence> = self.desk.silences.values().collect();
        let text = texts::list(&open, &silences, &self.inventory, &self.inventory.commands.prefix, now);
        self.answer(message, "alerts", &text)
    }

    pub(super) fn acknowledge(&mut self, message: &Inbound, which: &[String], now: Timestamp) -> Vec<Effect> {
        let mut ids: Vec<IncidentId> = Vec::new();
        for written in which {
            let found = self.incidents_called(written);
            if found.is_empty() {
                let text = texts::nothing_open(written, &self.inventory.commands.prefix);
                return self.refuse(message, "no such alert", &text);
            }
            ids.extend(found);
        }
        let mut effects = self.is_on(&ids, &message.sender, now);
        let incidents: Vec<&Incident> = ids.iter().filter_map(|id| self.desk.open.get(id)).collect();
        let text = texts::acknowledged(&incidents);
        effects.extend(self.answer(message, "ack", &text));
        effects.extend(self.renew(now));
        effects
    }

    fn is_on(&mut self, ids: &[IncidentId], who: &UserId, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        for id in ids {
            let Some(incident) = self.desk.open.get_mut(id) else { continue };
            incident.acknowledged = Some((who.clone(), now));
            effects.push(Effect::Incident(Box::new(incident.clone())));
            let incident = incident.clone();
            self.desk.outdated_now(&incident);
        }
        effects
    }

    /// Somebody reacts to something the bot has said. Under an alert it may say
    /// that they are on it, which the alert then shows; nothing else ever comes
    /// of a reaction.
    fn reacted(&mut self, message: &Inbound, to: &MessageKey, now: Timestamp) -> Vec<Effect> {
        let told = incident_of(to).filter(|_| acknowledges(&message.body));
        let (Some(told), Some(role)) = (told, access::admit_reaction(message, &self.inventory)) else {
            return vec![handled(message, "not a command")];
        };
        let ids: Vec<IncidentId> = self.desk.told_with(told).map(|incident| incident.id).collect();
        let which = ids.iter().map(|id| id.0.to_string()).collect();
        if ids.is_empty() || access::authorise(Command::Ack { which }, role).is_err() {
            tracing::info!(sender = %message.sender, "a reaction that acknowledges nothing");
            return vec![handled(message, "not a command")];
        }
        let mut effects = self.is_on(&ids, &message.sender, now);
        effects.push(handled(message, "ack"));
        effects.extend(self.renew(now));
        effects
    }

    /// "7", "bridge", "spark-1", "all".
    fn incidents_called(&self, written: &str) -> Vec<IncidentId> {
        let number = written.strip_prefix('#').unwrap_or(written).parse().map(IncidentId);
        let named = |subject: &Subject| match subject {
            Subject::Service(name) => name.as_str().eq_ignore_ascii_case(written),
            Subject::Host(name) | Subject::Disk(name) => {
                name.as_str().eq_ignore_ascii_case(written.strip_suffix(':').unwrap_or(written))
            }
        };
        let all = written.eq_ignore_ascii_case("all");
        let open = self.desk.open.values();
        open.filter(|i| all || number == Ok(i.id) || named(&i.subject)).map(|incident| incident.id).collect()
    }

    pub(super) fn silence(
        &mut self,
        message: &Inbound,
        selector: &Selector,
        length: SignedDuration,
        reason: Option<String>,
        now: Timestamp,
    ) -> Vec<Effect> {
        let prefix = self.inventory.commands.prefix.clone();
        let services = match selector::select(std::slice::from_ref(selector), &self.inventory) {
            Ok(services) => services.len(),
            Err(no_match) => {
                return self.refuse(message, "no match", &reply::refusal::no_match(&no_match, &prefix));
            }
        };
        let written = selector.as_written().to_owned();
        // Said again, it is said anew.
        let again = self.desk.silences.values().find(|silence| silence.selector == written).map(|silence| silence.id);
        let id = again.unwrap_or(self.desk.next_silence);
        self.desk.next_silence = self.desk.next_silence.max(id + 1);
        let until = now.checked_add(length).unwrap_or(Timestamp::MAX);
        let silence = Silence { id, selector: written, by: message.sender.clone(), until, reason };
        self.desk.silences.insert(id, silence.clone());
        tracing::info!(by = %message.sender, selector = silence.selector, "silenced until {until}");
        let text = texts::silenced(&silence, services, &prefix, now);
        let mut effects = vec![Effect::Silence(silence)];
        effects.extend(self.answer(message, "silence", &text));
        effects
    }

    pub(super) fn unsilence(&mut self, message: &Inbound, written: &str, now: Timestamp) -> Vec<Effect> {
        let all = written.eq_ignore_ascii_case("all");
        let named = |silence: &&Silence| all || silence.selector.eq_ignore_ascii_case(written);
        let ended: Vec<Silence> = self.desk.silences.values().filter(named).cloned().collect();
        if ended.is_empty() {
            let text = texts::not_silent(written, &self.inventory.commands.prefix);
            return self.refuse(message, "not silenced", &text);
        }
        let mut effects = Vec::new();
        for silence in &ended {
            self.desk.silences.remove(&silence.id);
            effects.push(Effect::EndSilence(silence.id));
        }
        effects.extend(self.answer(message, "unsilence", &texts::unsilenced(&ended)));
        effects.extend(self.ring_what_was_silent(now));
        effects
    }

    /// Somebody answers an alert with a bare word: it is about what the alert
    /// is about.
    pub(super) fn reply(&mut self, message: Inbound, to: &MessageKey, now: Timestamp) -> Vec<Effect> {
        if message.reaction {
            return self.reacted(&message, to, now);
        }
        let body = incident_of(to).and_then(|incident| self.spelled_out(&message.body, incident));
        match body {
            Some(body) => self.message_meaning(message, &body, now),
            None => self.message(message, now),
        }
    }

    /// "ack" as "!ack 7", "logs 50" as "!logs bridge 50".
    fn spelled_out(&self, body: &str, told: IncidentId) -> Option<String> {
        let prefix = &self.inventory.commands.prefix;
        let (word, rest) = body.trim().split_once(char::is_whitespace).unwrap_or((body.trim(), ""));
        let spec = command::spec(&word.to_lowercase())?;
        let about: Vec<&Incident> = self.desk.told_with(told).collect();
        let subject = match (spec.name, &about[..]) {
            ("ack", []) => told.0.to_string(),
            ("ack", about) => about.iter().map(|i| i.id.0.to_string()).collect::<Vec<_>>().join(" "),
            ("logs" | "status" | "history" | "silence" | "unsilence" | "restart", [one]) => match &one.subject {
                Subject::Service(name) => name.as_str().to_owned(),
                Subject::Host(name) | Subject::Disk(name) => format!("{}:", name.as_str()),
            },
            _ => return None,
        };
        let written = format!("{prefix}{} {subject} {rest}", spec.name);
        // People also talk: what makes no command is no command.
        match command::read(&written, false, prefix, &self.me) {
            Reading::Command(Command::Change { .. }) if !rest.is_empty() => None,
            Reading::Command(_) => Some(written),
            Reading::NotForMe | Reading::NoSuchCommand { .. } | Reading::Misused { .. } => None,
        }
    }
}
