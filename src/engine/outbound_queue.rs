//! What waits to be said, and what comes next. Pure: time is an argument.
//!
//! One queue for the homeserver, because its rate limit is one. Pages go
//! first; those who asked for the rest take turns. A text that a newer one replaces is never sent. Progress is spaced
//! and, after a while, spaced further: some thousand edits of one message make
//! a room unloadable in clients, so it also ends. Pages, answers and last texts
//! are kept until they are delivered or refused for good.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::turns::Turns;
use crate::{
    domain::{
        message::{Body, MessageClass},
        names::{EventId, UserId},
        outgoing::{MessageKey, Outgoing, What},
        text::visible,
    },
    ports::{ChatError, Content, Delivery},
};

/// The least time between two progress edits of one message (a homeserver
/// refills one message each 5 s by default).
const SPACING: Duration = Duration::from_secs(5);
/// After this many edits the spacing is four times as long.
const MANY: u32 = 20;
/// No more progress edits than this of one message; the last text still comes.
const MOST: u32 = 80;
/// And no more of any other: whoever makes those spaces them by itself.
const MOST_OF_OTHERS: u32 = 200;
/// Pauses after a failure that may pass.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Deliver this.
    Send(MessageKey, Box<Delivery>),
    /// Nothing before then.
    Wait(Instant),
    /// Nothing at all.
    Idle,
}

/// See the module.
#[derive(Debug)]
pub struct OutboundQueue {
    instance: String,
    waiting: VecDeque<Outgoing>,
    /// Events of what was said, for edits to point to.
    events: BTreeMap<MessageKey, EventId>,
    edits: BTreeMap<MessageKey, (Instant, u32)>,
    /// Keys that were dropped for a newer text, for the ledger to know.
    superseded: Vec<MessageKey>,
    paused_until: Option<Instant>,
    pause: Duration,
    /// Whether progress is said at once, because nothing comes after it.
    hurried: bool,
    turns: Turns,
}

impl OutboundQueue {
    /// An empty queue. Transaction IDs are derived from the instance, so that
    /// two bots on one account never share one.
    pub fn new(instance: &str) -> Self {
        Self {
            instance: instance.to_owned(),
            waiting: VecDeque::new(),
            events: BTreeMap::new(),
            edits: BTreeMap::new(),
            superseded: Vec::new(),
            paused_until: None,
            pause: BACKOFF.0,
            hurried: false,
            turns: Turns::default(),
        }
    }

    /// Spaces nothing any more: these are last words.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// Queues something. A key that waits already is not queued again; an edit
    /// replaces the edits of the same message that wait.
    pub fn push(&mut self, outgoing: Outgoing) {
        if self.waiting.iter().any(|other| other.key == outgoing.key) || self.events.contains_key(&outgoing.key) {
            return;
        }
        if let What::Edit { of, last, .. } = &outgoing.what {
            let of = of.clone();
            // An edit that comes after the last text is late and says less.
            let closed = |w: &Outgoing| matches!(&w.what, What::Edit { of: other, last: true, .. } if *other == of);
            if !last && self.waiting.iter().any(closed) {
                return;
            }
            let superseded = &mut self.superseded;
            self.waiting.retain(|w| {
                let same = matches!(&w.what, What::Edit { of: other, .. } if *other == of);
                if same {
                    superseded.push(w.key.clone());
                }
                !same
            });
        }
        self.waiting.push_back(outgoing);
    }

    /// Learns what an earlier process's message became.
    pub fn learn(&mut self, key: MessageKey, event: EventId) {
        self.events.insert(key, event);
    }

    /// Messages that edits wait for and whose events are not known here.
    pub fn unknown_targets(&self) -> Vec<MessageKey> {
        let queued = |key: &MessageKey| self.waiting.iter().any(|w| w.key == *key);
        let targets = self.waiting.iter().flat_map(|w| match &w.what {
            What::Edit { of, .. } => vec![of],
            What::Pin { message, instead_of } => [Some(message), instead_of.as_ref()].into_iter().flatten().collect(),
            What::Say { .. } | What::File { .. } => Vec::new(),
        });
        targets.filter(|key| !self.events.contains_key(key) && !queued(key)).cloned().collect()
    }

    /// Events whose senders decide what comes next.
    pub fn unknown_askers(&self) -> Vec<EventId> {
        self.turns.unknown(self.waiting.iter().filter(|w| w.rank() > 0))
    }

    /// Learns who sent an event; none where that is not known.
    pub fn learn_asker(&mut self, event: EventId, sender: Option<UserId>) {
        self.turns.learn(event, sender);
    }

    /// Gives up on what is to be done with a message that never was.
    pub fn forget_target(&mut self, target: &MessageKey) {
        for waiting in &mut self.waiting {
            if let What::Pin { instead_of, .. } = &mut waiting.what {
                instead_of.take_if(|before| before == target);
            }
        }
        let superseded = &mut self.superseded;
        self.waiting.retain(|w| {
            let gone = matches!(&w.what, What::Edit { of: on, .. } | What::Pin { message: on, .. } if on == target);
            if gone {
                superseded.push(w.key.clone());
            }
            !gone
        });
    }

    /// What a newer text replaced, since the last call.
    pub fn take_superseded(&mut self) -> Vec<MessageKey> {
        std::mem::take(&mut self.superseded)
    }

    /// What to do now.
    pub fn next(&mut self, now: Instant) -> Next {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Next::Wait(until);
        }
        self.paused_until = None;
        let mut soonest: Option<Instant> = None;
        let mut best: Option<((u8, u64), usize)> = None;
        let mut dropped = Vec::new();
        for (at, outgoing) in self.waiting.iter().enumerate() {
            if let What::Pin { message, .. } = &outgoing.what
                && !self.events.contains_key(message)
            {
                continue;
            }
            if let What::Edit { of, class, last, .. } = &outgoing.what {
                if !self.events.contains_key(of) {
                    continue;
                }
                let (after, count) = self.edits.get(of).copied().unwrap_or((now, 0));
                let most = if *class == MessageClass::Progress { MOST } else { MOST_OF_OTHERS };
                if !last && count >= most {
                    dropped.push(outgoing.key.clone());
                    continue;
                }
                if !last && !self.hurried && after > now {
                    soonest = Some(soonest.map_or(after, |s| s.min(after)));
                    continue;
                }
            }
            let rank = outgoing.rank();
            // Pages are for all, and come in their order.
            let order = (rank, if rank == 0 { 0 } else { self.turns.last(outgoing) });
            if best.is_none_or(|(other, _)| order < other) {
                best = Some((order, at));
            }
        }
        self.waiting.retain(|w| !dropped.contains(&w.key));
        let found =
            best.and_then(|(_, at)| self.waiting.get(at)).and_then(|o| Some((o.key.clone(), self.delivery(o)?)));
        match (found, soonest) {
            (Some((key, delivery)), _) => Next::Send(key, Box::new(delivery)),
            (None, Some(at)) => Next::Wait(at),
            (None, None) => Next::Idle,
        }
    }

    fn delivery(&self, outgoing: &Outgoing) -> Option<Delivery> {
        let content = match &outgoing.what {
            What::Say { class, body, reply_to, mentions } => Content::Message {
                class: *class,
                body: body.clone(),
                reply_to: reply_to.clone(),
                mentions: mentions.clone(),
            },
            What::Edit { of, class, body, .. } => {
                Content::Edit { target: self.events.get(of)?.clone(), class: *class, body: body.clone() }
            }
            What::Pin { message, instead_of } => Content::Pin {
                target: self.events.get(message)?.clone(),
                instead_of: instead_of.as_ref().and_then(|before| self.events.get(before).cloned()),
            },
            What::File { name, text, reply_to } => {
                // A message was made visible when it was rendered; a file is not rendered.
                let (name, text) = (visible(name).into_owned(), visible(text).into_owned());
                Content::File { name, text, reply_to: reply_to.clone() }
            }
        };
        let transaction = format!("opsroom/{}/{}", self.instance, outgoing.key);
        Some(Delivery { transaction, room: outgoing.room.clone(), content })
    }

    /// It was taken.
    pub fn delivered(&mut self, key: &MessageKey, event: EventId, now: Instant) {
        self.pause = BACKOFF.0;
        let Some(outgoing) = self.take(key) else { return };
        self.turns.had(&outgoing);
        self.turns.forget_others(self.waiting.iter());
        match outgoing.what {
            What::Edit { of, last, .. } => {
                let (after, count) = self.edits.entry(of.clone()).or_insert((now, 0));
                *count += 1;
                *after = now + if *count > MANY { SPACING * 4 } else { SPACING };
                if last {
                    self.edits.remove(&of);
                    self.events.remove(&of);
                }
            }
            What::Say { .. } => {
                self.edits.insert(key.clone(), (now + SPACING, 0));
                self.events.insert(key.clone(), event);
                self.forget_oldest();
            }
            What::File { .. } | What::Pin { .. } => {}
        }
    }

    /// It was not taken. Returns why it is given up, when it is; a text that
    /// was refused for what it is, is replaced by a sentence that says so.
    pub fn failed(&mut self, key: &MessageKey, error: &ChatError, now: Instant) -> Option<String> {
        match error {
            ChatError::RateLimited(pause) => {
                self.paused_until = Some(now + *pause);
                None
            }
            ChatError::Unavailable(_) => {
                self.paused_until = Some(now + self.pause);
                self.pause = (self.pause * 2).min(BACKOFF.1);
                None
            }
            ChatError::Refused(why) => {
                let outgoing = self.take(key)?;
                let What::Say { class, reply_to, mentions, .. } = outgoing.what else { return Some(why.clone()) };
                let fallback = MessageKey(format!("{key}!"));
                // A refused refusal ends here.
                if key.0.ends_with('!') {
                    return Some(why.clone());
                }
                let text = "⚠️ I have an answer, but the homeserver refused it. My log says why.";
                self.waiting.push_front(Outgoing {
                    key: fallback,
                    room: outgoing.room,
                    what: What::Say { class, body: Body::from_markdown(text), reply_to, mentions },
                });
                Some(why.clone())
            }
        }
    }

    fn take(&mut self, key: &MessageKey) -> Option<Outgoing> {
        let at = self.waiting.iter().position(|w| w.key == *key)?;
        self.waiting.remove(at)
    }

    /// Old messages are not edited any more by this process; the ledger still
    /// knows them.
    fn forget_oldest(&mut self) {
        const KEPT: usize = 2_000;
        while self.events.len() > KEPT {
            let Some((oldest, _)) = self.events.pop_first() else { return };
            self.edits.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::RoomId;

    fn say(key: &str, class: MessageClass) -> Outgoing {
        let what = What::Say { class, body: Body::from_markdown(key), reply_to: None, mentions: vec![] };
        Outgoing { key: MessageKey(key.into()), room: RoomId::parse("!r").unwrap(), what }
    }

    fn edit(of: &str, number: u32, last: bool) -> Outgoing {
        let body = Body::from_markdown(&format!("{of} {number}"));
        let what = What::Edit { of: MessageKey(of.into()), class: MessageClass::Progress, body, last };
        Outgoing { key: MessageKey(format!("{of}#{number}")), room: RoomId::parse("!r").unwrap(), what }
    }

    fn sends(queue: &mut OutboundQueue, now: Instant) -> Option<String> {
        match queue.next(now) {
            Next::Send(key, _) => {
                queue.delivered(&key, EventId::parse(&format!("${key}")).unwrap(), now);
                Some(key.0)
            }
            Next::Wait(_) | Next::Idle => None,
        }
    }

    #[test]
    fn pages_go_first_and_each_key_once() {
        let (mut queue, now) = (OutboundQueue::new("i"), Instant::now());
        for (key, class) in [
            ("a", MessageClass::Answer),
            ("b", MessageClass::Progress),
            ("c", MessageClass::Page),
            ("a", MessageClass::Answer),
        ] {
            queue.push(say(key, class));
        }
        let order: Vec<String> = std::iter::from_fn(|| sends(&mut queue, now)).collect();
        assert_eq!(order, ["c", "a", "b"]);
        queue.push(say("a", MessageClass::Answer));
        assert_eq!(queue.next(now), Next::Idle);
    }

    /// Everything of a queue in which what was asked by `$v…` is vera's.
    fn order(queue: &mut OutboundQueue, now: Instant) -> Vec<String> {
        let next = || {
            for event in queue.unknown_askers() {
                let who = if event.as_str().starts_with("$v") { "@vera:example.org" } else { "@alice:example.org" };
                queue.learn_asker(event, UserId::parse(who).ok());
            }
            sends(queue, now)
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn who_asks_once_does_not_wait_for_who_asks_often() {
        let (mut queue, now) = (OutboundQueue::new("i"), Instant::now());
        for n in 0..4 {
            queue.push(say(&format!("$v{n}/answer"), MessageClass::Answer));
        }
        assert_eq!(queue.unknown_askers().len(), 4);
        for event in queue.unknown_askers() {
            queue.learn_asker(event, UserId::parse("@vera:example.org").ok());
        }
        assert_eq!(sends(&mut queue, now).as_deref(), Some("$v0/answer"));
        queue.push(say("$a0/answer", MessageClass::Answer));
        queue.push(say("$a1/answer", MessageClass::Answer));
        queue.push(say("incident/1/page/!r", MessageClass::Page));
        queue.push(edit("$v0/answer", 1, true));
        let expected = [
            "incident/1/page/!r",
            "$a0/answer",
            "$v1/answer",
            "$a1/answer",
            "$v2/answer",
            "$v3/answer",
            "$v0/answer#1",
        ];
        assert_eq!(order(&mut queue, now), expected, "each in their own order");
        assert!(queue.turns.unknown(std::iter::empty()).is_empty());
    }

    #[test]
    fn who_asked_is_not_looked_up_while_nothing_else_waits() {
        let mut queue = OutboundQueue::new("i");
        queue.push(say("$v/answer", MessageClass::Answer));
        queue.push(say("incident/1/page/!r", MessageClass::Page));
        assert_eq!(queue.unknown_askers(), []);
    }

    #[test]
    fn a_file_hides_nothing() {
        let (mut queue, now) = (OutboundQueue::new("i"), Instant::now());
        let what = What::File { name: "a\u{202e}gol.log".into(), text: "b\u{1b}[2Kc\u{2066}\n".into(), reply_to: None };
        queue.push(Outgoing { key: MessageKey("file".into()), room: RoomId::parse("!r").unwrap(), what });
        let Next::Send(_, file) = queue.next(now) else { panic!() };
        let shown = Content::File { name: "a<U+202E>gol.log".into(), text: "bc<U+2066>\n".into(), reply_to: None };
        assert_eq!(file.content, shown);
    }

    #[test]
    fn only_the_newest_progress_is_sent_and_not_too_often() {
        let (mut queue, now) = (OutboundQueue::new("i"), Instant::now());
        queue.push(say("m", MessageClass::Progress));
        queue.push(edit("m", 1, false));
        assert_eq!(sends(&mut queue, now).as_deref(), Some("m"));
        assert_eq!(queue.next(now), Next::Wait(now + SPACING));
        queue.push(edit("m", 2, false));
        assert_eq!(sends(&mut queue, now + SPACING).as_deref(), Some("m#2"));
        assert_eq!(queue.take_superseded(), [MessageKey("m#1".into())]);
        queue.push(edit("m", 3, true));
        assert_eq!(sends(&mut queue, now + SPACING).as_deref(), Some("m#3"), "the last text does not wait");
        queue.push(edit("m", 4, false));
        assert_eq!(queue.next(now), Next::Idle);
    }

    #[test]
    fn what_is_pinned_waits_for_its_message_and_takes_the_place_of_what_is_known() {
        let (mut queue, now) = (OutboundQueue::new("i"), Instant::now());
        let pin = What::Pin { message: MessageKey("new".into()), instead_of: Some(MessageKey("old".into())) };
        queue.push(Outgoing { key: MessageKey("pin".into()), room: RoomId::parse("!r").unwrap(), what: pin });
        queue.push(say("new", MessageClass::Answer));
        assert_eq!(queue.unknown_targets(), [MessageKey("old".into())]);
        queue.learn(MessageKey("old".into()), EventId::parse("$old").unwrap());
        assert_eq!(sends(&mut queue, now).as_deref(), Some("new"));
        let Next::Send(key, pin) = queue.next(now) else { panic!() };
        let content = Content::Pin { target: EventId::parse("$new").unwrap(), instead_of: EventId::parse("$old").ok() };
        assert_eq!((key.0.as_str(), &pin.content), ("pin", &content));
        queue.forget_target(&MessageKey("old".into()));
        let Next::Send(_, pin) = queue.next(now) else { panic!() };
        assert!(matches!(pin.content, Content::Pin { instead_of: None, .. }), "the old one is not known any more");
        queue.forget_target(&MessageKey("new".into()));
        assert_eq!(queue.next(now), Next::Idle);
    }

    #[test]
    fn a_failure_keeps_the_message_and_its_transaction() {
        let (mut queue, now) = (OutboundQueue::new("i"), Instant::now());
        queue.push(say("a", MessageClass::Page));
        let Next::Send(key, first) = queue.next(now) else { panic!() };
        assert_eq!(queue.failed(&key, &ChatError::Unavailable("gone".into()), now), None);
        assert!(matches!(queue.next(now), Next::Wait(_)));
        let Next::Send(_, again) = queue.next(now + BACKOFF.0) else { panic!() };
        assert_eq!(first, again);
        queue.failed(&key, &ChatError::RateLimited(Duration::from_secs(7)), now);
        assert_eq!(queue.next(now), Next::Wait(now + Duration::from_secs(7)));
    }

    #[test]
    fn a_refused_answer_is_told() {
        let (mut queue, now) = (OutboundQueue::new("i"), Instant::now());
        queue.push(say("a", MessageClass::Answer));
        let Next::Send(key, _) = queue.next(now) else { panic!() };
        assert!(queue.failed(&key, &ChatError::Refused("too large".into()), now).is_some());
        assert_eq!(sends(&mut queue, now).as_deref(), Some("a!"));
        assert_eq!(queue.next(now), Next::Idle);
    }
}
