//! Reads a known_hosts file for one host.
//!
//! russh's own reader passes over `@revoked`, negation and wildcards, which
//! turns "never this key" into "this key is fine". The format is that of
//! sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; a host on another port than 22 is only
//! ever found as `[host]:port`.

use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{
    PublicKey,
    ssh_key::known_hosts::{HostPatterns, Marker},
};
use sha1::Sha1;

/// One line that speaks of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) file: PathBuf,
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) marker: Option<Marker>,
    pub(super) key: PublicKey,
}

/// A line that is about the host, or could be, and cannot be read. It may be a
/// revocation, so nothing is decided without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) number: usize,
}

/// The lines of `text` that speak of the host. Lines about other hosts are
/// passed over, whatever is wrong with them.
pub(super) fn lines_for(text: &str, file: &Path, address: &str, port: u16) -> Result<Vec<Line>, Malformed> {
    let sought = lookup_name(address, port);
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let malformed = || Malformed { number };
        let mut fields = line.split_ascii_whitespace();
        let mut hosts = fields.next().ok_or_else(malformed)?;
        let mut marker = None;
        if hosts.starts_with('@') {
            marker = Some(hosts.parse::<Marker>().map_err(|_| malformed())?);
            hosts = fields.next().ok_or_else(malformed)?;
        }
        let patterns = hosts.parse::<HostPatterns>().map_err(|_| malformed())?;
        if !applies(&patterns, &sought) {
            continue;
        }
        let (Some(kind), Some(base64)) = (fields.next(), fields.next()) else { return Err(malformed()) };
        let key = PublicKey::from_openssh(&format!("{kind} {base64}")).map_err(|_| malformed())?;
        found.push(Line { file: file.to_owned(), number, marker, key });
    }
    Ok(found)
}

/// What OpenSSH looks up: the bare name on port 22, else `[name]:port`.
fn lookup_name(address: &str, port: u16) -> String {
    let address = address.to_ascii_lowercase();
    if port == 22 { address } else { format!("[{address}]:{port}") }
}

fn applies(patterns: &HostPatterns, sought: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => Hmac::<Sha1>::new_from_slice(salt)
            .is_ok_and(|mac| mac.chain_update(sought.as_bytes()).verify_slice(hash).is_ok()),
        HostPatterns::Patterns(patterns) => {
            let mut any = false;
            for pattern in patterns {
                let pattern = pattern.to_ascii_lowercase();
                match pattern.strip_prefix('!') {
                    // One negation that matches rules the whole line out.
                    Some(negated) if glob(negated.as_bytes(), sought.as_bytes()) => return false,
                    Some(_) => {}
                    None => any |= glob(pattern.as_bytes(), sought.as_bytes()),
                }
            }
            any
        }
    }
}

/// `*` and `?` as in ssh_config(5), PATTERNS; brackets stand for themselves,
/// which rules out the usual glob crates.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = star else { return false };
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn numbers(text: &str, address: &str, port: u16) -> Vec<usize> {
        lines_for(text, Path::new("known_hosts"), address, port).unwrap().iter().map(|line| line.number).collect()
    }

    #[test]
    fn plain_names_lists_and_ports() {
        let text = format!(
            "# a comment\n\nspark,192.0.2.5 {KEY} a comment # more\n[spark]:2222 {KEY}\nother\t{KEY}\n[2001:db8::5]:2222  {KEY}"
        );
        assert_eq!(numbers(&text, "spark", 22), [3]);
        assert_eq!(numbers(&text, "SPARK", 22), [3]);
        assert_eq!(numbers(&text, "192.0.2.5", 22), [3]);
        assert_eq!(numbers(&text, "spark", 2222), [4]);
        assert_eq!(numbers(&text, "spark", 2223), [] as [usize; 0]);
        assert_eq!(numbers(&text, "other", 22), [5]);
        assert_eq!(numbers(&text, "2001:db8::5", 2222), [6]);
    }

    #[test]
    fn wildcards_and_negation() {
        let text =
            format!("*.example.org,!bad.example.org {KEY}\n!spark,* {KEY}\n[*]:2222 {KEY}\n192.0.2.? {KEY}\n!x {KEY}");
        assert_eq!(numbers(&text, "good.example.org", 22), [1, 2]);
        assert_eq!(numbers(&text, "bad.example.org", 22), [2]);
        assert_eq!(numbers(&text, "spark", 22), [] as [usize; 0]);
        assert_eq!(numbers(&text, "192.0.2.7", 22), [2, 4]);
        assert_eq!(numbers(&text, "192.0.2.17", 22), [2]);
        assert_eq!(numbers(&text, "spark", 2222), [2, 3], "`*` also covers `[spark]:2222`, as in OpenSSH");
    }

    #[test]
    fn hashed_names() {
        // ssh-keygen -H of "example.com", from the format's description in ssh-key's tests.
        let mac = |name: &str| {
            let salt = b"0123456789abcdefghij";
            let hash =
                Hmac::<Sha1>::new_from_slice(salt).unwrap().chain_update(name.as_bytes()).finalize().into_bytes();
            HostPatterns::HashedName { salt: salt.to_vec(), hash: hash.into() }.to_string()
        };
        let text = format!("{} {KEY}\n{} {KEY}", mac("spark"), mac("[spark]:2222"));
        assert_eq!(numbers(&text, "spark", 22), [1]);
        assert_eq!(numbers(&text, "spark", 2222), [2]);
        assert_eq!(numbers(&text, "spar", 22), [] as [usize; 0]);
    }

    #[test]
    fn markers_are_kept() {
        let text = format!("@revoked spark {KEY}\n@cert-authority *.example.org {KEY}");
        let lines = lines_for(&text, Path::new("k"), "spark", 22).unwrap();
        assert_eq!(lines[0].marker, Some(Marker::Revoked));
        let lines = lines_for(&text, Path::new("k"), "a.example.org", 22).unwrap();
        assert_eq!(lines[0].marker, Some(Marker::CertAuthority));
    }

    #[test]
    fn a_broken_line_counts_when_it_may_be_about_the_host() {
        let broken = |text: &str| lines_for(text, Path::new("k"), "spark", 22).map_err(|m| m.number);
        assert_eq!(broken(&format!("other {KEY}\nspark ssh-ed25519 AAAA")), Err(2));
        assert_eq!(broken("spark"), Err(1));
        assert_eq!(broken(&format!("@revokd spark {KEY}")), Err(1));
        assert_eq!(broken(&format!("|1|nonsense {KEY}")), Err(1));
        assert_eq!(broken("other ssh-ed25519 AAAA"), Ok(vec![]));
    }

    #[test]
    fn stars_backtrack() {
        assert!(glob(b"*a*b", b"xaxxbab"));
        assert!(glob(b"", b""));
        assert!(glob(b"**", b""));
        assert!(!glob(b"*a", b"xab"));
        assert!(!glob(b"a", b""));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*", address in "[a-z.:*]{0,12}", port: u16) {
            let _ = lines_for(&text, Path::new("k"), &address, port);
        }
    }
}
