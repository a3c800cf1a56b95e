//! A room as the config names it.

use std::fmt;

use super::names::{BadName, RoomAlias, RoomId};

/// A room by either of its names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoomAddress {
    /// Its internal ID.
    Id(RoomId),
    /// Its alias, looked up by the homeserver at each start.
    Alias(RoomAlias),
}

impl RoomAddress {
    /// Takes `!id` or `#alias:server`.
    pub fn parse(given: &str) -> Result<Self, BadName> {
        if given.starts_with('!') {
            return RoomId::parse(given).map(Self::Id);
        }
        RoomAlias::parse(given).map(Self::Alias).map_err(|bad| BadName {
            kind: "Matrix room",
            rule: "give an alias like #ops:example.org, or an ID that starts with '!'",
            ..bad
        })
    }
}

impl fmt::Display for RoomAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Alias(alias) => alias.fmt(f),
        }
    }
}
