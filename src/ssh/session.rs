//! One command on one channel, drained to its end.
//!
//! russh delivers to all channels of a connection in turn and waits for each:
//! one that is not drained stalls the others and the keepalives. So nothing in
//! this loop waits for anything but the channel, the limit and the end of the
//! input.

use russh::{ChannelMsg, Sig};
use tokio::time::{Instant, sleep_until};

use super::{channel::Halves, connection::Connection};
use crate::{
    domain::output::Exit,
    ports::{Exec, Output, RemoteError, Stdin, Stream},
};

/// `SSH_EXTENDED_DATA_STDERR` (RFC 4254, section 5.2), the only other stream.
const STDERR: u32 = 1;

/// Why a command has no exit.
pub(super) enum NoExit {
    /// It was never sent: it may be tried again.
    NotSent,
    /// The host answered that it did not start it.
    NotStarted,
    /// As the port says.
    Remote(RemoteError),
}

/// Runs the command. On leaving before its end the channel is closed and its
/// slot given back; the remote process goes on.
pub(super) async fn run(
    mut channel: Halves,
    connection: &Connection,
    exec: &Exec,
    deadline: Instant,
    output: &mut dyn Output,
) -> Result<Exit, NoExit> {
    channel.exec(&exec.command).await.map_err(|_| NoExit::NotSent)?;
    let mut open_until = match &exec.stdin {
        Stdin::Empty => {
            channel.end_of_input().await;
            None
        }
        Stdin::OpenUntil(token) => Some(token.clone()),
    };
    let limit = sleep_until(deadline);
    tokio::pin!(limit);
    let mut exit = None;
    loop {
        let message = tokio::select! {
            message = channel.next() => message,
            () = cancelled(open_until.as_ref()) => {
                open_until = None;
                channel.end_of_input().await;
                continue;
            }
            // A process left in the background keeps the channel open after
            // the command's own exit, which is known then.
            () = &mut limit => {
                return exit.ok_or(NoExit::Remote(RemoteError::TimedOut(exec.limit)));
            }
        };
        match message {
            Some(ChannelMsg::Data { data }) => output.chunk(Stream::Stdout, &data),
            Some(ChannelMsg::ExtendedData { data, ext: STDERR }) => output.chunk(Stream::Stderr, &data),
            Some(ChannelMsg::ExitStatus { exit_status }) => exit = Some(Exit::Code(exit_status)),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => exit = Some(Exit::Signal(signal(signal_name))),
            Some(ChannelMsg::Failure) => return Err(NoExit::NotStarted),
            // Status and end of output come in either order; the end is `None`.
            Some(_) => {}
            None => {
                return exit.ok_or_else(|| {
                    let why =
                        connection.end().unwrap_or_else(|| "the host closed it without an exit status".to_owned());
                    NoExit::Remote(RemoteError::Lost(why))
                });
            }
        }
    }
}

async fn cancelled(token: Option<&tokio_util::sync::CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}

fn signal(signal: Sig) -> String {
    match signal {
        Sig::Custom(name) => name,
        named => format!("{named:?}"),
    }
}
