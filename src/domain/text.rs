//! Text from outside, and what of it is shown.
//!
//! Logs, commit messages, tools and people hand on characters that a reader
//! does not see: some turn the order of a line around, some hide in a name,
//! some are meant for a terminal. [`visible`] is the one place that deals with
//! them. All that is said passes it in `message`, and files in the outbound
//! queue.

use std::borrow::Cow;

/// Characters of a person's words that are quoted back: enough to recognise
/// them, and a line or two on a phone.
pub const QUOTED: usize = 40;

/// The text with every invisible character written out, like `<U+202E>`.
///
/// Line ends and tabs stay, and so do the two that put one emoji together.
/// Sequences that only move or colour a terminal's cursor are dropped; one that
/// does not end is no sequence, so it hides nothing. Twice is the same as once.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = terminal_sequence(rest) {
            rest = &rest[length..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            // A carriage return alone redraws a line: what it draws over is shown too.
            '\r' if rest.starts_with('\n') => {}
            '\r' => out.push('\n'),
            '\u{fe0f}' if out.ends_with(is_picture) => out.push(c),
            '\u{200d}' if joins(&out, rest) => out.push(c),
            c if is_invisible(c) => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// At most so many characters, and `…` for the others.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// What has no picture of its own: the controls but line end and tab, Unicode's
/// `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt, version 16),
/// which has the direction marks and the tag characters, the line and paragraph
/// separators, and the interlinear marks.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Symbols and emoji. None is part of a word, so what joins two of them or
/// chooses their look cannot hide in a name.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{2139}' | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a zero-width joiner between these makes one emoji of two.
fn joins(before: &str, after: &str) -> bool {
    before.strip_suffix('\u{fe0f}').unwrap_or(before).ends_with(is_picture) && after.starts_with(is_picture)
}

/// The length of the terminal's control sequence (ECMA-48) at the start.
fn terminal_sequence(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let (kind, rest) = match chars.next()? {
        '\u{1b}' => (chars.next()?, chars.as_str()),
        // The same in one character.
        c @ '\u{90}'..='\u{9f}' => (char::from_u32(u32::from(c) - 0x40)?, chars.as_str()),
        _ => return None,
    };
    let start = text.len() - rest.len();
    match kind {
        '[' => {
            let end = rest.find(|c| !matches!(c, ' '..='?'))?;
            rest[end..].starts_with(|c| matches!(c, '@'..='~')).then_some(start + end + 1)
        }
        // A title, a link's address: up to its end, which is on the same line.
        ']' | 'P' | 'X' | '^' | '_' => {
            let line = rest.split('\n').next()?;
            let ends = ["\u{7}", "\u{1b}\\", "\u{9c}"];
            ends.iter().filter_map(|end| Some(line.find(end)? + end.len())).min().map(|length| start + length)
        }
        // One that chooses a character set has one more.
        '(' | ')' => rest.starts_with(|c: char| c.is_ascii_alphanumeric()).then_some(start + 1),
        '0'..='~' if text.starts_with('\u{1b}') => Some(start),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_nobody_sees_is_written_out() {
        for (given, shown) in [
            ("plain text, ünïcode, 日本語, עברית", "plain text, ünïcode, 日本語, עברית"),
            ("a\tb\nc", "a\tb\nc"),
            ("a\r\nb", "a\nb"),
            ("10 %\r20 %", "10 %\n20 %"),
            ("user\u{202e}gpj.exe", "user<U+202E>gpj.exe"),
            ("\u{2067}a\u{2069}\u{200b}\u{feff}\u{ad}\u{61c}", "<U+2067>a<U+2069><U+200B><U+FEFF><U+00AD><U+061C>"),
            ("\u{fff9}a\u{fffb}\u{180e}\u{e0041}", "<U+FFF9>a<U+FFFB><U+180E><U+E0041>"),
            ("a\0b\u{7}\u{8}\u{7f}\u{85}", "a<U+0000>b<U+0007><U+0008><U+007F><U+0085>"),
            // Emoji stay whole; in a word their parts are shown.
            ("⚠️ 👩\u{200d}💻 ❤️\u{200d}🔥", "⚠️ 👩\u{200d}💻 ❤️\u{200d}🔥"),
            ("bri\u{200d}dge\u{fe0f}", "bri<U+200D>dge<U+FE0F>"),
            ("👩\u{200d}x", "👩<U+200D>x"),
            // A terminal's sequences go, and take nothing along.
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{9b}31mred", "red"),
            ("\u{1b}[2K\u{1b}[1Gdone\u{1b}(B", "done"),
            ("\u{1b}]8;;https://x\u{1b}\\link\u{1b}]8;;\u{7}", "link"),
            ("\u{1b}]0;never ends", "<U+001B>]0;never ends"),
            ("\u{1b}]0;never ends\nnext\u{7}", "<U+001B>]0;never ends\nnext<U+0007>"),
            ("\u{1b}[31", "<U+001B>[31"),
            ("\u{1b}[31ö", "<U+001B>[31ö"),
            ("\u{1b}", "<U+001B>"),
        ] {
            assert_eq!(visible(given), shown, "{given:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("ünï", 3), "ünï");
        assert_eq!(shortened("ünïx", 3), "ünï…");
    }

    proptest! {
        #[test]
        fn nothing_invisible_is_left(text in r"(\PC|\p{Cf}|\p{Cc}|[👩💻⚠\x{200d}\x{fe0f}\x{e0041}\[\]m;]){0,40}") {
            let shown = visible(&text);
            for (at, c) in shown.char_indices().filter(|(_, c)| is_invisible(*c)) {
                let (before, after) = (&shown[..at], &shown[at + c.len_utf8()..]);
                let of_an_emoji = match c {
                    '\u{fe0f}' => before.ends_with(is_picture),
                    '\u{200d}' => joins(before, after),
                    _ => false,
                };
                prop_assert!(of_an_emoji, "{:?} in {:?}", c, shown);
            }
            prop_assert_eq!(visible(&shown), &*shown, "twice is once");
        }
    }
}
