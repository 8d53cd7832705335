//! How shells get connections: dialled on a task of their own, spoken over by a PeerSession each.

use super::SessionContext;
use crate::messages::session::{Dialled, SessionCommand, SessionEvent};
use crate::net::{Connection, Transport};
use crate::protocol::SessionId;
use crate::shell::{Begin, Dial, Port};
use crate::wire::channel::{Expected, Side};
use actix::Recipient;
use std::sync::Arc;

/// Begins the sessions of one owner.
pub struct SessionsOf {
    /// What sessions share.
    pub context: SessionContext,
    /// Who hears of these.
    pub owner: Recipient<SessionEvent>,
}

impl Begin for SessionsOf {
    fn begin(
        &mut self,
        connection: Connection,
        side: Side,
        expected: Expected,
    ) -> (SessionId, Box<dyn Port<SessionCommand>>) {
        let owner = self.owner.clone();
        let (session, commands) = self.context.begin(connection, side, expected, owner);
        (session, Box::new(commands))
    }
}

/// Dials for one who is told what came of it.
pub struct Dialler {
    /// Dials.
    pub transport: Arc<dyn Transport>,
    /// Is told.
    pub to: Recipient<Dialled>,
}

impl Port<Dial> for Dialler {
    fn offer(&mut self, Dial(address): Dial) -> Result<(), Dial> {
        let dialling = self.transport.dial(address.clone());
        let to = self.to.clone();
        actix::spawn(async move {
            let result = dialling.await;
            // One that is gone has stopped with the node.
            let _ = to.send(Dialled { address, result }).await;
        });
        Ok(())
    }
}
