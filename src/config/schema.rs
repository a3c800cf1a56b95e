//! Every key a config may have. One table, so that what is refused, what is
//! suggested and what `config.example.toml` must show cannot drift apart.

/// One kind of section, or an inline table with keys of its own.
#[derive(Debug)]
pub struct Schema {
    /// As it is written in the file: `[matrix]`, `[[host]]`.
    pub heading: &'static str,
    /// The keys it may have.
    pub keys: &'static [&'static str],
    /// Secrets that are never written out: `password` is given as
    /// `password_file` or `password_env`.
    pub secrets: &'static [&'static str],
}

/// The top of the file: the sections' names.
pub(super) static ROOT: Schema = Schema {
    heading: "the top of the file",
    keys: &[
        "matrix",
        "state",
        "commands",
        "dashboard",
        "heartbeat",
        "watch",
        "maintenance",
        "room",
        "operator",
        "host",
        "service",
    ],
    secrets: &[],
};

pub(super) static MATRIX: Schema = Schema {
    heading: "[matrix]",
    keys: &[
        "homeserver",
        "user",
        "password_file",
        "password_env",
        "access_token_file",
        "access_token_env",
        "recovery_key_file",
        "device_name",
        "store_passphrase_file",
        "store_passphrase_env",
    ],
    secrets: &["password", "access_token", "recovery_key", "store_passphrase"],
};

pub(super) static STATE: Schema = Schema { heading: "[state]", keys: &["dir"], secrets: &[] };

pub(super) static COMMANDS: Schema = Schema { heading: "[commands]", keys: &["prefix", "stale_after"], secrets: &[] };

pub(super) static DASHBOARD: Schema = Schema { heading: "[dashboard]", keys: &["enabled"], secrets: &[] };

pub(super) static HEARTBEAT: Schema =
    Schema { heading: "[heartbeat]", keys: &["url_file", "url_env", "every"], secrets: &["url"] };

pub(super) static WATCH: Schema = Schema {
    heading: "[watch]",
    keys: &[
        "snapshot_every",
        "unreachable_after",
        "engine_after",
        "disk",
        "remind_after",
        "deaths",
        "window",
        "quiet",
        "unhealthy_after",
        "absent_after",
        "stuck_after",
    ],
    secrets: &[],
};

pub(super) static MAINTENANCE: Schema =
    Schema { heading: "[[maintenance]]", keys: &["services", "days", "from", "to", "timezone"], secrets: &[] };

pub(super) static ROOM: Schema = Schema { heading: "[[room]]", keys: &["id"], secrets: &[] };

pub(super) static OPERATOR: Schema = Schema { heading: "[[operator]]", keys: &["user", "role"], secrets: &[] };

pub(super) static HOST: Schema = Schema {
    heading: "[[host]]",
    keys: &[
        "name",
        "transport",
        "address",
        "port",
        "user",
        "key_file",
        "key_passphrase_file",
        "key_passphrase_env",
        "agent",
        "agent_socket",
        "host_key",
        "known_hosts_file",
        "jump",
        "any_of",
        "connect_timeout",
        "keepalive",
        "idle_timeout",
        "max_sessions",
        "discover",
    ],
    secrets: &["key", "key_passphrase"],
};

pub(super) static DISCOVER: Schema =
    Schema { heading: "discover", keys: &["allow", "units", "label", "may", "run_as", "gone_after"], secrets: &[] };

pub(super) static SERVICE: Schema = Schema {
    heading: "[[service]]",
    keys: &[
        "name",
        "host",
        "runtime",
        "container",
        "project",
        "unit",
        "scope",
        "service",
        "stack",
        "dir",
        "branch",
        "run_as",
        "tags",
        "stop_timeout",
        "optional",
        "update",
        "watch",
    ],
    secrets: &[],
};

pub(super) static UPDATE: Schema = Schema {
    heading: "update",
    keys: &[
        "timeout",
        "verify",
        "healthy_within",
        "rollback",
        "min_free",
        "strategy",
        "build",
        "install",
        "deploy",
        "undo",
    ],
    secrets: &[],
};

pub(super) static SERVICE_WATCH: Schema = Schema {
    heading: "watch",
    keys: &["deaths", "window", "quiet", "unhealthy_after", "absent_after", "stuck_after"],
    secrets: &[],
};

/// All sections, in the order in which the example shows them.
pub static ALL: &[&Schema] = &[
    &MATRIX,
    &STATE,
    &COMMANDS,
    &DASHBOARD,
    &HEARTBEAT,
    &WATCH,
    &MAINTENANCE,
    &ROOM,
    &OPERATOR,
    &HOST,
    &DISCOVER,
    &SERVICE,
    &UPDATE,
    &SERVICE_WATCH,
];

impl Schema {
    /// The section whose name at the top of the file is `key`.
    pub(super) fn of_section(key: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|schema| schema.heading.trim_matches(['[', ']']) == key && schema.heading != key)
    }

    /// Whether there may be several: `[[host]]`.
    pub(super) fn repeats(&self) -> bool {
        self.heading.starts_with("[[")
    }
}
