//! People whose cross-signing identity has changed, as after a lost phone.
//!
//! When somebody verifies the bot, the bot (which compares nothing) verifies
//! them as well, and the SDK remembers it. If they reset their identity later,
//! the SDK refuses to encrypt for the *whole room* until that is settled: one
//! member's new phone would silence the bot for everybody. As the bot's
//! verification of a person never meant anything, it is withdrawn. What a
//! changed identity means for somebody's rights is the engine's to decide, so
//! it is told.

use matrix_sdk::{Client, encryption::identities::UserIdentity, ruma::UserId as SdkUserId};
use matrix_sdk_base::crypto::{OlmError, SessionRecipientCollectionError};
use tracing::{info, warn};

use super::{health::Notices, notice::Notice};
use crate::domain::names::UserId;

/// Settles what made an encryption fail, if it was this. Tells whether another
/// attempt is worth it.
pub(super) async fn settle(client: &Client, error: &matrix_sdk::Error, notices: &Notices) -> bool {
    let matrix_sdk::Error::OlmError(olm) = error else { return false };
    let OlmError::SessionRecipientCollectionError(SessionRecipientCollectionError::VerifiedUserChangedIdentity(users)) =
        &**olm
    else {
        return false;
    };
    for user in users {
        look_at(client, user, notices).await;
    }
    // Also where the digest was quicker to settle it.
    true
}

/// Looks at somebody's identity as it is known now, and withdraws the bot's
/// verification of it where it has changed since.
pub(super) async fn look_at(client: &Client, user: &SdkUserId, notices: &Notices) {
    match client.encryption().get_user_identity(user).await {
        Ok(Some(identity)) => accept_change(&identity, notices).await,
        Ok(None) => {}
        Err(error) => warn!(%user, %error, "this person's identity is not known"),
    }
}

async fn accept_change(identity: &UserIdentity, notices: &Notices) {
    if !identity.has_verification_violation() {
        return;
    }
    if let Err(error) = identity.withdraw_verification().await {
        warn!(user = %identity.user_id(), %error, "the change of identity could not be noted");
        return;
    }
    info!(user = %identity.user_id(), "this person has a new identity");
    if let Ok(user) = UserId::parse(identity.user_id().as_str()) {
        notices.say(Notice::IdentityChanged { user });
    }
}
