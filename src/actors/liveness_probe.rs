//! LivenessProbe: dials members back, on a thread of its own.
//!
//! Whom and when is decided by the registry, which never waits for it: it orders a bounded number
//! of visits, and hears the outcome of each. What is slow here (names that do not resolve, hosts
//! that swallow what is sent to them, handshakes) is slow for nobody else.

use super::SessionContext;
use crate::keys::PublicKey;
use crate::membership::Address;
use crate::messages::liveness_probe::DialBack;
use crate::messages::registry::DialledBack;
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::net::Transport;
use crate::protocol::liveness::MAX_DIALS;
use crate::wire::NodeRole;
use crate::wire::channel::{Expected, Side};
use actix::{Actor, AsyncContext, Context, Handler, Recipient, WrapFuture};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The member is a peer, and of the tracker's network: a peer listens once it knows its network. It
/// is known by its key, which its introduction proves. It introduces itself before it judges who calls,
/// and ends the visit then, for it talks to peers alone.
const EXPECTED: Expected = Expected {
    role: NodeRole::Peer,
    same_network: true,
    certified_by: None,
};
/// How long a visit may take altogether: a handshake on a slow line.
const VISIT_PATIENCE: Duration = Duration::from_secs(5);
/// What a member is told at the end of a visit.
const FAREWELL: &str = "the tracker only wanted to know whether you can be reached";

/// The shell that dials back. It keeps nothing: each visit is a task, and there are no more of them
/// than the registry orders.
pub struct LivenessProbeActor {
    context: SessionContext,
    transport: Arc<dyn Transport>,
    registry: Recipient<DialledBack>,
}

impl LivenessProbeActor {
    /// Reports to `registry`.
    pub fn new(
        context: SessionContext,
        transport: Arc<dyn Transport>,
        registry: Recipient<DialledBack>,
    ) -> Self {
        Self {
            context,
            transport,
            registry,
        }
    }
}

impl Actor for LivenessProbeActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAX_DIALS);
    }
}

impl Handler<DialBack> for LivenessProbeActor {
    type Result = ();

    fn handle(&mut self, order: DialBack, ctx: &mut Self::Context) {
        let (context, transport) = (self.context.clone(), self.transport.clone());
        let registry = self.registry.clone();
        let visit = async move {
            let visit = visit_all(&context, &*transport, order.key, order.addresses);
            let reached = tokio::time::timeout(VISIT_PATIENCE, visit).await;
            let reached = reached.unwrap_or(false);
            // A registry that is gone has stopped with the node.
            let _ = registry
                .send(DialledBack {
                    id: order.id,
                    reached,
                })
                .await;
        };
        ctx.spawn(visit.into_actor(self));
    }
}

/// Visits one address after the other; whether the owner of `key` was met.
async fn visit_all(
    context: &SessionContext,
    transport: &dyn Transport,
    key: PublicKey,
    addresses: Vec<Address>,
) -> bool {
    for address in addresses {
        if visit(context, transport, key, &address).await {
            return true;
        }
    }
    false
}

async fn visit(
    context: &SessionContext,
    transport: &dyn Transport,
    key: PublicKey,
    address: &Address,
) -> bool {
    let connection = match transport.dial(address.to_string()).await {
        Ok(connection) => connection,
        Err(error) => {
            tracing::debug!(peer = %address, %error, "member not reached");
            return false;
        }
    };
    let (met, meeting) = oneshot::channel();
    let met = Some(met);
    let owner = Visit { key, met }.start().recipient();
    let (_, commands) = context.begin(connection, Side::Initiator, EXPECTED, owner);
    // Dropped where the handshake fails.
    let met = meeting.await.unwrap_or(false);
    // A session that has ended needs no order.
    let _ = commands.try_send(SessionCommand::Close(FAREWELL.into()));
    met
}

/// Owns the session of one visit.
struct Visit {
    key: PublicKey,
    met: Option<oneshot::Sender<bool>>,
}

impl Actor for Visit {
    type Context = Context<Self>;
}

impl Handler<SessionEvent> for Visit {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, _: &mut Self::Context) {
        match event.what {
            SessionFact::Opened { hello, .. } => {
                if let Some(met) = self.met.take() {
                    // Nobody waits for it any more after its time.
                    let _ = met.send(hello.key == self.key);
                }
            }
            SessionFact::Received(_) => {}
            SessionFact::Closed(reason) => {
                tracing::debug!(session = event.session.0, %reason, "visit ended");
                self.met = None;
            }
        }
    }
}
