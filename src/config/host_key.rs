//! Host keys as a config pins them: one line of a `.pub` file.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The kinds of host key that OpenSSH makes (ssh-keygen(1), `-t`), without
/// DSA, which it has dropped.
const KINDS: [&str; 5] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];

/// A host's public key: `ssh-ed25519 AAAA…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostKey(String);

impl HostKey {
    /// Reads a line of a `.pub` file; a comment at its end is dropped. The
    /// error is what to do.
    pub fn parse(line: &str) -> Result<Self, &'static str> {
        let mut words = line.split_whitespace();
        let (kind, blob) = match (words.next(), words.next()) {
            (Some(kind), Some(blob)) if KINDS.contains(&kind) => (kind, blob),
            (Some(fingerprint), _) if fingerprint.starts_with("SHA256:") || fingerprint.starts_with("MD5:") => {
                return Err("that is a fingerprint: give the whole public key, like ssh-ed25519 AAAA…");
            }
            (Some(_), Some(kind)) if KINDS.contains(&kind) => {
                return Err("leave out what stands before the key's kind, so that it begins like ssh-ed25519 AAAA…");
            }
            _ => return Err("give a line of the host's .pub file, like ssh-ed25519 AAAA…"),
        };
        match STANDARD.decode(blob) {
            Ok(blob) if is_whole(&blob, kind) => Ok(Self(format!("{kind} {}", STANDARD.encode(blob)))),
            Ok(_) | Err(_) => Err("the key is cut short or damaged: copy the whole line of the host's .pub file"),
        }
    }

    /// The kind and the key, without a comment.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a key blob is a row of whole strings, each led by its length, and
/// begins with its own kind (RFC 4253, section 6.6).
fn is_whole(blob: &[u8], kind: &str) -> bool {
    let mut strings = Vec::new();
    let mut rest = blob;
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let Some((string, tail)) = tail.split_at_checked(u32::from_be_bytes(*length) as usize) else { return false };
        strings.push(string);
        rest = tail;
    }
    rest.is_empty() && strings.len() > 1 && strings[0] == kind.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn a_line_of_a_pub_file_is_a_key_and_its_comment_is_dropped() {
        assert_eq!(HostKey::parse(&format!("{ED25519} root@example")).unwrap().as_str(), ED25519);
        assert_eq!(HostKey::parse(&format!("  {ED25519}\n")).unwrap().as_str(), ED25519);
    }

    #[test]
    fn what_is_not_a_whole_key_is_told_what_is_wanted() {
        for (line, advice) in [
            (String::new(), "give a line"),
            ("ssh-dss AAAA".to_owned(), "give a line"),
            ("ssh-ed25519".to_owned(), "give a line"),
            ("SHA256:jRG0rAbOjlDLfbvMfpCBH5KY2XNh5kMhCTc6JxzWdOA".to_owned(), "that is a fingerprint"),
            (format!("spark-1 {ED25519}"), "leave out what stands before"),
            (ED25519[..60].to_owned(), "the key is cut short"),
            (format!("{ED25519}AAAA"), "the key is cut short"),
            (ED25519.replace("ssh-ed25519", "ssh-rsa"), "the key is cut short"),
        ] {
            let error = HostKey::parse(&line).unwrap_err();
            assert!(error.starts_with(advice), "{line:?}: {error}");
        }
    }
}
