//! How far something long has come: on standard error, with its rate and the time left.

use super::words::rate;
use crate::readable::{in_words, visible};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How often a second a terminal is drawn.
const OFTEN: u8 = 2;
/// How often a file, or another program, is told.
const SELDOM: Duration = Duration::from_secs(10);

/// A line that is written over, and taken away in the end; nothing where there is no terminal.
fn line() -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(OFTEN);
    let message = ProgressStyle::default_bar().template("{msg}");
    // The template is constant; the usual one would do as well.
    let style = message.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(None, target).with_style(style)
}

/// Whoever does not listen misses nothing that matters.
fn tell(text: &str) {
    let _ = writeln!(stderr(), "{}", visible(text));
}

/// One line about one long undertaking.
pub struct ProgressLine {
    what: &'static str,
    /// What is counted.
    unit: &'static str,
    bar: ProgressBar,
    pause: Duration,
    shown: Instant,
}

impl ProgressLine {
    /// Nothing is shown yet; `what` is what is being done, block by block: "verifying".
    pub fn begin(what: &'static str) -> Self {
        Self::counting(what, "block")
    }

    /// Nothing is shown yet; `what` is being done, and counted in this unit.
    pub fn counting(what: &'static str, unit: &'static str) -> Self {
        let terminal = stderr().is_terminal();
        Self {
            what,
            unit,
            bar: line(),
            pause: if terminal {
                Duration::from_secs(1) / u32::from(OFTEN)
            } else {
                SELDOM
            },
            shown: Instant::now(),
        }
    }

    /// It has come to block `done` of `of`.
    pub fn show(&mut self, done: u64, of: u64) {
        if self.bar.length().is_none() {
            // An import passes over what is there: that does not make it faster.
            self.bar.set_position(done.saturating_sub(1));
            self.bar.reset_eta();
        }
        self.bar.set_length(of);
        self.bar.set_position(done);
        if self.shown.elapsed() < self.pause {
            return;
        }
        self.shown = Instant::now();
        let of_it = format!("{} {} {done} of {of}", self.what, self.unit);
        let told = told(of_it, self.unit, self.bar.per_sec(), self.bar.eta());
        if self.bar.is_hidden() {
            tell(&told);
        } else {
            self.bar.set_message(told);
        }
    }

    /// Takes the line away, so that what follows has a place.
    pub fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.end();
    }
}

/// `verifying block 1200 of 5000, 400 blocks/s, 9.5 s left`
fn told(mut line: String, unit: &str, per_second: f64, left: Duration) -> String {
    if per_second > 0.0 {
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let (speed, left) = (rate(per_second), in_words(left));
        line.push_str(&format!(", {speed} {unit}s/s, {left} left"));
    }
    line
}

/// One line about something that is waited for.
pub struct WaitLine {
    bar: ProgressBar,
    begun: Instant,
    told: String,
}

impl WaitLine {
    /// Nothing is shown yet.
    pub fn begin() -> Self {
        Self {
            bar: line(),
            begun: Instant::now(),
            told: String::new(),
        }
    }

    /// What is waited for, and how that stands. Where there is no terminal, it is told when it changes.
    pub fn show(&mut self, state: &str) {
        if !self.bar.is_hidden() {
            let seconds = self.begun.elapsed().as_secs();
            self.bar
                .set_message(visible(&format!("{state} ({seconds} s)")));
        } else if self.told != state {
            tell(state);
            state.clone_into(&mut self.told);
        }
    }
}

impl Drop for WaitLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_told() {
        let line = || "importing block 1200 of 5000".to_owned();
        assert_eq!(
            told(line(), "block", 400.0, Duration::from_millis(9_500)),
            "importing block 1200 of 5000, 400 blocks/s, 9.5 s left"
        );
        assert_eq!(told(line(), "block", 0.0, Duration::ZERO), line());
    }
}
