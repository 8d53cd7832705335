//! Records as text for people.

use crate::cli::table::facts;
use crate::cli::words::{count, moment, person, short_id};
use crate::owner::answers::{BodyView, RecordEntry, RecordedView, RecordsView, SendView};
use crate::protocol::delivery::rows::SendState;

/// A record that was taken in.
pub(super) fn recorded(recorded: &RecordedView) -> String {
    let last = recorded.expires_at;
    facts(&[
        ("recorded", format!("under {}", recorded.topic)),
        ("id", recorded.id.to_string()),
        (
            "state",
            format!("open; expires if it is not mined up to height {last}"),
        ),
    ])
}

/// Where it stands that was waited for.
pub(super) fn reached(send: &SendView) -> String {
    match (send.state, send.height) {
        (SendState::Mined, Some(height)) => format!(
            "added in the block at height {height}, {}",
            count(send.confirmations, "confirmation", "confirmations")
        ),
        (state, _) => state.name().to_owned(),
    }
}

/// The records of a topic.
pub(super) fn records(records: &RecordsView) -> String {
    if records.entries.is_empty() {
        return format!(
            "nothing is recorded under {} up to height {}\n",
            records.topic, records.tip.height
        );
    }
    let entries = records.entries.iter().map(entry);
    entries.map(|entry| entry + "\n").collect()
}

/// One of them.
pub(super) fn entry(entry: &RecordEntry) -> String {
    let record = entry.record();
    let what = match entry {
        RecordEntry::Added(_) => "",
        RecordEntry::Reverted(_) => "reverted: ",
    };
    let mut text = format!(
        "{what}{}  {}  in block {}  [{}]",
        moment(record.timestamp),
        person(&record.sender),
        record.height,
        short_id(record.id)
    );
    match &record.body {
        BodyView::Text(body) => {
            for line in body.lines() {
                text.push_str(&format!("\n    {line}"));
            }
        }
        BodyView::Hex(digits) => {
            text.push_str(&format!(
                "\n    ({} bytes that are no text)",
                digits.len() / 2
            ));
        }
    }
    text
}
