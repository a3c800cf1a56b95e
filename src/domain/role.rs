//! Roles: what an allowlisted person may do.

/// What an allowlisted person may do. Each role may do what those before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May read: status, logs.
    Viewer,
    /// May change services.
    Operator,
    /// May do everything.
    Admin,
}

impl Role {
    /// The name in the config and in the room.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}
