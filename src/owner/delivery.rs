//! What a peer's owner sends and receives.

mod history;
mod many;
mod reading;
mod sending;

use super::answers::{Cursor, InboxView, OutboxView, ReadView, ReceivedView, SendView};
use super::codes::Code;
use super::ids::{TypedId, without_dots};
use super::pages::{Order, Page, not_a_cursor};
use super::{Peer, PeerParts, Refused};
use crate::chain::{Internal, TransactionId};
use crate::messages::inbox::{CountUnread, MarkRead};
use crate::messages::retry_queue::{GetOutbox, GetSend, ReleaseSend, RetrySend, WithdrawSend};
use crate::protocol::delivery::outbox::{Line, OrderError};
use crate::protocol::delivery::rows::{
    self, DeliveryRows, SendFacts, SendState, facts, marked_from,
};
use crate::store::delivery_rows::DeliveryTable;
use actix::{Message, Recipient};
pub use many::MAX_TRANSFERS;
use reading::Reading;
pub use sending::MAX_KEY;
pub(super) use sending::under;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Sends and messages in one answer, if it is not said how many.
const LISTED: usize = 50;
/// Sends and messages in one answer at most: with the longest notes, about two megabytes of JSON.
pub const MAX_LISTED: usize = 200;
/// Messages that are marked as read at a time.
const MAX_READ: usize = 1_000;
/// How many sends are looked at for one page of those that failed: most do not fail.
const FAILED_SOUGHT: u64 = 1_000;

/// How long an answer about a send may be waited for at most: whoever wants to wait longer asks again.
pub const MAX_PATIENCE: Duration = Duration::from_secs(60);
/// How often a send that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Which sends the outbox shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are neither open nor mined, nor at an end: the oldest first.
    Waiting,
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
            Which::Failed => GetOutbox::nothing_of_it(),
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
            Which::Failed => failed(&reading, parts, after, limit, &mut sends).await?,
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

    /// One send, whatever became of it.
    ///
    /// # Errors
    /// [`Code::BadId`], [`Code::AmbiguousId`], [`Code::UnknownSend`], [`Code::NoNetwork`],
    /// [`Code::Stopping`].
    pub async fn sent(&self, id: &str) -> Result<SendView, Refused> {
        let id = self.send_meant(id)?;
        self.show(id).await
    }

    /// One send, as soon as it is what is waited for, or has come to an end otherwise, or `patience` is over:
    /// the answer tells which.
    ///
    /// # Errors
    /// As for [`sent`](Self::sent), and [`Code::BadParameter`] for more patience than [`MAX_PATIENCE`].
    pub async fn sent_once(
        &self,
        id: &str,
        goal: Goal,
        patience: Duration,
    ) -> Result<SendView, Refused> {
        if patience > MAX_PATIENCE {
            return Err(Refused::new(
                Code::BadParameter,
                format!(
                    "seconds is {}, but must be {} at most: ask again after that",
                    patience.as_secs(),
                    MAX_PATIENCE.as_secs()
                ),
            ));
        }
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

/// The number that a page ended with.
fn cursor(number: u64) -> Cursor {
    Cursor(number.to_string())
}

/// The only transaction of a table whose id begins like this.
fn like(rows: &dyn DeliveryRows, typed: &TypedId) -> Result<Option<TransactionId>, Refused> {
    let lowest = TransactionId(typed.lowest());
    typed.the_only(rows::beginning_like(rows, &lowest, typed.digits())?)
}

/// The latest sends before the number `after` that have failed; the number to go on at, if there are earlier
/// ones that were not looked at.
async fn failed(
    reading: &Reading<'_>,
    parts: &PeerParts,
    after: Option<u64>,
    limit: usize,
    sends: &mut Vec<SendView>,
) -> Result<Option<u64>, Refused> {
    let rows = reading.outbox();
    let next = rows::next_number(&rows)?;
    let end = after.map_or(next, |after| after.min(next));
    let first = end.saturating_sub(FAILED_SOUGHT).max(1);
    for number in (first..end).rev() {
        if sends.len() == limit {
            return Ok(Some(number + 1));
        }
        let Some(facts) = facts::<SendFacts>(&rows, number)? else {
            continue;
        };
        if facts.end.is_none() {
            continue;
        }
        let line = parts.outbox_line.send(GetSend(facts.id)).await?;
        let view = match line {
            Some(line) => reading.waiting(Line { facts, ..line }).await?,
            None => reading.sent(number, facts).await?,
        };
        if view.state.has_failed() {
            sends.push(view);
        }
    }
    Ok(Some(first).filter(|first| *first > 1))
}

/// Which messages to show.
fn numbers(
    rows: &dyn DeliveryRows,
    wanted: &InboxPage,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<u64>, Internal> {
    let next = rows::next_number(rows)?;
    let first = after.map_or(1, |after| after.saturating_add(1));
    let end = after.map_or(next, |after| after.min(next));
    match (wanted.unread, wanted.order) {
        (false, Order::Oldest) => Ok((first..next).take(limit).collect()),
        (false, Order::Latest) => Ok((1..end).rev().take(limit).collect()),
        (true, Order::Oldest) => {
            let mut numbers = Vec::new();
            let mut from = first;
            while numbers.len() < limit
                && let Some(number) = marked_from(rows, from)?
            {
                numbers.push(number);
                from = number + 1;
            }
            Ok(numbers)
        }
        (true, Order::Latest) => {
            // All that are marked before the end, of which the last ones are kept.
            let mut numbers = std::collections::VecDeque::new();
            let mut from = 1;
            while let Some(number) = marked_from(rows, from)?
                && number < end
            {
                numbers.push_back(number);
                if numbers.len() > limit {
                    numbers.pop_front();
                }
                from = number + 1;
            }
            Ok(numbers.into_iter().rev().collect())
        }
    }
}

/// The last number of the outbox and of the inbox that a page of the history has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    sent: u64,
    received: u64,
}

impl Shown {
    fn read(cursor: &Cursor) -> Result<Self, Refused> {
        let numbers = cursor.0.split_once('-').and_then(|(sent, received)| {
            let (sent, received) = (sent.parse().ok()?, received.parse().ok()?);
            Some(Self { sent, received })
        });
        numbers.ok_or_else(|| not_a_cursor(cursor))
    }

    fn cursor(self) -> Cursor {
        Cursor(format!("{}-{}", self.sent, self.received))
    }

    /// The ones before; 0, which nothing has, at the end.
    fn next(self) -> (u64, u64) {
        (self.sent.saturating_sub(1), self.received.saturating_sub(1))
    }

    fn is_not_all(self) -> bool {
        self.next() != (0, 0)
    }
}
