//! The Matrix side against a real Synapse, judged by an independent client.

mod bot;
mod inbox;
mod proxy;

mod listening;
mod outages;
mod rooms;
mod sessions;
mod talking;
mod verifying;
