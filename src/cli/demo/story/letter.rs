//! What alice writes to carol, who alone is to read it.

use super::{Outcome, PEERS, Story, named, short};
use crate::chain::TransactionId;
use crate::cli::demo::error::DemoError;
use crate::cli::demo::recorder::holds;
use crate::cli::demo::view::Agreed;
use crate::http::views::{InboxView, NoteView, OpenView, SendView, SentView};
use crate::node::open_offline;
use crate::protocol::delivery::rows::SendState;
use crate::store::{Table, rows_from};
use serde_json::json;

/// What alice writes to carol.
const LETTER: &str = "The key to the cheese cellar lies under the third stone";
/// Rows of bob's database read at a time.
const ROWS_AT_A_TIME: usize = 1_000;
/// What alice writes.
pub(super) struct Letter {
    id: TransactionId,
    text: String,
}

impl Story {
    pub(super) fn alice_writes(&mut self) -> Outcome<Letter> {
        // Another text each time, so that nothing of an earlier run is found.
        let text = format!("{LETTER} ({})", std::process::id());
        let body = json!({"to": "carol", "amount": 0, "note": text});
        let sent: Result<SentView, String> = self.nodes.post("alice", "/transactions", body);
        let sent = sent.map_err(|found| self.not_true("alice's node takes the letter", found))?;
        let now: Result<SendView, String> =
            self.nodes.get("alice", &format!("/outbox/{}", sent.id));
        let now = now.map_err(|found| self.not_true("it is in the outbox", found))?;
        if now.state != SendState::Queued {
            let found = now.state.name().to_owned();
            return Err(self.not_true("it waits in the outbox", found));
        }
        let told = format!(
            "Stored and sealed as {}; carol will have it.",
            short(sent.id)
        );
        let facts = named([("transaction", json!(sent.id)), ("state", json!(now.state))]);
        Ok((Letter { id: sent.id, text }, told, facts))
    }

    pub(super) fn carol_reads(&mut self, before: &Agreed, letter: &Letter) -> Outcome<Agreed> {
        self.until("carol has it in her inbox, word for word", |nodes| {
            let inbox: InboxView = nodes.get("carol", "/inbox?unread=true")?;
            let wanted = Some(NoteView::Text(letter.text.clone()));
            let found = inbox.messages.iter().find(|message| message.note == wanted);
            match found {
                Some(message) if message.direct => Ok(()),
                other => Err(format!("{other:?} among {}", inbox.messages.len())),
            }
        })?;
        let path = format!("/outbox/{}", letter.id);
        self.until(
            "alice has carol's receipt, and bob has heard of it",
            |nodes| {
                let sent: SendView = nodes.get("alice", &path)?;
                let open: OpenView = nodes.get("bob", "/open")?;
                match sent.delivered_at {
                    Some(_) if open.count == 1 => Ok(()),
                    _ => Err(format!("{sent:?}, {} open at bob's", open.count)),
                }
            },
        )?;
        let mined = self.mine("bob")?;
        let balances = before.balances_after(&[("bob", mined.reward.into())]);
        let expected = format!("it is mined, and the balances are {balances:?}");
        let agreed = self.until(&expected, |nodes| {
            let sent: SendView = nodes.get("alice", &path)?;
            let agreed = Agreed::read(nodes, &PEERS)?;
            if sent.state == SendState::Mined && agreed.balances == balances {
                Ok(agreed)
            } else {
                Err(format!("{}, {agreed}", sent.state.name()))
            }
        })?;
        let told = format!(
            "\"{}\" Alice has her receipt, and sees it mined.",
            letter.text
        );
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([("text", json!(letter.text))]));
        Ok((agreed, told, facts))
    }

    /// Looks for the letter in everything that others than its two ends have.
    pub(super) fn nobody_else_reads(&mut self, agreed: &Agreed, letter: &Letter) -> Outcome<()> {
        let text = letter.text.as_bytes();
        let heard = self.nodes.recording().len();
        if heard == 0 {
            return Err(self.not_true("something was said on the lines", "nothing".to_owned()));
        }
        if self.nodes.recording().holds(text) {
            let found = "it, on the line".to_owned();
            return Err(self.not_true("the text is nowhere on the lines", found));
        }
        let (rows, bytes, id, found) = self.search_bob(letter)?;
        if !id || found {
            let found = format!("its id: {id}, its text: {found}, in {rows} rows");
            let expected = "bob has the letter's transaction and can't read it";
            return Err(self.not_true(expected, found));
        }
        let told = format!(
            "Nowhere in {heard} bytes from the lines, nor in the {bytes} bytes of bob's {rows} rows, \
             which hold the sealed letter."
        );
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([
            ("bytes_heard", json!(heard)),
            ("rows_read", json!(rows)),
        ]));
        Ok(((), told, facts))
    }

    /// Rows of bob's database and their bytes, and whether the letter's id and its text are in them.
    fn search_bob(&self, letter: &Letter) -> Result<(usize, usize, bool, bool), DemoError> {
        let failed = |error: &dyn std::fmt::Display| {
            self.not_true("bob's database can be read", error.to_string())
        };
        let settings = self.nodes.peer_settings("bob");
        let settings = settings.ok_or_else(|| failed(&"bob has no settings"))?;
        let disk = open_offline(settings).map_err(|error| failed(&error))?;
        let (mut rows, mut bytes, mut id, mut found) = (0, 0, false, false);
        for table in Table::ALL {
            for row in rows_from(&disk, table, &[], ROWS_AT_A_TIME) {
                let (key, value) = row.map_err(|error| failed(&error))?;
                rows += 1;
                bytes += key.len() + value.len();
                id |= holds(&key, &letter.id.0);
                found |= holds(&key, letter.text.as_bytes());
                found |= holds(&value, letter.text.as_bytes());
            }
        }
        Ok((rows, bytes, id, found))
    }
}
