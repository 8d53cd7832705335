//! What waits for somebody who may be away.
//!
//! Things are numbered as they come, and each has one receiver. What one receiver is sent keeps that
//! order; receivers know nothing of each other, so that one who is away holds nobody up. A receiver
//! that can't be reached is tried again after 1 s, 2 s, 4 s, and so on up to 5 minutes, and at once
//! when it is heard of. A receiver that is there but says "not yet" to one thing has only that one set
//! aside: what comes behind goes on.
//!
//! No receiver is sent more than it takes at a time, though what was sent may cease to matter before it
//! is answered. Nothing is lost here and nothing is sent twice in one conversation; across conversations whatever
//! was not answered is sent again, and it is for the receiver to know it.

use super::backoff::Backoff;
use crate::clock::SteadyTime;
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[cfg(test)]
mod tests;

/// First pause after a receiver could not be reached, or said "not yet", in milliseconds.
pub const FIRST_RETRY_MS: u64 = 1_000;
/// Longest pause between two tries, in milliseconds: five minutes.
pub const LONGEST_RETRY_MS: u64 = 300_000;
/// Things that may be with one receiver and not answered yet: enough to keep a line busy, and no more
/// than has to be sent again when it breaks.
pub const MAX_UNANSWERED: usize = 64;
/// Their bytes, above which no further one is sent, in bytes.
const UNANSWERED_BYTES: usize = 256 * 1024;
/// Receivers that are being called at a time: with a thousand of them away, their turn comes in the
/// order in which they are due.
const MAX_CALLS: usize = 16;
/// How long a call may take, in milliseconds: a handshake has half of it.
const CALL_MS: u64 = 10_000;
/// How long an answer may take, in milliseconds, before it is taken to be lost: judging waits for a
/// disk and for the checks that are ahead of it, but not for so long.
const ANSWER_MS: u64 = 30_000;
/// How long a conversation must last before the next failure counts as the first again, in
/// milliseconds: some take the handshake and close at once.
const SETTLED_MS: u64 = 10_000;

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryLimits {
    /// Things.
    pub entries: usize,
    /// Their bytes together.
    pub bytes: usize,
}

/// No more can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the outbox is full ({entries} wait, {bytes} bytes): wait until some of it has arrived, or withdraw \
     what is not needed any more"
)]
pub struct Full {
    /// How many wait.
    pub entries: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// What time has brought.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Ticked<R> {
    /// Things that waited for too long. They are gone from here.
    pub expired: Vec<u64>,
    /// Receivers that took things and did not answer: to be called again.
    pub silent: Vec<R>,
}

/// Where a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits, for its turn or for the receiver, which is tried again at this time.
    Waiting(SteadyTime),
    /// The receiver has it and has not answered.
    Sent,
    /// The receiver said "not yet"; it is sent again at this time.
    Aside(SteadyTime),
}

struct Item<R> {
    receiver: R,
    size: usize,
    expires: SteadyTime,
}

/// What is known of a receiver.
enum Contact {
    Away,
    Calling(SteadyTime),
    There(SteadyTime),
}

struct Line {
    contact: Contact,
    backoff: Backoff,
    waiting: BTreeSet<u64>,
    aside: BTreeSet<(SteadyTime, u64)>,
    /// With the time when it was sent.
    sent: BTreeMap<u64, SteadyTime>,
    sent_bytes: usize,
    /// What was sent in this conversation and has no answer yet, whether or not it still matters here:
    /// the receiver has it to do.
    unanswered: usize,
}

impl Line {
    /// Whether there is nothing to send, no answer to come, and nobody there: whoever is there need not be called
    /// for the next thing.
    fn is_over(&self) -> bool {
        let is_idle = self.waiting.is_empty() && self.aside.is_empty() && self.sent.is_empty();
        is_idle && self.unanswered == 0 && !matches!(self.contact, Contact::There(_))
    }

    fn is_due(&self, now: SteadyTime) -> bool {
        let work =
            !self.waiting.is_empty() || self.aside.first().is_some_and(|(due, _)| *due <= now);
        matches!(self.contact, Contact::Away) && work && self.backoff.is_due(now)
    }

    /// What was sent and not answered waits again.
    fn take_back(&mut self) {
        self.waiting
            .extend(std::mem::take(&mut self.sent).into_keys());
        self.sent_bytes = 0;
        self.unanswered = 0;
        self.contact = Contact::Away;
    }
}

/// The queue: numbers of things, by receiver. What they are, its owner knows.
pub struct RetryQueue<R> {
    limits: RetryLimits,
    seed: u64,
    lines: BTreeMap<R, Line>,
    items: HashMap<u64, Item<R>>,
    expiries: BTreeSet<(SteadyTime, u64)>,
    /// Pauses of things that were set aside once.
    pauses: HashMap<u64, Backoff>,
    bytes: usize,
}

impl<R: Ord + Copy> RetryQueue<R> {
    /// An empty one. `seed` varies the pauses.
    pub fn new(limits: RetryLimits, seed: u64) -> Self {
        Self {
            limits,
            seed,
            lines: BTreeMap::new(),
            items: HashMap::new(),
            expiries: BTreeSet::new(),
            pauses: HashMap::new(),
            bytes: 0,
        }
    }

    /// How many things wait, those that are with their receivers included.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Their bytes together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a thing of this size still finds room.
    ///
    /// # Errors
    /// [`Full`].
    pub fn room_for(&self, size: usize) -> Result<(), Full> {
        let bytes = self.bytes.saturating_add(size);
        if self.items.len() >= self.limits.entries || bytes > self.limits.bytes {
            return Err(Full {
                entries: self.items.len(),
                bytes: self.bytes,
            });
        }
        Ok(())
    }

    /// Takes a thing in, whether or not there is room: what was promised once must be kept. Numbers
    /// ascend.
    pub fn push(&mut self, number: u64, receiver: R, size: usize, expires: SteadyTime) {
        let seed = self.seed.wrapping_add(number);
        let line = self.lines.entry(receiver).or_insert_with(|| Line {
            contact: Contact::Away,
            backoff: Backoff::new(FIRST_RETRY_MS, LONGEST_RETRY_MS, seed),
            waiting: BTreeSet::new(),
            aside: BTreeSet::new(),
            sent: BTreeMap::new(),
            sent_bytes: 0,
            unanswered: 0,
        });
        line.waiting.insert(number);
        self.bytes += size;
        self.expiries.insert((expires, number));
        let item = Item {
            receiver,
            size,
            expires,
        };
        self.items.insert(number, item);
    }

    /// Whom to call now. Each is to be reported [`reached`](Self::reached) or
    /// [`unreachable`](Self::unreachable).
    pub fn calls(&mut self, now: SteadyTime) -> Vec<R> {
        let calling = |line: &&mut Line| matches!(line.contact, Contact::Calling(_));
        let under_way = self.lines.values_mut().filter(calling).count();
        let due = self.lines.iter().filter(|(_, line)| line.is_due(now));
        let mut due: Vec<_> = due.map(|(r, line)| (line.backoff.due(), *r)).collect();
        due.sort_unstable();
        due.truncate(MAX_CALLS.saturating_sub(under_way));
        for (_, receiver) in &due {
            if let Some(line) = self.lines.get_mut(receiver) {
                line.contact = Contact::Calling(now);
            }
        }
        due.into_iter().map(|(_, receiver)| receiver).collect()
    }

    /// The receiver is there.
    pub fn reached(&mut self, receiver: &R, now: SteadyTime) {
        if let Some(line) = self.lines.get_mut(receiver)
            && !matches!(line.contact, Contact::There(_))
        {
            line.contact = Contact::There(now);
        }
    }

    /// What to send to a receiver that is there, in order. It counts as sent from now on.
    pub fn next(&mut self, receiver: &R, now: SteadyTime) -> Vec<u64> {
        let Some(line) = self.lines.get_mut(receiver) else {
            return Vec::new();
        };
        if !matches!(line.contact, Contact::There(_)) {
            return Vec::new();
        }
        while let Some(&(due, number)) = line.aside.first()
            && due <= now
        {
            line.aside.pop_first();
            line.waiting.insert(number);
        }
        let mut next = Vec::new();
        while let Some(&number) = line.waiting.first()
            && line.unanswered < MAX_UNANSWERED
            && line.sent_bytes < UNANSWERED_BYTES
        {
            line.waiting.pop_first();
            line.sent.insert(number, now);
            line.unanswered += 1;
            line.sent_bytes += self.items.get(&number).map_or(0, |item| item.size);
            next.push(number);
        }
        next
    }

    /// The receivers that are there and could be sent something.
    pub fn ready(&self, now: SteadyTime) -> Vec<R> {
        let ready = |line: &Line| {
            let aside = line.aside.first().is_some_and(|(due, _)| *due <= now);
            matches!(line.contact, Contact::There(_)) && (aside || !line.waiting.is_empty())
        };
        let lines = self.lines.iter().filter(|(_, line)| ready(line));
        lines.map(|(receiver, _)| *receiver).collect()
    }

    /// The receiver answered one of the things that it was sent, whatever the answer.
    pub fn answered(&mut self, receiver: &R) {
        if let Some(line) = self.lines.get_mut(receiver) {
            line.unanswered = line.unanswered.saturating_sub(1);
            if line.is_over() {
                self.lines.remove(receiver);
            }
        }
    }

    /// The thing waits no more: it has arrived, or does not matter any more. Whether it was here.
    pub fn remove(&mut self, number: u64) -> bool {
        let Some(item) = self.items.remove(&number) else {
            return false;
        };
        self.bytes -= item.size;
        self.expiries.remove(&(item.expires, number));
        let pause = self.pauses.remove(&number);
        if let Some(line) = self.lines.get_mut(&item.receiver) {
            line.waiting.remove(&number);
            if let Some(pause) = pause {
                line.aside.remove(&(pause.due(), number));
            }
            if line.sent.remove(&number).is_some() {
                line.sent_bytes -= item.size;
            }
            if line.is_over() {
                self.lines.remove(&item.receiver);
            }
        }
        true
    }

    /// The receiver said "not yet": others go first, and it is sent again after a pause of its own.
    pub fn set_aside(&mut self, number: u64, now: SteadyTime) {
        let Some(item) = self.items.get(&number) else {
            return;
        };
        let seed = self.seed.wrapping_add(number);
        let Some(line) = self.lines.get_mut(&item.receiver) else {
            return;
        };
        // An answer to what was sent before the line broke: it waits again already.
        if line.sent.remove(&number).is_none() {
            return;
        }
        line.sent_bytes -= item.size;
        let fresh = || Backoff::new(FIRST_RETRY_MS, LONGEST_RETRY_MS, seed);
        let pause = self.pauses.entry(number).or_insert_with(fresh);
        pause.failed(now);
        line.aside.insert((pause.due(), number));
    }

    /// The receiver can't be reached, or is gone: what it has not answered waits again, and it is
    /// called after a pause.
    pub fn unreachable(&mut self, receiver: &R, now: SteadyTime) {
        if let Some(line) = self.lines.get_mut(receiver) {
            let since = match line.contact {
                Contact::There(since) => Some(since),
                Contact::Away | Contact::Calling(_) => None,
            };
            if since.is_some_and(|since| now.since(since) >= SETTLED_MS) {
                line.backoff.succeeded();
            }
            line.take_back();
            line.backoff.failed(now);
            if line.is_over() {
                self.lines.remove(receiver);
            }
        }
    }

    /// The receiver was heard of: it is called at once, and what it had set aside is due.
    pub fn hurry(&mut self, receiver: &R) {
        if let Some(line) = self.lines.get_mut(receiver) {
            line.backoff.succeeded();
            line.backoff.hurry();
            for (_, number) in std::mem::take(&mut line.aside) {
                if let Some(pause) = self.pauses.get_mut(&number) {
                    // What was in its way may take a moment more.
                    pause.succeeded();
                    pause.hurry();
                }
                line.waiting.insert(number);
            }
        }
    }

    /// As [`hurry`](Self::hurry), for the receiver of this thing. Whether the thing is here.
    pub fn hurry_one(&mut self, number: u64) -> bool {
        let receiver = self.items.get(&number).map(|item| item.receiver);
        if let Some(receiver) = receiver {
            self.hurry(&receiver);
        }
        receiver.is_some()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: SteadyTime) -> Ticked<R> {
        let mut expired = Vec::new();
        while let Some(&(expires, number)) = self.expiries.first()
            && expires <= now
        {
            self.remove(number);
            expired.push(number);
        }
        let mut silent = Vec::new();
        let mut unanswered = Vec::new();
        for (receiver, line) in &self.lines {
            match line.contact {
                Contact::Calling(since) if now.since(since) >= CALL_MS => {
                    unanswered.push(*receiver);
                }
                Contact::There(_) => {
                    // The oldest was sent first: answers come in the order of what was sent.
                    let oldest = line.sent.values().min();
                    if oldest.is_some_and(|sent| now.since(*sent) >= ANSWER_MS) {
                        silent.push(*receiver);
                    }
                }
                Contact::Calling(_) | Contact::Away => {}
            }
        }
        for receiver in unanswered.iter().chain(&silent) {
            self.unreachable(receiver, now);
        }
        Ticked { expired, silent }
    }

    /// The things that wait for a receiver, in order, those that are with it included.
    pub fn numbers_for(&self, receiver: &R) -> Vec<u64> {
        let Some(line) = self.lines.get(receiver) else {
            return Vec::new();
        };
        let aside = line.aside.iter().map(|(_, number)| *number);
        let all = aside.chain(line.sent.keys().copied());
        let mut all: Vec<_> = all.chain(line.waiting.iter().copied()).collect();
        all.sort_unstable();
        all
    }

    /// Where a thing stands; `None` if it is not here.
    pub fn standing(&self, number: u64) -> Option<Standing> {
        let item = self.items.get(&number)?;
        let line = self.lines.get(&item.receiver)?;
        if line.sent.contains_key(&number) {
            return Some(Standing::Sent);
        }
        let aside = self.pauses.get(&number);
        let aside = aside.filter(|pause| line.aside.contains(&(pause.due(), number)));
        Some(match aside {
            Some(pause) => Standing::Aside(pause.due()),
            None => Standing::Waiting(line.backoff.due()),
        })
    }
}
