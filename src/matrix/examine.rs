//! A look at the account and its rooms from outside: for `opsroom doctor`.
//!
//! Only questions that change nothing are asked, over plain requests with the
//! saved session's token: the store is not opened, so that a bot that runs on
//! it is not disturbed, and no device is made.

use std::{path::Path, time::Duration};

use matrix_sdk::reqwest::{Client, Error as RequestError, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::{error::Error, session::SessionHome, settings::Login};
use crate::domain::{
    doctor::ChatCheck,
    names::{RoomId, UserId},
    room::RoomAddress,
};

/// The longest one question may take.
const LIMIT: Duration = Duration::from_secs(15);

/// What is to be looked at.
#[derive(Debug)]
pub struct Subject {
    /// The client-server API's base URL.
    pub homeserver: Url,
    /// The bot's account.
    pub user: UserId,
    /// How it would log in; none when a person types the password.
    pub login: Option<Login>,
    /// The rooms it serves.
    pub rooms: Vec<RoomAddress>,
}

/// The findings, in the order of asking. What depends on something that is
/// wrong is not asked.
pub async fn examine(subject: &Subject, state_dir: &Path) -> Vec<ChatCheck> {
    let url = subject.homeserver.to_string();
    let api = match Client::builder().timeout(LIMIT).build() {
        Ok(http) => Api { http, base: subject.homeserver.clone(), token: None },
        Err(error) => return vec![ChatCheck::NoHomeserver { url, why: error.without_url().to_string() }],
    };
    let mut found = Vec::new();
    match api.get(&["versions"]).await {
        Ok((_, body)) if body["versions"].is_array() => found.push(ChatCheck::Homeserver(url)),
        Ok((status, _)) => {
            let why = format!("status {status}, and no list of versions");
            return vec![ChatCheck::NoHomeserver { url, why }];
        }
        Err(why) => return vec![ChatCheck::NoHomeserver { url, why }],
    }
    match session(subject, &api, state_dir).await {
        Ok((device, token)) => {
            found.push(ChatCheck::Session(device));
            let api = Api { token: Some(token), ..api };
            found.extend(rooms(subject, &api).await);
        }
        Err(matter) => found.push(matter),
    }
    found
}

/// The device and its token, if the homeserver takes it.
async fn session(subject: &Subject, api: &Api, state_dir: &Path) -> Result<(String, SecretString), ChatCheck> {
    let saved = SessionHome::new(state_dir).load(&subject.user).map_err(|error| match error {
        Error::OtherAccount { found, wanted } => ChatCheck::SessionForeign { found, wanted: wanted.to_string() },
        other => ChatCheck::SessionUnclear(other.to_string()),
    })?;
    let (token, renewable) = match (saved, &subject.login) {
        (Some(saved), _) => (SecretString::from(saved.tokens.access_token), saved.tokens.refresh_token.is_some()),
        (None, Some(Login::AccessToken(token))) => (token.clone(), false),
        (None, login) => return Err(ChatCheck::NoSession { can_log_in: login.is_some() }),
    };
    let asked = Api { token: Some(token.clone()), http: api.http.clone(), base: api.base.clone() };
    let (status, body) = asked.get(&["v3", "account", "whoami"]).await.map_err(ChatCheck::SessionUnclear)?;
    if status == StatusCode::UNAUTHORIZED {
        // A token of a few minutes' life; what renews it is the bot's alone.
        if renewable && body["soft_logout"] == true {
            return Err(ChatCheck::SessionRests);
        }
        return Err(ChatCheck::SessionDead { heals: matches!(subject.login, Some(Login::Password(_))) });
    }
    match body["user_id"].as_str() {
        Some(user) if user == subject.user.as_str() => {
            Ok((body["device_id"].as_str().unwrap_or("no device").to_owned(), token))
        }
        Some(other) => Err(ChatCheck::SessionForeign { found: other.to_owned(), wanted: subject.user.to_string() }),
        None => Err(ChatCheck::SessionUnclear(format!("status {status} to the question whose token it is"))),
    }
}

async fn rooms(subject: &Subject, api: &Api) -> Vec<ChatCheck> {
    let joined = match api.get(&["v3", "joined_rooms"]).await {
        Ok((_, body)) => body["joined_rooms"].as_array().cloned().unwrap_or_default(),
        Err(why) => return vec![ChatCheck::SessionUnclear(why)],
    };
    let mut found = Vec::new();
    for room in &subject.rooms {
        found.push(match self::room(room, &joined, api).await {
            Ok(matter) => matter,
            Err(why) => ChatCheck::RoomUnclear { room: room.clone(), why },
        });
    }
    found
}

async fn room(room: &RoomAddress, joined: &[Value], api: &Api) -> Result<ChatCheck, String> {
    let id = match room {
        RoomAddress::Id(id) => id.clone(),
        RoomAddress::Alias(alias) => {
            let (status, body) = api.get(&["v3", "directory", "room", alias.as_str()]).await?;
            match body["room_id"].as_str().and_then(|id| RoomId::parse(id).ok()) {
                Some(id) => id,
                None if status == StatusCode::NOT_FOUND => return Ok(ChatCheck::NoRoom(room.clone())),
                None => return Err(format!("status {status} to the question where the alias leads")),
            }
        }
    };
    if !joined.iter().any(|known| known == id.as_str()) {
        return Ok(ChatCheck::NotInRoom(room.clone()));
    }
    let state = async |kind: &str| match api.get(&["v3", "rooms", id.as_str(), "state", kind]).await? {
        (StatusCode::OK, body) => Ok(body),
        (StatusCode::NOT_FOUND, _) => Ok(Value::Null),
        (status, _) => Err(format!("status {status} to the question for its {kind}")),
    };
    let encrypted = state("m.room.encryption").await?["algorithm"].is_string();
    let public = state("m.room.join_rules").await?["join_rule"] == "public";
    Ok(ChatCheck::Room { room: room.clone(), encrypted, public })
}

/// The homeserver's client API, for reading.
struct Api {
    http: Client,
    base: Url,
    token: Option<SecretString>,
}

impl Api {
    /// Status and body; a body that is no JSON is null.
    async fn get(&self, path: &[&str]) -> Result<(StatusCode, Value), String> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| "the URL has no path".to_owned())?
            .pop_if_empty()
            .extend(["_matrix", "client"])
            .extend(path);
        let mut request = self.http.get(url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let told = |error: RequestError| super::error::with_causes(&error);
        let response = request.send().await.map_err(told)?;
        let status = response.status();
        let text = response.text().await.map_err(told)?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }
}
