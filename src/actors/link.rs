//! How shells reach actors: through their mailboxes.

use crate::shell::{Link, Port};
use actix::dev::{SendError, ToEnvelope};
use actix::{Actor, Addr, Handler, Message, Recipient};

impl<M> Port<M> for Recipient<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn offer(&mut self, message: M) -> Result<(), M> {
        match self.try_send(message) {
            // A receiver that is gone has stopped with the node, or is a session that tells of its
            // end by itself.
            Ok(()) | Err(SendError::Closed(_)) => Ok(()),
            Err(SendError::Full(message)) => Err(message),
        }
    }
}

impl<M> Link<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// A link to the mailbox of an actor; at most `bound` messages wait for room in it.
    pub fn new<A>(to: &Addr<A>, bound: usize) -> Self
    where
        A: Actor + Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        Self::to(to.clone().recipient(), bound)
    }
}

#[cfg(test)]
mod tests;
