//! Ledger: the judge of what is valid, and whom it tells what.

mod answering;
mod log;
#[cfg(test)]
mod tests;

use super::{Fatal, Link, Showing};
use crate::chain::ledger::{Effect, Funds, Ledger, Origin, Ticket, TipChange};
use crate::chain::template::Template;
use crate::chain::tree::{Source, Tip};
use crate::chain::{EncodedTransaction, Internal};
use crate::clock::Clock;
use crate::messages::events::Event;
use crate::messages::gossip::{LedgerFact, LedgerTold};
use crate::messages::inbox::OwnNewsTold;
use crate::messages::ledger::{
    AtTip, CheckHeaders, FindMissing, GetFunds, GetLedgerStatus, GetOpenRecords,
    GetOpenTransactions, GetTemplate, GoOn, LedgerStatus, MembersKnown, OpenPage,
    SignaturesChecked, SubmitBlock, SubmitTransactions,
};
use crate::messages::miner::{MiningComplete, OpenChanged, TipMoved};
use crate::messages::store::{CommitRows, Committer, Rows, RowsCommitted, Urgency};
use crate::protocol::branch_change::BranchChanges;
use crate::protocol::delivery::{Judgement, OwnNews};
use crate::protocol::progress::Progress;
use crate::store::Disk;
use crate::store::chain_rows::ChainRows;
use crate::verifier::{Asked, Verdicts, Verifier};
use answering::Asker;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

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

/// What the ledger needs of the node.
pub struct LedgerParts {
    /// Where it reads what was written.
    pub disk: Arc<dyn Disk>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Checks signatures, on other threads.
    pub verifier: Arc<dyn Verifier>,
    /// Takes what the verifier found, until it is handed to the shell. There is room for more checks than can be
    /// under way.
    pub checked: mpsc::Sender<SignaturesChecked>,
    /// Whether more headers are to come than it has judged.
    pub showing: Arc<Showing>,
    /// Whom it tells.
    pub links: LedgerLinks,
    /// Ends the node.
    pub fatal: Fatal,
}

/// The shell around the ledger.
pub struct LedgerShell {
    ledger: Ledger,
    parts: LedgerParts,
    askers: HashMap<Ticket, Asker>,
    tickets: u64,
    /// Answers that wait until the store has what they are about.
    behind: Vec<(oneshot::Sender<Judgement>, Judgement)>,
    /// A long way to another branch is gone in steps.
    under_way: bool,
    /// The next of them may be possible now.
    may_go_on: bool,
    /// What the verifier is to check, gathered over what came together.
    unchecked: Vec<Asked>,
    may_check: bool,
    open_told: usize,
    progress: Progress,
    branches: BranchChanges,
}

impl LedgerShell {
    /// Around a ledger that was opened on the disk, and what its opening left to be done.
    pub fn new((ledger, first): (Ledger, Vec<Effect>), parts: LedgerParts) -> Self {
        let mut shell = Self {
            ledger,
            parts,
            askers: HashMap::new(),
            tickets: 0,
            behind: Vec::new(),
            under_way: false,
            may_go_on: false,
            unchecked: Vec::new(),
            may_check: false,
            open_told: 0,
            progress: Progress::default(),
            branches: BranchChanges::default(),
        };
        shell.carry_out(first);
        shell
    }

    fn ticket(&mut self, asker: Asker) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.askers.insert(ticket, asker);
        ticket
    }

    /// Carries out what could be decided; a failure of ours ends the node.
    fn carry_out_read(&mut self, effects: Result<Vec<Effect>, Internal>) {
        match effects {
            Ok(effects) => self.carry_out(effects),
            Err(error) => self.parts.fatal.raise(error.to_string()),
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut facts = Vec::new();
        let mut news = Vec::new();
        let (mut opened, mut closed) = (Vec::new(), Vec::new());
        // The rows of the inbox are just behind those of what it took in.
        let urgency = match effects.iter().any(|effect| self.is_of_a_delivery(effect)) {
            true => Urgency::Behind,
            false => Urgency::Now,
        };
        for effect in effects {
            news.extend(OwnNews::of(&effect));
            match effect {
                Effect::Verify {
                    check,
                    transactions,
                } => {
                    let done = self.parts.checked.clone();
                    let report = move |verdicts: Verdicts| {
                        let sent = done.try_send(SignaturesChecked { check, verdicts });
                        // Closed only when the node stops.
                        let overflowed = matches!(sent, Err(TrySendError::Full(_)));
                        assert!(!overflowed, "more signature checks than can be under way");
                    };
                    self.may_check |= self.unchecked.is_empty();
                    self.unchecked.push((transactions, Box::new(report)));
                }
                Effect::Commit { batch, rows } => self.parts.links.store.send(CommitRows {
                    committer: Committer::Ledger,
                    batch,
                    rows: Rows::Chain(rows),
                    urgency,
                }),
                Effect::Answer { ticket, answer } => self.answer(ticket, answer, &mut facts),
                Effect::BetterHeaderSeen(header) => {
                    let seen = MiningComplete(*header);
                    self.parts.links.mining_complete.send(seen);
                }
                Effect::TipChanged(change) => {
                    let chain = self.ledger.chain();
                    let caught_up = chain.best_header().id == chain.tip().id;
                    log::tip(&change, caught_up);
                    let connected = change.connected.len() as u64;
                    let now = self.parts.clock.now();
                    self.progress.connected(connected, now.steady);
                    let news = self.branches.tip_changed(&change, now.wall);
                    log::news(news.as_slice());
                    self.parts.links.tip_moved.send(TipMoved);
                }
                Effect::TipStored(change) => {
                    self.tell_of(&change);
                    facts.push(LedgerFact::TipChanged(change));
                }
                Effect::OpenStored { id, own, held } => {
                    let opened = Event::TransactionOpened { id, own };
                    self.parts.links.events.send(opened);
                    facts.extend(held.map(LedgerFact::TransactionOpened));
                }
                Effect::ClosedStored(id, why) => {
                    let closed = Event::TransactionClosed { id, why };
                    self.parts.links.events.send(closed);
                }
                Effect::TransactionOpened {
                    transaction, held, ..
                } => {
                    let id = transaction.id();
                    opened.push(id);
                    let news = self.branches.opened(&id);
                    log::news(news.as_slice());
                    if !held {
                        facts.push(LedgerFact::TransactionOpened(transaction));
                    }
                }
                Effect::TransactionClosed(id, why) => {
                    closed.push((id, why));
                    let news = self.branches.closed(&id, why);
                    log::news(news.as_slice());
                    facts.push(LedgerFact::TransactionClosed(id));
                }
                Effect::More => {
                    self.under_way = true;
                    self.may_go_on = true;
                }
            }
        }
        log::opened(&opened);
        log::closed(&closed);
        if !facts.is_empty() {
            self.parts.links.gossip.send(LedgerTold(facts));
        }
        if !news.is_empty() {
            self.parts.links.outbox.send(OwnNewsTold(news.clone()));
            self.parts.links.inbox.send(OwnNewsTold(news));
        }
        let open = self.ledger.mempool().len();
        if open != self.open_told {
            self.open_told = open;
            self.parts.links.open_changed.send(OpenChanged { open });
        }
    }

    /// Tells whoever follows how the chain on the disk has changed.
    fn tell_of(&mut self, change: &TipChange) {
        let events = &mut self.parts.links.events;
        for &(id, height) in &change.disconnected {
            events.send(Event::BlockDisconnected { height, id });
        }
        for &(id, height, transactions) in &change.connected {
            events.send(Event::BlockConnected {
                height,
                id,
                transactions,
            });
        }
        let height = change.tip.height();
        let best = self.ledger.chain().best_header().height();
        let left = best.0.saturating_sub(height.0);
        let now = self.parts.clock.steady();
        if self.progress.is_to_be_told(left, now) {
            events.send(Event::SyncProgress { height, best });
        }
    }

    /// A failure of ours ends the node, whoever gets it for an answer.
    fn ours_to_answer_for<T>(&self, result: Result<T, Internal>) -> Result<T, Internal> {
        result.inspect_err(|error| self.parts.fatal.raise(error.to_string()))
    }

    /// Whether [`GoOn`] is to be handed in: once, behind what came meanwhile.
    pub fn takes_to_go_on(&mut self) -> bool {
        std::mem::take(&mut self.may_go_on)
    }

    /// Whether [`LedgerShell::check_gathered`] is to be called: once, behind what came meanwhile.
    pub fn takes_to_check(&mut self) -> bool {
        std::mem::take(&mut self.may_check)
    }

    /// Has the signatures checked that were gathered: together, for a fraction of what each takes alone.
    pub fn check_gathered(&mut self) {
        let gathered = std::mem::take(&mut self.unchecked);
        self.parts.verifier.verify(gathered);
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        let links = &mut self.parts.links;
        links.store.flush();
        links.gossip.flush();
        links.outbox.flush();
        links.inbox.flush();
        links.tip_moved.flush();
        links.open_changed.flush();
        links.mining_complete.flush();
        self.answer_behind();
        let (disk, now) = (&*self.parts.disk, self.parts.clock.steady());
        let effects = self.ledger.tick(&ChainRows(disk), now);
        self.carry_out_read(effects);
    }

    /// Signatures are checked: all that are heard of together.
    pub fn signatures_checked(&mut self, checked: Vec<SignaturesChecked>) {
        let checked = checked.into_iter();
        let checked: Vec<_> = checked.map(|one| (one.check, one.verdicts)).collect();
        let view = ChainRows(&*self.parts.disk);
        let effects = self.ledger.signatures_checked(&checked, &view);
        self.carry_out_read(effects);
    }

    /// The disk holds all batches up to this one.
    pub fn committed(&mut self, message: RowsCommitted) {
        let effects = self.ledger.committed(message.batch);
        self.carry_out(effects);
        self.may_go_on |= self.under_way;
    }

    /// Goes on with a way that is gone in steps, unless so much waits for the disk that it has to.
    pub fn go_on(&mut self, _: GoOn) {
        if !self.under_way || self.ledger.is_full() {
            return;
        }
        self.under_way = false;
        let effects = self.ledger.advance(&ChainRows(&*self.parts.disk));
        self.carry_out_read(effects);
    }

    /// A session sent headers.
    pub fn check_headers(&mut self, message: CheckHeaders) {
        let ticket = self.ticket(Asker::Session(message.credit, message.session));
        let (view, now) = (ChainRows(&*self.parts.disk), self.parts.clock.wall());
        let source = Source(message.session.0);
        let headers = &message.headers;
        let effects = self.ledger.headers(ticket, source, headers, &view, now);
        self.carry_out_read(effects);
    }

    /// A session sent a block.
    pub fn block(&mut self, message: SubmitBlock) {
        let origin = Origin::Relay(self.ticket(Asker::Session(message.credit, message.session)));
        let (view, now) = (ChainRows(&*self.parts.disk), self.parts.clock.wall());
        let effects = self.ledger.block(origin, message.block, &view, now);
        self.carry_out_read(effects);
    }

    /// A session sent transactions.
    pub fn transactions(&mut self, message: SubmitTransactions) {
        let origin = Origin::Relay(self.ticket(Asker::Session(message.credit, message.session)));
        let view = ChainRows(&*self.parts.disk);
        let effects = self
            .ledger
            .transactions(origin, message.transactions, &view);
        self.carry_out_read(effects);
    }

    /// Which bodies are missing on the way to a header.
    pub fn find_missing(&mut self, message: FindMissing) {
        let FindMissing {
            credit,
            toward,
            limit,
        } = message;
        let view = ChainRows(&*self.parts.disk);
        match self.ledger.missing_bodies(&toward, limit, &view) {
            Ok(ids) => {
                let found = LedgerFact::MissingFound {
                    credit,
                    toward,
                    ids,
                };
                self.parts.links.gossip.send(LedgerTold(vec![found]));
            }
            Err(error) => self.parts.fatal.raise(error.to_string()),
        }
    }

    /// What should be mined now.
    ///
    /// # Errors
    /// What is stored is damaged; the node ends.
    pub fn template(&mut self, message: GetTemplate) -> Result<Template, Internal> {
        let (view, now) = (ChainRows(&*self.parts.disk), self.parts.clock.wall());
        let template = self.ledger.template(message.reward_to, &view, now);
        self.ours_to_answer_for(template)
    }

    /// Where the ledger stands.
    pub fn status(&mut self, _: GetLedgerStatus) -> LedgerStatus {
        let (chain, mempool) = (self.ledger.chain(), self.ledger.mempool());
        let (best, tip) = (chain.best_header().height(), chain.tip().height());
        let missing = best.0.saturating_sub(tip.0);
        LedgerStatus {
            catching_up: self.progress.estimate(missing, self.parts.clock.steady()),
            tip: *chain.tip(),
            best_header: *chain.best_header(),
            syncing: self.is_syncing(),
            open_transactions: mempool.len(),
            open_bytes: mempool.bytes(),
            headers_in_memory: chain.headers_in_memory(),
            branch_change: self.branches.last().cloned(),
        }
    }

    /// What a key can spend.
    ///
    /// # Errors
    /// What is stored is damaged; the node ends.
    pub fn funds(&mut self, message: GetFunds) -> Result<Funds, Internal> {
        let view = ChainRows(&*self.parts.disk);
        let funds = self.ledger.funds(&message.0, &view);
        self.ours_to_answer_for(funds)
    }

    /// The same, and at which tip.
    pub fn funds_at_tip(&mut self, message: AtTip<GetFunds>) -> (Result<Funds, Internal>, Tip) {
        (self.funds(message.0), *self.ledger.tip())
    }

    /// Some of the open transactions, best paying first.
    pub fn open_transactions(&mut self, message: AtTip<GetOpenTransactions>) -> (OpenPage, Tip) {
        let AtTip(GetOpenTransactions { after, limit }) = message;
        let mempool = self.ledger.mempool();
        let (transactions, next) = mempool.page(after, limit);
        let page = OpenPage {
            transactions,
            next,
            all: mempool.len(),
        };
        (page, *self.ledger.tip())
    }

    /// Some of the open records that applications judge.
    pub fn open_records(&mut self, message: GetOpenRecords) -> Vec<EncodedTransaction> {
        self.ledger.mempool().judged(message.0)
    }

    /// Who may send without a fee.
    pub fn members_known(&mut self, message: MembersKnown) {
        self.ledger.set_members(message.members);
        let view = ChainRows(&*self.parts.disk);
        let effects = self.ledger.put_out(message.out, &view);
        self.carry_out_read(effects);
    }
}
