//! Registry: the mailbox of the tracker's side of the conversation with its members.

use crate::messages::gossip::{CloseSessions, ConnectionAccepted};
use crate::messages::registry::{
    CarryOut, CountSessions, DialledBack, GetDelegates, GetInvitations, GetMembers, GetPutOut,
    GetRegistryStatus, RememberNetwork, WhoIs,
};
use crate::messages::session::{Dialled, SessionEvent};
use crate::messages::store::RowsCommitted;
use crate::protocol::liveness::MAX_DIALS;
use crate::protocol::registry::{OrderRefused, Outcome, TICK_MS};
use crate::shell::{MAX_SESSIONS, RegistryShell};
use actix::{Actor, AsyncContext, Context, Handler, ResponseFuture};
use std::time::Duration;

/// Messages that may wait here: one for each session, one for each visit, and reports.
const MAILBOX: usize = MAX_SESSIONS + MAX_DIALS + 64;

/// The actor around the shell.
pub struct RegistryActor {
    shell: RegistryShell,
}

impl RegistryActor {
    /// Around a shell that begins with no sessions.
    pub fn new(shell: RegistryShell) -> Self {
        Self { shell }
    }
}

impl Actor for RegistryActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let every = Duration::from_millis(TICK_MS);
        ctx.run_interval(every, |actor, _| actor.shell.tick());
    }
}

impl Handler<CarryOut> for RegistryActor {
    type Result = ResponseFuture<Result<Outcome, OrderRefused>>;

    fn handle(&mut self, message: CarryOut, _: &mut Self::Context) -> Self::Result {
        let done = self.shell.order(message.0);
        Box::pin(async move { done.await.unwrap_or(Err(OrderRefused::Stopping)) })
    }
}

super::hand_to_shell!(RegistryActor {
    CloseSessions => close_all,
    ConnectionAccepted => accepted,
    CountSessions => sessions,
    Dialled => dialled,
    DialledBack => dialled_back,
    GetDelegates => delegates,
    GetInvitations => invitations,
    GetMembers => members,
    GetPutOut => put_out,
    GetRegistryStatus => status,
    RememberNetwork => remember,
    RowsCommitted => committed,
    SessionEvent => session_told,
    WhoIs => who_is,
});
