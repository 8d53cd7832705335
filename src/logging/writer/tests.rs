use super::*;
use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::SystemTime;

const PATIENCE: Duration = Duration::from_secs(30);

/// Takes what it is allowed to take.
struct Gate {
    allowed: Receiver<io::Result<()>>,
    written: Arc<Mutex<String>>,
    failures: Arc<Mutex<u32>>,
}

impl Sink for Gate {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        // Nobody who could say no is left.
        self.allowed.recv().unwrap_or(Ok(()))?;
        lock(&self.written).push_str(lines);
        Ok(())
    }

    fn lost(&self, _: Time, lines: u64) -> String {
        format!("lost {lines}\n")
    }

    fn failed(&mut self, _: Time, _: &io::Error) {
        *lock(&self.failures) += 1;
    }
}

struct Test {
    writer: Writer,
    gate: Option<Sender<io::Result<()>>>,
    written: Arc<Mutex<String>>,
    failures: Arc<Mutex<u32>>,
}

impl Test {
    fn start(room: usize) -> Self {
        Self::gathering(room, GATHER)
    }

    fn gathering(room: usize, gather: Duration) -> Self {
        let (gate, allowed) = channel();
        let (written, failures) = (Arc::default(), Arc::default());
        let sink = Gate {
            allowed,
            written: Arc::clone(&written),
            failures: Arc::clone(&failures),
        };
        Self {
            writer: Writer::gathering("test", room, gather, sink).unwrap(),
            gate: Some(gate),
            written,
            failures,
        }
    }

    fn offer(&self, text: &str) {
        let time = Time::from(SystemTime::UNIX_EPOCH);
        self.writer.offer(time, format!("{text}\n"));
    }

    /// Waits until the thread has taken a line, and is stuck with it.
    fn is_stuck(&self) {
        while !lock(&self.writer.shared.queue).busy {
            thread::yield_now();
        }
    }

    fn answers(&self, answer: io::Result<()>) {
        self.gate.as_ref().unwrap().send(answer).unwrap();
    }

    fn opens(&mut self) -> String {
        self.gate = None;
        self.writer.flush(PATIENCE);
        lock(&self.written).clone()
    }
}

#[test]
fn whoever_logs_never_waits_and_what_is_missing_is_said_in_its_place() {
    let mut test = Test::start(6);
    test.offer("a");
    test.is_stuck();
    for text in ["b", "c", "d", "e", "f"] {
        test.offer(text);
    }
    test.answers(Ok(()));
    while lock(&test.written).is_empty() || !lock(&test.writer.shared.queue).lines.is_empty() {
        thread::yield_now();
    }
    test.offer("g");
    assert_eq!(test.opens(), "a\nb\nc\nd\nlost 2\ng\n");
}

#[test]
fn lines_that_follow_each_other_are_written_together_and_whoever_waits_hurries_them() {
    let test = Test::gathering(1_000, Duration::from_secs(3_600));
    test.offer("a");
    test.answers(Ok(()));
    while lock(&test.written).is_empty() || lock(&test.writer.shared.queue).busy {
        thread::yield_now();
    }
    test.offer("b");
    test.offer("c");
    assert_eq!(*lock(&test.written), "a\n");
    // There is one more answer, and so one more write.
    test.answers(Ok(()));
    test.writer.flush(PATIENCE);
    assert_eq!(*lock(&test.written), "a\nb\nc\n");
}

#[test]
fn what_was_lost_last_is_said_without_another_line() {
    let mut test = Test::start(2);
    test.offer("a");
    test.is_stuck();
    for text in ["b", "c", "d"] {
        test.offer(text);
    }
    assert_eq!(test.opens(), "a\nb\nlost 2\n");
}

#[test]
fn a_failure_is_told_once_and_lines_that_failed_are_counted() {
    let mut test = Test::start(1_000);
    for text in ["a", "b"] {
        test.offer(text);
        test.answers(Err(io::ErrorKind::StorageFull.into()));
        test.writer.flush(PATIENCE);
    }
    test.offer("c");
    assert_eq!(test.opens(), "lost 2\nc\n");
    assert_eq!(*lock(&test.failures), 1);
}

#[test]
fn an_end_does_not_wait_for_somebody_who_takes_nothing() {
    let test = Test::start(1_000);
    test.offer("a");
    test.writer.end(Duration::from_millis(10));
    assert!(!lock(&test.writer.shared.queue).ended);
    test.offer("too late");
    assert_eq!(lock(&test.writer.shared.queue).lost, 1);
}

#[test]
fn what_says_not_now_is_asked_again() {
    struct NotNow(u32, Vec<u8>);
    impl Write for NotNow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 % 2 {
                1 => Err(io::ErrorKind::WouldBlock.into()),
                _ => self.1.write(&bytes[..1]),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut out = NotNow(0, Vec::new());
    write_all(&mut out, b"abc").unwrap();
    assert_eq!(out.1, b"abc");
}
