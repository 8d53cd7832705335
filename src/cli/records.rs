//! The commands about records, and what commands share that put something on the ledger for everybody.

mod show;

use super::args::{Page, Record, RecordAdd, Until, WaitForRecord};
use super::client::Client;
use super::commands::next_page;
use super::failure::Failure;
use super::invocation::word;
use super::output::Output;
use super::progress::WaitLine;
use crate::chain::transaction::MAX_RECORD;
use crate::chain::{Amount, TransactionId};
use crate::owner::Goal;
use crate::owner::answers::{
    BlockView, BodyView, EventKind, MinedView, NoRequest, PeerStatusView, RecordRequest,
    RecordedView, RecordsView, SendView,
};
use crate::plain_file;
use crate::protocol::delivery::rows::SendState;
use crate::readable::in_words;
use serde::Serialize;
use std::io::{IsTerminal, Read, stdin};
use std::path::Path;

/// Nobody seems to mine where no block came for so many intervals.
const QUIET_INTERVALS: u64 = 6;

/// Does it.
pub(super) fn record(
    what: &Record,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    match what {
        Record::Add(arguments) => add(arguments, client, output),
        Record::List { topic, page } => list(topic, page, client, output),
        Record::Follow {
            topic,
            after,
            limit,
        } => follow(topic, after.clone(), *limit, client, output),
    }
}

fn add(arguments: &RecordAdd, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let bytes = body(arguments.file.as_deref())?;
    let request = RecordRequest {
        topic: arguments.topic.clone(),
        body: match std::str::from_utf8(&bytes) {
            // What is shown as it stands is sent as it stands; anything else is shorter in digits.
            Ok(text) if !text.contains(char::is_control) => BodyView::Text(text.to_owned()),
            _ => BodyView::hex(&bytes),
        },
        fee: Amount(arguments.fee),
        expires_in_blocks: None,
    };
    let recorded: Result<RecordedView, _> = client.post("/records", &request);
    let recorded = recorded.map_err(|failure| invalid(failure, arguments.until))?;
    output.show(&recorded, show::recorded)?;
    stay(recorded.id, arguments.until, client, output)
}

/// The bytes of a file, or of standard input.
fn body(file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One more than may be, so that what is too long is refused and not cut.
    let most = MAX_RECORD as u64 + 1;
    let read = match file.filter(|file| *file != Path::new("-")) {
        Some(file) => {
            plain_file::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes))
        }
        None if stdin().is_terminal() => {
            return Err(Failure::Misuse(
                "what is to be recorded? Name it with --file FILE, or hand it in: `echo hello | node \
                 record add guest-book`"
                    .to_owned(),
            ));
        }
        None => stdin().lock().take(most).read_to_end(&mut bytes),
    };
    let name = file.map_or("standard input".into(), |file| file.display().to_string());
    read.map_err(|error| Failure::Misuse(format!("{name} can't be read: {error}")))?;
    Ok(bytes)
}

/// A refusal in the words of somebody who mines.
pub(super) fn invalid(failure: Failure, until: Until) -> Failure {
    match failure {
        Failure::Refused(mut problem) if until.mine => {
            problem.detail = format!("invalid: {}", problem.detail);
            Failure::Refused(problem)
        }
        failure => failure,
    }
}

/// One thing that happens while something is mined, for programs.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Happened {
    /// Another block came first.
    LostRace,
}

/// Stays with something that is on the ledger until it is what was asked for, and says how it stands.
pub(super) fn stay(
    id: TransactionId,
    until: Until,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let reached = match until {
        Until { mine: true, .. } => mine_until_mined(id, client, output)?,
        Until {
            wait: Some(WaitForRecord::Mined),
            ..
        } => wait_until_mined(id, client)?,
        Until {
            wait: Some(WaitForRecord::Open),
            ..
        } => sent(id, client)?,
        Until { wait: None, .. } => {
            if !output.is_json()
                && let Some(quiet) = nobody_mines(client)?
            {
                output.text(&quiet)?;
            }
            return Ok(());
        }
    };
    output.show(&reached, show::reached)?;
    Ok(())
}

fn sent(id: TransactionId, client: &Client) -> Result<SendView, Failure> {
    client.get(&format!("/outbox/{id}"), &[])
}

/// How it stands, if it may still come into a block.
fn hopeful(id: TransactionId, client: &Client) -> Result<SendView, Failure> {
    let now = sent(id, client)?;
    match now.state.has_failed() {
        true => Err(Failure::No(format!("invalid: {}", now.reason))),
        false => Ok(now),
    }
}

fn mine_until_mined(
    id: TransactionId,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<SendView, Failure> {
    loop {
        let now = hopeful(id, client)?;
        match now.state {
            SendState::Mined => return Ok(now),
            SendState::Open => {}
            // It fell out of a block and is handed in again shortly.
            _ => {
                client.wait_for(&id, Goal::Open)?;
                continue;
            }
        }
        let mined: MinedView = client.post("/mine", &NoRequest {})?;
        for _ in 0..mined.races_lost {
            output.show(&Happened::LostRace, |_| {
                "lost the race: retrying".to_owned()
            })?;
        }
    }
}

fn wait_until_mined(id: TransactionId, client: &Client) -> Result<SendView, Failure> {
    let mut line = WaitLine::begin();
    let quiet = nobody_mines(client)?;
    loop {
        let now = hopeful(id, client)?;
        if now.state == SendState::Mined {
            return Ok(now);
        }
        let hint = quiet
            .as_deref()
            .map_or_else(String::new, |quiet| format!("; {quiet}"));
        let state = now.state.name();
        line.show(&format!("waiting to be mined: {state}{hint}"));
        client.wait_for(&id, Goal::Mined)?;
    }
}

/// That nobody seems to mine, if it is so, and what to do.
pub(super) fn nobody_mines(client: &Client) -> Result<Option<String>, Failure> {
    let status: PeerStatusView = client.get("/status", &[])?;
    let genesis: BlockView = client.get("/blocks/0", &[])?;
    let (Some(chain), Some(genesis)) = (status.chain, genesis.genesis) else {
        return Ok(None);
    };
    let quiet = genesis.interval_ms.saturating_mul(QUIET_INTERVALS);
    if chain.mining.running || chain.tip_age_ms < quiet {
        return Ok(None);
    }
    Ok(Some(format!(
        "nobody seems to mine: the last block came {} ago. `node mine` mines one here; --mine does so by itself",
        in_words(chain.tip_age_ms)
    )))
}

fn list(topic: &str, page: &Page, client: &Client, output: &mut Output<'_>) -> Result<(), Failure> {
    let records = ask(topic, page, client)?;
    let command = format!("record list {}", word(topic));
    let more = next_page(records.next.as_ref(), &command, client);
    output.show(&records, |records| show::records(records) + &more)?;
    Ok(())
}

fn ask(topic: &str, page: &Page, client: &Client) -> Result<RecordsView, Failure> {
    client.list(&format!("/records/{}", in_path(topic)), page)
}

/// Any text as one part of a path.
fn in_path(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut part = String::new();
    for byte in text.bytes() {
        match plain(&byte) {
            true => part.push(char::from(byte)),
            false => part.push_str(&format!("%{byte:02X}")),
        }
    }
    part
}

fn follow(
    topic: &str,
    after: Option<String>,
    limit: Option<usize>,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut news = client.news(&[EventKind::BlockConnected, EventKind::BlockDisconnected])?;
    let mut page = Page { after, limit };
    loop {
        let records = ask(topic, &page, client)?;
        for entry in &records.entries {
            output.show(entry, show::entry)?;
        }
        page.after = Some(records.cursor.0);
        if records.next.is_none() {
            news.wait()?;
        }
    }
}
