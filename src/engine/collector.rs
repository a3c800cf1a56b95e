//! Bounded takers of a remote command's output: memory stays small whatever
//! the remote prints, and nothing ever waits for a consumer.

use std::collections::VecDeque;

use crate::ports::{Output, Stream};

/// Keeps the end of what was printed, both streams in order of arrival.
#[derive(Debug)]
pub struct Tail {
    kept: VecDeque<u8>,
    most: usize,
    /// Whether anything was dropped from the beginning.
    pub cut: bool,
}

impl Tail {
    /// Keeps at most so many bytes.
    pub fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), most, cut: false }
    }

    /// What was kept, as text. A first line that was cut through is dropped.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.kept.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let whole = if self.cut { text.split_once('\n').map_or(&*text, |(_, rest)| rest) } else { &text };
        whole.to_owned()
    }

    /// The last line that says anything: the cause, with most tools.
    pub fn last_line(&self) -> Option<String> {
        let text = self.text();
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
    }
}

impl Output for Tail {
    fn chunk(&mut self, _: Stream, bytes: &[u8]) {
        let bytes = if bytes.len() > self.most {
            self.cut = true;
            &bytes[bytes.len() - self.most..]
        } else {
            bytes
        };
        self.kept.extend(bytes);
        if self.kept.len() > self.most {
            self.kept.drain(..self.kept.len() - self.most);
            self.cut = true;
        }
    }
}

/// Hands on the lines of standard output, and keeps the end of standard error.
/// A line longer than the limit is handed on cut.
pub struct Lines<F> {
    line: Vec<u8>,
    most: usize,
    take: F,
    /// What the command complained about.
    pub errors: Tail,
}

impl<F: FnMut(&str) + Send> Lines<F> {
    /// Calls `take` for each line of at most `most` bytes.
    pub fn new(most: usize, take: F) -> Self {
        Self { line: Vec::new(), most, take, errors: Tail::new(4_096) }
    }
}

impl<F: FnMut(&str) + Send> Output for Lines<F> {
    fn chunk(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stderr => self.errors.chunk(stream, bytes),
            Stream::Stdout => {
                for &byte in bytes {
                    if byte == b'\n' {
                        (self.take)(&String::from_utf8_lossy(&self.line));
                        self.line.clear();
                    } else if self.line.len() < self.most {
                        self.line.push(byte);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_the_cut_is_told() {
        let mut tail = Tail::new(10);
        tail.chunk(Stream::Stdout, b"one\ntwo\n");
        assert_eq!((tail.text().as_str(), tail.cut), ("one\ntwo\n", false));
        tail.chunk(Stream::Stderr, b"three\n");
        assert_eq!((tail.text().as_str(), tail.cut), ("three\n", true));
        tail.chunk(Stream::Stdout, &[b'x'; 1_000]);
        assert_eq!(tail.kept.len(), 10);
    }

    #[test]
    fn lines_come_whole_however_they_are_sliced() {
        let mut seen = Vec::new();
        let mut lines = Lines::new(5, |line: &str| seen.push(line.to_owned()));
        for chunk in [&b"a"[..], b"b\nc", b"\n", b"0123456789\nrest"] {
            lines.chunk(Stream::Stdout, chunk);
        }
        lines.chunk(Stream::Stderr, b"oh no\n");
        assert_eq!(lines.errors.last_line().as_deref(), Some("oh no"));
        assert_eq!(seen, ["ab", "c", "01234"]);
    }
}
