//! How far something long has come: on standard error, with its rate and the time left.

use super::words::{rate, stretch};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a terminal is shown where it stands; nothing is shown of what is done sooner.
const OFTEN: Duration = Duration::from_millis(500);
/// How often a file, or another program, is.
const SELDOM: Duration = Duration::from_secs(10);

/// One line about one long undertaking.
pub struct ProgressLine {
    what: &'static str,
    /// What is counted.
    unit: &'static str,
    terminal: bool,
    begun: Instant,
    shown: Instant,
    /// Where it stood when it was heard of first: an import passes over what is there.
    first: Option<(Instant, u64)>,
    dirty: bool,
}

impl ProgressLine {
    /// Nothing is shown yet; `what` is what is being done, block by block: "verifying".
    pub fn begin(what: &'static str) -> Self {
        Self::counting(what, "block")
    }

    /// Nothing is shown yet; `what` is being done, and counted in this unit.
    pub fn counting(what: &'static str, unit: &'static str) -> Self {
        let now = Instant::now();
        Self {
            what,
            unit,
            terminal: std::io::stderr().is_terminal(),
            begun: now,
            shown: now,
            first: None,
            dirty: false,
        }
    }

    /// It has come to block `done` of `of`.
    pub fn show(&mut self, done: u64, of: u64) {
        let now = Instant::now();
        let (since, from) = *self
            .first
            .get_or_insert((self.begun, done.saturating_sub(1)));
        let pause = if self.terminal { OFTEN } else { SELDOM };
        if now - self.shown < pause {
            return;
        }
        self.shown = now;
        let line = told(
            (self.what, self.unit),
            done,
            of,
            done - from.min(done),
            now - since,
        );
        let mut stderr = std::io::stderr().lock();
        // Whoever does not listen misses nothing that matters.
        let _ = if self.terminal {
            self.dirty = true;
            // Back to the start of the line, and clear what was longer.
            write!(stderr, "\r{line}\u{1b}[K")
        } else {
            writeln!(stderr, "{line}")
        };
        let _ = stderr.flush();
    }

    /// Takes the line away, so that what follows has a place.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.dirty) {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "\r\u{1b}[K");
            let _ = stderr.flush();
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.end();
    }
}

/// `verifying block 1200 of 5000, 400 blocks/s, 9.5 s left`
fn told((what, unit): (&str, &str), done: u64, of: u64, since: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let mut line = format!("{what} {unit} {done} of {of}");
    if since > 0 && seconds > 0.0 {
        let speed = since as f64 / seconds;
        let left = of.saturating_sub(done) as f64 / speed;
        line.push_str(&format!(
            ", {} {unit}s/s, {} left",
            rate(speed),
            stretch((left * 1_000.0) as u64)
        ));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_told() {
        let half = told(
            ("importing", "block"),
            1_200,
            5_000,
            1_200,
            Duration::from_secs(3),
        );
        assert_eq!(
            half,
            "importing block 1200 of 5000, 400 blocks/s, 9.5 s left"
        );
        // What was there before does not make it faster.
        let resumed = told(
            ("importing", "block"),
            4_000,
            5_000,
            1_000,
            Duration::from_secs(10),
        );
        assert_eq!(
            resumed,
            "importing block 4000 of 5000, 100 blocks/s, 10.0 s left"
        );
        let nothing = told(("verifying", "block"), 0, 0, 0, Duration::ZERO);
        assert_eq!(nothing, "verifying block 0 of 0");
    }
}
