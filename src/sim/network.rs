//! The lines between simulated hosts: they take time, break, and heal, as TCP over a bad network does.

mod dial;
mod halves;

pub use dial::SimTransport;

use super::chance::Chance;
use super::trace::Trace;
use crate::net::Connection;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Bytes of one direction that may be under way or unread: what systems reserve for a connection.
const WINDOW: usize = 256 * 1024;
/// Most that a sender waits with the next try to get through, however long the line was down.
const MAX_RETRY_MS: u64 = 15_000;
/// How much later a packet comes that was lost once.
const RESEND_MS: u64 = 200;
/// The port on which every simulated host listens.
pub const PORT: u16 = 7000;

/// How a packet fares between two hosts, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Least and most milliseconds that it takes.
    pub delay_ms: (u64, u64),
    /// How many of a thousand are lost, and sent again.
    pub lost_permille: u64,
    /// How many bytes a second a host sends; `None` is without limit.
    pub bytes_per_second: Option<u64>,
}

/// All hosts and what is under way between them.
#[derive(Clone)]
pub struct Network(Arc<Mutex<State>>);

struct State {
    hosts: Vec<Place>,
    usual: Line,
    /// Pairs whose line differs from the usual one.
    special: BTreeMap<(usize, usize), Line>,
    /// Directions in which nothing gets through, and since when.
    cut: BTreeMap<(usize, usize), Instant>,
    streams: BTreeMap<u64, Stream>,
    next: u64,
    chance: Chance,
    trace: Trace,
}

/// What the network has of a host.
struct Place {
    powered: bool,
    listeners: BTreeMap<u16, mpsc::Sender<Connection>>,
    ports: u16,
    /// When its line has sent what it was given.
    free_at: Instant,
    sent: u64,
}

/// One direction of a connection.
struct Stream {
    from: usize,
    to: usize,
    /// The other direction.
    back: u64,
    queue: VecDeque<Chunk>,
    /// Bytes in the queue, and those that went nowhere.
    bytes: usize,
    /// When the last chunk arrives: none overtakes another.
    last_due: Instant,
    reader: Option<Waker>,
    writer: Option<Waker>,
    reader_gone: bool,
    writer_gone: bool,
    /// The end was written.
    ended: bool,
    /// The writer was told that nobody reads.
    refused: bool,
}

struct Chunk {
    /// When it arrives; `None` while it does not get through.
    due: Option<Instant>,
    what: What,
}

enum What {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// The address of a host.
pub fn address(host: usize) -> SocketAddr {
    let (high, low) = (host / 250, host % 250);
    SocketAddr::from(([10, 0, high as u8, low as u8 + 1], PORT))
}

fn host_at(address: IpAddr) -> Option<usize> {
    let IpAddr::V4(address) = address else {
        return None;
    };
    let [10, 0, high, low] = Ipv4Addr::octets(&address) else {
        return None;
    };
    Some(usize::from(high) * 250 + usize::from(low).checked_sub(1)?)
}

impl Network {
    /// `hosts` of them, without power yet, with this line between any two.
    pub fn new(hosts: usize, usual: Line, chance: Chance, trace: Trace) -> Self {
        let place = || Place {
            powered: false,
            listeners: BTreeMap::new(),
            ports: 40_000,
            free_at: Instant::now(),
            sent: 0,
        };
        Self(Arc::new(Mutex::new(State {
            hosts: std::iter::repeat_with(place).take(hosts).collect(),
            usual,
            special: BTreeMap::new(),
            cut: BTreeMap::new(),
            streams: BTreeMap::new(),
            next: 0,
            chance,
            trace,
        })))
    }

    /// From now on, packets from one to the other fare like this; `None`: as usual.
    pub fn set_line(&self, from: usize, to: usize, line: Option<Line>) {
        let mut state = self.state();
        match line {
            Some(line) => state.special.insert((from, to), line),
            None => state.special.remove(&(from, to)),
        };
    }

    /// Nothing gets from one to the other any more.
    pub fn cut(&self, from: usize, to: usize) {
        let mut state = self.state();
        let now = Instant::now();
        state.cut.entry((from, to)).or_insert(now);
        let streams = state.streams.values_mut();
        for stream in streams.filter(|s| (s.from, s.to) == (from, to)) {
            let under_way = stream.queue.iter_mut();
            for chunk in under_way.filter(|c| c.due.is_some_and(|due| due > now)) {
                chunk.due = None;
            }
        }
    }

    /// Packets get through again; those that waited come with their sender's next try.
    pub fn heal(&self, from: usize, to: usize) {
        let mut state = self.state();
        if let Some(since) = state.cut.remove(&(from, to)) {
            let outage = since.elapsed().as_millis() as u64;
            state.send_again(from, to, outage.min(MAX_RETRY_MS));
        }
    }

    /// Heals all that is cut.
    pub fn heal_all(&self) {
        let cut: Vec<_> = self.state().cut.keys().copied().collect();
        for (from, to) in cut {
            self.heal(from, to);
        }
    }

    /// The host has power, and answers, if only that nobody listens.
    pub fn power_on(&self, host: usize) {
        self.state().hosts[host].powered = true;
    }

    /// The host is silent from now on: nobody hears that its connections have ended.
    pub fn power_off(&self, host: usize) {
        let mut state = self.state();
        let place = &mut state.hosts[host];
        place.powered = false;
        place.listeners.clear();
        for stream in state.streams.values_mut() {
            stream.writer_gone |= stream.from == host;
            stream.reader_gone |= stream.to == host;
            if stream.from == host {
                stream.queue.retain(|chunk| chunk.due.is_some());
            }
        }
        state.forget_ended();
    }

    /// How many hosts there are.
    pub fn hosts(&self) -> usize {
        self.state().hosts.len()
    }

    /// Bytes that a host has sent.
    pub fn sent(&self, host: usize) -> u64 {
        self.state().hosts[host].sent
    }

    /// A panic ends the simulation anyway.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&self, from: usize, to: usize) -> Line {
        match from == to {
            true => Line {
                delay_ms: (0, 0),
                lost_permille: 0,
                bytes_per_second: None,
            },
            false => *self.special.get(&(from, to)).unwrap_or(&self.usual),
        }
    }

    /// Whether packets get from one to the other.
    fn passes(&self, from: usize, to: usize) -> bool {
        self.hosts[to].powered && !self.cut.contains_key(&(from, to))
    }

    /// How long the next packet takes.
    fn delay(&mut self, from: usize, to: usize) -> Duration {
        let line = self.line(from, to);
        let mut delay = self.chance.between(line.delay_ms.0, line.delay_ms.1);
        let mut again = RESEND_MS;
        while line.lost_permille > 0 && self.chance.between(1, 1_000) <= line.lost_permille {
            delay += again;
            again = (2 * again).min(MAX_RETRY_MS);
        }
        Duration::from_millis(delay)
    }

    /// When a host's line has sent so many bytes more.
    fn sent_at(&mut self, from: usize, to: usize, bytes: usize) -> Instant {
        let now = Instant::now();
        self.hosts[from].sent += bytes as u64;
        let Some(rate) = self.line(from, to).bytes_per_second else {
            return now;
        };
        let place = &mut self.hosts[from];
        let micros = (bytes as u64).saturating_mul(1_000_000) / rate.max(1);
        place.free_at = place.free_at.max(now) + Duration::from_micros(micros);
        place.free_at
    }

    /// Puts something on its way.
    fn put(&mut self, id: u64, what: What) {
        let Some((from, to)) = self.streams.get(&id).map(|s| (s.from, s.to)) else {
            return;
        };
        let bytes = match &what {
            What::Bytes(bytes) => bytes.len(),
            What::End | What::Reset => 0,
        };
        let due = self.sent_at(from, to, bytes) + self.delay(from, to);
        let due = (!self.cut.contains_key(&(from, to))).then_some(due);
        if let What::Bytes(bytes) = &what {
            self.trace.bytes(from, to, bytes);
        }
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.bytes += bytes;
        let held = stream.queue.back().is_some_and(|chunk| chunk.due.is_none());
        let due = due.filter(|_| !held);
        let due = due.map(|due| due.max(stream.last_due));
        stream.last_due = due.unwrap_or(stream.last_due);
        stream.queue.push_back(Chunk { due, what });
        if let Some(reader) = stream.reader.take() {
            reader.wake();
        }
        if stream.reader_gone {
            self.refuse(id);
        }
    }

    /// Tells a writer that nobody reads, if that gets through.
    fn refuse(&mut self, id: u64) {
        let Some(stream) = self.streams.get(&id) else {
            return;
        };
        let (from, to, back) = (stream.from, stream.to, stream.back);
        if self.passes(from, to) && self.passes(to, from) {
            self.put_reset(back);
        }
    }

    fn put_reset(&mut self, id: u64) {
        let told = self.streams.get(&id).is_none_or(|stream| {
            stream.reader_gone || stream.queue.iter().any(|c| matches!(c.what, What::Reset))
        });
        if !told {
            self.put(id, What::Reset);
        }
    }

    /// Sends what did not get through, at a time of each sender's own within `retry_ms`.
    fn send_again(&mut self, from: usize, to: usize, retry_ms: u64) {
        let ids: Vec<u64> = self
            .streams
            .iter()
            .filter(|(_, s)| (s.from, s.to) == (from, to))
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            let wait = Duration::from_millis(self.chance.between(0, retry_ms));
            let due = Instant::now() + wait + self.delay(from, to);
            let Some(stream) = self.streams.get_mut(&id) else {
                continue;
            };
            let due = due.max(stream.last_due);
            let mut sent = false;
            for chunk in stream.queue.iter_mut().filter(|chunk| chunk.due.is_none()) {
                chunk.due = Some(due);
                sent = true;
            }
            if !sent {
                continue;
            }
            stream.last_due = due;
            if let Some(reader) = stream.reader.take() {
                reader.wake();
            }
            if stream.reader_gone {
                self.refuse(id);
            }
        }
    }

    /// Drops the streams that have neither end any more.
    fn forget_ended(&mut self) {
        self.streams
            .retain(|_, stream| !(stream.reader_gone && stream.writer_gone));
    }
}

#[cfg(test)]
mod tests;
