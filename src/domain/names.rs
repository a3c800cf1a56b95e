//! Checked names: parsed once at the edge, so that nothing further in holds a
//! raw string for a host, a service or a container.
//!
//! The rules are allow-lists. They are narrower than what the tools accept, so
//! that a name can never be an option (`-f`), a path (`../x`) or shell syntax,
//! whatever is done with it later. Names are still quoted where a shell reads
//! them: two locks on one door.

use std::fmt;

/// Why a string is not the name it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a valid {kind}: {rule}")]
pub struct BadName {
    /// What was to be named: "host name", "service name"…
    pub kind: &'static str,
    /// The string as it was given.
    pub given: String,
    /// What is allowed instead, as a clause.
    pub rule: &'static str,
}

macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the name. The error says what is allowed.
            pub fn parse(given: &str) -> Result<Self, BadName> {
                let check: fn(&str) -> bool = $check;
                if check(given) {
                    Ok(Self(given.to_owned()))
                } else {
                    Err(BadName { kind: $kind, given: given.to_owned(), rule: $rule })
                }
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(given: String) -> Result<Self, BadName> {
                Self::parse(&given)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

checked_name!(
    /// A machine, as the config calls it.
    HostName, "host name",
    "use letters, digits, '.', '_' and '-', starting with a letter or digit, 63 at most",
    |s| word(s, 63, "._-")
);
checked_name!(
    /// A managed service, as the config calls it.
    ServiceName, "service name",
    "use letters, digits, '.', '_' and '-', starting with a letter or digit, 63 at most",
    |s| word(s, 63, "._-")
);
checked_name!(
    /// A label on services, written `@tag` in a selector.
    Tag, "tag",
    "use letters, digits, '.', '_' and '-', starting with a letter or digit, 63 at most",
    |s| word(s, 63, "._-")
);
checked_name!(
    /// A schedule or a hook, as the config calls it.
    AutomationName, "name",
    "use letters, digits, '.', '_' and '-', starting with a letter or digit, 63 at most",
    |s| word(s, 63, "._-")
);
checked_name!(
    /// What tells one delivery to a hook from all others.
    DeliveryId, "delivery ID",
    "use letters, digits, '.', '_' and '-', starting with a letter or digit, 100 at most",
    |s| word(s, 100, "._-")
);
checked_name!(
    /// A container's name on its engine: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
    ContainerName, "container name",
    "use letters, digits, '_', '.' and '-', starting with a letter or digit, 128 at most",
    |s| word(s, 128, "_.-")
);
checked_name!(
    /// A Compose project (the specification's `name`).
    ProjectName, "project name",
    "use small letters, digits, '-' and '_', starting with a letter or digit, 128 at most",
    |s| word(s, 128, "-_") && !s.bytes().any(|b| b.is_ascii_uppercase())
);
checked_name!(
    /// A service within a Compose project, or one of its containers, like
    /// "db" or "web-2".
    MemberName, "member name",
    "use letters, digits, '_', '.' and '-', starting with a letter or digit, 128 at most",
    |s| word(s, 128, "_.-")
);
checked_name!(
    /// A stack of services that several machines run together, or one of those.
    StackName, "service or stack name",
    "use letters, digits, '_', '.' and '-', starting with a letter or digit, 63 at most",
    |s| word(s, 63, "_.-")
);
checked_name!(
    /// A systemd unit with its suffix (systemd.unit(5); templates are units once
    /// they have an instance).
    UnitName, "unit name",
    "give the whole name, like \"app.service\" or \"app@1.service\": letters, digits, ':', '_', '.', '@', '-' and '\\\\', 255 at most",
    |s| s.len() <= 255 && s.starts_with(|c: char| c.is_ascii_alphanumeric())
        && s.chars().all(|c| c.is_ascii_alphanumeric() || ":_.@-\\".contains(c))
        && s.rsplit_once('.').is_some_and(|(name, kind)| !name.is_empty() && !name.ends_with('@') && ["service", "timer", "socket"].contains(&kind))
);
checked_name!(
    /// A git branch: the part of git-check-ref-format(1) that needs no quoting.
    Branch, "branch",
    "use letters, digits, '.', '_', '-' and '/', starting with a letter or digit, without '..', '//' or a final '/' or '.lock'",
    |s| word(s, 200, "._-/") && !s.contains("..") && !s.contains("//") && !s.contains("/.")
        && !s.ends_with('/') && !s.ends_with('.') && !s.ends_with(".lock")
);

impl Default for Branch {
    fn default() -> Self {
        Self("main".to_owned())
    }
}

checked_name!(
    /// A version to go back to: a commit, or an image's ID, or its beginning.
    Version, "version",
    "give the beginning of a commit: 4 to 64 of the characters 0-9 and a-f",
    |s| (4..=64).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
);
checked_name!(
    /// An absolute path on a host, without `..` and without control characters.
    RemoteDir, "directory",
    "give an absolute path without '..' and without control characters",
    |s| s.starts_with('/') && s.len() <= 1024 && !s.chars().any(char::is_control)
        && !s.split('/').any(|part| part == "..")
);
checked_name!(
    /// A login on a host (useradd(8): letters, digits, `_`, `-`, `.`).
    LoginName, "login name",
    "use letters, digits, '_', '-' and '.', starting with a letter or '_', 32 at most",
    |s| s.len() <= 32 && s.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && s.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
);
checked_name!(
    /// The key of a container's label, like "org.example.ops".
    LabelName, "label",
    "give the label's key: letters, digits, '.', '_', '-' and '/', starting with a letter or digit, 128 at most",
    |s| word(s, 128, "._-/")
);
checked_name!(
    /// A full Matrix user ID, `@name:server`.
    UserId, "Matrix user ID",
    "give the full ID, like @alice:example.org",
    |s| s.len() <= 255 && s.strip_prefix('@').and_then(|r| r.split_once(':'))
        .is_some_and(|(local, server)| !local.is_empty() && !server.is_empty())
        && !s.chars().any(|c| c.is_whitespace() || c.is_control())
);
checked_name!(
    /// A Matrix room ID, `!opaque` (new room versions have no `:server` part).
    RoomId, "Matrix room ID",
    "give the room's internal ID, which starts with '!'",
    |s| opaque_id(s, '!')
);
checked_name!(
    /// A Matrix room alias, `#name:server`.
    RoomAlias, "Matrix room alias",
    "give the whole alias, like #ops:example.org",
    |s| s.len() <= 255 && s.strip_prefix('#').and_then(|r| r.split_once(':'))
        .is_some_and(|(local, server)| !local.is_empty() && server_name(server))
        && !s.chars().any(|c| c.is_whitespace() || c.is_control())
);
checked_name!(
    /// A Matrix event ID, `$opaque`.
    EventId, "Matrix event ID",
    "an event ID starts with '$'",
    |s| opaque_id(s, '$')
);

fn word(s: &str, longest: usize, others: &str) -> bool {
    s.len() <= longest
        && s.starts_with(|c: char| c.is_ascii_alphanumeric())
        && s.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn opaque_id(s: &str, sigil: char) -> bool {
    s.len() > 1 && s.len() <= 255 && s.starts_with(sigil) && !s.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A server name, as far as a typo shows (the specification's appendix has the
/// whole grammar).
fn server_name(s: &str) -> bool {
    !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
}

impl UserId {
    /// `alice` of `@alice:example.org`: short enough for a phone. Only ever
    /// shown; the full ID is what counts.
    pub fn localpart(&self) -> &str {
        self.0[1..].split(':').next().unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_options_paths_or_shell_syntax_are_refused() {
        for bad in ["", "-f", "--help", "../x", "a b", "a;b", "$(reboot)", "`id`", "a\nb", "a|b", "ä", ".hidden"] {
            assert!(ServiceName::parse(bad).is_err(), "{bad:?}");
            assert!(HostName::parse(bad).is_err(), "{bad:?}");
            assert!(ContainerName::parse(bad).is_err(), "{bad:?}");
            assert!(Branch::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["matrix-bridge", "a", "web_1", "x.y", "9lives"] {
            assert!(ServiceName::parse(good).is_ok(), "{good:?}");
        }
        assert!(Branch::parse("release/2.x").is_ok());
        assert!(Branch::parse("a..b").is_err());
        assert!(RemoteDir::parse("/srv/it's here").is_ok(), "quoted later, not refused");
        assert!(RemoteDir::parse("/srv/../etc").is_err());
        assert!(RemoteDir::parse("srv").is_err());
    }

    #[test]
    fn room_ids_need_no_server_part() {
        assert!(RoomId::parse("!abc").is_ok());
        assert!(RoomId::parse("!abc:example.org").is_ok());
        assert!(RoomId::parse("#abc:example.org").is_err());
        assert!(UserId::parse("@alice").is_err());
        assert!(RoomAlias::parse("#ops:[2001:db8::1]:8448").is_ok());
        for bad in ["ops:example.org", "#ops", "#:example.org", "#ops:", "#o ps:example.org", "#ops:exam/ple"] {
            assert!(RoomAlias::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(UserId::parse("@alice:example.org").unwrap().localpart(), "alice");
    }
}
