//! What a host printed, taken apart: one section per login, one line per answer.

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::names::LoginName;

/// Marks where one login's answers begin, in both streams.
pub(super) const SECTION: &str = "::doctor-as ";

/// Characters of a tool's words that are worth repeating.
const WORDS: usize = 300;

/// The answers of one login.
pub struct Answers<'a> {
    /// The host's name.
    pub host: &'a str,
    lines: Vec<Answer<'a>>,
    /// What it printed on standard output that is no answer.
    pub(super) noise: String,
    /// What it printed on standard error.
    pub(super) errors: String,
}

/// One answer.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    question: &'a str,
    subject: &'a str,
    /// The status of what was asked, or a number that the question is about.
    pub code: u32,
    text: &'a str,
}

impl<'a> Answer<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.strip_prefix("::doctor ")?.splitn(4, ' ');
        let (question, subject, code) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Self { question, subject, code: code.parse().ok()?, text: fields.next().unwrap_or_default().trim() })
    }

    /// Whether what was asked went well.
    pub fn is_good(self) -> bool {
        self.code == 0
    }

    /// The answer as a value, not to be shown.
    pub fn value(self) -> &'a str {
        self.text
    }

    /// The answer as words to repeat to a person.
    pub fn words(self) -> String {
        words(self.text)
    }
}

impl<'a> Answers<'a> {
    /// What a login answered; of the SSH login's noise also what came before
    /// its first line.
    pub(super) fn of(host: &'a str, login: Option<&LoginName>, stdout: &'a str, stderr: &'a str) -> Self {
        let mut noise: Vec<&str> = Vec::new();
        if login.is_none() {
            noise.extend(stdout.lines().take_while(|line| !line.starts_with(SECTION)));
        }
        let mut lines = Vec::new();
        for line in section(login, stdout) {
            match Answer::read(line) {
                Some(answer) => lines.push(answer),
                None => noise.push(line),
            }
        }
        let errors: Vec<&str> = section(login, stderr).collect();
        Self { host, lines, noise: words(&noise.join(" ")), errors: words(&errors.join(" ")) }
    }

    /// Whether it answered anything.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The answer of the login itself.
    pub fn own(&self, question: &str) -> Option<Answer<'a>> {
        self.lines.iter().copied().find(|line| line.question == question && line.subject == "-")
    }

    /// All answers to a question, whomever they are about.
    pub fn all(&self, question: &str) -> impl Iterator<Item = Answer<'a>> {
        self.lines.iter().copied().filter(move |line| line.question == question)
    }

    /// The answers about one service.
    pub fn about(&self, number: usize) -> AboutService<'_, 'a> {
        AboutService { answers: self, subject: number.to_string() }
    }
}

/// The answers about one service.
pub struct AboutService<'s, 'a> {
    answers: &'s Answers<'a>,
    subject: String,
}

impl<'a> AboutService<'_, 'a> {
    /// The answer to a question.
    pub fn get(&self, question: &str) -> Option<Answer<'a>> {
        self.all(question).next()
    }

    /// All answers to a question.
    pub fn all(&self, question: &str) -> impl Iterator<Item = Answer<'a>> {
        self.answers.all(question).filter(|line| line.subject == self.subject)
    }
}

fn section<'a>(login: Option<&LoginName>, text: &'a str) -> impl Iterator<Item = &'a str> {
    let mark = format!("{SECTION}{}", login.map_or("", |l| l.as_str()));
    text.lines().skip_while(move |line| *line != mark).skip(1).take_while(|line| !line.starts_with(SECTION))
}

/// A tool's words, short enough to repeat and without a login in a URL.
fn words(text: &str) -> String {
    static LOGIN_IN_URL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("://[^/@[:space:]]+@").expect("the pattern is a constant"));
    let text = LOGIN_IN_URL.replace_all(text, "://…@");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // git's advice for any failure over SSH says nothing about this one.
    let text = text.split(" Please make sure you have the correct access rights").next().unwrap_or(&text);
    if text.chars().count() <= WORDS { text.to_owned() } else { text.chars().take(WORDS).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_repeated_and_no_flood() {
        let said = "fatal: unable to access 'https://bot:hunter2@git.example.org/x/': \n\tCould not resolve host";
        assert_eq!(words(said), "fatal: unable to access 'https://…@git.example.org/x/': Could not resolve host");
        assert_eq!(words(&"x".repeat(900)).chars().count(), WORDS + 1);
        assert_eq!(
            words("Permission denied. Please make sure you have the correct access rights and so on"),
            "Permission denied."
        );
    }

    #[test]
    fn sections_and_noise_are_told_apart() {
        let stdout = "Welcome!\n::doctor-as \n::doctor login - 0 ops\n::doctor-as svc\nhello\n::doctor git 3 128 fatal: no\n::doctor odd\n";
        let svc = LoginName::parse("svc").unwrap();
        let own = Answers::of("spark-1", None, stdout, "::doctor-as \n::doctor-as svc\nsudo: no\n");
        assert_eq!((own.noise.as_str(), own.errors.as_str()), ("Welcome!", ""));
        assert_eq!(own.own("login").unwrap().words(), "ops");
        let theirs = Answers::of("spark-1", Some(&svc), stdout, "::doctor-as \n::doctor-as svc\nsudo: no\n");
        assert_eq!((theirs.noise.as_str(), theirs.errors.as_str()), ("hello ::doctor odd", "sudo: no"));
        let git = theirs.about(3).get("git").unwrap();
        assert_eq!((git.code, git.words().as_str()), (128, "fatal: no"));
        assert!(theirs.about(2).get("git").is_none() && Answers::of("spark-1", None, "", "").is_empty());
    }
}
