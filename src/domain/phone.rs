//! What phone keyboards do to a command, undone: `—help` for `--help`, curly
//! quotes, a capital first letter, spaces that nobody typed.

/// Stands for `#` (a number, a room), which would begin a comment to a shell.
const HASH: char = '\u{e000}';

/// The words of a message, straightened. Quoted words stay together.
pub fn words(text: &str) -> Vec<String> {
    let straight: String = text
        .chars()
        .map(|c| match c {
            '“' | '”' | '„' | '«' | '»' => '"',
            '‘' | '’' | '‚' => '\'',
            '\u{a0}' | '\u{2007}' | '\u{202f}' => ' ',
            // Zero-width characters come with copied names.
            '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{feff}' => '\u{200b}',
            '#' => HASH,
            other => other,
        })
        .filter(|c| *c != '\u{200b}')
        .collect();
    // A lone apostrophe is no quote: then the words are just split.
    shlex::split(&straight)
        .unwrap_or_else(|| straight.split_whitespace().map(str::to_owned).collect())
        .into_iter()
        .map(|word| undash(&word).replace(HASH, "#"))
        .collect()
}

/// `—help` was typed `--help`; a dash inside a word was a hyphen.
fn undash(word: &str) -> String {
    let rest = word.trim_start_matches(['—', '–']);
    if rest.len() < word.len() && !rest.is_empty() {
        return format!("--{rest}");
    }
    word.replace(['‐', '‑', '–', '—'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_phones_do_is_undone() {
        assert_eq!(words("status  matrix-bridge "), ["status", "matrix-bridge"]);
        assert_eq!(words("update bridge —dry-run"), ["update", "bridge", "--dry-run"]);
        assert_eq!(words("run “free -h”"), ["run", "free -h"]);
        assert_eq!(words("logs matrix–bridge\u{a0}50"), ["logs", "matrix-bridge", "50"]);
        assert_eq!(words("what’s up"), ["what's", "up"]);
        assert_eq!(words("cancel #12"), ["cancel", "#12"]);
        assert_eq!(words(""), Vec::<String>::new());
    }
}
