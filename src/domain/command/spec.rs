//! What the table says of a command.

use super::{Command, TABLE, Written};
use crate::domain::{names::BadName, role::Role, selector::NoMatch, suggest};

/// One command of the table.
#[derive(Debug)]
pub struct Spec {
    /// What is typed, without the prefix.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// What follows the name.
    pub arguments: &'static str,
    /// One line for the list.
    pub summary: &'static str,
    /// What else there is to know, for `!help <command>`.
    pub detail: &'static str,
    /// Who may give it.
    pub needs: Role,
    /// What it can do to the cluster.
    pub effect: Effect,
    /// What it is about when it is given as an answer to an alert.
    pub context: Context,
    /// Reads what follows the name.
    pub(super) read: fn(&[&str]) -> Result<Parsed, Fault>,
}

/// What a command can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing.
    Read,
    /// It changes a service, or what people are told.
    Change,
    /// A change that takes something away.
    Risky,
}

/// What an answer to an alert means by a command without its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Nothing: it has to be written out.
    None,
    /// The alerts that the message tells of.
    Alerts,
    /// What the alert is about, if it is about one thing.
    Subject,
    /// The same; the member in trouble, if that is a project's.
    Member,
}

/// A command as it was read, and what the table says of it.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Its entry in the table.
    pub spec: &'static Spec,
    /// What is asked for.
    pub command: Command<Written>,
}

impl Spec {
    /// A command of this entry.
    pub(super) fn gives(&'static self, command: Command<Written>) -> Parsed {
        Parsed { spec: self, command }
    }
}

/// What is wrong with a command's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It needs one more, of this kind.
    Missing(&'static str),
    /// It takes no such one.
    Extra(String),
    /// Not a number of lines.
    Lines(String),
    /// Not a length of time.
    Time(String),
    /// Not a selector.
    Selector(NoMatch),
    /// Not a number of replicas.
    Replicas(String),
    /// Not a version.
    Version(BadName),
}

/// The table's entry of that name or alias.
pub fn spec(name: &str) -> Option<&'static Spec> {
    TABLE.iter().copied().find(|spec| spec.name == name || spec.aliases.contains(&name))
}

/// The nearest name in the table.
pub fn nearest(written: &str) -> Option<&'static str> {
    suggest::nearest(written, TABLE.iter().map(|spec| spec.name))
}
