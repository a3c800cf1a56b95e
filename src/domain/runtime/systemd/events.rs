//! What happens to units, as it happens: what their manager writes into the
//! journal about them.
//!
//! The bus would tell as much, but a login may only listen to it as root. Each
//! kind of message has a number of its own (`journalctl --list-catalog`), and who
//! wrote it the journal itself knows.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::unit::SAME;
use crate::domain::{
    observation::Reason,
    runtime::{EventKind, RuntimeEvent},
};

/// A start is done; of a oneshot its run, which "finished" then.
const STARTED: &str = "39f53479d3a045ac8e11786248231fbf";
/// Somebody, or what it belongs to, wants it to end.
const STOPPING: &str = "de5b426a63be47a7b6ac3eaac82e2f6f";
/// One of its processes ended, and not as it should.
const PROCESS_EXIT: &str = "98e322203f7a4ed290d09fe03c09fe15";
/// It ended as it should.
const SUCCESS: &str = "7ad2d189f7e94e70a38c781354912448";
/// It failed, with what systemd calls its result.
const FAILURE: &str = "d9b373ed55a64feb8242e02dbe79a49c";
/// The kernel killed something in it for memory.
const OUT_OF_MEMORY: &str = "fe6faa94e7774663a0da52717891d8ef";
const TOLD: [&str; 6] = [STARTED, STOPPING, PROCESS_EXIT, SUCCESS, FAILURE, OUT_OF_MEMORY];

const FIELDS: &str = "MESSAGE_ID,_PID,UNIT,USER_UNIT,EXIT_CODE,EXIT_STATUS,UNIT_RESULT,MESSAGE";

/// What journalctl says to a login for which there is nothing to read at all.
const NOTHING: &str = "*'insufficient permissions'*";

/// `journalctl` from a time on, of both managers that a login has. Where the
/// login may read nothing, it waits: snapshots have to do, and the doctor tells.
pub(super) fn events(since: Option<Timestamp>) -> String {
    // The journal tells what happened at that moment, too: it is known already.
    let after = since.and_then(|at| at.checked_add(SignedDuration::from_micros(1)).ok());
    // Without one from now on, and that is before journalctl has started.
    let from = after.map_or_else(
        || "$(date +%s)".to_owned(),
        |at| format!("{}.{:06}", at.as_second(), at.subsec_nanosecond().unsigned_abs() / 1_000),
    );
    let told = TOLD.map(|id| format!("MESSAGE_ID={id}")).join(" ");
    format!(
        "{{ n={from}; case $(LC_ALL=C journalctl --no-pager -n 0 2>&1 >/dev/null) in {NOTHING}) exec sleep 99999999 ;; esac\n\
         exec journalctl -f --no-pager --quiet -o json --output-fields={FIELDS} --no-tail --since \"@$n\" _PID=1 {told} + _COMM=systemd _UID=$(id -u) {told}; }}"
    )
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "MESSAGE_ID")]
    id: String,
    /// Whose message it is, as the journal itself knows.
    #[serde(rename = "_PID")]
    pid: String,
    #[serde(rename = "UNIT")]
    unit: Option<String>,
    #[serde(rename = "USER_UNIT")]
    user_unit: Option<String>,
    #[serde(rename = "EXIT_CODE")]
    exit_code: Option<String>,
    #[serde(rename = "EXIT_STATUS")]
    exit_status: Option<String>,
    #[serde(rename = "UNIT_RESULT")]
    result: Option<String>,
    #[serde(rename = "MESSAGE")]
    message: Option<serde_json::Value>,
    /// Microseconds.
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    at: String,
}

/// Reads one line of [`events`]. Lines about anything else are none.
pub(super) fn read_event(line: &str) -> Option<RuntimeEvent> {
    let entry: Entry = serde_json::from_str(line).ok()?;
    let message = entry.message.as_ref().and_then(|message| message.as_str()).unwrap_or_default();
    let kind = match entry.id.as_str() {
        STARTED if message.starts_with("Finished") => return None,
        STARTED => EventKind::Started,
        STOPPING => EventKind::Killed { signal: Some(15) },
        // What is run before, after or to reload it is not what it is.
        PROCESS_EXIT if !message.contains("Main process") => return None,
        PROCESS_EXIT => {
            let status: i64 = entry.exit_status.as_deref().and_then(|status| status.parse().ok())?;
            let code = if entry.exit_code.as_deref() == Some("exited") { status } else { 128 + status };
            EventKind::Died { code }
        }
        SUCCESS => EventKind::Died { code: 0 },
        FAILURE => EventKind::Failed { reason: reason(entry.result.as_deref()?)? },
        OUT_OF_MEMORY => EventKind::OutOfMemory,
        _other => return None,
    };
    // Whatever a login's own process says, it says of the login's units.
    let name = match (entry.unit, entry.user_unit) {
        (Some(unit), None) if entry.pid == "1" => unit,
        (None, Some(unit)) if entry.pid != "1" => super::unit::user_key(&unit),
        (Some(_), _) | (None, _) => return None,
    };
    let at = Timestamp::from_microsecond(entry.at.parse().ok()?).ok()?;
    Some(RuntimeEvent { id: SAME.to_owned(), name, of: None, at, kind })
}

/// What a result says that the status of a process does not
/// (systemd.service(5), `$SERVICE_RESULT`).
pub(super) fn reason(result: &str) -> Option<Reason> {
    match result {
        "watchdog" => Some(Reason::Watchdog),
        "timeout" => Some(Reason::Timeout),
        "start-limit-hit" => Some(Reason::TooOften),
        "core-dump" => Some(Reason::CoreDump),
        "protocol" => Some(Reason::NotReady),
        "resources" => Some(Reason::NotSetUp),
        // "success", "exit-code", "signal", "oom-kill": the status tells.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &str) -> Option<(String, EventKind)> {
        let line = format!(r#"{{"__REALTIME_TIMESTAMP":"1800000000000007","_PID":"1",{fields}}}"#);
        read_event(&line).map(|event| (event.name, event.kind))
    }

    #[test]
    fn what_a_manager_says_of_a_unit_is_an_event() {
        let app = |kind| Some(("app.service".to_owned(), kind));
        let unit = r#""UNIT":"app.service""#;
        assert_eq!(read(&format!(r#""MESSAGE_ID":"{STARTED}",{unit}"#)), app(EventKind::Started));
        assert_eq!(read(&format!(r#""MESSAGE_ID":"{STOPPING}",{unit}"#)), app(EventKind::Killed { signal: Some(15) }));
        assert_eq!(read(&format!(r#""MESSAGE_ID":"{STARTED}",{unit},"MESSAGE":"Finished app.service.""#)), None);
        let exit = |code: &str, status: &str, message: &str| {
            read(&format!(
                r#""MESSAGE_ID":"{PROCESS_EXIT}",{unit},"EXIT_CODE":"{code}","EXIT_STATUS":"{status}","MESSAGE":"app.service: {message}""#
            ))
        };
        assert_eq!(exit("exited", "7", "Main process exited"), app(EventKind::Died { code: 7 }));
        assert_eq!(exit("killed", "9", "Main process exited"), app(EventKind::Died { code: 137 }));
        assert_eq!(exit("dumped", "6", "Main process exited"), app(EventKind::Died { code: 134 }));
        assert_eq!(exit("exited", "7", "Control process exited"), None);
        let failed = |result: &str| read(&format!(r#""MESSAGE_ID":"{FAILURE}",{unit},"UNIT_RESULT":"{result}""#));
        assert_eq!(failed("watchdog"), app(EventKind::Failed { reason: Reason::Watchdog }));
        assert_eq!(failed("exit-code"), None);
        assert_eq!(read(&format!(r#""MESSAGE_ID":"0","{unit}""#)), None);
        assert_eq!(read_event("-- No entries --"), None);
        let forged = format!(r#"{{"__REALTIME_TIMESTAMP":"1","_PID":"77","MESSAGE_ID":"{STOPPING}",{unit}}}"#);
        assert_eq!(read_event(&forged), None);
    }

    #[test]
    fn a_stream_that_goes_on_asks_for_what_came_after_the_last_event() {
        let line = format!(
            r#"{{"__REALTIME_TIMESTAMP":"1800000000000007","_PID":"1","MESSAGE_ID":"{STARTED}","UNIT":"a.service"}}"#
        );
        let event = read_event(&line).unwrap();
        assert!(events(Some(event.at)).contains("n=1800000000.000008;"));
        assert!(events(None).contains("n=$(date +%s);"));
    }
}
