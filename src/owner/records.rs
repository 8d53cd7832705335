//! Records of any topic: added, and followed through whatever happens to the chain.

mod feed;

use super::answers::{Cursor, RecordRequest, RecordedView, RecordsView, TopicView, TopicsView};
use super::chain_reads::tip_of;
use super::codes::Code;
use super::delivery::{form_of, under};
use super::pages::{Page, not_a_cursor};
use super::{DEFAULT_EXPIRY_BLOCKS, Peer, Refused};
use crate::chain::params::MAX_EXPIRY;
use crate::chain::transaction::{MAX_RECORD, MAX_TOPIC, RecordBody, Topic};
use crate::chain::{Action, Amount, Height, Payload, TransactionId};
use crate::messages::ledger::GetLedgerStatus;
use crate::messages::retry_queue::SignAndSend;
use crate::protocol::delivery::outbox::{Request, SendError};
use crate::protocol::delivery::rows::Route;
use crate::store::chain_rows::{ChainRows, topics_of_records};
use feed::{Seen, feed};

/// Records in one answer, if it is not said how many.
const LISTED: usize = 100;
/// Records in one answer at most; their bytes are bounded as well.
pub const MAX_RECORDS_LISTED: usize = 1_000;

/// A record as it goes out.
pub(super) struct Outgoing {
    pub(super) topic: Topic,
    pub(super) body: RecordBody,
    pub(super) fee: Amount,
    /// The last height at which it can be mined.
    pub(super) expires_at: Height,
}

impl Peer {
    /// Adds a record, and has the network told. It is open when the answer comes: its topic's application, if
    /// the network has one, has nothing against it as things stand. What becomes of it is told by
    /// [`sent`](Self::sent), by [`history`](Self::history) and by the feed.
    ///
    /// Under a `key`, the same request adds one record, as with [`send`](Self::send).
    ///
    /// # Errors
    /// [`Code::BadTopic`], [`Code::BadRecord`], [`Code::BadParameter`], [`Code::BadKey`],
    /// [`Code::KeyTaken`], [`Code::OutboxFull`], [`Code::NoNetwork`], [`Code::Stopping`], and one code for
    /// each [`Rejected`](crate::chain::Rejected): [`Code::Application`] with the application's own words.
    pub async fn add_record(
        &self,
        request: &RecordRequest,
        key: Option<&str>,
    ) -> Result<RecordedView, Refused> {
        let under = key.map(|key| under(key, request)).transpose()?;
        let topic = topic(&request.topic)?;
        let body = request.body.bytes().ok_or_else(|| {
            Refused::new(
                Code::BadRecord,
                "the bytes of the record are not pairs of hexadecimal digits",
            )
        })?;
        let size = body.len();
        let body = RecordBody::new(body).map_err(|_| {
            Refused::new(
                Code::BadRecord,
                format!(
                    "a record has {MAX_RECORD} bytes at most, and this one has {size}: keep larger things \
                     beside the ledger, and their hash on it"
                ),
            )
        })?;
        let blocks = request.expires_in_blocks.unwrap_or(DEFAULT_EXPIRY_BLOCKS);
        if !(1..=MAX_EXPIRY).contains(&blocks) {
            return Err(Refused::new(
                Code::BadParameter,
                format!("expires_in_blocks is {blocks}, but must be from 1 to {MAX_EXPIRY}"),
            ));
        }
        let tip = self.parts()?.ledger_status.send(GetLedgerStatus).await?.tip;
        let outgoing = Outgoing {
            topic,
            body,
            fee: request.fee,
            expires_at: Height(tip.height().0.saturating_add(blocks)),
        };
        let topic = outgoing.topic.to_string();
        let (id, expires_at) = self.put_on_ledger(outgoing, under).await?;
        Ok(RecordedView {
            id,
            topic,
            fee: request.fee,
            expires_at,
        })
    }

    /// Signs a record and hands it to the network by way of the outbox, which follows it: its id and its last
    /// height, which are those of the first time if this was asked for before.
    pub(super) async fn put_on_ledger(
        &self,
        outgoing: Outgoing,
        request: Option<Request>,
    ) -> Result<(TransactionId, Height), Refused> {
        let parts = self.parts()?;
        let expires_at = outgoing.expires_at;
        let payload = Payload {
            network: parts.rules.network(),
            sender: self.key,
            salt: self.draw_salt(),
            expires_at,
            fee: outgoing.fee,
            action: Action::Record {
                topic: outgoing.topic,
                body: outgoing.body,
            },
        };
        let id = form_of(parts, &payload)?;
        let order = SignAndSend {
            payload,
            route: Route::Network,
            request,
        };
        match parts.send.send(order).await? {
            Ok(()) => Ok((id, expires_at)),
            Err(SendError::Before(id)) => {
                let before = self.sent(&id.to_string()).await?;
                Ok((id, before.expires_at))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The records of a topic in the order of the chain, from a cursor on: what the chain has lost since then
    /// comes first, as reverted. Reads one snapshot and waits for nobody. Without a cursor it begins with
    /// the chain. Whoever follows asks again with the answer's `cursor`.
    ///
    /// # Errors
    /// [`Code::BadTopic`], [`Code::BadParameter`], [`Code::BadCursor`], [`Code::NoNetwork`],
    /// [`Code::Stopping`].
    pub async fn records(&self, of: &str, page: &Page) -> Result<RecordsView, Refused> {
        let topic = topic(of)?;
        let limit = page.limit(LISTED, MAX_RECORDS_LISTED)?;
        let after = page.after.as_ref().map(Seen::read).transpose()?;
        let rules = &self.parts()?.rules;
        let known = self.known();
        let people = self.people(&known);
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let tip = tip_of(rules, &ChainRows(&*snapshot))?;
        let found = feed(rules, &*snapshot, &people, &topic, after, limit)?;
        let cursor = found.seen.cursor();
        Ok(RecordsView {
            topic: topic.to_string(),
            entries: found.entries,
            next: found.more.then(|| cursor.clone()),
            cursor,
            tip,
        })
    }

    /// Whether an application of the network keeps this topic: nodes write under it by themselves.
    pub fn keeps_topic(&self, topic: &str) -> bool {
        let parts = self.running.get();
        parts.is_some_and(|parts| parts.rules.topics().any(|own| own.as_str() == topic))
    }

    /// The topics that have records.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::BadCursor`], [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn topics(&self, page: &Page) -> Result<TopicsView, Refused> {
        let limit = page.limit(LISTED, MAX_RECORDS_LISTED)?;
        let after = page.after.as_ref();
        let after = after
            .map(|cursor| topic(&cursor.0).map_err(|_| not_a_cursor(cursor)))
            .transpose()?;
        let rules = &self.parts()?.rules;
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let tip = tip_of(rules, &ChainRows(&*snapshot))?;
        // One more shows whether there are more.
        let mut topics = topics_of_records(&*snapshot, after.as_ref(), limit + 1)?;
        let more = topics.len() > limit;
        topics.truncate(limit);
        let last = topics.last().filter(|_| more);
        Ok(TopicsView {
            next: last.map(|last| Cursor(last.to_string())),
            topics: topics
                .iter()
                .map(|topic| TopicView {
                    topic: topic.to_string(),
                    application: rules.topics().any(|own| own == topic),
                })
                .collect(),
            tip,
        })
    }
}

/// The topic that was typed.
fn topic(text: &str) -> Result<Topic, Refused> {
    match Topic::new(text) {
        Ok(topic) if !text.is_empty() => Ok(topic),
        _ => Err(Refused::new(
            Code::BadTopic,
            format!("a topic is a name of 1 to {MAX_TOPIC} bytes, such as guest-book"),
        )),
    }
}
