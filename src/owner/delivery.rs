//! What a peer's owner sends and receives.

mod account;
mod history;
mod listing;
mod many;
mod reading;
mod sending;

use super::answers::{InboxView, OutboxView, ReadView, ReceivedView, SendView};
use super::codes::Code;
use super::ids::{TypedId, without_dots};
use super::pages::{Order, Page};
use super::{Peer, PeerParts, Refused};
use crate::chain::TransactionId;
use crate::messages::inbox::{CountUnread, MarkRead};
use crate::messages::retry_queue::{GetOutbox, GetSend, ReleaseSend, RetrySend, WithdrawSend};
use crate::protocol::delivery::outbox::{Line, OrderError};
use crate::protocol::delivery::rows::{self, SendFacts, SendState, facts};
use crate::store::delivery_rows::DeliveryTable;
use actix::{Message, Recipient};
use listing::{cursor, latest, like, numbers};
pub use many::MAX_TRANSFERS;
use reading::Reading;
pub use sending::MAX_KEY;
pub(super) use sending::{form_of, under};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Sends and messages in one answer, if it is not said how many.
const LISTED: usize = 50;
/// Sends and messages in one answer at most: with the longest notes, about two megabytes of JSON.
pub const MAX_LISTED: usize = 200;
/// Messages that are marked as read at a time.
const MAX_READ: usize = 1_000;
/// How many of the first sends are looked at for one that is no record: people write soon.
const FIRST_SOUGHT: u64 = 200;

/// How long an answer about a send may be waited for at most: whoever wants to wait longer asks again.
pub const MAX_PATIENCE: Duration = Duration::from_secs(60);
/// How often a send that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Which sends the outbox shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are neither open nor mined, nor at an end: the oldest first.
    Waiting,
    /// Those that are in no block, nor at an end, records too: the latest first.
    UnderWay,
    /// Those that came to an end without being mined: the latest first.
    Failed,
}

/// What a send is waited for to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Known to the network: open, or mined already.
    Open,
    /// Its recipient has signed for it.
    Delivered,
    /// In a block of the connected chain.
    Mined,
}

impl Goal {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Delivered => "delivered",
            Self::Mined => "mined",
        }
    }

    /// Whether the send is what was waited for.
    pub fn is_reached(self, send: &SendView) -> bool {
        match self {
            Self::Open => matches!(send.state, SendState::Open | SendState::Mined),
            Self::Delivered => send.delivered_at.is_some(),
            Self::Mined => send.state == SendState::Mined,
        }
    }
}

/// Which messages the inbox shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxPage {
    /// Only what was not read.
    pub unread: bool,
    /// From which end.
    pub order: Order,
    /// Which part.
    pub page: Page,
}

impl Peer {
    /// What waits in the outbox, or what did not get through.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::BadCursor`], [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn outbox(&self, which: Which, page: &Page) -> Result<OutboxView, Refused> {
        let limit = page.limit(LISTED, MAX_LISTED)?;
        let after = page.after_number()?;
        let parts = self.parts()?;
        let asked = match which {
            // One more shows whether there are more.
            Which::Waiting => GetOutbox {
                after,
                limit: limit + 1,
            },
            Which::UnderWay | Which::Failed => GetOutbox::nothing_of_it(),
        };
        let mut status = parts.outbox.send(asked).await?;
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let reading = Reading::begin(self, parts, &*snapshot, &known)?;
        let mut sends = Vec::new();
        let next = match which {
            Which::Waiting => {
                let more = status.lines.len() > limit;
                status.lines.truncate(limit);
                let last = status.lines.last().map(|line| line.number);
                for line in status.lines {
                    sends.push(reading.waiting(line).await?);
                }
                last.filter(|_| more)
            }
            Which::UnderWay | Which::Failed => {
                latest(&reading, parts, which, (after, limit), &mut sends).await?
            }
        };
        Ok(OutboxView {
            queued: status.waiting.queued,
            bytes: status.waiting.bytes,
            reserved: status.waiting.reserved,
            held: status.waiting.held,
            sends,
            next: next.map(cursor),
            tip: reading.tip,
        })
    }

    /// Whether its owner ever sent something to somebody: records are for everybody, and the first of them, by
    /// which one joins, is not the owner's own doing.
    ///
    /// # Errors
    /// [`Code::Stopping`], [`Code::Internal`].
    pub fn has_written(&self) -> Result<bool, Refused> {
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let rows = DeliveryTable::outbox(&*snapshot);
        for number in 1..=FIRST_SOUGHT {
            match facts::<SendFacts>(&rows, number)? {
                Some(facts) if facts.to != self.key => return Ok(true),
                Some(_) => {}
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// One send, whatever became of it.
    ///
    /// # Errors
    /// [`Code::BadId`], [`Code::AmbiguousId`], [`Code::UnknownSend`], [`Code::NoNetwork`],
    /// [`Code::Stopping`].
    pub async fn sent(&self, id: &str) -> Result<SendView, Refused> {
        let id = self.send_meant(id)?;
        self.show(id).await
    }

    /// One send, as soon as it is what is waited for, or has come to an end otherwise, or `patience`, of which
    /// [`MAX_PATIENCE`] counts at most, is over: the answer tells which.
    ///
    /// # Errors
    /// As for [`sent`](Self::sent).
    pub async fn sent_once(
        &self,
        id: &str,
        goal: Goal,
        patience: Duration,
    ) -> Result<SendView, Refused> {
        let patience = patience.min(MAX_PATIENCE);
        let id = self.send_meant(id)?;
        let begun = self.clock.steady();
        loop {
            let now = self.show(id).await?;
            let waited = Duration::from_millis(self.clock.steady().since(begun));
            if goal.is_reached(&now) || now.state.has_failed() || waited >= patience {
                return Ok(now);
            }
            self.pause(LOOK.min(patience - waited)).await;
        }
    }

    /// Lets some time pass, by the timer of the node, whatever runtime asks.
    pub(super) async fn pause(&self, duration: Duration) {
        let sleep = {
            let _node = self.runtime.enter();
            tokio::time::sleep(duration)
        };
        sleep.await;
    }

    /// Tries again at once what waits.
    ///
    /// # Errors
    /// As for [`sent`](Self::sent), and [`Code::NotWaiting`].
    pub async fn retry(&self, id: &str) -> Result<SendView, Refused> {
        self.order(id, |parts| &parts.retry, RetrySend).await
    }

    /// Takes back what has never left.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry), and [`Code::Attempted`].
    pub async fn withdraw(&self, id: &str) -> Result<SendView, Refused> {
        self.order(id, |parts| &parts.withdraw, WithdrawSend).await
    }

    /// Frees the coins of a send that has ended and may still be mined.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry), and [`Code::NothingHeld`].
    pub async fn release(&self, id: &str) -> Result<SendView, Refused> {
        self.order(id, |parts| &parts.release, ReleaseSend).await
    }

    /// Tells the outbox to do something with a send, and shows what came of it.
    async fn order<M>(
        &self,
        id: &str,
        outbox: impl Fn(&PeerParts) -> &Recipient<M>,
        order: impl Fn(TransactionId) -> M,
    ) -> Result<SendView, Refused>
    where
        M: Message<Result = Result<(), OrderError>> + Send + 'static,
    {
        let id = self.send_meant(id)?;
        outbox(self.parts()?).send(order(id)).await??;
        self.show(id).await
    }

    /// The send that is meant by an id or its beginning.
    fn send_meant(&self, text: &str) -> Result<TransactionId, Refused> {
        let typed = TypedId::parse(text)?;
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let found = like(&DeliveryTable::outbox(&*snapshot), &typed)?;
        found.ok_or_else(|| {
            Refused::new(
                Code::UnknownSend,
                format!("this node has sent no transaction whose id begins with {typed}"),
            )
        })
    }

    async fn show(&self, id: TransactionId) -> Result<SendView, Refused> {
        let parts = self.parts()?;
        let line = parts.outbox_line.send(GetSend(id)).await?;
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let rows = DeliveryTable::outbox(&*snapshot);
        let missing = || {
            Refused::new(
                Code::UnknownSend,
                format!("this node has sent no transaction {id}"),
            )
        };
        let number = rows::find(&rows, &id)?.ok_or_else(missing)?;
        let facts = facts::<SendFacts>(&rows, number)?.ok_or_else(missing)?;
        let reading = Reading::begin(self, parts, &*snapshot, &known)?;
        let Some(line) = line else {
            return reading.sent(number, facts).await;
        };
        // What is stored is the younger.
        reading.waiting(Line { facts, ..line }).await
    }

    /// What was received. The cursor is the number of the last message of the page before.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::BadCursor`], [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn inbox(&self, wanted: &InboxPage) -> Result<InboxView, Refused> {
        let limit = wanted.page.limit(LISTED, MAX_LISTED)?;
        let after = wanted.page.after_number()?;
        let parts = self.parts()?;
        let unread = parts.unread.send(CountUnread).await?;
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let reading = Reading::begin(self, parts, &*snapshot, &known)?;
        let rows = DeliveryTable::inbox(&*snapshot);
        // One more shows whether there are more.
        let mut numbers = numbers(&rows, wanted, after, limit + 1)?;
        let more = numbers.len() > limit;
        numbers.truncate(limit);
        let last = numbers.last().copied();
        let mut messages = Vec::new();
        for number in numbers {
            messages.extend(reading.received(number).await?);
        }
        Ok(InboxView {
            unread,
            messages,
            next: last.filter(|_| more).map(cursor),
            tip: reading.tip,
        })
    }

    /// One message, by its number in the inbox or its id.
    ///
    /// # Errors
    /// [`Code::BadId`], [`Code::AmbiguousId`], [`Code::UnknownMessage`], [`Code::NoNetwork`],
    /// [`Code::Stopping`].
    pub async fn received(&self, name: &str) -> Result<ReceivedView, Refused> {
        let parts = self.parts()?;
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let rows = DeliveryTable::inbox(&*snapshot);
        let reading = Reading::begin(self, parts, &*snapshot, &known)?;
        let is_number =
            name.bytes().all(|byte| byte.is_ascii_digit()) && without_dots(name) == name;
        if is_number
            && let Ok(number) = name.parse()
            && let Some(message) = reading.received(number).await?
        {
            return Ok(message);
        }
        let missing = || {
            Refused::new(
                Code::UnknownMessage,
                format!("the inbox has no message {name}: messages are named by number or id"),
            )
        };
        let typed = TypedId::parse(name).map_err(|refused| match is_number {
            true => missing(),
            false => refused,
        })?;
        let id = like(&rows, &typed)?.ok_or_else(missing)?;
        let number = rows::find(&rows, &id)?.ok_or_else(missing)?;
        reading.received(number).await?.ok_or_else(missing)
    }

    /// The owner was shown these messages: they count as read, and no others.
    ///
    /// # Errors
    /// [`Code::BadParameter`] for more than a thousand at a time, [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn mark_read(&self, numbers: &[u64]) -> Result<ReadView, Refused> {
        if numbers.len() > MAX_READ {
            return Err(Refused::new(
                Code::BadParameter,
                format!(
                    "{} messages at a time are too many: name {MAX_READ} at most",
                    numbers.len()
                ),
            ));
        }
        let parts = self.parts()?;
        parts.mark_read.send(MarkRead(numbers.to_vec())).await?;
        let unread = parts.unread.send(CountUnread).await?;
        Ok(ReadView { unread })
    }
}
