//! Being told by a node that something has happened, instead of asking it again and again.

use super::patience::{Patience, Waiting};
use super::{Client, LINES_AHEAD, MAX_LINE, NotRunning, read_lines};
use crate::cli::failure::Failure;
use crate::owner::answers::EventKind;
use std::time::{Duration, Instant};

/// How long to wait for news before looking all the same: a node says every few seconds that it is there, and one
/// that does not is found to hang by asking it.
const MOST: Duration = Duration::from_secs(30);

/// The news of a node, from the moment on at which they were asked for.
pub struct News<'a> {
    lines: Waiting<Result<Vec<u8>, Failure>>,
    not_running: &'a NotRunning,
}

impl Client {
    /// Has the node tell what happens from now on of these kinds: whoever then looks how things stand, and looks
    /// again after each of the [`News`], misses nothing.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn news(&self, kinds: &[EventKind]) -> Result<News<'_>, Failure> {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        let request = self
            .agent
            .get(format!("{}/events", self.base))
            .header("Authorization", &self.authorization)
            .query("kinds", kinds.join(","));
        let response = self.begun(Patience::FOR_READING, move || request.call())?;
        let response = self.accepted(response)?;
        let lines = self.in_background(LINES_AHEAD, move |lines| {
            read_lines(response.into_body().into_reader(), MAX_LINE, |text| {
                // Nobody wants more of them once it is gone.
                lines.send(text).is_ok()
            })
        })?;
        Ok(News {
            lines,
            not_running: &self.not_running,
        })
    }
}

impl News<'_> {
    /// Waits until something has happened, or it is time to look all the same. What has come together is one.
    ///
    /// # Errors
    /// [`Failure::No`] if the node is gone.
    pub fn wait(&mut self) -> Result<(), Failure> {
        let until = Instant::now() + MOST;
        let mut happened = false;
        loop {
            let left = match happened {
                true => Duration::ZERO,
                false => until.saturating_duration_since(Instant::now()),
            };
            match self.lines.within(left) {
                Some(Some(line)) => {
                    let line = line.map_err(|_| self.gone())?;
                    happened |= line.starts_with(b"event:");
                }
                Some(None) => return Err(self.gone()),
                None => return Ok(()),
            }
        }
    }

    fn gone(&self) -> Failure {
        self.not_running
            .because("it has stopped telling what happens")
    }
}
