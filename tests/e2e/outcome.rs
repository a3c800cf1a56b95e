//! Which message tells how a change ended.
//!
//! What was over soon and did not fail is told by the message that was edited
//! all along. What took longer, or failed, is told by a message of its own,
//! right after that edit.

use opsroom_lab::{Message, message::Expected, where_};

const PHASES: [&str; 6] = ["fetch", "build", "pull", "switch", "verify", "rollback"];

/// The message with all there is to say of how a change ended.
pub(crate) fn outcome() -> Expected {
    where_("that tells the whole outcome", is_whole)
}

fn is_whole(message: &Message) -> bool {
    let apart = message.history().len() == 1;
    let text = message.text();
    let head = text.lines().next().unwrap_or_default();
    match head.chars().next() {
        None | Some('⏳') => false,
        // Who asked is notified, which no edit does.
        Some('🔴' | '❔') => apart,
        // The versions are in whatever tells it all.
        Some('✅') => apart || head.contains(" — ") || !(head.contains(" updated") || head.contains(" rolled back")),
        // What is left, or why it was not begun, is in whatever tells it all.
        Some(_) => apart || !text.lines().last().is_some_and(is_phase),
    }
}

/// "✅ fetch 1a2b3c4 → 5d6e7f8 (1 commit) · 2 s".
fn is_phase(line: &str) -> bool {
    line.split(' ').nth(1).is_some_and(|word| PHASES.contains(&word))
}
