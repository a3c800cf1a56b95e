//! An operation as the ledger has it. Bots from before there were origins read
//! and wrote a person, a room and a message; those fields stay, so that an
//! update of the bot that fails verification can be taken back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    change::Change,
    job::Job,
    names::{BadName, EventId, HostName, MemberName, RoomId, ServiceName, UserId},
    operation::{Operation, OperationId},
    origin::Origin,
};

/// Whom and where an older bot took the terminal for.
const CONSOLE: (&str, &str) = ("@console:localhost", "!console");

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredOperation {
    id: OperationId,
    change: Change,
    service: ServiceName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    member: Option<MemberName>,
    host: HostName,
    owner: UserId,
    room: RoomId,
    request: EventId,
    /// None where the three before it say everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    #[serde(default)]
    asked: String,
    began: Timestamp,
    job: Job,
}

impl StoredOperation {
    /// The person that an older bot reads.
    pub(super) fn owner(&self) -> &UserId {
        &self.owner
    }
}

impl TryFrom<&Operation> for StoredOperation {
    type Error = BadName;

    fn try_from(operation: &Operation) -> Result<Self, BadName> {
        let Operation { id, change, service, member, host, origin, asked, began, job } = operation.clone();
        let nobody = |kind: &str, name: &str| UserId::parse(&format!("@{kind}.{name}:opsroom.invalid"));
        let (owner, room, request) = match &origin {
            Origin::Chat { user, room, event } => (user.clone(), room.clone(), event.clone()),
            Origin::Console { event } => (UserId::parse(CONSOLE.0)?, RoomId::parse(CONSOLE.1)?, event.clone()),
            Origin::Webhook { name, .. } => {
                (nobody("hook", name.as_str())?, RoomId::parse("!none")?, EventId::parse(&format!("${}", id.0))?)
            }
            Origin::Schedule { name, .. } => {
                (nobody("schedule", name.as_str())?, RoomId::parse("!none")?, EventId::parse(&format!("${}", id.0))?)
            }
        };
        let origin = match origin {
            Origin::Chat { .. } => None,
            Origin::Console { .. } | Origin::Webhook { .. } | Origin::Schedule { .. } => Some(origin),
        };
        Ok(Self { id, change, service, member, host, owner, room, request, origin, asked, began, job })
    }
}

impl From<StoredOperation> for Operation {
    fn from(stored: StoredOperation) -> Self {
        let StoredOperation { id, change, service, member, host, owner, room, request, origin, asked, began, job } =
            stored;
        let origin = origin.unwrap_or_else(|| {
            if (owner.as_str(), room.as_str()) == CONSOLE {
                Origin::Console { event: request }
            } else {
                Origin::Chat { user: owner, room, event: request }
            }
        });
        Self { id, change, service, member, host, origin, asked, began, job }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        job::JobId,
        names::{AutomationName, DeliveryId},
    };

    fn operation(origin: Origin) -> Operation {
        let job = Job {
            id: JobId::new("abc", 7),
            nonce: "n".into(),
            run_as: None,
            body: "true".into(),
            limit: std::time::Duration::from_secs(60),
        };
        Operation {
            id: OperationId(7),
            change: Change::Restart,
            service: ServiceName::parse("bridge").unwrap(),
            member: None,
            host: HostName::parse("spark-1").unwrap(),
            origin,
            asked: "!restart bridge".into(),
            began: Timestamp::from_second(1_800_000_000).unwrap(),
            job,
        }
    }

    #[test]
    fn every_origin_comes_back_as_it_was() {
        let (event, name) = (EventId::parse("$1").unwrap(), AutomationName::parse("nightly").unwrap());
        let user = UserId::parse("@alice:example.org").unwrap();
        for origin in [
            Origin::Chat { user, room: RoomId::parse("!ops").unwrap(), event: event.clone() },
            Origin::Console { event },
            Origin::Webhook { name: name.clone(), delivery: DeliveryId::parse("d-1").unwrap() },
            Origin::Schedule { name, due: Timestamp::from_second(60).unwrap() },
        ] {
            let text = serde_json::to_string(&StoredOperation::try_from(&operation(origin.clone())).unwrap()).unwrap();
            let back: StoredOperation = serde_json::from_str(&text).unwrap();
            assert_eq!(Operation::from(back), operation(origin), "{text}");
        }
    }

    #[test]
    fn what_an_older_bot_wrote_is_read_and_what_it_reads_is_there() {
        let event = EventId::parse("$1").unwrap();
        let user = UserId::parse("@alice:example.org").unwrap();
        let chat = operation(Origin::Chat { user, room: RoomId::parse("!ops").unwrap(), event });
        let text = serde_json::to_value(StoredOperation::try_from(&chat).unwrap()).unwrap();
        assert_eq!(text["owner"], "@alice:example.org");
        assert_eq!((&text["room"], &text["request"]), (&"!ops".into(), &"$1".into()));
        assert!(text.get("origin").is_none(), "{text}");
        let mut console = text;
        console["owner"] = "@console:localhost".into();
        console["room"] = "!console".into();
        let console: StoredOperation = serde_json::from_value(console).unwrap();
        assert_eq!(Operation::from(console).origin, Origin::Console { event: EventId::parse("$1").unwrap() });
    }
}
