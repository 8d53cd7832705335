//! Gossip: the mailbox of the conversation with the peers.

use super::TICK;
use crate::messages::gossip::{
    AnswerDelivery, BlameSession, CandidatesKnown, CloseSessions, Connect, ConnectionAccepted,
    Deliver, GetGossipStatus, LedgerTold, ReachMember, SyncFrom,
};
use crate::messages::session::{Dialled, SessionEvent};
use crate::shell::{GossipLinks, GossipShell, Link, TO_LEDGER};
use actix::{Actor, Addr, AsyncContext, Context, Handler, ResponseFuture};

/// Messages that may wait here: one for each session, and what the ledger tells.
const MAILBOX: usize = 1024;

/// The links to one ledger.
pub fn gossip_links(ledger: &Addr<super::LedgerActor>) -> GossipLinks {
    GossipLinks {
        headers: Link::new(ledger, TO_LEDGER),
        block: Link::new(ledger, TO_LEDGER),
        transactions: Link::new(ledger, TO_LEDGER),
        missing: Link::new(ledger, TO_LEDGER),
    }
}

/// The actor around the shell.
pub struct GossipActor {
    shell: GossipShell,
}

impl GossipActor {
    /// Around a shell that begins with no sessions.
    pub fn new(shell: GossipShell) -> Self {
        Self { shell }
    }
}

impl Actor for GossipActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(TICK, |actor, _| actor.shell.tick());
    }
}

impl Handler<SessionEvent> for GossipActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, event: SessionEvent, _: &mut Self::Context) -> Self::Result {
        let parked = self.shell.session_told(event);
        Box::pin(async move {
            if let Some(resumed) = parked {
                // Dropped only when the node stops.
                let _ = resumed.await;
            }
        })
    }
}

super::hand_to_shell!(GossipActor {
    AnswerDelivery => delivery_answered,
    BlameSession => blame,
    CandidatesKnown => candidates_known,
    CloseSessions => close_all,
    Connect => connect,
    ConnectionAccepted => accepted,
    Deliver => deliver,
    Dialled => dialled,
    GetGossipStatus => status,
    LedgerTold => ledger_told,
    ReachMember => reach,
    SyncFrom => sync_from,
});
