//! Every sentence the bot says, as Markdown, one named function each.
//!
//! The first line is the verdict: it is what a lock screen shows. State is an
//! emoji plus a word, never a colour alone. Whatever comes from outside goes
//! through `message::{escape, code, block}`.

pub mod alert;
pub mod change;
pub mod dashboard;
pub mod discovery;
pub mod doctor;
pub mod help;
pub mod hosts;
pub mod incident;
pub mod logs;
pub mod operations;
pub mod preflight;
pub mod preview;
pub mod refusal;
mod size;
pub mod span;
pub mod status;

/// Where nothing is managed.
const NO_SERVICES: &str = "No services yet — add a `[[service]]` to the config, or a `discover` to a host.";
