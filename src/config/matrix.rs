//! `[matrix]`: the bot's account.

use std::path::{Path, PathBuf};

use url::{Host, Url};

use super::{
    problem::At,
    secret,
    section::Section,
    settings::{Credentials, MatrixSettings},
    surroundings::{Depth, Surroundings},
};
use crate::domain::names::UserId;

/// How the bot's session is called in people's clients.
const DEVICE_NAME: &str = "opsroom";

pub(super) fn read(section: &Section<'_>, outside: &Surroundings<'_>, state_dir: &Path) -> Option<MatrixSettings> {
    let homeserver = homeserver(section);
    let user = section.required("user", "give the bot's full ID, like @opsroom:example.org");
    let user = user.and_then(|user| match UserId::parse(user.value) {
        Ok(id) => Some(id),
        Err(bad) => {
            section.problems.report_name(user.at, "user", bad);
            None
        }
    });
    let recovery_key_file = recovery_key_file(section, outside, state_dir);
    let store_passphrase = outside.secret(section, "store_passphrase_file", "store_passphrase_env");
    let credentials = credentials(section, outside);
    Some(MatrixSettings {
        homeserver: homeserver?,
        user: user?,
        credentials,
        recovery_key_file,
        device_name: section.text("device_name").map_or(DEVICE_NAME, |name| name.value).to_owned(),
        store_passphrase: store_passphrase.map(|secret| secret.value),
    })
}

/// The file may not be there before the first login; when it is, it is a
/// secret like any other.
fn recovery_key_file(section: &Section<'_>, outside: &Surroundings<'_>, state_dir: &Path) -> PathBuf {
    let named = outside.path(section, "recovery_key_file");
    let at = named.as_ref().map_or(section.at, |path| path.at);
    let file = named.map_or_else(|| state_dir.join("recovery-key"), |path| path.value);
    if outside.depth == Depth::Files
        && file.exists()
        && let Err(error) = secret::check_private(&file)
    {
        section.problems.report(at, "the recovery key cannot be used", error.to_string());
    }
    file
}

fn credentials(section: &Section<'_>, outside: &Surroundings<'_>) -> Option<Credentials> {
    let password = outside.secret(section, "password_file", "password_env");
    let token = outside.secret(section, "access_token_file", "access_token_env");
    match (password, token) {
        (Some(_), Some(At { at, .. })) => {
            section.problems.report(at, "both a password and an access token are given", "keep one of them");
            None
        }
        (Some(password), None) => Some(Credentials::Password(password.value)),
        (None, Some(token)) => Some(Credentials::AccessToken(token.value)),
        (None, None) => None,
    }
}

fn homeserver(section: &Section<'_>) -> Option<Url> {
    let At { value: text, at } = section.required("homeserver", "give its URL, like https://matrix.example.org")?;
    let refuse = |what: &str, advice: &str| {
        section.problems.report(at, format!("`homeserver` {what}"), advice);
        None
    };
    let url = match Url::parse(text) {
        Ok(url) if url.has_host() => url,
        Ok(_) | Err(_) => {
            return refuse(&format!("is not a URL: {text:?}"), "write it like https://matrix.example.org");
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds a login", "leave out what stands before the `@`: the bot logs in as `user`");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse(&format!("is more than a base URL: {text:?}"), "leave out what follows `?` or `#`");
    }
    match url.scheme() {
        "https" => Some(url),
        "http" if is_this_machine(&url) => Some(url),
        "http" => refuse(
            &format!("is not encrypted: {text:?}"),
            "use https://; plain http:// is only for a homeserver on this machine (localhost)",
        ),
        _ => refuse(&format!("is not a web address: {text:?}"), "write it like https://matrix.example.org"),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        // RFC 6761, section 6.3: these names never leave the machine.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
