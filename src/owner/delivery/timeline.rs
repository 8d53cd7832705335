//! What went between the owner and one other.

use super::reading::Reading;
use super::{LISTED, MAX_LISTED, Shown};
use crate::owner::answers::{HistoryEntry, HistoryView};
use crate::owner::pages::Page;
use crate::owner::{Peer, Refused};
use crate::protocol::delivery::rows::{self, ReceivedFacts, SendFacts, facts};
use crate::store::delivery_rows::DeliveryTable;

/// How much of the history is looked at for one page of what concerns one member: some milliseconds.
const SOUGHT: usize = 5_000;

impl Peer {
    /// What was sent to somebody and received from them, the latest first. A page may have less than was
    /// asked for, and more behind it: so much is looked at for one and no more.
    ///
    /// # Errors
    /// [`Code::UnknownMember`](crate::owner::Code), `BadAddress`, `BadParameter`, `BadCursor`, `NoNetwork`,
    /// `Stopping`.
    pub async fn history_with(&self, who: &str, page: &Page) -> Result<HistoryView, Refused> {
        let limit = page.limit(LISTED, MAX_LISTED)?;
        let after = page.after.as_ref().map(Shown::read).transpose()?;
        let parts = self.parts()?;
        let known = self.known();
        let key = self.people(&known).key_of(who)?;
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let reading = Reading::begin(self, parts, &*snapshot, &known)?;
        let outbox = DeliveryTable::outbox(&*snapshot);
        let inbox = DeliveryTable::inbox(&*snapshot);
        let mut shown = match after {
            Some(shown) => shown,
            None => Shown {
                sent: rows::next_number(&outbox)?,
                received: rows::next_number(&inbox)?,
            },
        };
        let mut entries = Vec::new();
        for _ in 0..SOUGHT {
            if entries.len() == limit {
                break;
            }
            let (sent, received) = shown.next();
            let last_sent = facts::<SendFacts>(&outbox, sent)?;
            let last_received = facts::<ReceivedFacts>(&inbox, received)?;
            let received_at = last_received.as_ref().map(|facts| facts.received_at);
            match (last_sent, last_received) {
                (Some(facts), _) if Some(facts.queued_at) >= received_at => {
                    shown.sent = sent;
                    if facts.to == key {
                        entries.push(HistoryEntry::Sent(reading.sent(sent, facts).await?));
                    }
                }
                (_, Some(facts)) => {
                    shown.received = received;
                    if facts.from == key {
                        let view = reading.received(received).await?;
                        entries.extend(view.map(HistoryEntry::Received));
                    }
                }
                (_, None) => break,
            }
        }
        Ok(HistoryView {
            entries,
            next: shown.is_not_all().then(|| shown.cursor()),
            tip: reading.tip,
        })
    }
}
