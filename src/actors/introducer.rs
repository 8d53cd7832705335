//! Introducer: the mailbox of the conversation with a tracker that is not the first of its network.

use super::TICK;
use crate::messages::introducer::TellIntroducer;
use crate::messages::session::{Dialled, SessionEvent};
use crate::shell::IntroducerShell;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler};

/// Messages that may wait here: one for each session, and what the link tells a few times.
const MAILBOX: usize = 64;

/// The actor around the shell.
pub struct IntroducerActor {
    shell: IntroducerShell,
}

impl IntroducerActor {
    /// Around a shell that has not begun.
    pub fn new(shell: IntroducerShell) -> Self {
        Self { shell }
    }

    fn end_if_over(&self, ctx: &mut Context<Self>) {
        if self.shell.is_over() {
            ctx.stop();
        }
    }
}

impl Actor for IntroducerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(TICK, |actor, _| actor.shell.tick());
    }
}

impl Handler<SessionEvent> for IntroducerActor {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, ctx: &mut Self::Context) {
        self.shell.session_told(event);
        self.end_if_over(ctx);
    }
}

impl Handler<TellIntroducer> for IntroducerActor {
    type Result = ();

    fn handle(&mut self, told: TellIntroducer, ctx: &mut Self::Context) {
        self.shell.told(told);
        self.end_if_over(ctx);
    }
}

super::hand_to_shell!(IntroducerActor {
    Dialled => dialled,
});
