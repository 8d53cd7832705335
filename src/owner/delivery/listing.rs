//! Which sends and messages a page of a list has.

use super::reading::Reading;
use super::{InboxPage, Which};
use crate::chain::{Internal, TransactionId};
use crate::messages::retry_queue::GetSend;
use crate::owner::answers::{Cursor, SendView};
use crate::owner::ids::TypedId;
use crate::owner::pages::{Order, not_a_cursor};
use crate::owner::{PeerParts, Refused};
use crate::protocol::delivery::outbox::Line;
use crate::protocol::delivery::rows::{self, DeliveryRows, SendFacts, facts, marked_from};

/// How many sends are looked at for one page of those that failed, or that are under way: most are neither.
const SOUGHT: u64 = 1_000;

/// The number that a page ended with.
pub(super) fn cursor(number: u64) -> Cursor {
    Cursor(number.to_string())
}

/// The only transaction of a table whose id begins like this.
pub(super) fn like(
    rows: &dyn DeliveryRows,
    typed: &TypedId,
) -> Result<Option<TransactionId>, Refused> {
    let lowest = TransactionId(typed.lowest());
    typed.the_only(rows::beginning_like(rows, &lowest, typed.digits())?)
}

/// The latest sends before the number `after` that are under way, or have failed; the number to go on at, if there
/// are earlier ones that were not looked at.
pub(super) async fn latest(
    reading: &Reading<'_>,
    parts: &PeerParts,
    which: Which,
    (after, limit): (Option<u64>, usize),
    sends: &mut Vec<SendView>,
) -> Result<Option<u64>, Refused> {
    let rows = reading.outbox();
    let next = rows::next_number(&rows)?;
    let end = after.map_or(next, |after| after.min(next));
    let unsettled = match which {
        Which::Failed => None,
        Which::UnderWay | Which::Waiting => unsettled(&rows, end)?,
    };
    let (numbers, first): (Vec<u64>, u64) = match unsettled {
        Some(numbers) => (numbers, 1),
        None => {
            let first = end.saturating_sub(SOUGHT).max(1);
            ((first..end).collect(), first)
        }
    };
    for number in numbers.into_iter().rev() {
        if sends.len() == limit {
            return Ok(Some(number + 1));
        }
        let Some(facts) = facts::<SendFacts>(&rows, number)? else {
            continue;
        };
        let is_meant = match which {
            Which::Failed => facts.end.is_some() && reading.state(&facts)?.has_failed(),
            Which::UnderWay | Which::Waiting => reading.state(&facts)?.is_under_way(),
        };
        if !is_meant {
            continue;
        }
        let line = parts.outbox_line.send(GetSend(facts.id)).await?;
        sends.push(match line {
            Some(line) => reading.waiting(Line { facts, ..line }).await?,
            None => reading.sent(number, facts).await?,
        });
    }
    Ok(Some(first).filter(|first| *first > 1))
}

/// The sends before a number that are still looked after, which all that are under way are; `None` if they are too
/// many to be looked at for one page.
fn unsettled(rows: &dyn DeliveryRows, end: u64) -> Result<Option<Vec<u64>>, Internal> {
    let mut numbers = Vec::new();
    let mut from = 1;
    while let Some(number) = marked_from(rows, from)?
        && number < end
    {
        if numbers.len() as u64 == SOUGHT {
            return Ok(None);
        }
        numbers.push(number);
        from = number + 1;
    }
    Ok(Some(numbers))
}

/// Which messages to show.
pub(super) fn numbers(
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
pub(super) struct Shown {
    pub(super) sent: u64,
    pub(super) received: u64,
}

impl Shown {
    pub(super) fn read(cursor: &Cursor) -> Result<Self, Refused> {
        let numbers = cursor.0.split_once('-').and_then(|(sent, received)| {
            let (sent, received) = (sent.parse().ok()?, received.parse().ok()?);
            Some(Self { sent, received })
        });
        numbers.ok_or_else(|| not_a_cursor(cursor))
    }

    pub(super) fn cursor(self) -> Cursor {
        Cursor(format!("{}-{}", self.sent, self.received))
    }

    /// The ones before; 0, which nothing has, at the end.
    pub(super) fn next(self) -> (u64, u64) {
        (self.sent.saturating_sub(1), self.received.saturating_sub(1))
    }

    pub(super) fn is_not_all(self) -> bool {
        self.next() != (0, 0)
    }
}
