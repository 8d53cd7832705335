//! Actors: mailboxes, each around one shell or machine. A handler hands the message on; what lies between
//! message and machine is the shell's ([`crate::shell`]), decisions live in the machine.
//!
//! Nobody looks anybody up: links are handed in by `node.rs`, which alone knows every actor and the
//! thread it lives on.

mod asker;
mod clocks;
mod gossip;
mod inbox;
mod introducer;
mod ledger;
mod lines;
mod link;
mod liveness_probe;
mod miner;
mod peer_session;
mod registry;
mod retry_queue;
mod search;
mod store;
mod tracker_link;
mod wallet;
mod wallet_door;

pub use crate::shell::{Fatal, Order, Search, fatal_channel};
pub use asker::asking;
pub use clocks::ClocksActor;
pub use gossip::{GossipActor, gossip_links};
pub use inbox::InboxActor;
pub use introducer::IntroducerActor;
pub use ledger::LedgerActor;
pub use lines::{dials_of, dials_within, sessions_of};
pub use liveness_probe::LivenessProbeActor;
pub use miner::{MinerActor, search_reports};
pub use peer_session::{SessionContext, SessionParts};
pub use registry::RegistryActor;
pub use retry_queue::{ReceiptChecks, RetryQueueActor};
pub use search::ThreadSearch;
pub use store::StoreActor;
pub use tracker_link::{GenesisSearcher, TrackerLinkActor};
pub use wallet::WalletActor;
pub use wallet_door::WalletDoorActor;

/// How often actors with a machine that watches the time look at the clock, in milliseconds.
const TICK: std::time::Duration = std::time::Duration::from_millis(100);

/// Look through the next blocks that came while this node was not at work.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct CatchUp;

/// Has an actor look through the next blocks once whoever waits for this thread had a turn: a message of its own
/// would be handled before any other actor's.
fn catch_up_later<A>(ctx: &mut actix::Context<A>)
where
    A: actix::Actor<Context = actix::Context<A>> + actix::Handler<CatchUp>,
{
    use actix::{ActorFutureExt, AsyncContext, fut::wrap_future};
    let turn = wrap_future::<_, A>(tokio::task::yield_now());
    ctx.spawn(turn.map(|(), _, ctx| ctx.notify(CatchUp)));
}

/// Handlers that hand the message to the actor's shell and answer what it says.
macro_rules! hand_to_shell {
    ($actor:ty { $($message:ty => $method:ident),* $(,)? }) => {$(
        impl actix::Handler<$message> for $actor {
            type Result = actix::MessageResult<$message>;

            fn handle(&mut self, message: $message, _: &mut Self::Context) -> Self::Result {
                actix::MessageResult(self.shell.$method(message))
            }
        }
    )*};
}
use hand_to_shell;
