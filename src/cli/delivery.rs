//! The commands about what the owner sends and receives.

mod show;

use super::args::{OutboxOrder, SendArgs, WaitFor};
use super::client::Client;
use super::commands::segment;
use super::failure::Failure;
use super::output::{Output, plain};
use crate::chain::Amount;
use crate::keys::MAX_NOTE_TEXT;
use crate::owner::DEFAULT_EXPIRY_BLOCKS;
use crate::owner::answers::{
    HistoryView, InboxView, NoRequest, OutboxView, ReadRequest, ReadView, ReceivedView,
    SendRequest, SendView, SentView,
};
use crate::protocol::delivery::rows::SendState;
use serde::Serialize;
use std::io::{IsTerminal, Read, Write, stderr, stdin};
use std::thread;
use std::time::{Duration, Instant};

/// How often a node is asked for what is new.
const EVERY: Duration = Duration::from_millis(250);
/// Messages asked for at a time.
const PAGE: &str = "50";
/// Failed sends that the outbox shows.
const FAILED_SHOWN: &str = "20";

/// Sends, and waits for what was to be waited for.
pub(super) fn send(
    arguments: &SendArgs,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = SendRequest {
        to: arguments.to.clone(),
        amount: Amount(arguments.amount),
        fee: Amount(arguments.fee),
        expires_in_blocks: arguments.expires_in.unwrap_or(DEFAULT_EXPIRY_BLOCKS),
        note: note(arguments.note.as_deref())?,
        broadcast: arguments.broadcast,
    };
    let sent: SentView = client.post("/transactions", &request)?;
    let (program, config) = (client.program(), client.config());
    output.show(&sent, |sent| show::sent(sent, program, config))?;
    let Some(goal) = arguments.wait else {
        return Ok(());
    };
    let reached = follow(&sent, goal, client)?;
    output.show(&reached, show::reached)?;
    Ok(())
}

/// The text of a note, from standard input if that was said.
fn note(given: Option<&str>) -> Result<Option<String>, Failure> {
    if given != Some("-") {
        return Ok(given.map(str::to_owned));
    }
    let mut text = String::new();
    // One more than may be, so that what is too long is refused and not cut.
    let mut input = stdin().lock().take(MAX_NOTE_TEXT as u64 + 2);
    let read = input.read_to_string(&mut text);
    read.map_err(|error| {
        Failure::Misuse(format!(
            "the note can't be read from standard input: {error}"
        ))
    })?;
    let end = text.strip_suffix('\n').map(str::len);
    text.truncate(end.unwrap_or(text.len()));
    Ok(Some(text))
}

/// Asks until the send is what was waited for, or will never be.
fn follow(sent: &SentView, goal: WaitFor, client: &Client) -> Result<SendView, Failure> {
    let path = format!("/outbox/{}", sent.id);
    let mut line = StateLine::begin();
    loop {
        let now: SendView = client.get(&path, &[])?;
        let reached = match goal {
            WaitFor::Mined => now.state == SendState::Mined,
            WaitFor::Delivered => now.state.has_arrived(),
        };
        if reached {
            return Ok(now);
        }
        if now.state.has_failed() {
            return Err(Failure::No(format!(
                "{} is {}: {}",
                now.id,
                now.state.name(),
                now.reason
            )));
        }
        line.show(&show::waiting_line(&now, goal));
        thread::sleep(EVERY);
    }
}

/// One line on standard error, written over where that is a terminal.
struct StateLine {
    terminal: bool,
    begun: Instant,
    shown: String,
}

impl StateLine {
    fn begin() -> Self {
        Self {
            terminal: stderr().is_terminal(),
            begun: Instant::now(),
            shown: String::new(),
        }
    }

    fn show(&mut self, state: &str) {
        let mut stderr = stderr().lock();
        // Whoever does not listen misses nothing that matters.
        let _ = if self.terminal {
            let seconds = self.begun.elapsed().as_secs();
            write!(stderr, "\r{} ({seconds} s)\u{1b}[K", plain(state))
        } else if self.shown == state {
            Ok(())
        } else {
            writeln!(stderr, "{}", plain(state))
        };
        let _ = stderr.flush();
        state.clone_into(&mut self.shown);
    }
}

impl Drop for StateLine {
    fn drop(&mut self) {
        if self.terminal && !self.shown.is_empty() {
            let mut stderr = stderr().lock();
            let _ = write!(stderr, "\r\u{1b}[K");
            let _ = stderr.flush();
        }
    }
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
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let (id, what) = match order {
        None => {
            let waiting = client.get("/outbox", &[])?;
            let failed: OutboxView =
                client.get("/outbox", &[("failed", "true"), ("limit", FAILED_SHOWN)])?;
            let failed = failed.sends;
            output.show(&Outbox { waiting, failed }, show::outbox)?;
            return Ok(());
        }
        Some(OutboxOrder::Retry { id }) => (id, "retry"),
        Some(OutboxOrder::Withdraw { id }) => (id, "withdraw"),
    };
    let path = format!("/outbox/{}/{what}", segment(id)?);
    let now: SendView = client.post(&path, &NoRequest {})?;
    output.show(&now, show::reached)?;
    Ok(())
}

/// Shows what was received, and what comes.
pub(super) fn inbox(
    unread: bool,
    follow: bool,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let first = if unread {
        unread_after(0, client)?
    } else {
        latest(client)?
    };
    let mut last = first.messages.last().map_or(0, |message| message.number);
    if output.is_json() {
        show_each(&first.messages, output)?;
    } else {
        output.text(&show::inbox(&first))?;
    }
    mark_read(&first.messages, client)?;
    let mut more = unread && first.next.is_some();
    while follow || more {
        if !more {
            thread::sleep(EVERY);
        }
        let next = if unread {
            unread_after(last, client)?
        } else {
            after(last, client)?
        };
        more = next.next.is_some();
        if let Some(latest) = next.messages.last() {
            last = latest.number;
            show_each(&next.messages, output)?;
            mark_read(&next.messages, client)?;
        }
    }
    Ok(())
}

/// The last ones, the oldest of them first.
fn latest(client: &Client) -> Result<InboxView, Failure> {
    let mut inbox: InboxView = client.get("/inbox", &[("order", "latest"), ("limit", PAGE)])?;
    inbox.messages.reverse();
    Ok(inbox)
}

fn unread_after(number: u64, client: &Client) -> Result<InboxView, Failure> {
    let number = number.to_string();
    let query = [("unread", "true"), ("after", &number), ("limit", PAGE)];
    client.get("/inbox", &query)
}

fn after(number: u64, client: &Client) -> Result<InboxView, Failure> {
    let number = number.to_string();
    client.get("/inbox", &[("after", &number), ("limit", PAGE)])
}

fn show_each(messages: &[ReceivedView], output: &mut Output<'_>) -> Result<(), Failure> {
    for message in messages {
        output.show(message, show::received)?;
    }
    Ok(())
}

/// What was shown is read, and nothing else.
fn mark_read(shown: &[ReceivedView], client: &Client) -> Result<(), Failure> {
    let unread = shown.iter().filter(|message| message.unread);
    let numbers: Vec<_> = unread.map(|message| message.number).collect();
    if !numbers.is_empty() {
        let _: ReadView = client.post("/inbox/read", &ReadRequest { numbers })?;
    }
    Ok(())
}

/// Shows what was sent and received.
pub(super) fn history(
    limit: Option<u64>,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let limit = limit.map(|limit| limit.to_string());
    let query = limit.as_deref().map(|limit| ("limit", limit));
    let history: HistoryView = client.get("/history", query.as_slice())?;
    output.show(&history, show::history)?;
    Ok(())
}
