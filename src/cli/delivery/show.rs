//! What was sent and received, as text for people.

use super::Outbox;
use crate::chain::Amount;
use crate::cli::invocation::Invocation;
use crate::cli::show::coins;
use crate::cli::table::{Align, Table, facts};
use crate::cli::words::{
    count, cut, moment, person, short_id, short_moment, short_name, short_person, shorter_id,
};
use crate::owner::Goal;
use crate::owner::answers::{
    AccountDeed, AccountView, AttemptsView, HistoryEntry, HistoryView, InboxView, NoteView,
    PersonView, ReceivedState, ReceivedView, SendView, SentView,
};
use crate::protocol::delivery::rows::SendState;
use crate::readable::in_words;

/// Characters of a note in a table.
const MAX_NOTE: usize = 40;

/// A transfer that was taken in, which goes by way of the network after so long if nobody is reached.
pub(super) fn sent(
    sent: &SentView,
    by_network_after: Option<u64>,
    invocation: &Invocation,
) -> String {
    let last = sent.expires_at;
    let state = if sent.broadcast {
        format!("open; expires if it is not mined up to height {last}")
    } else {
        format!("queued; expires if it is not mined up to height {last}")
    };
    let what = match sent.amount.0 {
        0 => "a note".to_owned(),
        _ => coins(sent.amount),
    };
    let mut text = facts(&[
        ("sent", format!("{what} to {}", person(&sent.to))),
        ("fee", coins(sent.fee)),
        ("id", sent.id.to_string()),
        ("state", state),
    ]);
    let sees = "who sent it to whom, and how many coins; only the\nrecipient reads a note.";
    match by_network_after {
        _ if sent.broadcast => text.push_str(&format!("The network sees {sees}\n")),
        Some(after) => text.push_str(&format!(
            "If nobody is reached within {}, it goes by way of the network, too:\neverybody on it then sees \
             {sees}\n",
            in_words(after)
        )),
        None => {}
    }
    text.push_str(&format!(
        "Follow it with:\n  {}\n",
        invocation.line("history")
    ));
    text
}

/// Where a send stands that was waited for, or changed.
pub(super) fn reached(send: &SendView) -> String {
    facts(&[("id", send.id.to_string()), ("state", state(send))])
}

/// What is waited for, why it is not so yet, and what it means to go away.
pub(super) fn waiting_line(send: &SendView, goal: Goal) -> String {
    let what = match goal {
        Goal::Open => "to be open",
        Goal::Delivered => "to be delivered",
        Goal::Mined => "to be mined",
    };
    format!(
        "waiting {what}: {}; Ctrl-C leaves it {}",
        state(send),
        send.state.name()
    )
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
pub(super) fn outbox(outbox: &Outbox, more: &str) -> String {
    let waiting = &outbox.waiting;
    let mut text = if waiting.sends.is_empty() {
        "nothing is on its way\n".to_owned()
    } else {
        sends(&waiting.sends)
    };
    text.push_str(more);
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
        ("reason, note", Align::Left),
    ]);
    for send in sends {
        table.row([
            short_id(send.id),
            to(send),
            amount(send.amount),
            send.state.name().to_owned(),
            send.waiting.as_ref().map_or_else(String::new, next_try),
            remark(wrote(send), &send.reason),
        ]);
    }
    table.render()
}

/// For whom it is.
fn to(send: &SendView) -> String {
    match &send.topic {
        None => short_person(&send.to),
        Some(topic) => short_name(&format!("under {topic}")),
    }
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
    let mut text = messages.collect::<Vec<_>>().join("\n");
    if inbox.messages.iter().any(|message| message.unread) {
        text.push_str("\n\n* was not read before");
    }
    text
}

/// How much is left to read, and how to see it; nothing if nothing is.
pub(super) fn still_unread(left: usize, invocation: &Invocation) -> String {
    match left {
        0 => String::new(),
        left => format!(
            "{} not read yet: {}\n",
            count(left as u64, "message is", "messages are"),
            invocation.line("inbox --unread")
        ),
    }
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
    // A note alone pays nothing, and is there whatever becomes of it on the ledger.
    let paid = |state: &str, but: &str| match message.amount.0 {
        0 => state.to_owned(),
        _ => format!("{state}{but}"),
    };
    match message.state {
        ReceivedState::Accepted => "accepted".to_owned(),
        ReceivedState::Open => paid("open", ", not paid yet"),
        ReceivedState::Mined => {
            let confirmed = count(message.confirmations, "confirmation", "confirmations");
            format!("mined, {confirmed}")
        }
        ReceivedState::Expired => paid("expired", ": not paid"),
        ReceivedState::TimedOut => paid("not mined within a day", ": not paid"),
        ReceivedState::Evicted => paid("pushed out by better paying ones", ": not paid"),
        ReceivedState::Conflicted => paid("its coins went elsewhere", ": not paid"),
        ReceivedState::PutOut => paid("its sender was put out", ": not paid"),
    }
}

/// What was sent and received.
pub(super) fn history(history: &HistoryView) -> String {
    if history.entries.is_empty() {
        return "nothing was sent or received yet".to_owned();
    }
    let mut table = Table::new(&[
        ("when", Align::Left),
        ("id", Align::Left),
        ("who", Align::Left),
        ("coins", Align::Right),
        ("state", Align::Left),
        ("receipt", Align::Left),
        ("note, reason", Align::Left),
    ]);
    for entry in &history.entries {
        table.row(match entry {
            HistoryEntry::Sent(send) => [
                short_moment(send.queued_at),
                shorter_id(send.id),
                match &send.topic {
                    None => format!("to {}", to(send)),
                    Some(_) => to(send),
                },
                amount(send.amount),
                confirmed(send.state.name(), send.confirmations),
                if send.delivered_at.is_some() {
                    "yes"
                } else {
                    "no"
                }
                .to_owned(),
                remark(wrote(send), &send.reason),
            ],
            HistoryEntry::Received(message) => [
                short_moment(message.received_at),
                shorter_id(message.id),
                format!("from {}", short_person(&message.from)),
                amount(message.amount),
                confirmed(received_name(message.state), message.confirmations),
                if message.direct { "given" } else { "-" }.to_owned(),
                note(message.note.as_ref()),
            ],
        });
    }
    table.render()
}

/// What came into blocks for the owner.
pub(super) fn account(account: &AccountView) -> String {
    let now = format!(
        "{} at height {}\n",
        coins(account.balance),
        account.tip.height
    );
    if account.entries.is_empty() {
        let what = match account.next {
            None => "nothing came into a block for this node yet",
            Some(_) => "nothing for this node in this part of the chain",
        };
        return format!("{what}: {now}");
    }
    let mut table = Table::new(&[
        ("when", Align::Left),
        ("block", Align::Right),
        ("what", Align::Left),
        ("coins", Align::Right),
        ("fee", Align::Right),
        ("then", Align::Right),
        ("who, note", Align::Left),
    ]);
    for entry in &account.entries {
        let (what, about) = deed(&entry.deed);
        table.row([
            short_moment(entry.timestamp),
            entry.height.to_string(),
            what.to_owned(),
            match (entry.came.0, entry.went.0) {
                (0, 0) => "-".to_owned(),
                (0, went) => format!("-{went}"),
                (came, _) => format!("+{came}"),
            },
            amount(entry.fee),
            entry.balance.to_string(),
            about,
        ]);
    }
    table.render() + &now
}

/// What something in the account is, and with whom or about what.
fn deed(deed: &AccountDeed) -> (&'static str, String) {
    let with = |side: &str, person: &PersonView, text: &Option<NoteView>| {
        let who = format!("{side} {}", short_person(person));
        match note(text.as_ref()) {
            text if text.is_empty() => who,
            text => format!("{who}: {text}"),
        }
    };
    match deed {
        AccountDeed::Founded => ("founded", String::new()),
        AccountDeed::Mined => ("mined", String::new()),
        AccountDeed::Sent { to, note } => ("sent", with("to", to, note)),
        AccountDeed::Received { from, note } => ("received", with("from", from, note)),
        AccountDeed::Recorded { topic, says } => (
            "recorded",
            match says {
                Some(says) => says.words(),
                None => format!("under {topic}"),
            },
        ),
    }
}

/// Coins in a table, where a note alone has none.
fn amount(amount: Amount) -> String {
    match amount.0 {
        0 => "-".to_owned(),
        _ => amount.to_string(),
    }
}

/// What was written to its recipient, or what the record says.
fn wrote(send: &SendView) -> String {
    match &send.says {
        Some(says) => cut(&says.words(), MAX_NOTE),
        None => note(send.note.as_ref()),
    }
}

/// What was written, and why it stands as it does.
fn remark(wrote: String, reason: &str) -> String {
    match (wrote, reason) {
        (note, "") => note,
        (note, reason) if note.is_empty() => reason.to_owned(),
        (note, reason) => format!("{note} ({reason})"),
    }
}

fn received_name(state: ReceivedState) -> &'static str {
    match state {
        ReceivedState::Accepted => "accepted",
        ReceivedState::Open => "open",
        ReceivedState::Mined => "mined",
        ReceivedState::Expired => "expired",
        ReceivedState::TimedOut => "timed out",
        ReceivedState::Evicted => "evicted",
        ReceivedState::Conflicted => "conflicted",
        ReceivedState::PutOut => "put out",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Height, Timestamp, TransactionId};

    #[test]
    fn a_note_alone_is_never_said_to_be_unpaid() {
        let ends = [
            ReceivedState::Open,
            ReceivedState::Expired,
            ReceivedState::TimedOut,
            ReceivedState::Evicted,
            ReceivedState::Conflicted,
            ReceivedState::PutOut,
        ];
        for state in ends {
            for coins in [0, 5] {
                let message = ReceivedView {
                    number: 1,
                    id: TransactionId([1; 32]),
                    from: PersonView {
                        name: None,
                        address: "rac1".into(),
                        put_out: false,
                    },
                    amount: Amount(coins),
                    note: None,
                    received_at: Timestamp(0),
                    direct: true,
                    unread: false,
                    state,
                    height: None::<Height>,
                    confirmations: 0,
                };
                let paid = received_state(&message).contains("paid");
                assert_eq!(paid, coins > 0, "{state:?}");
            }
        }
    }

    #[test]
    fn who_sees_a_send_is_told_before_it_goes_by_the_network() {
        let told = |broadcast: bool, after| {
            let person = serde_json::json!({
                "name": "bob", "address": crate::chain::testing::member(1).public_key()
            });
            let view = serde_json::from_value(serde_json::json!({
                "id": "00".repeat(32), "to": person, "amount": "5", "fee": "0", "expires_at": 9,
                "broadcast": broadcast
            }));
            sent(&view.unwrap(), after, &Invocation::of_this_process())
        };
        assert!(told(true, None).contains("The network sees who sent it"));
        let later = told(false, Some(60_000));
        let unwrapped = later.replace('\n', " ");
        assert!(
            unwrapped.contains("nobody is reached within 60 s"),
            "{later}"
        );
        assert!(
            unwrapped.contains("then sees who sent it to whom"),
            "{later}"
        );
        assert!(!told(false, None).contains("sees"));
    }
}
