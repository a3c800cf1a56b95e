//! What the ledger keeps, over the same calls that the engine makes.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{
    LEDGER_FILE, SqliteLedger,
    audit::{self, Broken},
};
use crate::{
    domain::{
        change::Change,
        dashboard::Dashboard,
        inbound::{Arrival, Inbound, Protection},
        job::{Job, JobId},
        message::{Body, MessageClass},
        names::{EventId, HostName, RoomId, ServiceName, UserId},
        operation::{Operation, OperationId},
        origin::{Actor, Origin},
        outgoing::{MessageKey, Outgoing, What},
        progress::Phase,
        record::End,
    },
    ports::{Arrived, Delivered, Entry, Ledger as _},
};

struct Kept {
    _dir: tempfile::TempDir,
    path: PathBuf,
    ledger: SqliteLedger,
}

impl Kept {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LEDGER_FILE);
        Self { ledger: SqliteLedger::open(&path).unwrap(), path, _dir: dir }
    }

    async fn heard(&self, event: &str, body: &str) -> Inbound {
        let message = Inbound {
            event: EventId::parse(event).unwrap(),
            room: RoomId::parse("!ops").unwrap(),
            sender: UserId::parse("@alice:example.org").unwrap(),
            sent_at: Timestamp::UNIX_EPOCH,
            body: body.into(),
            reply_to: None,
            reaction: false,
            mentions_bot: false,
            protection: Protection::Encrypted,
            arrival: Arrival::Live,
        };
        let arrived = Arrived { room: message.room.clone(), messages: vec![message.clone()], position: None };
        assert_eq!(self.ledger.accept(arrived.clone()).await.unwrap().len(), 1);
        assert_eq!(self.ledger.accept(arrived).await.unwrap(), [], "known");
        message
    }

    /// A change from its command to its end.
    async fn changed(&self, number: u64, service: &str) -> Operation {
        let request = self.heard(&format!("${number}"), &format!("!restart {service}")).await;
        let operation = Operation {
            id: OperationId(number),
            change: Change::Restart,
            service: ServiceName::parse(service).unwrap(),
            member: None,
            host: HostName::parse("spark").unwrap(),
            origin: Origin::Chat {
                user: request.sender.clone(),
                room: request.room.clone(),
                event: request.event.clone(),
            },
            asked: request.body.clone(),
            began: Timestamp::UNIX_EPOCH,
            job: Job {
                id: JobId::new("abc", number),
                nonce: "n".into(),
                run_as: None,
                body: format!("docker restart {service}"),
                limit: std::time::Duration::from_secs(60),
            },
        };
        let began = Entry::Began(Box::new(operation.clone()));
        self.ledger.commit(vec![began, Entry::Handled { event: request.event, how: "restart".into() }]).await.unwrap();
        operation
    }

    async fn ends(&self, id: OperationId) {
        let end = End { at: Timestamp::UNIX_EPOCH, outcome: "succeeded".into(), verdict: "✅".into() };
        self.ledger.commit(vec![Entry::Ended { id, end }]).await.unwrap();
    }

    fn tamper(&self, sql: &str) {
        rusqlite::Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }
}

#[tokio::test]
async fn an_operation_is_found_again_with_all_that_is_known_of_it() {
    let kept = Kept::new();
    let bridge = kept.changed(1, "bridge").await;
    kept.changed(2, "kokoro").await;
    let at = Timestamp::UNIX_EPOCH;
    let by = Actor::Person(UserId::parse("@bob:example.org").unwrap());
    let reached = Entry::Reached { id: bridge.id, phase: Phase::Switch, at };
    let cancelled = Entry::CancelRequested { id: bridge.id, by: by.clone(), at };
    kept.ledger.commit(vec![reached.clone(), reached, cancelled]).await.unwrap();
    let unfinished = kept.ledger.unfinished().await.unwrap();
    assert_eq!(unfinished.len(), 2);
    assert_eq!(unfinished[0].operation, bridge);
    assert_eq!((unfinished[0].phases.as_slice(), &unfinished[0].cancelled_by), (&[(Phase::Switch, at)][..], &Some(by)));
    kept.ends(OperationId(1)).await;
    assert_eq!(kept.ledger.unfinished().await.unwrap().len(), 1);
    let newest_first = kept.ledger.history(None, 9).await.unwrap();
    assert_eq!(newest_first.iter().map(|r| r.operation.id.0).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(kept.ledger.history(Some(&bridge.service), 9).await.unwrap().len(), 1);
    assert_eq!(kept.ledger.operation(bridge.id).await.unwrap().unwrap().end.unwrap().outcome, "succeeded");
    assert_eq!(kept.ledger.operation(OperationId(9)).await.unwrap(), None);
}

#[tokio::test]
async fn each_process_that_takes_it_up_is_counted() {
    let kept = Kept::new();
    assert_eq!(kept.ledger.begin_process().await.unwrap().start, 1);
    kept.changed(1, "bridge").await;
    let again = kept.ledger.begin_process().await.unwrap();
    assert_eq!((again.start, again.next_operation), (2, 2));
}

#[tokio::test]
async fn what_is_long_over_is_forgotten_and_what_is_not_is_kept() {
    let kept = Kept::new();
    for number in 1..=3 {
        kept.changed(number, "bridge").await;
    }
    let heard = kept.heard("$talk", "!status").await;
    assert_eq!(kept.ledger.sender_of(&heard.event).await.unwrap(), Some(heard.sender));
    assert_eq!(kept.ledger.sender_of(&EventId::parse("$other").unwrap()).await.unwrap(), None);
    // Ended in 1970; the second goes on, the last names the number to go on from.
    kept.ends(OperationId(1)).await;
    kept.ends(OperationId(3)).await;
    kept.tamper("UPDATE inbox SET accepted_at = 0");
    kept.ledger.prune().await.unwrap();
    let left = kept.ledger.history(None, 9).await.unwrap();
    assert_eq!(left.iter().map(|r| r.operation.id.0).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(kept.ledger.unhandled().await.unwrap().len(), 1, "nobody answered that yet");
    assert!(audit::verify(&kept.path, None).is_ok(), "the chain is whole without them");
}

#[tokio::test]
async fn the_audit_chain_shows_what_was_done_to_it() {
    let kept = Kept::new();
    kept.ledger.begin_process().await.unwrap();
    kept.heard("$talk", "good morning").await;
    let talk = Entry::Handled { event: EventId::parse("$talk").unwrap(), how: "not a command".into() };
    kept.ledger.commit(vec![talk]).await.unwrap();
    kept.changed(1, "bridge").await;
    kept.ends(OperationId(1)).await;
    let whole = audit::verify(&kept.path, None).unwrap();
    assert_eq!(whole.entries, 4);
    let links = audit::tail(&kept.path, 3).unwrap();
    let what: Vec<_> = links.iter().map(|l| serde_json::from_str::<serde_json::Value>(&l.entry).unwrap()).collect();
    assert_eq!([&what[0]["what"], &what[1]["what"], &what[2]["what"]], ["began", "command", "ended"]);
    assert_eq!((&what[0]["who"], &what[1]["said"]), (&"@alice:example.org".into(), &"!restart bridge".into()));

    kept.changed(2, "bridge").await;
    assert!(audit::verify(&kept.path, Some(&whole.head)).is_ok(), "a head that was noted is in it for ever");
    let unknown = audit::verify(&kept.path, Some("abc"));
    assert!(matches!(unknown, Err(Broken::Unknown(_))), "{unknown:?}");
    for (sql, broken) in [
        ("UPDATE audit SET entry = replace(entry, 'alice', 'bob') WHERE number = 3", "entry 3"),
        (
            "UPDATE operation SET operation = replace(operation, 'restart bridge', 'restart kokoro') WHERE id = 1",
            "operation 1",
        ),
        ("DELETE FROM audit WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE number = 1", "entry 1 is missing"),
    ] {
        kept.tamper(sql);
        let said = audit::verify(&kept.path, None).unwrap_err().to_string();
        assert!(said.contains(broken), "{sql}: {said}");
    }
}

#[tokio::test]
async fn a_dashboard_is_kept_as_it_was_last() {
    let kept = Kept::new();
    let board =
        |edits| Dashboard { room: RoomId::parse("!ops").unwrap(), number: 3, since: Timestamp::UNIX_EPOCH, edits };
    kept.ledger.commit(vec![Entry::Dashboard(board(0))]).await.unwrap();
    kept.ledger.commit(vec![Entry::Dashboard(board(1))]).await.unwrap();
    assert_eq!(kept.ledger.watching().await.unwrap().dashboards, [board(1)]);
    for key in ["dashboard/3/!ops", "$1/answer"] {
        let body = Body::from_markdown("x");
        let what = What::Say { class: MessageClass::Answer, body, reply_to: None, mentions: vec![] };
        let outgoing = Outgoing { key: MessageKey(key.into()), room: RoomId::parse("!ops").unwrap(), what };
        kept.ledger.commit(vec![Entry::Queued(outgoing)]).await.unwrap();
        let event = EventId::parse(&format!("${key}")).unwrap();
        kept.ledger.delivered(&MessageKey(key.into()), Delivered::As(event)).await.unwrap();
    }
    kept.tamper("UPDATE outbox SET queued_at = 0");
    kept.ledger.prune().await.unwrap();
    let left = async |key: &str| kept.ledger.event_of(&MessageKey(key.into())).await.unwrap();
    assert!(left("dashboard/3/!ops").await.is_some(), "or it could not be unpinned any more");
    assert_eq!(left("$1/answer").await, None);
}
