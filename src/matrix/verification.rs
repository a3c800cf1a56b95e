//! A person verifies the bot from their client (SAS: the emoji comparison).
//!
//! The bot goes along by itself, because nobody sits at its side to compare.
//! That is worth something to the person's client, which then shows the bot as
//! verified. To the bot it is worth nothing: it grants no right, and what the
//! SDK signs of the other person on the way is never looked at for access.

use std::time::Duration;

use futures_util::StreamExt;
use matrix_sdk::{
    Client,
    encryption::verification::{
        SasState, SasVerification, Verification, VerificationRequest, VerificationRequestState,
    },
    ruma::{UserId as SdkUserId, events::key::verification::VerificationMethod},
};
use tokio::time::timeout;
use tracing::{info, warn};

/// A person needs seconds to compare seven emoji; a client that went away
/// never finishes.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Sees one verification through. `flow` is the in-room request's event or the
/// to-device request's transaction.
pub(super) async fn answer(client: Client, sender: String, flow: String) {
    let Ok(user) = SdkUserId::parse(&sender) else { return };
    let Some(request) = client.encryption().get_verification_request(&user, &flow).await else {
        // Old ones come with the history, or it was meant for another device.
        return;
    };
    if request.is_done() || request.is_cancelled() || request.we_started() {
        return;
    }
    info!(user = %sender, "verification asked for");
    match timeout(LIMIT, see_through(&request)).await {
        Ok(Ok(true)) => info!(user = %sender, "verified by them; this grants no right"),
        Ok(Ok(false)) => info!(user = %sender, "the verification was given up"),
        Ok(Err(error)) => {
            warn!(user = %sender, %error, "the verification failed");
            give_up(&request).await;
        }
        Err(_) => {
            warn!(user = %sender, "the verification took too long");
            give_up(&request).await;
        }
    }
}

async fn give_up(request: &VerificationRequest) {
    if let Err(error) = request.cancel().await {
        info!(%error, "the verification could not be cancelled");
    }
}

async fn see_through(request: &VerificationRequest) -> Result<bool, matrix_sdk::Error> {
    let mut changes = request.changes();
    request.accept_with_methods(vec![VerificationMethod::SasV1]).await?;
    let mut state = Some(request.state());
    while let Some(now) = state {
        match now {
            VerificationRequestState::Transitioned { verification: Verification::SasV1(sas) } => {
                return compare(&sas).await;
            }
            VerificationRequestState::Done => return Ok(true),
            VerificationRequestState::Cancelled(_) => return Ok(false),
            VerificationRequestState::Created { .. }
            | VerificationRequestState::Requested { .. }
            | VerificationRequestState::Ready { .. } => {}
            // Foreign and non-exhaustive: methods that were not offered.
            _ => return Ok(false),
        }
        state = changes.next().await;
    }
    Ok(false)
}

async fn compare(sas: &SasVerification) -> Result<bool, matrix_sdk::Error> {
    let mut changes = sas.changes();
    let mut state = Some(sas.state());
    while let Some(now) = state {
        match now {
            SasState::Started { .. } => sas.accept().await?,
            SasState::KeysExchanged { .. } => sas.confirm().await?,
            SasState::Done { .. } => return Ok(true),
            SasState::Cancelled(_) => return Ok(false),
            SasState::Created { .. } | SasState::Accepted { .. } | SasState::Confirmed => {}
        }
        state = changes.next().await;
    }
    Ok(false)
}
