//! Ledger: the judge of what is valid, and the open transactions.

mod log;

use super::{Fatal, TICK};
use crate::chain::ledger::{
    Answer, BlockOutcome, Effect, Funds, Ledger, Origin, Ticket, TipChange,
};
use crate::chain::template::Template;
use crate::chain::tree::Source;
use crate::chain::{Internal, Rejected};
use crate::clock::Clock;
use crate::messages::events::Event;
use crate::messages::gossip::{LedgerFact, LedgerTold};
use crate::messages::inbox::OwnNewsTold;
use crate::messages::ledger::{
    CheckHeaders, FindMissing, GetFunds, GetLedgerStatus, GetOpenTransactions, GetTemplate,
    JudgeTransaction, LedgerStatus, MembersKnown, OpenPage, SignaturesChecked, SubmitBlock,
    SubmitMinedBlock, SubmitTransactions,
};
use crate::messages::miner::{MiningComplete, OpenChanged, TipMoved};
use crate::messages::store::{CommitRows, Committer, Rows, RowsCommitted};
use crate::protocol::SessionId;
use crate::protocol::branch_change::BranchChanges;
use crate::protocol::credit::Credit;
use crate::protocol::delivery::{Judgement, OwnNews};
use crate::protocol::progress::Progress;
use crate::shell::Link;
use crate::store::Disk;
use crate::store::chain_rows::ChainRows;
use crate::verifier::{Verdicts, Verifier};
use actix::{
    Actor, AsyncContext, Context, Handler, Message, MessageResult, ResponseFuture, StreamHandler,
};
use futures_util::stream;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// Messages that may wait here: Gossip's credit ([`crate::actors::gossip`]), the few that the API
/// and the miner have under way, and reports.
const MAILBOX: usize = 1024;
/// Signature checks that may be done and not heard of yet; fewer are ever under way.
const CHECKS: usize = 2 * MAILBOX;

/// Whom the ledger tells.
pub struct LedgerLinks {
    /// The writer of the disk.
    pub store: Link<CommitRows>,
    /// The conversation with the peers.
    pub gossip: Link<LedgerTold>,
    /// Who follows what the owner sends.
    pub outbox: Link<OwnNewsTold>,
    /// Who finds what the owner receives.
    pub inbox: Link<OwnNewsTold>,
    /// The miner, of a moved tip.
    pub tip_moved: Link<TipMoved>,
    /// The miner, of open transactions.
    pub open_changed: Link<OpenChanged>,
    /// The miner, of a better block.
    pub mining_complete: Link<MiningComplete>,
    /// Who follows what happens.
    pub events: Link<Event>,
}

/// Who waits for an answer.
enum Asker {
    Session(Credit, SessionId),
    Owner(oneshot::Sender<Judgement>),
    Miner(oneshot::Sender<BlockOutcome>),
}

/// The shell around the ledger.
pub struct LedgerActor {
    ledger: Ledger,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    verifier: Arc<dyn Verifier>,
    links: LedgerLinks,
    fatal: Fatal,
    askers: HashMap<Ticket, Asker>,
    tickets: u64,
    checked: (
        mpsc::Sender<SignaturesChecked>,
        Option<mpsc::Receiver<SignaturesChecked>>,
    ),
    /// What the opening of the ledger left to be done.
    first: Vec<Effect>,
    /// A long way to another branch is gone in steps.
    under_way: bool,
    open_told: usize,
    progress: Progress,
    branches: BranchChanges,
}

impl LedgerActor {
    /// Around a ledger that was opened on `disk`, and what its opening left to be done. It tells of
    /// what its owner sends and receives.
    pub fn new(
        (ledger, first): (Ledger, Vec<Effect>),
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        verifier: Arc<dyn Verifier>,
        links: LedgerLinks,
        fatal: Fatal,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(CHECKS);
        Self {
            ledger,
            disk,
            clock,
            verifier,
            links,
            fatal,
            askers: HashMap::new(),
            tickets: 0,
            checked: (sender, Some(receiver)),
            first,
            under_way: false,
            open_told: 0,
            progress: Progress::default(),
            branches: BranchChanges::default(),
        }
    }

    fn ticket(&mut self, asker: Asker) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.askers.insert(ticket, asker);
        ticket
    }

    fn carry_out(&mut self, effects: Result<Vec<Effect>, Internal>, ctx: &mut Context<Self>) {
        let effects = match effects {
            Ok(effects) => effects,
            Err(error) => return self.fatal.raise(error.to_string()),
        };
        let mut facts = Vec::new();
        let mut news = Vec::new();
        for effect in effects {
            news.extend(OwnNews::of(&effect));
            match effect {
                Effect::Verify {
                    check,
                    transactions,
                } => {
                    let done = self.checked.0.clone();
                    let report = move |verdicts: Verdicts| {
                        let sent = done.try_send(SignaturesChecked { check, verdicts });
                        // Closed only when the node stops.
                        let overflowed = matches!(sent, Err(TrySendError::Full(_)));
                        assert!(!overflowed, "more signature checks than can be under way");
                    };
                    self.verifier.verify(transactions, Box::new(report));
                }
                Effect::Commit { batch, rows } => self.links.store.send(CommitRows {
                    committer: Committer::Ledger,
                    batch,
                    rows: Rows::Chain(rows),
                }),
                Effect::Answer { ticket, answer } => self.answer(ticket, answer, &mut facts),
                Effect::BetterHeaderSeen(header) => {
                    self.links.mining_complete.send(MiningComplete(*header));
                }
                Effect::TipChanged(change) => {
                    let chain = self.ledger.chain();
                    let caught_up = chain.best_header().id == chain.tip().id;
                    log::tip(&change, caught_up);
                    let connected = change.connected.len() as u64;
                    let now = self.clock.now();
                    self.progress.connected(connected, now.steady);
                    let news = self.branches.tip_changed(&change, now.wall);
                    log::news(news.as_slice());
                    self.links.tip_moved.send(TipMoved);
                }
                Effect::TipStored(change) => {
                    self.tell_of(&change);
                    facts.push(LedgerFact::TipChanged(change));
                }
                Effect::OpenStored { id, own } => {
                    self.links.events.send(Event::TransactionOpened { id, own });
                }
                Effect::ClosedStored(id, why) => {
                    self.links.events.send(Event::TransactionClosed { id, why });
                }
                Effect::TransactionOpened { transaction, .. } => {
                    tracing::debug!(tx = %transaction.id(), "transaction open");
                    let news = self.branches.opened(&transaction.id());
                    log::news(news.as_slice());
                    facts.push(LedgerFact::TransactionOpened(transaction));
                }
                Effect::TransactionClosed(id, why) => {
                    log::closed(&id, why);
                    let news = self.branches.closed(&id, why);
                    log::news(news.as_slice());
                    facts.push(LedgerFact::TransactionClosed(id));
                }
                Effect::More => {
                    self.under_way = true;
                    ctx.notify(GoOn);
                }
            }
        }
        if !facts.is_empty() {
            self.links.gossip.send(LedgerTold(facts));
        }
        if !news.is_empty() {
            self.links.outbox.send(OwnNewsTold(news.clone()));
            self.links.inbox.send(OwnNewsTold(news));
        }
        let open = self.ledger.mempool().len();
        if open != self.open_told {
            self.open_told = open;
            self.links.open_changed.send(OpenChanged { open });
        }
    }

    /// Tells whoever follows how the chain on the disk has changed.
    fn tell_of(&mut self, change: &TipChange) {
        for &(id, height) in &change.disconnected {
            let gone = Event::BlockDisconnected { height, id };
            self.links.events.send(gone);
        }
        for &(id, height, transactions) in &change.connected {
            self.links.events.send(Event::BlockConnected {
                height,
                id,
                transactions,
            });
        }
        let (height, best) = (
            change.tip.height(),
            self.ledger.chain().best_header().height(),
        );
        let left = best.0.saturating_sub(height.0);
        if self.progress.is_to_be_told(left, self.clock.steady()) {
            self.links.events.send(Event::SyncProgress { height, best });
        }
    }

    /// A failure of ours ends the node, whoever gets it for an answer.
    fn ours_to_answer_for<T>(&self, result: Result<T, Internal>) -> Result<T, Internal> {
        result.inspect_err(|error| self.fatal.raise(error.to_string()))
    }

    fn judgement(&self, verdict: Result<(), Rejected>) -> Judgement {
        let (tip, best) = (self.ledger.tip(), self.ledger.chain().best_header());
        Judgement {
            verdict,
            height: tip.height(),
            block: tip.id,
            syncing: best.work() > tip.work(),
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer, facts: &mut Vec<LedgerFact>) {
        match (self.askers.remove(&ticket), answer) {
            (Some(Asker::Session(credit, session)), answer) => facts.push(LedgerFact::Judged {
                credit,
                session,
                answer,
            }),
            // Whoever asked may have gone meanwhile.
            (Some(Asker::Owner(owner)), Answer::Transactions(verdicts)) => {
                if let Some((_, verdict)) = verdicts.into_iter().next() {
                    let _ = owner.send(self.judgement(verdict));
                }
            }
            (Some(Asker::Miner(miner)), Answer::Block(_, outcome)) => {
                let _ = miner.send(outcome);
            }
            _ => {}
        }
    }
}

/// Go on with a way that is gone in steps.
#[derive(Message)]
#[rtype(result = "()")]
struct GoOn;

impl Actor for LedgerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if let Some(mut checked) = self.checked.1.take() {
            ctx.add_stream(stream::poll_fn(move |cx| checked.poll_recv(cx)));
        }
        let first = std::mem::take(&mut self.first);
        self.carry_out(Ok(first), ctx);
        ctx.run_interval(TICK, |actor, ctx| {
            actor.links.store.flush();
            actor.links.gossip.flush();
            actor.links.outbox.flush();
            actor.links.inbox.flush();
            actor.links.tip_moved.flush();
            actor.links.open_changed.flush();
            actor.links.mining_complete.flush();
            let effects = actor
                .ledger
                .tick(&ChainRows(&*actor.disk), actor.clock.steady());
            actor.carry_out(effects, ctx);
        });
    }
}

impl StreamHandler<SignaturesChecked> for LedgerActor {
    fn handle(&mut self, message: SignaturesChecked, ctx: &mut Self::Context) {
        let SignaturesChecked { check, verdicts } = message;
        let view = ChainRows(&*self.disk);
        let effects = self.ledger.signatures_checked(check, &verdicts, &view);
        self.carry_out(effects, ctx);
    }
}

impl Handler<RowsCommitted> for LedgerActor {
    type Result = ();

    fn handle(&mut self, message: RowsCommitted, ctx: &mut Self::Context) {
        let effects = self.ledger.committed(message.batch);
        self.carry_out(Ok(effects), ctx);
        if self.under_way {
            ctx.notify(GoOn);
        }
    }
}

impl Handler<GoOn> for LedgerActor {
    type Result = ();

    fn handle(&mut self, _: GoOn, ctx: &mut Self::Context) {
        if !self.under_way || self.ledger.is_full() {
            return;
        }
        self.under_way = false;
        let effects = self.ledger.advance(&ChainRows(&*self.disk));
        self.carry_out(effects, ctx);
    }
}

impl Handler<CheckHeaders> for LedgerActor {
    type Result = ();

    fn handle(&mut self, message: CheckHeaders, ctx: &mut Self::Context) {
        let ticket = self.ticket(Asker::Session(message.credit, message.session));
        let (view, now) = (ChainRows(&*self.disk), self.clock.wall());
        let source = Source(message.session.0);
        let headers = &message.headers;
        let effects = self.ledger.headers(ticket, source, headers, &view, now);
        self.carry_out(effects, ctx);
    }
}

impl Handler<SubmitBlock> for LedgerActor {
    type Result = ();

    fn handle(&mut self, message: SubmitBlock, ctx: &mut Self::Context) {
        let origin = Origin::Relay(self.ticket(Asker::Session(message.credit, message.session)));
        let (view, now) = (ChainRows(&*self.disk), self.clock.wall());
        let effects = self.ledger.block(origin, message.block, &view, now);
        self.carry_out(effects, ctx);
    }
}

impl Handler<SubmitTransactions> for LedgerActor {
    type Result = ();

    fn handle(&mut self, message: SubmitTransactions, ctx: &mut Self::Context) {
        let origin = Origin::Relay(self.ticket(Asker::Session(message.credit, message.session)));
        let view = ChainRows(&*self.disk);
        let effects = self
            .ledger
            .transactions(origin, message.transactions, &view);
        self.carry_out(effects, ctx);
    }
}

impl Handler<JudgeTransaction> for LedgerActor {
    type Result = ResponseFuture<Judgement>;

    fn handle(&mut self, message: JudgeTransaction, ctx: &mut Self::Context) -> Self::Result {
        let (owner, judgement) = oneshot::channel();
        let origin = Origin::Promise(self.ticket(Asker::Owner(owner)));
        let busy = self.judgement(Err(Rejected::Busy));
        let view = ChainRows(&*self.disk);
        let effects = self.ledger.transactions(origin, vec![message.0], &view);
        self.carry_out(effects, ctx);
        // Dropped unanswered only when the node stops.
        Box::pin(async move { judgement.await.unwrap_or(busy) })
    }
}

impl Handler<SubmitMinedBlock> for LedgerActor {
    type Result = ResponseFuture<BlockOutcome>;

    fn handle(&mut self, message: SubmitMinedBlock, ctx: &mut Self::Context) -> Self::Result {
        let (miner, outcome) = oneshot::channel();
        let origin = Origin::Promise(self.ticket(Asker::Miner(miner)));
        let (view, now) = (ChainRows(&*self.disk), self.clock.wall());
        let effects = self.ledger.block(origin, message.0, &view, now);
        self.carry_out(effects, ctx);
        Box::pin(async move { outcome.await.unwrap_or(BlockOutcome::Busy) })
    }
}

impl Handler<FindMissing> for LedgerActor {
    type Result = ();

    fn handle(&mut self, message: FindMissing, ctx: &mut Self::Context) {
        let FindMissing {
            credit,
            toward,
            limit,
        } = message;
        match self
            .ledger
            .missing_bodies(&toward, limit, &ChainRows(&*self.disk))
        {
            Ok(ids) => {
                let found = LedgerFact::MissingFound {
                    credit,
                    toward,
                    ids,
                };
                self.links.gossip.send(LedgerTold(vec![found]));
            }
            Err(error) => self.carry_out(Err(error), ctx),
        }
    }
}

impl Handler<GetTemplate> for LedgerActor {
    type Result = Result<Template, Internal>;

    fn handle(&mut self, message: GetTemplate, _: &mut Self::Context) -> Self::Result {
        let view = ChainRows(&*self.disk);
        let template = self
            .ledger
            .template(message.reward_to, &view, self.clock.wall());
        self.ours_to_answer_for(template)
    }
}

impl Handler<GetLedgerStatus> for LedgerActor {
    type Result = MessageResult<GetLedgerStatus>;

    fn handle(&mut self, _: GetLedgerStatus, _: &mut Self::Context) -> Self::Result {
        let (chain, mempool) = (self.ledger.chain(), self.ledger.mempool());
        let missing = chain
            .best_header()
            .height()
            .0
            .saturating_sub(chain.tip().height().0);
        MessageResult(LedgerStatus {
            catching_up: self.progress.estimate(missing, self.clock.steady()),
            tip: *chain.tip(),
            best_header: *chain.best_header(),
            open_transactions: mempool.len(),
            open_bytes: mempool.bytes(),
            headers_in_memory: chain.headers_in_memory(),
            branch_change: self.branches.last().cloned(),
        })
    }
}

impl Handler<GetFunds> for LedgerActor {
    type Result = Result<Funds, Internal>;

    fn handle(&mut self, message: GetFunds, _: &mut Self::Context) -> Self::Result {
        let funds = self.ledger.funds(&message.0, &ChainRows(&*self.disk));
        self.ours_to_answer_for(funds)
    }
}

impl Handler<GetOpenTransactions> for LedgerActor {
    type Result = MessageResult<GetOpenTransactions>;

    fn handle(&mut self, message: GetOpenTransactions, _: &mut Self::Context) -> Self::Result {
        let GetOpenTransactions { after, limit } = message;
        let (transactions, next) = self.ledger.mempool().page(after, limit);
        MessageResult(OpenPage { transactions, next })
    }
}

impl Handler<MembersKnown> for LedgerActor {
    type Result = ();

    fn handle(&mut self, message: MembersKnown, _: &mut Self::Context) {
        self.ledger.admit_members(message.0);
    }
}
