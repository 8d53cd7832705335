//! Clocks: compares this node's clock with those of everybody it has a session with.

use super::TICK;
use crate::clock::Clock;
use crate::messages::clocks::{ClockRead, GetOwnClock};
use crate::protocol::clocks::{ClockState, Clocks, Effect};
use crate::readable::in_words;
use actix::{Actor, AsyncContext, Context, Handler, MessageResult};
use std::sync::Arc;
use tokio::sync::broadcast;

/// Readings that may wait here: one of each session that a busy tracker has.
const MAILBOX: usize = 4_096;

/// The shell around the comparison.
pub struct ClocksActor {
    clocks: Clocks,
    clock: Arc<dyn Clock>,
    /// Has every session ask the time.
    ask: broadcast::Sender<()>,
}

impl ClocksActor {
    /// Nobody was heard. Sessions ask the time whenever `ask` says so.
    pub fn new(clock: Arc<dyn Clock>, ask: broadcast::Sender<()>) -> Self {
        Self {
            clocks: Clocks::new(clock.now()),
            clock,
            ask,
        }
    }

    fn carry_out(&self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                // Without a session there is nobody to ask.
                Effect::AskAll => drop(self.ask.send(())),
                Effect::Tell(state) => tell(state),
            }
        }
    }
}

fn tell(state: ClockState) {
    match state {
        ClockState::Unknown => {}
        ClockState::Right => tracing::info!("this machine's clock is right again"),
        ClockState::Ahead(by_ms) => tracing::warn!(
            by = in_words(by_ms),
            "this machine's clock is ahead of everybody else's: set it right, or what is mined here is lost"
        ),
        ClockState::Behind(by_ms) => tracing::warn!(
            by = in_words(by_ms),
            "this machine's clock is behind everybody else's: set it right, or nothing can be mined here"
        ),
    }
}

impl Actor for ClocksActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(TICK, |actor, _| {
            let effects = actor.clocks.tick(actor.clock.now());
            actor.carry_out(effects);
        });
    }
}

impl Handler<ClockRead> for ClocksActor {
    type Result = ();

    fn handle(&mut self, message: ClockRead, _: &mut Self::Context) {
        let ClockRead { from, reading } = message;
        let effects = self.clocks.heard(from, reading, self.clock.now());
        self.carry_out(effects);
    }
}

impl Handler<GetOwnClock> for ClocksActor {
    type Result = MessageResult<GetOwnClock>;

    fn handle(&mut self, _: GetOwnClock, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.clocks.own())
    }
}
