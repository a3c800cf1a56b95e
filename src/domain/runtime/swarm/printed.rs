//! What `look.sh` prints: one JSON array for each node, service and task.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

/// All that was printed, as far as it was understood.
#[derive(Debug, Default)]
pub(super) struct Printed {
    /// Host names of nodes by their IDs.
    pub(super) nodes: BTreeMap<String, String>,
    pub(super) services: Vec<ServiceFields>,
    pub(super) tasks: Vec<TaskFields>,
    /// Whether the tasks of all of them were printed.
    pub(super) tasks_listed: bool,
    /// Whether all there is was printed: what is not among it then is not there.
    pub(super) listed: bool,
    /// The first line that was not understood, or was a complaint.
    pub(super) complaint: Option<String>,
}

/// A service as its manager wants it.
#[derive(Debug)]
pub(super) struct ServiceFields {
    pub(super) id: String,
    pub(super) name: String,
    /// Empty for one that no stack has made.
    pub(super) stack: String,
    pub(super) mode: Mode,
    /// Whether a task that ends is replaced however it ends.
    pub(super) kept_up: bool,
    /// What the last update of it came to, as the engine calls it.
    pub(super) update: Option<Update>,
}

/// What the last update of a service came to.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Update {
    #[serde(rename = "State", default)]
    pub(super) state: String,
    #[serde(rename = "Message", default)]
    pub(super) message: String,
}

/// How many tasks a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Mode {
    /// So many.
    Replicated {
        /// How many.
        #[serde(rename = "Replicas", default)]
        replicas: u64,
    },
    /// One on each node.
    Global {},
    /// Tasks that are done when they have ended well.
    #[serde(alias = "GlobalJob")]
    ReplicatedJob {},
}

/// A task as a manager knows it.
#[derive(Debug)]
pub(super) struct TaskFields {
    pub(super) service: String,
    /// From 1 on; 0 where each node runs one.
    pub(super) slot: u32,
    /// Empty while no node has it.
    pub(super) node: String,
    /// What is wanted of it.
    pub(super) desired: String,
    pub(super) status: Status,
}

/// How far a task is.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    #[serde(rename = "Timestamp")]
    pub(super) at: Option<Timestamp>,
    #[serde(rename = "State")]
    pub(super) state: String,
    #[serde(rename = "Err", default)]
    pub(super) error: String,
    #[serde(rename = "ContainerStatus", default)]
    container: Option<ContainerStatus>,
}

#[derive(Debug, Deserialize)]
struct ContainerStatus {
    #[serde(rename = "ExitCode", default)]
    code: i64,
}

impl Status {
    /// The exit status of its process; none where none was started.
    pub(super) fn code(&self) -> Option<i64> {
        self.container.as_ref().map(|container| container.code)
    }
}

#[derive(Deserialize)]
struct RestartPolicy {
    #[serde(rename = "Condition", default)]
    condition: String,
    /// 0 is as often as it takes.
    #[serde(rename = "MaxAttempts", default)]
    attempts: u64,
}

impl Printed {
    /// Reads arrays, each on a line of its own or one after the other.
    pub(super) fn read(text: &str) -> Self {
        let mut printed = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut arrays = serde_json::Deserializer::from_str(line).into_iter::<Value>();
            let understood = arrays.by_ref().all(|array| array.is_ok_and(|array| printed.takes(array).is_some()));
            // A complaint that names what is not there blames nothing else.
            if !understood && !line.starts_with("Error: no such ") {
                printed.complaint.get_or_insert_with(|| line.to_owned());
            }
        }
        printed
    }

    fn takes(&mut self, array: Value) -> Option<()> {
        match array.get(0)?.as_str()? {
            "node" => {
                let (_, id, name, ..): (IgnoredAny, String, String, IgnoredAny, IgnoredAny, IgnoredAny) = from(array)?;
                self.nodes.insert(id, name);
            }
            "service" => {
                let (_, id, name, stack, mode, policy, update): (
                    IgnoredAny,
                    String,
                    String,
                    String,
                    Mode,
                    Option<RestartPolicy>,
                    Option<Update>,
                ) = from(array)?;
                // What is not said is the engine's default.
                let kept_up =
                    policy.is_none_or(|policy| matches!(policy.condition.as_str(), "any" | "") && policy.attempts == 0);
                self.services.push(ServiceFields { id, name, stack, mode, kept_up, update });
            }
            "task" => {
                let (_, _, service, slot, node, desired, status): (
                    IgnoredAny,
                    IgnoredAny,
                    String,
                    u32,
                    String,
                    String,
                    Status,
                ) = from(array)?;
                self.tasks.push(TaskFields { service, slot, node, desired, status });
            }
            "tasks" => self.tasks_listed = true,
            "listed" => self.listed = true,
            _other => return None,
        }
        Some(())
    }
}

fn from<T: for<'de> Deserialize<'de>>(array: Value) -> Option<T> {
    serde_json::from_value(array).ok()
}
