//! How what was sent and received is shown to its owner.

use crate::chain::rows::StateView;
use crate::chain::{
    Action, Amount, Closed, EncodedTransaction, Height, Internal, Rules, Timestamp, TransactionId,
};
use crate::keys::{NoteContext, PublicKey};
use crate::messages::tracker_link::DirectoryStatus;
use crate::messages::wallet::OpenNote;
use crate::owner::answers::{
    AttemptsView, MeaningView, NoteView, PersonView, ReceivedState, ReceivedView, SendView, TipView,
};
use crate::owner::chain_reads::{confirmations, tip_of};
use crate::owner::meaning::Meanings;
use crate::owner::people::People;
use crate::owner::{Peer, PeerParts, Refused};
use crate::protocol::delivery::outbox::Line;
use crate::protocol::delivery::rows::{
    self, DeliveryRows, Place, ReceivedFacts, SendFacts, SendState, place_of,
};
use crate::protocol::retry::Standing;
use crate::store::DiskRead;
use crate::store::chain_rows::ChainRows;
use crate::store::delivery_rows::DeliveryTable;

/// What is read of one snapshot of the disk, shown to one owner.
pub(super) struct Reading<'a> {
    peer: &'a Peer,
    rules: &'a Rules,
    snapshot: &'a dyn DiskRead,
    people: People<'a>,
    pub(super) tip: TipView,
}

impl<'a> Reading<'a> {
    pub(super) fn begin(
        peer: &'a Peer,
        parts: &'a PeerParts,
        snapshot: &'a dyn DiskRead,
        known: &'a DirectoryStatus,
    ) -> Result<Self, Refused> {
        Ok(Self {
            peer,
            rules: &parts.rules,
            snapshot,
            people: peer.people(known),
            tip: tip_of(&parts.rules, &ChainRows(snapshot))?,
        })
    }

    /// The rows of the outbox.
    pub(super) fn outbox(&self) -> DeliveryTable<'a> {
        DeliveryTable::outbox(self.snapshot)
    }

    pub(super) fn person(&self, key: &PublicKey) -> PersonView {
        self.people.person(key)
    }

    pub(super) async fn note(
        &self,
        transaction: &EncodedTransaction,
    ) -> Result<Option<NoteView>, Refused> {
        let payload = transaction.payload();
        let Action::Transfer { to, note, .. } = &payload.action else {
            return Ok(None);
        };
        if note.is_empty() {
            return Ok(None);
        }
        let about = NoteContext {
            network: payload.network.0,
            sender: payload.sender,
            recipient: *to,
            salt: payload.salt.0,
        };
        let note = note.clone();
        let opened = self.peer.open_note.send(OpenNote { about, note }).await?;
        Ok(Some(match opened {
            Ok(text) => NoteView::Text(text.as_str().to_owned()),
            Err(error) => NoteView::Unreadable(error.to_string()),
        }))
    }

    /// That its recipient is not there, where that is what a send waits for.
    fn absence(&self, to: &PublicKey, state: SendState) -> String {
        match self.people.directory.by_key(to) {
            Some(member) if state == SendState::Queued && !member.live => {
                format!("{} is offline", member.record.statement.name)
            }
            _ => String::new(),
        }
    }

    fn place(&self, id: &TransactionId) -> Result<(Place, Option<Height>, u64), Internal> {
        let place = place_of(&ChainRows(self.snapshot), id)?;
        let height = match place {
            Place::Mined(height) => Some(height),
            Place::Open | Place::Nowhere => None,
        };
        let confirmed = height.map_or(0, |height| confirmations(height, self.tip.height));
        Ok((place, height, confirmed))
    }

    /// When the connected block at a height was mined.
    fn mined_at(&self, height: Height) -> Result<Option<Timestamp>, Internal> {
        let chain = ChainRows(self.snapshot);
        let Some(id) = chain.active(height)? else {
            return Ok(None);
        };
        Ok(chain.header(&id)?.map(|entry| entry.header.timestamp))
    }

    pub(super) fn says(&self, action: &Action) -> Result<Option<MeaningView>, Internal> {
        Meanings::of(self.rules, &ChainRows(self.snapshot)).read(action)
    }

    /// Where a send stands.
    pub(super) fn state(&self, facts: &SendFacts) -> Result<SendState, Internal> {
        Ok(facts.state(place_of(&ChainRows(self.snapshot), &facts.id)?))
    }

    pub(super) async fn sent(&self, number: u64, facts: SendFacts) -> Result<SendView, Refused> {
        let (place, height, confirmations) = self.place(&facts.id)?;
        let body = rows::body(&self.outbox(), number)?;
        let note = match &body {
            Some(body) => self.note(body).await?,
            None => None,
        };
        let (topic, says) = match body.as_ref().map(|body| &body.payload().action) {
            Some(action @ Action::Record { topic, .. }) => {
                (Some(topic.to_string()), self.says(action)?)
            }
            Some(Action::Transfer { .. } | Action::Reward { .. }) | None => (None, None),
        };
        let state = facts.state(place);
        Ok(SendView {
            id: facts.id,
            to: self.people.person(&facts.to),
            topic,
            says,
            amount: facts.amount,
            fee: facts.fee,
            note,
            queued_at: facts.queued_at,
            delivered_at: facts.delivered_at,
            state,
            reason: self.peer.place.typed().text(&match place {
                Place::Nowhere if facts.reason.is_empty() => self.absence(&facts.to, state),
                _ => facts.explained(place, self.tip.height),
            }),
            route: facts.route.into(),
            reserved: Amount(match facts.expires_at > self.tip.height {
                true => facts.reserved(place),
                false => 0,
            }),
            height,
            confirmations,
            expires_at: facts.expires_at,
            waiting: None,
        })
    }

    /// What is looked after, with what only the outbox knows.
    pub(super) async fn waiting(&self, line: Line) -> Result<SendView, Refused> {
        let mut view = self.sent(line.number, line.facts).await?;
        let waits = matches!(line.standing, Some(Standing::Waiting(_)));
        if waits && view.state == SendState::Queued && view.reason.is_empty() {
            view.reason = "its recipient is not connected yet".to_owned();
        }
        view.waiting = line.standing.map(|standing| AttemptsView {
            tries: line.tries,
            next_try_ms: match standing {
                Standing::Waiting(at) | Standing::Aside(at) => {
                    Some(at.since(self.peer.clock.steady()))
                }
                Standing::Sent => None,
            },
        });
        Ok(view)
    }

    pub(super) async fn received(&self, number: u64) -> Result<Option<ReceivedView>, Refused> {
        let rows = DeliveryTable::inbox(self.snapshot);
        let (Some(facts), Some(body)) = (
            rows::facts::<ReceivedFacts>(&rows, number)?,
            rows::body(&rows, number)?,
        ) else {
            return Ok(None);
        };
        let (place, height, confirmations) = self.place(&facts.id)?;
        let closed = facts.closed_by(body.payload().expires_at, self.tip.height);
        let state = match (place, closed) {
            (Place::Mined(_), _) => ReceivedState::Mined,
            (Place::Open, _) => ReceivedState::Open,
            (Place::Nowhere, Some(Closed::Expired)) => ReceivedState::Expired,
            (Place::Nowhere, Some(Closed::TimedOut)) => ReceivedState::TimedOut,
            (Place::Nowhere, Some(Closed::Evicted)) => ReceivedState::Evicted,
            (Place::Nowhere, Some(Closed::Conflicted)) => ReceivedState::Conflicted,
            // A sender may be let back: what was received remembers nothing of it.
            _ if self.people.is_kept_out(&facts.from) => ReceivedState::PutOut,
            (Place::Nowhere, Some(Closed::Mined | Closed::PutOut) | None) => {
                ReceivedState::Accepted
            }
        };
        // What came by no delivery was found on the ledger, maybe long after it came there.
        let in_block = match (height, &facts.receipt) {
            (Some(height), None) => self.mined_at(height)?,
            _ => None,
        };
        let received_at = in_block.map_or(facts.received_at, |at| at.min(facts.received_at));
        Ok(Some(ReceivedView {
            number,
            id: facts.id,
            from: self.people.person(&facts.from),
            amount: facts.amount,
            note: self.note(&body).await?,
            received_at,
            direct: facts.receipt.is_some(),
            unread: rows.get(&rows::mark_key(number))?.is_some(),
            state,
            height,
            confirmations,
        }))
    }
}
