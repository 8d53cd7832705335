//! What was sent and received, as text for people.

use super::Outbox;
use crate::chain::Timestamp;
use crate::cli::args::WaitFor;
use crate::cli::show::coins;
use crate::cli::table::{Align, Table, facts};
use crate::cli::words::{count, cut, moment, person, short_id, short_person};
use crate::owner::answers::{
    AttemptsView, HistoryEntry, HistoryView, InboxView, NoteView, ReceivedState, ReceivedView,
    SendView, SentView,
};
use crate::protocol::delivery::rows::SendState;
use crate::wire::certificate::in_words;
use std::path::Path;

/// Characters of a note in a table.
const MAX_NOTE: usize = 40;

/// A transfer that was taken in.
pub(super) fn sent(sent: &SentView, program: &str, config: &Path) -> String {
    let last = sent.expires_at;
    let state = if sent.broadcast {
        format!("open; expires if it is not mined up to height {last}")
    } else {
        format!("queued; expires if it is not mined up to height {last}")
    };
    let mut text = facts(&[
        (
            "sent",
            format!("{} to {}", coins(sent.amount), person(&sent.to)),
        ),
        ("fee", coins(sent.fee)),
        ("id", sent.id.to_string()),
        ("state", state),
    ]);
    text.push_str(&format!(
        "Follow it with:\n  {program} --config {} history\n",
        config.display()
    ));
    text
}

/// Where a send stands that was waited for, or changed.
pub(super) fn reached(send: &SendView) -> String {
    facts(&[("id", send.id.to_string()), ("state", state(send))])
}

/// What is waited for.
pub(super) fn waiting_line(send: &SendView, goal: WaitFor) -> String {
    let goal = match goal {
        WaitFor::Delivered => "to be delivered",
        WaitFor::Mined => "to be mined",
    };
    format!("waiting {goal}: {}", state(send))
}

fn state(send: &SendView) -> String {
    let mut text = send.state.name().to_owned();
    if let (SendState::Mined, Some(height)) = (send.state, send.height) {
        let confirmed = count(send.confirmations, "confirmation", "confirmations");
        text.push_str(&format!(" at height {height}, {confirmed}"));
    }
    if !send.reason.is_empty() {
        text.push_str(&format!(": {}", send.reason));
    }
    text
}

/// What is in the outbox.
pub(super) fn outbox(outbox: &Outbox) -> String {
    let waiting = &outbox.waiting;
    let mut text = if waiting.sends.is_empty() {
        "nothing is on its way\n".to_owned()
    } else {
        sends(&waiting.sends)
    };
    let more = waiting.queued.saturating_sub(waiting.sends.len());
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    if !outbox.failed.is_empty() {
        text.push_str("\ndid not get through, the latest first:\n");
        text.push_str(&sends(&outbox.failed));
    }
    text
}

fn sends(sends: &[SendView]) -> String {
    let mut table = Table::new(&[
        ("id", Align::Left),
        ("to", Align::Left),
        ("coins", Align::Right),
        ("state", Align::Left),
        ("next try", Align::Left),
        ("reason", Align::Left),
    ]);
    for send in sends {
        table.row([
            short_id(send.id),
            short_person(&send.to),
            send.amount.to_string(),
            send.state.name().to_owned(),
            send.waiting.as_ref().map_or_else(String::new, next_try),
            send.reason.clone(),
        ]);
    }
    table.render()
}

fn next_try(waiting: &AttemptsView) -> String {
    match waiting.next_try_ms {
        None => "sent".to_owned(),
        Some(0) => "now".to_owned(),
        Some(ms) => format!("in {}", in_words(ms)),
    }
}

/// What is in the inbox.
pub(super) fn inbox(inbox: &InboxView) -> String {
    if inbox.messages.is_empty() {
        return "nothing to read".to_owned();
    }
    let messages = inbox.messages.iter().map(received);
    messages.collect::<Vec<_>>().join("\n")
}

/// A message with its coins.
pub(super) fn received(message: &ReceivedView) -> String {
    let mark = if message.unread { "* " } else { "  " };
    let amount = match message.amount.0 {
        0 => String::new(),
        _ => format!(", {}", coins(message.amount)),
    };
    let mut text = format!(
        "{mark}{}  {}{amount}  [{}]",
        moment(message.received_at),
        person(&message.from),
        received_state(message)
    );
    match &message.note {
        None => {}
        Some(NoteView::Text(note)) => {
            for line in note.lines() {
                text.push_str(&format!("\n    {line}"));
            }
        }
        Some(NoteView::Unreadable(reason)) => {
            text.push_str(&format!("\n    (a note that can't be read: {reason})"));
        }
    }
    text
}

fn received_state(message: &ReceivedView) -> String {
    match message.state {
        ReceivedState::Accepted => "accepted".to_owned(),
        ReceivedState::Open => "open, not paid yet".to_owned(),
        ReceivedState::Mined => {
            let confirmed = count(message.confirmations, "confirmation", "confirmations");
            format!("mined, {confirmed}")
        }
        ReceivedState::Expired => "expired: not paid".to_owned(),
        ReceivedState::Evicted => "pushed out by better paying ones: not paid".to_owned(),
        ReceivedState::Conflicted => "its coins went elsewhere: not paid".to_owned(),
    }
}

/// What was sent and received.
pub(super) fn history(history: &HistoryView) -> String {
    if history.entries.is_empty() {
        return "nothing was sent or received yet".to_owned();
    }
    let mut table = Table::new(&[
        ("when (UTC)", Align::Left),
        ("", Align::Left),
        ("who", Align::Left),
        ("coins", Align::Right),
        ("state", Align::Left),
        ("note, reason", Align::Left),
    ]);
    for entry in &history.entries {
        table.row(match entry {
            HistoryEntry::Sent(send) => [
                short_moment(send.queued_at),
                "to".to_owned(),
                short_person(&send.to),
                send.amount.to_string(),
                confirmed(send.state.name(), send.confirmations),
                if send.reason.is_empty() {
                    note(send.note.as_ref())
                } else {
                    send.reason.clone()
                },
            ],
            HistoryEntry::Received(message) => [
                short_moment(message.received_at),
                "from".to_owned(),
                short_person(&message.from),
                message.amount.to_string(),
                confirmed(state_name(message.state), message.confirmations),
                note(message.note.as_ref()),
            ],
        });
    }
    table.render()
}

/// `11-20 21:43`
fn short_moment(at: Timestamp) -> String {
    moment(at).chars().skip(5).take(11).collect()
}

fn state_name(state: ReceivedState) -> &'static str {
    match state {
        ReceivedState::Accepted => "accepted",
        ReceivedState::Open => "open",
        ReceivedState::Mined => "mined",
        ReceivedState::Expired => "expired",
        ReceivedState::Evicted => "evicted",
        ReceivedState::Conflicted => "conflicted",
    }
}

fn confirmed(state: &str, confirmations: u64) -> String {
    match confirmations {
        0 => state.to_owned(),
        _ => format!("{state} ({confirmations})"),
    }
}

fn note(note: Option<&NoteView>) -> String {
    match note {
        None => String::new(),
        Some(NoteView::Text(text)) => cut(text, MAX_NOTE),
        Some(NoteView::Unreadable(reason)) => format!("({reason})"),
    }
}
