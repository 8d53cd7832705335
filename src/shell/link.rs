//! A link from one shell to another: in order, bounded, and never lossy.

use super::Port;
use std::collections::VecDeque;

/// An outgoing link. What the receiver has no room for waits here, in order, up to a bound; beyond it
/// the node ends, because credits (every question that outside input causes is counted until it is
/// answered) were to make that impossible.
pub struct Link<M> {
    to: Box<dyn Port<M>>,
    waiting: VecDeque<M>,
    bound: usize,
}

impl<M> Link<M> {
    /// A link to a receiver of which at most `bound` messages wait.
    pub fn to(to: impl Port<M> + 'static, bound: usize) -> Self {
        Self {
            to: Box::new(to),
            waiting: VecDeque::new(),
            bound,
        }
    }

    /// Sends, behind everything that waits.
    ///
    /// # Panics
    /// If more wait than may: a mistake in the counting of credits, after which nothing can be
    /// relied on. The panic ends the process; the disk holds everything that was promised.
    pub fn send(&mut self, message: M) {
        self.waiting.push_back(message);
        self.flush();
        assert!(
            self.waiting.len() <= self.bound,
            "a link between actors overflowed"
        );
    }

    /// Tries again to send what waits; to be called now and then, for the case that nothing new
    /// comes to be sent.
    pub fn flush(&mut self) {
        while let Some(message) = self.waiting.pop_front() {
            if let Err(message) = self.to.offer(message) {
                self.waiting.push_front(message);
                return;
            }
        }
    }

    /// Number of messages that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
