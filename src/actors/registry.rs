//! Registry: the mailbox of the tracker's side of the conversation with its members.

use crate::messages::gossip::{CloseSessions, ConnectionAccepted};
use crate::messages::registry::{CountSessions, DialledBack, GetMembers, GetRegistryStatus};
use crate::messages::session::SessionEvent;
use crate::messages::store::RowsCommitted;
use crate::protocol::liveness::MAX_DIALS;
use crate::protocol::registry::TICK_MS;
use crate::shell::{MAX_SESSIONS, RegistryShell};
use actix::{Actor, AsyncContext, Context};
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

super::hand_to_shell!(RegistryActor {
    CloseSessions => close_all,
    ConnectionAccepted => accepted,
    CountSessions => sessions,
    DialledBack => dialled_back,
    GetMembers => members,
    GetRegistryStatus => status,
    RowsCommitted => committed,
    SessionEvent => session_told,
});
