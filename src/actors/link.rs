//! A link from one actor to another: in order, bounded, and never lossy.

use actix::dev::SendError;
use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message, Recipient};
use std::collections::VecDeque;

/// An outgoing link. What the receiver's mailbox has no room for waits here, in order, up to a
/// bound; beyond it the node ends, because credits (every question that outside input causes is
/// counted until it is answered) were to make that impossible.
pub struct Link<M>
where
    M: Message + Send,
    M::Result: Send,
{
    to: Recipient<M>,
    waiting: VecDeque<M>,
    bound: usize,
}

impl<M> Link<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// A link to `to` of which at most `bound` messages wait.
    pub fn new<A>(to: &Addr<A>, bound: usize) -> Self
    where
        A: Actor + Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        Self::to(to.clone().recipient(), bound)
    }

    /// A link to a recipient of which at most `bound` messages wait.
    pub fn to(to: Recipient<M>, bound: usize) -> Self {
        Self {
            to,
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
            match self.to.try_send(message) {
                // A receiver that is gone has stopped with the node.
                Ok(()) | Err(SendError::Closed(_)) => {}
                Err(SendError::Full(message)) => {
                    self.waiting.push_front(message);
                    return;
                }
            }
        }
    }

    /// Number of messages that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests;
