//! The commands about what the owner sends and receives.

mod many;
mod once;
mod show;

use super::args::{OutboxOrder, Page, SendArgs};
use super::client::{Client, News};
use super::commands::{next_page, segment};
use super::confirm::confirm;
use super::failure::Failure;
use super::invocation::word;
use super::output::Output;
use super::progress::WaitLine;
use crate::chain::Amount;
use crate::keys::MAX_NOTE_TEXT;
use crate::owner::Goal;
use crate::owner::answers::{
    AccountView, EventKind, HistoryView, InboxView, NoRequest, OutboxView, ReadRequest, ReadView,
    ReceivedView, RouteView, SendRequest, SendView, SentView,
};
use crate::plain_file;
use crate::protocol::delivery::rows::SendState;
pub(super) use many::send_many;
use once::Unanswered;
use serde::Serialize;
use std::io::{Read, stdin};

/// Messages asked for at a time.
const PAGE: &str = "50";
/// Bytes of a note that are read from another program before it is given up: enough to say how much
/// too long it is.
const MAX_NOTE_READ: u64 = 1 << 20;
/// Failed sends that the outbox shows.
const FAILED_SHOWN: &str = "20";

/// Sends, and waits for what was to be waited for.
pub(super) fn send(
    arguments: &SendArgs,
    by_network_after: Option<u64>,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let note = note(arguments.note.as_deref())?;
    if arguments.amount == 0 && note.is_none() {
        return Err(Failure::Misuse(format!(
            "nothing would be sent: 0 coins and no text. `node send {0} 5` pays {0} 5 coins, \
             `node send {0} 0 --note hello` writes",
            word(&arguments.to)
        )));
    }
    let request = SendRequest {
        to: arguments.to.clone(),
        amount: Amount(arguments.amount),
        fee: Amount(arguments.fee),
        expires_in_blocks: arguments.expires_in,
        note,
        broadcast: arguments.broadcast,
    };
    let unanswered = Unanswered::begin(client.data_dir(), &request, arguments.again)?;
    let sent = client.post_once("/transactions", &request, &unanswered.key);
    if !matches!(sent, Err(Failure::NoAnswer(_))) {
        unanswered.answered();
    }
    let sent: SentView = sent?;
    output.show(&sent, |sent| {
        show::sent(sent, by_network_after, client.invocation())
    })?;
    let Some(goal) = arguments.wait else {
        return Ok(());
    };
    let reached = follow(&sent, goal.into(), client)?;
    output.show(&reached, show::reached)?;
    Ok(())
}

/// The text of a note, from standard input if that was said.
fn note(given: Option<&str>) -> Result<Option<String>, Failure> {
    if given != Some("-") {
        return Ok(given.map(str::to_owned));
    }
    let mut bytes = Vec::new();
    let mut input = stdin().lock().take(MAX_NOTE_READ);
    let unread = |error: &dyn std::fmt::Display| {
        Failure::Misuse(format!(
            "the note can't be read from standard input: {error}"
        ))
    };
    input
        .read_to_end(&mut bytes)
        .map_err(|error| unread(&error))?;
    piped_note(&bytes).map(Some).map_err(|error| unread(&error))
}

/// The note that another program wrote: without the mark that some put before a text, and without the end
/// of its last line.
fn piped_note(bytes: &[u8]) -> Result<String, String> {
    if bytes.len() as u64 == MAX_NOTE_READ {
        return Err(format!(
            "it has {MAX_NOTE_READ} bytes or more, and {MAX_NOTE_TEXT} are the most"
        ));
    }
    let text = plain_file::text(bytes).map_err(|error| format!("it {error}"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.len() > MAX_NOTE_TEXT {
        return Err(format!(
            "it has {} characters, which take {} bytes, and {MAX_NOTE_TEXT} bytes are the most",
            text.chars().count(),
            text.len()
        ));
    }
    Ok(text.to_owned())
}

/// Asks until the send is what was waited for, or will never be.
fn follow(sent: &SentView, goal: Goal, client: &Client) -> Result<SendView, Failure> {
    let mut line = WaitLine::begin();
    let mut now: SendView = client.get(&format!("/outbox/{}", sent.id), &[])?;
    loop {
        match outcome(&now, goal) {
            Some(Ok(())) => return Ok(now),
            Some(Err(why)) => return Err(Failure::No(why)),
            None => line.show(&show::waiting_line(&now, goal)),
        }
        now = client.wait_for(&sent.id, goal)?;
    }
}

/// Whether the send is what is waited for, or why it will never be; `None` while it may become so.
fn outcome(now: &SendView, goal: Goal) -> Option<Result<(), String>> {
    if goal.is_reached(now) {
        return Some(Ok(()));
    }
    if now.state.has_failed() {
        let state = now.state.name();
        return Some(Err(format!("{} is {state}: {}", now.id, now.reason)));
    }
    // What goes straight to its recipient may be heard of from the network before the receipt is written.
    let only_the_network_has_it = match now.state {
        SendState::Open => now.route == RouteView::Network,
        SendState::Mined => now.route != RouteView::Direct,
        _ => false,
    };
    let no_receipt_will_come =
        goal == Goal::Delivered && only_the_network_has_it && now.waiting.is_none();
    no_receipt_will_come.then(|| {
        Err(format!(
            "{} is {}: it went by way of the network, where nobody signs for it. Its recipient finds it \
             there; wait for `open` or `mined` instead",
            now.id,
            now.state.name()
        ))
    })
}

/// What waits, and what did not get through of late.
#[derive(Serialize)]
struct Outbox {
    #[serde(flatten)]
    waiting: OutboxView,
    failed: Vec<SendView>,
}

/// Shows the outbox, or changes something of it.
pub(super) fn outbox(
    order: Option<&OutboxOrder>,
    page: &Page,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let (id, what) = match order {
        None => {
            let waiting: OutboxView = client.list("/outbox", page)?;
            let failed: OutboxView =
                client.get("/outbox", &[("failed", "true"), ("limit", FAILED_SHOWN)])?;
            let failed = failed.sends;
            let more = next_page(waiting.next.as_ref(), "outbox", client);
            output.show(&Outbox { waiting, failed }, |outbox| {
                show::outbox(outbox, &more)
            })?;
            return Ok(());
        }
        Some(OutboxOrder::Retry { id }) => (id, "retry"),
        Some(OutboxOrder::Withdraw { id }) => (id, "withdraw"),
        Some(OutboxOrder::Release { id, sure }) => {
            confirm_release(id, sure.yes, client)?;
            (id, "release")
        }
    };
    let path = format!("/outbox/{}/{what}", segment(id)?);
    let now: SendView = client.post(&path, &NoRequest {})?;
    output.show(&now, show::reached)?;
    Ok(())
}

/// Tells what can come of it, and asks.
fn confirm_release(id: &str, yes: bool, client: &Client) -> Result<(), Failure> {
    let send: SendView = client.get(&format!("/outbox/{}", segment(id)?), &[])?;
    let what = format!(
        "This payment of {} coins is signed, and whoever holds it can have it mined until height {}. If \
         you free its coins and send them again, both payments may be made.",
        send.amount, send.expires_at
    );
    confirm(&what, yes)
}

/// Shows what was received, and what comes. What was shown, and nothing else, counts as read.
pub(super) fn inbox(
    (unread, follow): (bool, bool),
    page: &Page,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let news = match follow {
        true => Some(client.news(&[EventKind::MessageReceived])?),
        false => None,
    };
    let first = first_of(unread, page, client)?;
    let last = first.messages.last().map_or(0, |message| message.number);
    if output.is_json() {
        show_each(&first.messages, output)?;
    } else {
        output.text(&show::inbox(&first))?;
    }
    let left = mark_read(&first.messages, client)?.unwrap_or(first.unread);
    if !output.is_json() {
        let command = if unread { "inbox --unread" } else { "inbox" };
        let older = next_page(first.next.as_ref(), command, client);
        let unread = show::still_unread(left, client.invocation());
        for line in [older, unread].iter().filter(|line| !line.is_empty()) {
            output.text(line)?;
        }
    }
    if let Some(news) = news {
        follow_inbox(unread, last, news, client, output)?;
    }
    Ok(())
}

/// What comes after the message `last`, for as long as somebody looks.
fn follow_inbox(
    unread: bool,
    mut last: u64,
    mut news: News<'_>,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut more = true;
    loop {
        if !more {
            news.wait()?;
        }
        let after = last.to_string();
        let mut query = vec![("after", after.as_str()), ("limit", PAGE)];
        if unread {
            query.push(("unread", "true"));
        }
        let next: InboxView = client.get("/inbox", &query)?;
        more = next.next.is_some();
        if let Some(latest) = next.messages.last() {
            last = latest.number;
            show_each(&next.messages, output)?;
            mark_read(&next.messages, client)?;
        }
    }
}

/// The part that was asked for, the oldest of it first: of what was not read, the oldest; of all, the
/// latest.
fn first_of(unread: bool, page: &Page, client: &Client) -> Result<InboxView, Failure> {
    let mut query = page.query();
    query.push(match unread {
        true => ("unread", "true".to_owned()),
        false => ("order", "latest".to_owned()),
    });
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut inbox: InboxView = client.get("/inbox", &query)?;
    if !unread {
        inbox.messages.reverse();
    }
    Ok(inbox)
}

fn show_each(messages: &[ReceivedView], output: &mut Output<'_>) -> Result<(), Failure> {
    for message in messages {
        output.show(message, show::received)?;
    }
    Ok(())
}

/// What was shown is read, and nothing else. How much is left to read, if something was marked.
fn mark_read(shown: &[ReceivedView], client: &Client) -> Result<Option<usize>, Failure> {
    let unread = shown.iter().filter(|message| message.unread);
    let numbers: Vec<_> = unread.map(|message| message.number).collect();
    if numbers.is_empty() {
        return Ok(None);
    }
    let left: ReadView = client.post("/inbox/read", &ReadRequest { numbers })?;
    Ok(Some(left.unread))
}

/// Shows what was sent and received.
pub(super) fn history(
    page: &Page,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let history: HistoryView = client.list("/history", page)?;
    let more = next_page(history.next.as_ref(), "history", client);
    output.show(&history, |history| show::history(history) + &more)?;
    Ok(())
}

/// Shows what came into blocks for the owner.
pub(super) fn account(
    page: &Page,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let account: AccountView = client.list("/account", page)?;
    let more = next_page(account.next.as_ref(), "account", client);
    output.show(&account, |account| show::account(account) + &more)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_another_program_is_its_text_and_its_size_is_said_as_it_was_typed() {
        assert_eq!(
            piped_note("\u{feff}grüezi\r\n".as_bytes()).unwrap(),
            "grüezi"
        );
        assert_eq!(piped_note(b"two\n\n").unwrap(), "two\n");
        let told = piped_note("ä".repeat(20_000).as_bytes()).unwrap_err();
        assert!(
            told.contains("20000 characters") && told.contains("40000 bytes"),
            "{told}"
        );
        let told = piped_note(b"line\nna\xefve").unwrap_err();
        assert!(told.contains("UTF-8 at line 2"), "{told}");
    }

    /// A send as the API tells of it, on the ledger, without a receipt and without an attempt under way.
    fn without_receipt(state: &str, route: &str) -> SendView {
        let person = serde_json::json!({
            "name": "bob", "address": crate::chain::testing::member(1).public_key()
        });
        serde_json::from_value(serde_json::json!({
            "id": "00".repeat(32), "to": person, "topic": null, "amount": "5", "fee": "0", "note": null,
            "queued_at": "2026-11-26T10:00:00.000Z", "delivered_at": null, "state": state, "reason": "",
            "height": null, "confirmations": 0, "expires_at": 9, "route": route, "reserved": "0",
            "waiting": null
        }))
        .unwrap()
    }

    #[test]
    fn the_network_may_tell_of_a_direct_send_before_its_receipt_is_here() {
        let waits = |state, route| outcome(&without_receipt(state, route), Goal::Delivered);
        assert_eq!(waits("open", "direct"), None);
        assert_eq!(waits("open", "both"), None);
        assert_eq!(waits("mined", "direct"), None);
        for state in ["open", "mined"] {
            let told = waits(state, "network").unwrap().unwrap_err();
            assert!(told.contains("by way of the network"), "{told}");
        }
    }
}
