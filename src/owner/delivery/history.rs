//! What was sent and received, of all or between the owner and one other.

use super::listing::Shown;
use super::reading::Reading;
use super::{LISTED, MAX_LISTED};
use crate::keys::PublicKey;
use crate::owner::answers::{HistoryEntry, HistoryView};
use crate::owner::pages::Page;
use crate::owner::{Peer, Refused};
use crate::protocol::delivery::rows::{self, ReceivedFacts, SendFacts, facts};
use crate::store::delivery_rows::DeliveryTable;

/// How much of the history is looked at for one page: what concerns one member may lie far apart, and so much
/// takes some milliseconds.
const SOUGHT: usize = 5_000;

impl Peer {
    /// What was sent and received, the latest first. The cursor names the last of either that was shown.
    ///
    /// # Errors
    /// [`Code::BadParameter`](crate::owner::Code), `BadCursor`, `NoNetwork`, `Stopping`.
    pub async fn history(&self, page: &Page) -> Result<HistoryView, Refused> {
        self.history_of(None, page).await
    }

    /// The same of what was sent to somebody and received from them. A page may have less than was asked for,
    /// and more behind it: so much is looked at for one and no more.
    ///
    /// # Errors
    /// As [`Peer::history`], and `UnknownMember`, `BadAddress`.
    pub async fn history_with(&self, who: &str, page: &Page) -> Result<HistoryView, Refused> {
        let key = self.people(&self.known()).key_of(who)?;
        self.history_of(Some(key), page).await
    }

    async fn history_of(
        &self,
        with: Option<PublicKey>,
        page: &Page,
    ) -> Result<HistoryView, Refused> {
        let is_wanted = |key: PublicKey| with.is_none_or(|with| with == key);
        let limit = page.limit(LISTED, MAX_LISTED)?;
        let after = page.after.as_ref().map(Shown::read).transpose()?;
        let parts = self.parts()?;
        let known = self.known();
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
                    if is_wanted(facts.to) {
                        entries.push(HistoryEntry::Sent(reading.sent(sent, facts).await?));
                    }
                }
                (_, Some(facts)) => {
                    shown.received = received;
                    if is_wanted(facts.from) {
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
