//! TrackerLink: the mailbox of the conversation with the tracker.

use super::TICK;
use crate::chain::{Genesis, Header};
use crate::messages::gossip::Connect;
use crate::messages::introducer::{AdminMet, Introduced, IssuedElsewhere};
use crate::messages::session::{Dialled, SessionEvent};
use crate::messages::store::RowsCommitted;
use crate::messages::tracker_link::{
    AttachDirectory, AttachIntroducers, CloseLink, GenesisMined, HearStatements, LeaveError,
    LeaveNetwork, WorkFound,
};
use crate::protocol::mining::Part;
use crate::shell::{Answered, DirectoryPorts, GenesisSearch, Port, TrackerLinkShell};
use crate::shell::{Order, Search};
use crate::wire::MemberRecord;
use crate::wire::member::Leaving;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Recipient, ResponseFuture};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Messages that may wait here: the connections of the API, the few sessions with trackers, a genesis
/// block.
const MAILBOX: usize = 256;

/// The actor around the shell.
pub struct TrackerLinkActor {
    shell: TrackerLinkShell,
    /// Who waits for the goodbyes to be said.
    closing: Option<oneshot::Sender<()>>,
}

impl TrackerLinkActor {
    /// Around a shell that has not begun.
    pub fn new(shell: TrackerLinkShell) -> Self {
        Self {
            shell,
            closing: None,
        }
    }

    /// Ends once every goodbye was said, if it is to end.
    fn end_if_over(&mut self, ctx: &mut Context<Self>) {
        if self.shell.is_over()
            && let Some(closing) = self.closing.take()
        {
            // Nobody waits for it any more after its time.
            let _ = closing.send(());
            ctx.stop();
        }
    }
}

impl Actor for TrackerLinkActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(TICK, |actor, _| actor.shell.tick());
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.shell.stopped();
    }
}

impl Handler<SessionEvent> for TrackerLinkActor {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, ctx: &mut Self::Context) {
        self.shell.session_told(event);
        self.end_if_over(ctx);
    }
}

impl Handler<CloseLink> for TrackerLinkActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: CloseLink, ctx: &mut Self::Context) -> Self::Result {
        let (closing, closed) = oneshot::channel();
        self.closing = Some(closing);
        self.shell.close();
        self.end_if_over(ctx);
        Box::pin(async move {
            // Dropped with the actor, which has ended then.
            let _ = closed.await;
        })
    }
}

impl Handler<LeaveNetwork> for TrackerLinkActor {
    type Result = ResponseFuture<Result<(), LeaveError>>;

    fn handle(&mut self, _: LeaveNetwork, _: &mut Self::Context) -> Self::Result {
        let left = self.shell.leave();
        Box::pin(async move { left?.await.unwrap_or(Err(LeaveError::CutOff)) })
    }
}

impl Handler<HearStatements> for TrackerLinkActor {
    type Result = ();

    fn handle(&mut self, message: HearStatements, _: &mut Self::Context) {
        self.shell.hear(message);
    }
}

impl Handler<AttachDirectory> for TrackerLinkActor {
    type Result = ();

    fn handle(&mut self, message: AttachDirectory, _: &mut Self::Context) {
        self.shell.attach_directory(DirectoryPorts {
            gossip: Box::new(message.gossip),
            ledger: Box::new(message.ledger),
            outbox: Box::new(message.outbox),
        });
    }
}

impl Handler<AttachIntroducers> for TrackerLinkActor {
    type Result = ();

    fn handle(&mut self, message: AttachIntroducers, _: &mut Self::Context) {
        self.shell.attach_introducers(message.0);
    }
}

super::hand_to_shell!(TrackerLinkActor {
    Answered<(), Leaving> => leaving_signed,
    Answered<(), MemberRecord> => signed,
    AdminMet => admin_met,
    Connect => connect,
    Dialled => dialled,
    GenesisMined => genesis_mined,
    WorkFound => work_found,
    Introduced => introduced,
    RowsCommitted => committed,
    IssuedElsewhere => issued_elsewhere,
});

/// Searches for the genesis block.
pub struct GenesisSearcher {
    /// Finds the nonce.
    pub search: Box<dyn Search>,
    /// Is told.
    pub to: Recipient<GenesisMined>,
    /// Is told of what registering costs.
    pub work: Recipient<WorkFound>,
}

impl GenesisSearcher {
    fn search_for_work(&mut self, header: Header) {
        let Ok(target) = header.target.expand() else {
            return self.search.stop();
        };
        let to = self.work.clone();
        self.search.begin(Order {
            header: header.to_bytes(),
            target: target.to_be_bytes(),
            part: Part(0),
            done: Arc::new(move |found| {
                if let Some(nonce) = found {
                    // Gone only when the node stops.
                    let _ = to.try_send(WorkFound(Header { nonce, ..header }));
                }
            }),
        });
    }
}

impl Port<GenesisSearch> for GenesisSearcher {
    fn offer(&mut self, order: GenesisSearch) -> Result<(), GenesisSearch> {
        let (header, content) = match order {
            GenesisSearch::Begin { header, content } => (header, content),
            GenesisSearch::ForWork(header) => {
                self.search_for_work(header);
                return Ok(());
            }
            GenesisSearch::End => {
                self.search.stop();
                return Ok(());
            }
        };
        let Ok(target) = header.target.expand() else {
            self.search.stop();
            return Ok(());
        };
        tracing::info!(motto = %content.motto, "making the genesis block");
        let to = self.to.clone();
        self.search.begin(Order {
            header: header.to_bytes(),
            target: target.to_be_bytes(),
            part: Part(0),
            done: Arc::new(move |found| {
                let Some(nonce) = found else {
                    return;
                };
                let header = Header { nonce, ..header };
                let content = content.clone();
                // Gone only when the node stops.
                let _ = to.try_send(GenesisMined(Genesis { header, content }));
            }),
        });
        Ok(())
    }
}
