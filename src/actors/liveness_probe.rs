//! LivenessProbe: the mailbox of the one who dials members back, on a thread of its own.

use super::TICK;
use crate::messages::liveness_probe::DialBack;
use crate::messages::session::{Dialled, SessionEvent};
use crate::protocol::liveness::MAX_DIALS;
use crate::protocol::registry::MAX_INQUIRERS_VISITED;
use crate::shell::LivenessProbeShell;
use actix::{Actor, AsyncContext, Context};

/// The actor around the shell.
pub struct LivenessProbeActor {
    shell: LivenessProbeShell,
}

impl LivenessProbeActor {
    /// Around a shell that visits nobody yet.
    pub fn new(shell: LivenessProbeShell) -> Self {
        Self { shell }
    }
}

impl Actor for LivenessProbeActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Each visit has an order, a dial and an event of its session under way.
        ctx.set_mailbox_capacity(3 * (MAX_DIALS + MAX_INQUIRERS_VISITED));
        ctx.run_interval(TICK, |actor, _| actor.shell.tick());
    }
}

super::hand_to_shell!(LivenessProbeActor {
    DialBack => dial_back,
    Dialled => dialled,
    SessionEvent => session_told,
});
