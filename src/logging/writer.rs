//! A thread that writes lines, so that nobody who logs waits for whoever takes them.
//!
//! A terminal that is paused (Ctrl-S), a pipe that nobody reads and a disk that hangs take nothing
//! for as long as they like. Lines for them wait in a queue with a bound. What finds no room there,
//! or can't be written, is counted, and said as soon as something can be written again, in the place
//! where it is missing.

use super::lock;
use super::time::Time;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes of lines that wait are written at once: fewer calls where many wait.
const MAX_BATCH: usize = 16 * 1024;

/// How long lines are gathered after some were written: under load each would wake the thread.
const GATHER: Duration = Duration::from_millis(5);

/// How long to wait when whoever takes the lines has no room and does not make us wait.
const PAUSE: Duration = Duration::from_millis(20);

/// Where lines go.
pub(super) trait Sink: Send + 'static {
    /// Writes whole lines. May take as long as it takes.
    fn write(&mut self, lines: &str) -> io::Result<()>;

    /// The line that stands for so many that are missing.
    fn lost(&self, time: Time, lines: u64) -> String;

    /// Hears of the first failure after a success.
    fn failed(&mut self, time: Time, error: &io::Error);

    /// Makes what was written outlast a power cut.
    fn sync(&mut self) {}
}

/// The near end of the queue. The thread ends when this is dropped, once it has written what waits.
pub(super) struct Writer {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// There is something to do for the thread.
    filled: Condvar,
    /// The thread has done something.
    emptied: Condvar,
    /// Bytes that may wait.
    room: usize,
    /// How long lines are gathered.
    gather: Duration,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Line>,
    /// Bytes in `lines`.
    bytes: usize,
    /// Lines that found no room, since the last that did, and when the last of them came.
    lost: u64,
    lost_at: Option<Time>,
    /// Whether the thread is writing.
    busy: bool,
    /// Whether the thread lets lines come together, and need not be woken for each.
    gathering: bool,
    /// How many wait for the thread to have written.
    waiting: usize,
    closed: bool,
    ended: bool,
}

struct Line {
    time: Time,
    text: String,
    /// Lines that are missing before this one.
    lost: u64,
}

/// What is written at once.
struct Batch {
    time: Time,
    text: String,
    lines: u64,
    /// Lines that are missing before it.
    lost: u64,
}

impl Writer {
    /// Starts the thread. `room`: how many bytes of lines may wait for it.
    ///
    /// # Errors
    /// What the operating system says if it has no room for a thread.
    pub(super) fn start(name: &str, room: usize, sink: impl Sink) -> io::Result<Self> {
        Self::gathering(name, room, GATHER, sink)
    }

    /// The same, with another time for lines to come together.
    fn gathering(name: &str, room: usize, gather: Duration, sink: impl Sink) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            room,
            gather,
        });
        let thread = Arc::clone(&shared);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || thread.run(sink))?;
        Ok(Self { shared })
    }

    /// Has a line written. Never waits: without room for it, it is counted.
    pub(super) fn offer(&self, time: Time, text: String) {
        let mut queue = lock(&self.shared.queue);
        let full = queue.bytes.saturating_add(text.len()) > self.shared.room;
        if queue.closed || full && !queue.lines.is_empty() {
            queue.lost = queue.lost.saturating_add(1);
            queue.lost_at = Some(time);
            return;
        }
        let lost = std::mem::take(&mut queue.lost);
        queue.bytes += text.len();
        queue.lines.push_back(Line { time, text, lost });
        let is_to_wake = !queue.gathering || self.shared.is_hurried(&queue);
        drop(queue);
        if is_to_wake {
            self.shared.filled.notify_one();
        }
    }

    /// Waits until everything that was offered is written, but no longer than `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        self.shared
            .wait(patience, |queue| queue.is_idle() || queue.ended);
    }

    /// Takes no more, and waits until the thread has written and synced what it has, but no longer than
    /// `patience`: nobody may be there to take it.
    pub(super) fn end(&self, patience: Duration) {
        lock(&self.shared.queue).closed = true;
        self.shared.filled.notify_one();
        self.shared.wait(patience, |queue| queue.ended);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.filled.notify_one();
    }
}

impl Queue {
    fn is_idle(&self) -> bool {
        self.lines.is_empty() && self.lost == 0 && !self.busy
    }

    /// What is to be written next.
    fn take(&mut self) -> Option<Batch> {
        let Some(Line { time, text, lost }) = self.lines.pop_front() else {
            // Nothing comes after what was lost: it is said all the same.
            let (lost, time) = (std::mem::take(&mut self.lost), self.lost_at.take());
            return time.filter(|_| lost > 0).map(|time| Batch {
                time,
                text: String::new(),
                lines: 0,
                lost,
            });
        };
        self.bytes -= text.len();
        let mut batch = Batch {
            time,
            text,
            lines: 1,
            lost,
        };
        while let Some(next) = self.lines.front()
            && next.lost == 0
            && batch.text.len() + next.text.len() <= MAX_BATCH
            && let Some(next) = self.lines.pop_front()
        {
            self.bytes -= next.text.len();
            batch.text.push_str(&next.text);
            batch.lines += 1;
        }
        Some(batch)
    }
}

impl Shared {
    fn wait(&self, patience: Duration, until: impl Fn(&Queue) -> bool) {
        let deadline = Instant::now() + patience;
        let mut queue = lock(&self.queue);
        queue.waiting += 1;
        self.filled.notify_one();
        while !until(&queue)
            && let Some(left) = deadline.checked_duration_since(Instant::now())
        {
            let waited = self.emptied.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.waiting -= 1;
    }

    /// Whether lines are not gathered: somebody waits, or there are enough.
    fn is_hurried(&self, queue: &Queue) -> bool {
        queue.closed || queue.waiting > 0 || queue.bytes >= MAX_BATCH.min(self.room / 2)
    }

    /// Lets lines come together for a moment, so that those that follow each other are written together.
    fn gather(&self) {
        let deadline = Instant::now() + self.gather;
        let mut queue = lock(&self.queue);
        queue.busy = false;
        queue.gathering = true;
        self.emptied.notify_all();
        while !self.is_hurried(&queue)
            && let Some(left) = deadline.checked_duration_since(Instant::now())
        {
            let waited = self.filled.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.gathering = false;
    }

    /// The next batch; `None` when there will be no more.
    fn next(&self) -> Option<Batch> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(batch) = queue.take() {
                queue.busy = true;
                return Some(batch);
            }
            if queue.closed {
                return None;
            }
            let woken = self.filled.wait(queue);
            queue = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run(&self, mut sink: impl Sink) {
        let mut lost: u64 = 0;
        let mut failing = false;
        while let Some(batch) = self.next() {
            lost = lost.saturating_add(batch.lost);
            let mut text = match lost {
                0 => String::new(),
                lost => sink.lost(batch.time, lost),
            };
            text.push_str(&batch.text);
            match sink.write(&text) {
                Ok(()) => (lost, failing) = (0, false),
                Err(error) => {
                    lost = lost.saturating_add(batch.lines);
                    if !failing {
                        sink.failed(batch.time, &error);
                    }
                    failing = true;
                }
            }
            self.gather();
        }
        sink.sync();
        lock(&self.queue).ended = true;
        self.emptied.notify_all();
    }
}

/// Writes all of it, also to what says "not now" instead of making us wait: a terminal that another
/// program has set so.
pub(super) fn write_all(out: &mut impl io::Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
