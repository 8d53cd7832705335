//! Miner: the mailbox of mining.

use super::TICK;
use crate::chain::ledger::BlockOutcome;
use crate::chain::template::Template;
use crate::chain::{Block, Internal};
use crate::messages::miner::{
    GetMinerStatus, MineBlock, MineError, Mined, MiningComplete, OpenChanged, SearchEnded,
    SetMiningMode, StopMining, TipMoved,
};
use crate::protocol::clocks::OwnClock;
use crate::shell::{Answered, MinerShell};
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, ResponseFuture, StreamHandler};
use futures_util::stream;
use tokio::sync::mpsc;

/// Reports of threads that may wait: each thread sends one for each job.
const REPORTS: usize = 1024;

/// Where threads report what they found, and where the miner hears it.
pub fn search_reports() -> (mpsc::Sender<SearchEnded>, mpsc::Receiver<SearchEnded>) {
    mpsc::channel(REPORTS)
}

/// The actor around the shell.
pub struct MinerActor {
    shell: MinerShell,
    reports: Option<mpsc::Receiver<SearchEnded>>,
}

impl MinerActor {
    /// Around a shell whose threads report there.
    pub fn new(shell: MinerShell, reports: mpsc::Receiver<SearchEnded>) -> Self {
        Self {
            shell,
            reports: Some(reports),
        }
    }
}

impl Actor for MinerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(mut reports) = self.reports.take() {
            ctx.add_stream(stream::poll_fn(move |cx| reports.poll_recv(cx)));
        }
        ctx.run_interval(TICK, |actor, _| actor.shell.tick());
    }
}

impl StreamHandler<SearchEnded> for MinerActor {
    fn handle(&mut self, report: SearchEnded, _: &mut Self::Context) {
        self.shell.search_ended(report);
    }
}

impl Handler<MineBlock> for MinerActor {
    type Result = ResponseFuture<Result<Mined, MineError>>;

    fn handle(&mut self, message: MineBlock, _: &mut Self::Context) -> Self::Result {
        Box::pin(self.shell.mine(message))
    }
}

impl Handler<StopMining> for MinerActor {
    type Result = ();

    fn handle(&mut self, message: StopMining, ctx: &mut Self::Context) {
        self.shell.stop(message);
        ctx.stop();
    }
}

super::hand_to_shell!(MinerActor {
    Answered<(), OwnClock> => own_clock,
    Answered<Block, BlockOutcome> => judged,
    Answered<OwnClock, Result<Template, Internal>> => template,
    GetMinerStatus => status,
    MiningComplete => better_seen,
    OpenChanged => open_changed,
    SetMiningMode => set_mode,
    TipMoved => tip_moved,
});
