//! The byte stream under russh: TCP, or a channel of a jump host.
//!
//! russh runs each connection in a task of its own that nobody can stop, and
//! that waits without limit for a peer that stopped talking in the middle of a
//! handshake or of a packet. So the stream can be cut from outside: russh sees
//! an error and ends. It also keeps the first line the host sent, which is its
//! version, or why it will not talk to us.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What russh can talk over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The longest first line RFC 4253, section 4.2 allows.
const LONGEST_GREETING: usize = 255;

/// The first bytes from the host, up to the end of the line.
#[derive(Debug, Clone, Default)]
pub(super) struct Greeting(Arc<Mutex<Vec<u8>>>);

impl Greeting {
    /// `OpenSSH_9.2p1 Debian-2`, when that is what it was.
    pub(super) fn version(&self) -> Option<String> {
        self.line()?.strip_prefix("SSH-2.0-").map(str::to_owned)
    }

    /// A first line that is no version: sshd's reason for closing the
    /// connection ("Exceeded MaxStartups", "Not allowed at this time").
    pub(super) fn complaint(&self) -> Option<String> {
        self.line().filter(|line| !line.starts_with("SSH-"))
    }

    fn line(&self) -> Option<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = bytes.split(|&b| b == b'\n').next()?;
        let line: String = String::from_utf8_lossy(line).chars().filter(|c| !c.is_control()).collect();
        Some(line.trim().to_owned()).filter(|line| !line.is_empty())
    }

    fn hear(&self, bytes: &[u8]) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LONGEST_GREETING.saturating_sub(heard.len());
        heard.extend(bytes.iter().take(room));
        heard.len() == LONGEST_GREETING || heard.contains(&b'\n')
    }
}

/// A stream that can be cut.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Until the first line is complete.
    greeting: Option<Greeting>,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>, cut: CancellationToken, greeting: Greeting) -> Self {
        Self { stream, cut: Box::pin(cut.cancelled_owned()), greeting: Some(greeting) }
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was given up")),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if let Some(greeting) = &self.greeting
            && greeting.hear(&buf.filled()[before..])
        {
            self.greeting = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Never an error: russh would swallow the reason why the connection ended
    /// in favour of "not connected".
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.poll_cut(cx).is_ok() {
            let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
        }
        Poll::Ready(Ok(()))
    }
}
