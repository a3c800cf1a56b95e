//! What phone keyboards do to a command, undone: `！ＳＴＡＴＵＳ`, `—help` for
//! `--help`, curly quotes, a capital first letter, spaces of all widths, a full
//! stop behind the last word, and a "please".
//!
//! Nothing here may turn a command into one about something else. So what is
//! dropped is what no name can contain or end with (the config refuses a name
//! that ends with a full stop), and politeness by the rule of [`politely`].

/// Stands for `#` (a number, a room), which would begin a comment to a shell.
const HASH: char = '\u{e000}';

/// What ends a sentence, and no command.
const ENDS: [char; 5] = ['.', ',', ';', '!', '…'];

/// Words that people add to be polite, and articles.
const COURTESIES: [&str; 8] = ["please", "pls", "plz", "thanks", "thx", "bitte", "danke", "the"];

/// The words of a command, straightened, its name first. Quoted words stay
/// together.
pub fn words(text: &str) -> Vec<String> {
    let straight: String = text.chars().filter_map(straight).map(|c| if c == '#' { HASH } else { c }).collect();
    let straight = without_end(&straight, |c| ENDS.contains(&c) || c == ' ');
    // A lone apostrophe is no quote: then the words are just split.
    let mut words: Vec<String> = shlex::split(straight)
        .unwrap_or_else(|| straight.split_whitespace().map(str::to_owned).collect())
        .into_iter()
        .map(|word| undash(&word).replace(HASH, "#"))
        // A comma between words parts them like a space.
        .map(|word| without_end(&word, |c| c == ',' || c == ';').to_owned())
        .collect();
    if words.len() > 1 && is_courtesy(&words[0]) {
        words.remove(0);
    }
    if let Some(first) = words.first_mut() {
        *first = name(first).to_owned();
    }
    words
}

/// A command's name without what a keyboard or a sentence puts behind it.
pub fn name(word: &str) -> &str {
    without_end(word, |c| ENDS.contains(&c) || c == '?' || c == ':')
}

/// What stands behind the prefix, as it was written.
pub fn behind_prefix<'a>(body: &'a str, prefix: &str) -> Option<&'a str> {
    let mut rest = body.trim_start_matches(|c| straight(c).is_none_or(|c| c == ' '));
    for wanted in prefix.chars().filter_map(straight) {
        rest = rest.trim_start_matches(|c| straight(c).is_none());
        let mut chars = rest.chars();
        let found = chars.next().and_then(straight)?;
        // A keyboard begins a message with a capital letter.
        if !found.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
        rest = chars.as_str();
    }
    Some(rest)
}

/// Reads what follows a command's name, as it is written or without what is
/// only politeness.
///
/// A service may be called `please`. So in a command that changes something,
/// which is `careful`, it is dropped only where as written there is no command,
/// and what is left is one: that acts on nothing that was not named. A command
/// that only reads may drop it always. Whoever means that service can write
/// `host:please`.
pub fn politely<C, F>(words: &[&str], read: impl Fn(&[&str]) -> Result<C, F>, careful: bool) -> Result<C, F> {
    let written = read(words);
    if (careful && written.is_ok()) || !words.iter().any(|word| is_courtesy(word)) {
        return written;
    }
    let plain: Vec<&str> = words.iter().copied().filter(|word| !is_courtesy(word)).collect();
    read(&plain).or(written)
}

fn is_courtesy(word: &str) -> bool {
    COURTESIES.iter().any(|courtesy| courtesy.eq_ignore_ascii_case(word))
}

/// The character that was meant; none where nobody sees one. Marks that reorder
/// what is seen are kept: a name with one is not the name that it seems to be.
fn straight(c: char) -> Option<char> {
    Some(match c {
        '“' | '”' | '„' | '«' | '»' => '"',
        '‘' | '’' | '‚' => '\'',
        '。' | '｡' => '.',
        '、' | '､' => ',',
        // The full-width forms stand in ASCII's order.
        '！'..='～' => u8::try_from(u32::from(c) - 0xfee0).ok()?.into(),
        // They come with copied names and mentions.
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{2066}' | '\u{2068}' | '\u{2069}' => {
            return None;
        }
        '\u{feff}' => return None,
        c if c.is_whitespace() => ' ',
        c => c,
    })
}

/// Without what ends it, unless there is nothing else: `?` is a command.
fn without_end(text: &str, ends: impl Fn(char) -> bool) -> &str {
    let bare = text.trim_end_matches(ends);
    if bare.contains(char::is_alphanumeric) { bare } else { text }
}

/// `—help` was typed `--help`; a dash inside a word was a hyphen.
fn undash(word: &str) -> String {
    let rest = word.trim_start_matches(['—', '–']);
    if rest.len() < word.len() && !rest.is_empty() {
        return format!("--{rest}");
    }
    word.replace(['‐', '‑', '–', '—', '−'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_phones_do_is_undone() {
        for (written, meant) in [
            ("status  matrix-bridge ", &["status", "matrix-bridge"][..]),
            ("update bridge —dry-run", &["update", "bridge", "--dry-run"]),
            ("run “free -h”", &["run", "free -h"]),
            ("logs matrix–bridge\u{a0}50", &["logs", "matrix-bridge", "50"]),
            ("what’s up", &["what's", "up"]),
            ("cancel #12", &["cancel", "#12"]),
            ("", &[]),
            ("ＳＴＡＴＵＳ　ｗｅｂ－１", &["STATUS", "web-1"]),
            ("logs\u{2009}bridge\u{3000}\u{202f}50", &["logs", "bridge", "50"]),
            ("status.", &["status"]),
            ("status… ", &["status"]),
            ("status。", &["status"]),
            ("status ?!", &["status", "?"]),
            ("status?", &["status"]),
            ("status: bridge, kokoro!", &["status", "bridge", "kokoro"]),
            ("logs bridge 50.", &["logs", "bridge", "50"]),
            ("status web-?", &["status", "web-?"]),
            ("status spark-1:", &["status", "spark-1:"]),
            ("run \"sync; sync.\"", &["run", "sync; sync."]),
            ("?", &["?"]),
            ("...", &["..."]),
            ("Please, restart bridge", &["restart", "bridge"]),
            ("please", &["please"]),
            ("restart \u{2068}bri\u{200b}dge\u{2069}\u{feff}", &["restart", "bridge"]),
            // This one is shown in another order than it is written.
            ("restart \u{202e}egdirb", &["restart", "\u{202e}egdirb"]),
        ] {
            assert_eq!(words(written), meant, "{written:?}");
        }
    }

    #[test]
    fn a_prefix_is_one_however_it_was_typed() {
        for (body, prefix, rest) in [
            ("!status", "!", Some("status")),
            ("！status", "!", Some("status")),
            (" \u{a0}\u{feff}!\u{200b} status", "!", Some("\u{200b} status")),
            ("!status", "！", Some("status")),
            ("。status", ".", Some("status")),
            ("Ops! status", "ops!", Some(" status")),
            ("status", "!", None),
            ("", "!", None),
        ] {
            assert_eq!(behind_prefix(body, prefix), rest, "{body:?}");
        }
    }

    #[test]
    fn politeness_is_dropped_where_no_name_is_meant() {
        let one = |words: &[&str]| match words {
            [word] => Ok((*word).to_owned()),
            _ => Err(words.len()),
        };
        for careful in [false, true] {
            let read = |words: &[&str]| politely(words, one, careful);
            assert_eq!(read(&["bridge"]), Ok("bridge".into()));
            assert_eq!(read(&["bridge", "Please"]), Ok("bridge".into()));
            assert_eq!(read(&["the", "bridge", "pls"]), Ok("bridge".into()));
            assert_eq!(read(&["please"]), Ok("please".into()), "nothing else can be meant");
            assert_eq!(read(&["bridge", "kokoro", "please"]), Err(3), "as it was written");
            assert_eq!(read(&["please", "thanks"]), Err(2));
        }
        let all = |words: &[&str]| Ok::<_, ()>(words.join(" "));
        assert_eq!(politely(&["bridge", "please"], all, false), Ok("bridge".into()));
        assert_eq!(politely(&["bridge", "please"], all, true), Ok("bridge please".into()));
    }
}
