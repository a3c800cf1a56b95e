//! The JSON of what the bot says. Pure.
//!
//! Written by hand in place of the SDK's builders, because every field of it
//! matters: a builder adds the replied-to person to the mentions (and a phone
//! rings), and gives a plain edit the HTML body `* ` (seen in ruma-events
//! 0.34).

use serde_json::{Value, json};

use crate::{
    domain::{
        message::{Body, MessageClass},
        names::{EventId, UserId},
    },
    ports::Content,
};

const HTML: &str = "org.matrix.custom.html";

/// An event to send: its type and content.
#[derive(Debug, PartialEq)]
pub(super) struct Outgoing {
    pub(super) kind: &'static str,
    pub(super) content: Value,
}

/// The event for anything but a file, which has to be uploaded first.
pub(super) fn event(content: &Content) -> Option<Outgoing> {
    match content {
        Content::Message { class, body, reply_to, mentions } => {
            Some(room_message(message(*class, body, reply_to.as_ref(), mentions)))
        }
        Content::Edit { target, class, body } => Some(room_message(edit(target, *class, body))),
        Content::Reaction { target, key } => Some(Outgoing {
            kind: "m.reaction",
            content: json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": target.as_str(), "key": key } }),
        }),
        Content::File { .. } | Content::Pin { .. } => None,
    }
}

/// The event for an uploaded file. `source` is its `url` or its `file`.
pub(super) fn file(name: &str, size: usize, reply_to: Option<&EventId>, source: (&'static str, Value)) -> Outgoing {
    let mut content = json!({
        "msgtype": "m.file",
        "body": name,
        "filename": name,
        "info": { "mimetype": "text/plain", "size": size },
        "m.mentions": {},
    });
    content[source.0] = source.1;
    relate(&mut content, reply_to);
    room_message(content)
}

fn room_message(content: Value) -> Outgoing {
    Outgoing { kind: "m.room.message", content }
}

fn message(class: MessageClass, body: &Body, reply_to: Option<&EventId>, mentions: &[UserId]) -> Value {
    let mut content = text(class, &body.plain, &body.html);
    // Always there, also empty: without it clients fall back to looking for
    // names in the text, and a reply would ping whom it answers.
    content["m.mentions"] = if mentions.is_empty() {
        json!({})
    } else {
        json!({ "user_ids": mentions.iter().map(UserId::as_str).collect::<Vec<_>>() })
    };
    relate(&mut content, reply_to);
    content
}

fn edit(target: &EventId, class: MessageClass, body: &Body) -> Value {
    let mut content = text(class, &format!("* {}", body.plain), &format!("* {}", body.html));
    content["m.mentions"] = json!({});
    content["m.new_content"] = text(class, &body.plain, &body.html);
    content["m.new_content"]["m.mentions"] = json!({});
    content["m.relates_to"] = json!({ "rel_type": "m.replace", "event_id": target.as_str() });
    content
}

fn text(class: MessageClass, plain: &str, html: &str) -> Value {
    let msgtype = match class {
        MessageClass::Answer | MessageClass::Progress => "m.notice",
        MessageClass::Page => "m.text",
    };
    json!({ "msgtype": msgtype, "body": plain, "format": HTML, "formatted_body": html })
}

fn relate(content: &mut Value, reply_to: Option<&EventId>) {
    if let Some(target) = reply_to {
        content["m.relates_to"] = json!({ "m.in_reply_to": { "event_id": target.as_str() } });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(s: &str) -> EventId {
        EventId::parse(s).unwrap()
    }

    fn body() -> Body {
        Body::from_markdown("done")
    }

    #[test]
    fn an_answer_notifies_nobody() {
        let content =
            Content::Message { class: MessageClass::Answer, body: body(), reply_to: Some(id("$q")), mentions: vec![] };
        insta::assert_snapshot!(event(&content).unwrap().content, @r#"{"body":"done","format":"org.matrix.custom.html","formatted_body":"<p>done</p>","m.mentions":{},"m.relates_to":{"m.in_reply_to":{"event_id":"$q"}},"msgtype":"m.notice"}"#);
    }

    #[test]
    fn a_page_is_text_and_names_whom_it_is_for() {
        let mentions = vec![UserId::parse("@alice:example.org").unwrap()];
        let content = Content::Message { class: MessageClass::Page, body: body(), reply_to: None, mentions };
        insta::assert_snapshot!(event(&content).unwrap().content, @r#"{"body":"done","format":"org.matrix.custom.html","formatted_body":"<p>done</p>","m.mentions":{"user_ids":["@alice:example.org"]},"msgtype":"m.text"}"#);
    }

    #[test]
    fn an_edit_keeps_its_html_and_mentions_nobody() {
        let content = Content::Edit { target: id("$old"), class: MessageClass::Progress, body: body() };
        insta::assert_snapshot!(event(&content).unwrap().content, @r#"{"body":"* done","format":"org.matrix.custom.html","formatted_body":"* <p>done</p>","m.mentions":{},"m.new_content":{"body":"done","format":"org.matrix.custom.html","formatted_body":"<p>done</p>","m.mentions":{},"msgtype":"m.notice"},"m.relates_to":{"event_id":"$old","rel_type":"m.replace"},"msgtype":"m.notice"}"#);
    }

    #[test]
    fn a_file_carries_its_source_as_it_was_uploaded() {
        let sent = file("log.txt", 3, None, ("url", json!("mxc://example.org/x")));
        insta::assert_snapshot!(sent.content, @r#"{"body":"log.txt","filename":"log.txt","info":{"mimetype":"text/plain","size":3},"m.mentions":{},"msgtype":"m.file","url":"mxc://example.org/x"}"#);
    }
}
