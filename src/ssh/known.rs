//! Whom we talk to: judges the key a host shows, and says what to do about it.

use std::borrow::Cow;

use russh::{
    Preferred,
    keys::{Algorithm, PublicKey, ssh_key::known_hosts::Marker},
};

use super::{
    HostKey, Settings, Trust,
    host_key::{fingerprint, openssh},
    known_hosts::{self, Line},
};
use crate::ports::RemoteError;

/// What is known of one host's keys at the time of one connection.
#[derive(Debug)]
pub(super) struct Known {
    label: String,
    keys: Vec<KnownKey>,
}

#[derive(Debug)]
struct KnownKey {
    key: PublicKey,
    marker: Option<Marker>,
    /// "the config", "known_hosts line 3".
    origin: String,
}

impl Known {
    /// Gathers it; reads the known_hosts file when that is what is trusted.
    pub(super) async fn gather(settings: &Settings) -> Result<Self, RemoteError> {
        let label = settings.label();
        let keys = match &settings.trust {
            Trust::Pinned(keys) => keys.iter().map(KnownKey::pinned).collect(),
            Trust::KnownHosts(file) => {
                let text = tokio::fs::read_to_string(file).await.map_err(|error| {
                    RemoteError::HostKey(format!(
                        "{label} was not contacted: its known_hosts file {} cannot be read: {error}",
                        file.display()
                    ))
                })?;
                known_hosts::lines_for(&text, file, &settings.address, settings.port)
                    .map_err(|malformed| {
                        RemoteError::HostKey(format!(
                            "{label} was not contacted: line {} of {} cannot be read, and it may be about this host. \
                             Correct or remove it.",
                            malformed.number,
                            file.display()
                        ))
                    })?
                    .into_iter()
                    .map(KnownKey::from)
                    .collect()
            }
        };
        Ok(Self { label, keys })
    }

    /// The order in which we ask for key types: those we know first, so that a
    /// host pinned by its RSA key alone is not judged by its Ed25519 key. The
    /// others stay in the list: what the host shows then can be named.
    pub(super) fn preferred(&self) -> Preferred {
        let known = |algorithm: &Algorithm| {
            self.keys.iter().any(|known| known.marker.is_none() && same_kind(&known.key.algorithm(), algorithm))
        };
        // SHA-1 signatures prove nothing any more.
        let offered = Preferred::DEFAULT.key.iter().filter(|a| **a != Algorithm::Rsa { hash: None });
        let (mut order, others): (Vec<_>, Vec<_>) = offered.cloned().partition(known);
        order.extend(others);
        Preferred { key: Cow::Owned(order), ..Preferred::DEFAULT }
    }

    /// How sentences name the host.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// `Err` is the sentence for the operator.
    pub(super) fn judge(&self, offered: &PublicKey) -> Result<(), String> {
        let label = &self.label;
        let shown = fingerprint(offered);
        let same = |known: &&KnownKey| known.key.key_data() == offered.key_data();
        let marked = |marker: Option<Marker>| self.keys.iter().filter(move |known| known.marker == marker);
        if let Some(revoked) = marked(Some(Marker::Revoked)).find(same) {
            return Err(format!(
                "{label} shows a host key that is marked as revoked ({shown}, {}). Nothing was sent to it. Somebody \
                 may hold the old key: find out before you connect.",
                revoked.origin
            ));
        }
        if marked(None).any(|known| same(&known)) {
            return Ok(());
        }
        let expected: Vec<_> =
            marked(None).map(|known| format!("{} ({})", fingerprint(&known.key), known.origin)).collect();
        if !expected.is_empty() {
            return Err(format!(
                "{label} shows another host key than the known one. Offered: {shown}. Expected: {}. Nothing was sent \
                 to it: either the host was set up anew, or somebody is in between. Compare with what `ssh-keygen -lf \
                 /etc/ssh/ssh_host_{}_key.pub` says on the host's own console before you change the pin.",
                expected.join(" or "),
                file_kind(&offered.algorithm()),
            ));
        }
        if let Some(authority) = marked(Some(Marker::CertAuthority)).next() {
            return Err(format!(
                "{label} is known only by a certificate authority ({}), and opsroom does not check host certificates. \
                 Pin its own key instead: host_key = \"{}\", if {shown} is its fingerprint.",
                authority.origin,
                openssh(offered),
            ));
        }
        Err(format!(
            "{label} is not known yet. It shows {shown}. If `ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub` on the host \
             says the same, pin it in the config: host_key = \"{}\"",
            file_kind(&offered.algorithm()),
            openssh(offered),
        ))
    }
}

impl KnownKey {
    fn pinned(key: &HostKey) -> Self {
        Self { key: key.public().clone(), marker: None, origin: "pinned in the config".to_owned() }
    }
}

impl From<Line> for KnownKey {
    fn from(line: Line) -> Self {
        let origin = format!("{} line {}", line.file.display(), line.number);
        Self { key: line.key, marker: line.marker, origin }
    }
}

fn same_kind(a: &Algorithm, b: &Algorithm) -> bool {
    a == b || matches!((a, b), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

/// The `<kind>` of `/etc/ssh/ssh_host_<kind>_key.pub`.
fn file_kind(algorithm: &Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Rsa { .. } => "rsa",
        Algorithm::Ecdsa { .. } => "ecdsa",
        _ => "ed25519",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK2pr+Bfus1hvPof4Wb/plZCzSbqadHH0u+/f4ODtKnE";

    fn known(keys: &[(&str, Option<Marker>)]) -> Known {
        let keys = keys
            .iter()
            .map(|(line, marker)| KnownKey {
                key: HostKey::parse(line).unwrap().public().clone(),
                marker: *marker,
                origin: "pinned in the config".to_owned(),
            })
            .collect();
        Known { label: "spark-1 (192.0.2.5:22)".to_owned(), keys }
    }

    fn verdict(keys: &[(&str, Option<Marker>)]) -> String {
        known(keys).judge(HostKey::parse(A).unwrap().public()).err().unwrap_or_else(|| "accepted".to_owned())
    }

    #[test]
    fn each_verdict_says_what_was_shown_what_was_expected_and_what_to_do() {
        insta::assert_snapshot!(verdict(&[(A, None), (B, None)]), @r"accepted");
        insta::assert_snapshot!(verdict(&[]), @r#"spark-1 (192.0.2.5:22) is not known yet. It shows ssh-ed25519 SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE. If `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host says the same, pin it in the config: host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ""#);
        insta::assert_snapshot!(verdict(&[(B, None)]), @r"spark-1 (192.0.2.5:22) shows another host key than the known one. Offered: ssh-ed25519 SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE. Expected: ssh-ed25519 SHA256:wX9j+SP2h7N0y1ZKQdM3E2rXGeJIBFZbmJjfvWeAgd0 (pinned in the config). Nothing was sent to it: either the host was set up anew, or somebody is in between. Compare with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` says on the host's own console before you change the pin.");
        insta::assert_snapshot!(verdict(&[(A, None), (A, Some(Marker::Revoked))]), @r"spark-1 (192.0.2.5:22) shows a host key that is marked as revoked (ssh-ed25519 SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE, pinned in the config). Nothing was sent to it. Somebody may hold the old key: find out before you connect.");
        insta::assert_snapshot!(verdict(&[(B, Some(Marker::CertAuthority))]), @r#"spark-1 (192.0.2.5:22) is known only by a certificate authority (pinned in the config), and opsroom does not check host certificates. Pin its own key instead: host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ", if ssh-ed25519 SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE is its fingerprint."#);
    }

    #[test]
    fn a_comment_is_not_part_of_a_key() {
        let pinned = known(&[(&format!("{A} root@spark"), None)]);
        assert_eq!(pinned.judge(HostKey::parse(A).unwrap().public()), Ok(()));
        assert_eq!(HostKey::parse(&format!(" {A} root@spark\n")).unwrap().to_string(), A);
        assert!(HostKey::parse("SHA256:abc").is_err());
    }

    #[test]
    fn known_key_types_are_asked_for_first_and_sha1_never() {
        let order = known(&[(B, None)]).preferred().key.into_owned();
        assert_eq!(order[0], Algorithm::Ed25519);
        assert!(!order.contains(&Algorithm::Rsa { hash: None }));
        assert!(order.len() > 4);
    }
}
