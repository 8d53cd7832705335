//! What alice writes to carol, who alone is to read it.

use super::{Outcome, PEERS, Story, named, short};
use crate::chain::TransactionId;
use crate::cli::demo::eavesdrop::{Found, Sought};
use crate::cli::demo::view::Agreed;
use crate::owner::answers::{InboxView, NoteView, OpenView, SendView, SentView};
use crate::protocol::delivery::rows::SendState;
use serde_json::json;

/// What alice writes to carol.
const LETTER: &str = "The key to the cheese cellar lies under the third stone";

/// What alice writes.
pub(super) struct Letter {
    id: TransactionId,
    text: String,
}

impl Story {
    pub(super) fn alice_writes(&mut self) -> Outcome<Letter> {
        // Another text each time, so that nothing of an earlier run is found.
        let text = format!("{LETTER} ({})", std::process::id());
        let body = json!({"to": "carol", "amount": "0", "note": text});
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

    /// Has the letter looked for in everything that others than its two ends have.
    pub(super) fn nobody_else_reads(&mut self, agreed: &Agreed, letter: &Letter) -> Outcome<()> {
        let sought = Sought {
            text: letter.text.clone(),
            id: letter.id,
            peer: self.nodes.files().config("bob"),
        };
        let eavesdropper = self.nodes.eavesdropper();
        let (process, found) = (eavesdropper.id(), eavesdropper.look(sought));
        let looked = "bytes from the lines and bob's database can be looked through";
        let found = found.map_err(|error| self.not_true(looked, error))?;
        if found.heard == 0 || !found.kept_all || found.on_the_lines {
            let expected = "every byte from the lines was kept, and the text is not among them";
            return Err(self.not_true(expected, format!("{found:?}")));
        }
        if !found.has_transaction || found.in_the_rows {
            let expected = "bob has the letter's transaction and can't read it";
            return Err(self.not_true(expected, format!("{found:?}")));
        }
        let Found {
            heard,
            rows,
            row_bytes,
            ..
        } = found;
        let told = format!(
            "Process {process} has found it nowhere: not in {heard} bytes from the lines, nor in the \
             {row_bytes} bytes of bob's {rows} rows, which hold the sealed letter."
        );
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([
            ("process", json!(process)),
            ("bytes_heard", json!(heard)),
            ("rows_read", json!(rows)),
        ]));
        Ok(((), told, facts))
    }
}
