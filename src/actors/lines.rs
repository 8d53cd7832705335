//! How shells get connections: dialled on a task of their own, spoken over by a PeerSession each.

use super::SessionContext;
use crate::messages::session::{Dialled, SessionCommand, SessionEvent};
use crate::net::{Connection, Transport};
use crate::protocol::SessionId;
use crate::shell::{Begin, Dial, Link, Port};
use crate::wire::channel::{Expected, Side};
use actix::{Actor, Addr, Context, Handler, Recipient};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Begins the sessions of this actor.
pub fn sessions_of<A>(owner: &Addr<A>, context: &SessionContext) -> Box<dyn Begin>
where
    A: Actor<Context = Context<A>> + Handler<SessionEvent>,
{
    Box::new(SessionsOf {
        context: context.clone(),
        owner: owner.clone().recipient(),
    })
}

/// Dials for this actor, which is told what came of it.
pub fn dials_of<A>(to: &Addr<A>, transport: &Arc<dyn Transport>) -> Link<Dial>
where
    A: Actor<Context = Context<A>> + Handler<Dialled>,
{
    dials_within(to, transport, None)
}

/// The same, and none takes longer than this, if it is said.
pub fn dials_within<A>(
    to: &Addr<A>,
    transport: &Arc<dyn Transport>,
    most: Option<Duration>,
) -> Link<Dial>
where
    A: Actor<Context = Context<A>> + Handler<Dialled>,
{
    let dialler = Dialler {
        transport: transport.clone(),
        to: to.clone().recipient(),
        most,
    };
    // Every order is taken at once.
    Link::to(dialler, 0)
}

struct SessionsOf {
    context: SessionContext,
    owner: Recipient<SessionEvent>,
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

struct Dialler {
    transport: Arc<dyn Transport>,
    to: Recipient<Dialled>,
    most: Option<Duration>,
}

impl Port<Dial> for Dialler {
    fn offer(&mut self, Dial(address): Dial) -> Result<(), Dial> {
        let dialling = self.transport.dial(address.clone());
        let (to, most) = (self.to.clone(), self.most);
        actix::spawn(async move {
            let result = match most {
                None => dialling.await,
                Some(most) => match tokio::time::timeout(most, dialling).await {
                    Ok(result) => result,
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                },
            };
            // One that is gone has stopped with the node.
            let _ = to.send(Dialled { address, result }).await;
        });
        Ok(())
    }
}
