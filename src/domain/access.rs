//! Who may do what. Filled in by the command grammar.

/// What an allowlisted person may do.
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
