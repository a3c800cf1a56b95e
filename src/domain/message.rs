//! What the bot says, before it is known where: a text in two renderings and
//! the class that decides how loudly it is delivered.
//!
//! Sentences are written as Markdown by `reply` and rendered here, once, to the
//! HTML that every phone client shows (`strong em code pre ul ol li p br a`,
//! nothing else) and to a plain body written for lock screens, watches and
//! screen readers. Whatever comes from outside passes through [`escape`],
//! [`code`], [`block`] or, where a person wrote it, [`quote`], so that no
//! container log can draw a heading or a link. What nobody would see is made
//! visible by those, and once more in all that is rendered ([`visible`]).

use std::borrow::Cow;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Parser, Tag, TagEnd};

use super::text::{QUOTED, shortened, visible};

/// How loudly a message is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageClass {
    /// An answer to somebody: `m.notice`, which notifies nobody.
    Answer,
    /// A message that is edited while something goes on: `m.notice`, edits
    /// merged and spaced.
    Progress,
    /// Somebody must know: `m.text` with mentions, which notifies them.
    Page,
}

/// One text in its two renderings.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Body {
    /// For notifications, watches, screen readers and clients without HTML.
    pub plain: String,
    /// `org.matrix.custom.html`, inside the phone-safe set.
    pub html: String,
    /// Nobody else can make one, so all that is said was rendered here.
    #[serde(skip)]
    rendered: Rendered,
}

/// Says that [`Body::from_markdown`] made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Rendered;

impl Body {
    /// Renders Markdown both ways.
    pub fn from_markdown(markdown: &str) -> Self {
        Self { plain: plain(markdown), html: html(markdown), rendered: Rendered }
    }
}

/// Text from outside, made inert inside Markdown: it reads as it is written, in
/// one line.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        if c.is_ascii_punctuation() && c != ',' && c != '.' && c != ':' && c != '/' && c != '\'' && c != '"' && c != '%'
        {
            out.push('\\');
        }
        out.push(if c == '\n' || c == '\t' { ' ' } else { c });
    }
    // At the start of a line "1." would begin a list and four spaces a block.
    if out.starts_with(|c: char| c.is_ascii_digit())
        && let Some(dot) = out.find('.')
        && out[..dot].chars().all(|c| c.is_ascii_digit())
    {
        out.insert(dot, '\\');
    }
    out.trim_start().to_owned()
}

/// Text from outside as inline code.
pub fn code(text: &str) -> String {
    let text = visible(text).replace(['\n', '\t'], " ");
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// What somebody wrote, quoted back as inline code: as much of it as they need
/// to recognise it.
pub fn quote(written: &str) -> String {
    // No more is looked at than can be shown: a message may have 60,000 bytes.
    code(&shortened(&visible(&shortened(written, 4 * QUOTED)), QUOTED))
}

/// Text from outside as a code block. Stands on lines of its own.
pub fn block(text: &str) -> String {
    let text = visible(text).replace('\t', " ");
    let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
    format!("\n{fence}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.chars()
        .fold((0, 0), |(longest, run), c| {
            let run = if c == wanted { run + 1 } else { 0 };
            (longest.max(run), run)
        })
        .0
}

/// What both renderings are made of. An entity (`&rlm;`) becomes a character
/// only here.
fn events(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    fn shown(text: CowStr<'_>) -> CowStr<'_> {
        let changed = match visible(&text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(changed) => Some(changed),
        };
        changed.map_or(text, CowStr::from)
    }
    Parser::new(markdown).map(|event| match event {
        Event::Text(text) => Event::Text(shown(text)),
        Event::Code(text) => Event::Code(shown(text)),
        // What a link's title says is not part of the text.
        Event::Start(Tag::Link { link_type, dest_url, id, .. }) => {
            Event::Start(Tag::Link { link_type, dest_url, title: CowStr::Borrowed(""), id })
        }
        other => other,
    })
}

/// The HTML rendering. Line ends are kept as written, because chat is written
/// in lines; raw HTML and headings do not survive.
fn html(markdown: &str) -> String {
    let mut out = String::new();
    let events = events(markdown).filter_map(|event| match event {
        Event::SoftBreak => Some(Event::HardBreak),
        Event::Html(_) | Event::InlineHtml(_) | Event::Rule => None,
        Event::Start(Tag::Heading { .. }) => Some(Event::Start(Tag::Strong)),
        Event::End(TagEnd::Heading(_)) => Some(Event::End(TagEnd::Strong)),
        Event::Start(Tag::CodeBlock(_)) => Some(Event::Start(Tag::CodeBlock(CodeBlockKind::Indented))),
        Event::Start(Tag::Image { .. } | Tag::HtmlBlock) | Event::End(TagEnd::Image | TagEnd::HtmlBlock) => None,
        other => Some(other),
    });
    pulldown_cmark::html::push_html(&mut out, events);
    out.replace("<br />", "<br>").trim_end().to_owned()
}

/// The plain rendering: no marks that a screen reader would spell out.
fn plain(markdown: &str) -> String {
    let mut out = Plain::default();
    for event in events(markdown) {
        out.take(event);
    }
    out.text.trim_end().to_owned()
}

#[derive(Default)]
struct Plain {
    text: String,
    /// One entry per open list: the next number, or none for bullets.
    lists: Vec<Option<u64>>,
}

impl Plain {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::SoftBreak | Event::HardBreak => {
                self.text.push('\n');
                self.text.push_str(&"  ".repeat(self.lists.len()));
            }
            Event::Start(Tag::Paragraph | Tag::CodeBlock(_) | Tag::Heading { .. } | Tag::BlockQuote(_)) => {
                self.fresh_line();
            }
            Event::Start(Tag::List(first)) => {
                self.fresh_line();
                self.lists.push(first);
            }
            Event::End(TagEnd::List(_)) => {
                self.lists.pop();
            }
            Event::Start(Tag::Item) => {
                self.fresh_line();
                self.text.push_str(&"  ".repeat(self.lists.len().saturating_sub(1)));
                match self.lists.last_mut() {
                    Some(Some(number)) => {
                        self.text.push_str(&format!("{number}. "));
                        *number += 1;
                    }
                    Some(None) | None => self.text.push_str("• "),
                }
            }
            // The rest changes the look of a text, not the text.
            _ => {}
        }
    }

    fn fresh_line(&mut self) {
        let at_item_start = self.text.ends_with("• ") || self.text.ends_with(". ");
        if !self.text.is_empty() && !self.text.ends_with('\n') && !at_item_start {
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::text::is_invisible;

    #[test]
    fn one_markdown_reads_well_on_a_lock_screen_and_in_a_client() {
        let body = Body::from_markdown(
            "🔴 **1 of 2** needs attention\n\n- 🔴 **a** — crash loop\n  exit 137\n- 🟢 `b` — up 2 h\n",
        );
        insta::assert_snapshot!(body.plain, @r"
        🔴 1 of 2 needs attention
        • 🔴 a — crash loop
          exit 137
        • 🟢 b — up 2 h
        ");
        insta::assert_snapshot!(body.html, @r"
        <p>🔴 <strong>1 of 2</strong> needs attention</p>
        <ul>
        <li>🔴 <strong>a</strong> — crash loop<br>
        exit 137</li>
        <li>🟢 <code>b</code> — up 2 h</li>
        </ul>
        ");
    }

    #[test]
    fn what_a_container_prints_cannot_draw() {
        for evil in [
            "# big",
            "<b>x</b>",
            "[a](https://x)",
            "**bold**",
            "`code`",
            "| a | b |",
            "1. one",
            "- item",
            "> quote",
            "\u{1b}[31mred",
            "```\nfence",
            "&amp;",
            "~~gone~~",
            "![i](u)",
            "a_b_c",
            "@room",
        ] {
            let inline = html(&format!("x {} y", escape(evil)));
            assert!(
                !inline.contains("<strong>")
                    && !inline.contains("<a ")
                    && !inline.contains("<b>")
                    && !inline.contains("<code>"),
                "{inline}"
            );
            let boxed = html(&block(evil));
            assert!(boxed.starts_with("<pre><code>") && boxed.ends_with("</code></pre>"), "{boxed}");
            assert_eq!(boxed.matches("<pre>").count(), 1, "{boxed}");
            let spanned = html(&code(evil));
            assert!(spanned.starts_with("<p><code>") && spanned.ends_with("</code></p>"), "{spanned}");
        }
        assert_eq!(plain(&escape("a_b *c* <d> #5 x-y")), "a_b *c* <d> #5 x-y");
        assert_eq!(plain(&escape("1. one")), "1. one");
    }
    #[test]
    fn what_nobody_sees_is_shown_and_what_was_written_is_quoted_in_part() {
        let evil = "a\u{202e}b";
        for text in [escape(evil), code(evil), block(evil), quote(evil), evil.to_owned(), "a&#x202e;b".to_owned()] {
            let body = Body::from_markdown(&text);
            assert_eq!(body.plain.trim(), "a<U+202E>b", "{text}");
            assert!(body.html.contains("a&lt;U+202E&gt;b"), "{text}: {}", body.html);
        }
        assert_eq!(plain(&quote(&"é".repeat(30_000))), format!("{}…", "é".repeat(40)));
        assert_eq!(html(&quote("`a` <b>")), "<p><code>`a` &lt;b&gt;</code></p>");
        assert_eq!(plain(&escape("one\ntwo\tthree")), "one two three");
    }

    proptest! {
        /// Emoji may keep what puts them together; `text` shows that it hides nothing.
        #[test]
        fn nothing_invisible_is_said(
            text in r"(\PC|\p{Cf}|\p{Cc}|[`*_\[\]()<>&#;\n\x1b]|&rlm;|&#x202e;|\[x\]\(y .&#x200b;.\)){0,40}"
        ) {
            for markdown in [format!("🔴 {}", escape(&text)), code(&text), block(&text), quote(&text), text] {
                let Body { plain, html, .. } = Body::from_markdown(&markdown);
                for said in [plain, html] {
                    let hidden = said.chars().find(|c| is_invisible(*c) && !matches!(c, '\u{fe0f}' | '\u{200d}'));
                    prop_assert_eq!(hidden, None, "{:?} says {:?}", markdown, said);
                }
            }
        }
    }
}
