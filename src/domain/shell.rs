//! Quoting for POSIX shells: the one way a value gets into a command line.

use super::names::LoginName;

/// One word for `sh`, whatever is in it.
///
/// NUL cannot be in an argument at all; checked names and validated paths hold
/// none, and from free text it is dropped.
pub fn quote(word: &str) -> String {
    let word: String = word.chars().filter(|c| *c != '\0').collect();
    shlex::try_quote(&word).map_or_else(|_| "''".to_owned(), |quoted| quoted.into_owned())
}

/// A script as one command line for any POSIX login shell: run by `sh` as the
/// SSH user, or through a login shell of the service's own user.
///
/// The wrapping is the contract's `sudo -iu <user> bash -lc '<command>'`; with
/// `-n`, so that a missing sudo rule is an error and not a hung prompt.
pub fn script(run_as: Option<&LoginName>, text: &str) -> String {
    match run_as {
        None => format!("sh -c {}", quote(text)),
        Some(user) => format!("sudo -n -iu {} bash -lc {}", quote(user.as_str()), quote(&sudo_login(text))),
    }
}

/// A script without its comments and indentation: what travels. Only for our
/// own, which have neither inside quotes.
pub fn terse(script: &str) -> String {
    let lines = script.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// A command that ends when its standard input does. Without a terminal sshd
/// sends no signal when a connection goes away (a stream would live on until
/// its next line meets a closed pipe); but it closes standard input.
pub fn until_hung_up(command: &str) -> String {
    format!(
        "exec 3<&0
{command} </dev/null 3<&- & e=$!
{{ read -r _ <&3; kill $e; }} >/dev/null 2>&1 & w=$!
wait $e; r=$?
kill $w 2>/dev/null
exit $r"
    )
}

/// The script in a form that survives `sudo -i`, which joins its arguments and
/// puts a backslash before each byte that is not alphanumeric, `_`, `-` or `$`
/// (sudo(8)) for the user's login shell to read once more. A line end would be
/// lost that way, and `$name` would be expanded a level too early; so the text
/// travels on one line without either, and `printf %b` restores it.
fn sudo_login(text: &str) -> String {
    let mut carried = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'\\' => carried.push_str("\\\\"),
            b' '..=b'~' if byte != b'$' => carried.push(char::from(byte)),
            other => carried.push_str(&format!("\\0{other:03o}")),
        }
    }
    format!("eval \"$(printf %b {})\"", quote(&carried))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    #[test]
    fn shell_syntax_is_text() {
        for evil in
            ["$(reboot)", "`reboot`", "a b", "it's", "\"", "\\", "a\nb", "-rf", "*", "!x", "", "~", "&& x", "; x"]
        {
            let out = Command::new("sh").arg("-c").arg(format!("printf %s {}", quote(evil))).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout), evil);
        }
    }

    /// What sudo does to the arguments behind `-i` (its `parse_args.c`).
    fn as_sudo_would(args: &[String]) -> String {
        let escape = |arg: &String| -> Vec<u8> {
            arg.bytes()
                .flat_map(|b| {
                    let plain = b.is_ascii_alphanumeric() || b"_-$".contains(&b);
                    if plain { vec![b] } else { vec![b'\\', b] }
                })
                .collect()
        };
        String::from_utf8(args.iter().map(escape).collect::<Vec<_>>().join(&b' ')).unwrap()
    }

    #[test]
    fn a_script_survives_sudo_login() {
        let text = r#"x='it is'
for i in 1 2; do printf '%s|' "$i $x"; done
printf '%s' '\n ä " ` & ; $(id)' "$HOME" "${x}" "$((1 + 1))""#;
        let direct = Command::new("sh").arg("-c").arg(text).output().unwrap();
        let line = script(Some(&LoginName::parse("svc").unwrap()), text);
        let args = shlex::split(&line).unwrap();
        assert_eq!(args[..4], ["sudo", "-n", "-iu", "svc"]);
        let out = Command::new("sh").arg("-c").arg(as_sudo_would(&args[4..])).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&direct.stdout), "{line}");
        assert!(!direct.stdout.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_survives_the_shell(text in "[^\0]{0,80}") {
            let out = Command::new("sh").arg("-c").arg(script(None, &format!("printf %s {}", quote(&text)))).output().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&out.stdout), text);
        }
    }
}
