//! What a node's owner sends and receives.

use super::{Node, Refused, so, wait_until};
use raclette::owner::answers::{
    HistoryView, InboxView, NoteView, OutboxView, ReceivedView, SendView, SentView,
};
use raclette::protocol::delivery::rows::SendState;
use serde_json::json;

impl Node {
    /// Waits until it has heard of these members.
    pub fn knows(&self, names: &[&str]) {
        wait_until(&format!("{} knows {names:?}", self.name), || {
            let peers = self.peers().peers;
            let known = |name: &&str| {
                let mut found = peers.iter().filter_map(|peer| peer.name.as_ref());
                found.any(|found| found.as_str() == *name)
            };
            so(names.iter().all(known), format!("{peers:?}"))
        });
    }

    /// Sends coins, a note, or both, straight to a member; the transaction's id.
    pub fn write(&self, to: &str, amount: u64, note: Option<&str>) -> String {
        self.try_write(to, amount, note)
            .unwrap_or_else(|refused| panic!("{} writes: {refused}", self.name))
    }

    /// Sends coins to a member as soon as this node has heard of it.
    pub fn write_when_known(&self, to: &str, amount: u64) -> String {
        wait_until(&format!("{} can write to {to}", self.name), || {
            self.try_write(to, amount, None)
                .map_err(|refused| refused.to_string())
        })
    }

    /// As [`Node::write`], if it is taken.
    pub fn try_write(&self, to: &str, amount: u64, note: Option<&str>) -> Result<String, Refused> {
        let body = json!({"to": to, "amount": amount.to_string(), "note": note});
        let sent: SentView = self.try_post("/transactions", body)?;
        Ok(sent.id.to_string())
    }

    /// `GET /outbox`
    pub fn outbox(&self) -> OutboxView {
        self.get("/outbox")
    }

    /// `GET /outbox/...`: one send, with what became of it.
    pub fn sent(&self, id: &str) -> SendView {
        self.get(&format!("/outbox/{id}"))
    }

    /// Waits until a send is in this state.
    pub fn sees(&self, id: &str, state: SendState) -> SendView {
        self.sees_one_of(id, &[state])
    }

    /// Waits until a send is in one of these states.
    pub fn sees_one_of(&self, id: &str, states: &[SendState]) -> SendView {
        let what = format!("{}: {id} is one of {states:?}", self.name);
        wait_until(&what, || {
            let sent = self.sent(id);
            so(states.contains(&sent.state), format!("{sent:?}"))?;
            Ok(sent)
        })
    }

    /// Waits until its recipient has signed for it. Open it may be earlier: who has it may tell others
    /// before the receipt is here.
    pub fn has_receipt(&self, id: &str) -> SendView {
        wait_until(&format!("{}: {id} is signed for", self.name), || {
            let sent = self.sent(id);
            so(sent.delivered_at.is_some(), format!("{sent:?}"))?;
            Ok(sent)
        })
    }

    /// `GET /inbox`: everything, in order.
    pub fn inbox(&self) -> Vec<ReceivedView> {
        let mut all: Vec<ReceivedView> = Vec::new();
        loop {
            let after = all.last().map_or(0, |message| message.number);
            let page: InboxView = self.get(&format!("/inbox?after={after}&limit=200"));
            if page.messages.is_empty() {
                return all;
            }
            all.extend(page.messages);
        }
    }

    /// The notes in the inbox, in order.
    pub fn notes(&self) -> Vec<String> {
        let notes = self.inbox().into_iter().filter_map(|message| message.note);
        let text = |note| match note {
            NoteView::Text(text) => text,
            NoteView::Unreadable(why) => panic!("{}: a note can't be read: {why}", self.name),
        };
        notes.map(text).collect()
    }

    /// Waits until its inbox has these notes and no others.
    pub fn has_notes(&self, notes: &[&str]) {
        wait_until(&format!("{} has {notes:?}", self.name), || {
            let has = self.notes();
            so(has == notes, format!("{has:?}"))
        });
    }

    /// `GET /history`
    pub fn history(&self) -> HistoryView {
        self.get("/history?limit=200")
    }
}
