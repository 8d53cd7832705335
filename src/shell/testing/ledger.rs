//! A ledger in its shell, and everything that goes out of it.

use super::{HandClock, Outbound};
use crate::chain::ledger::{Answer, BlockOutcome, Config, Ledger};
use crate::chain::testing::{member, mine, rules};
use crate::chain::tree::Tip;
use crate::chain::{
    Block, EncodedTransaction, MempoolLimits, Rejected, TransactionId, check_signatures,
};
use crate::clock::Clock;
use crate::messages::events::Event;
use crate::messages::gossip::{LedgerFact, LedgerTold};
use crate::messages::inbox::OwnNewsTold;
use crate::messages::ledger::{
    AtTip, GetLedgerStatus, GetOpenTransactions, GetTemplate, GoOn, JudgeOwn, MembersKnown, Own,
    SignaturesChecked, SubmitBlock, SubmitMinedBlock,
};
use crate::messages::miner::{MiningComplete, OpenChanged, TipMoved};
use crate::messages::store::{CommitRows, Rows, RowsCommitted};
use crate::protocol::SessionId;
use crate::protocol::credit::Credits;
use crate::shell::{
    Fatal, LedgerLinks, LedgerParts, LedgerShell, Link, Port, Showing, fatal_channel,
};
use crate::store::chain_rows::{ChainRows, changes, stored_open};
use crate::store::{Disk, MemoryDisk};
use crate::verifier::{Asked, Verifier, Work};
use futures_util::FutureExt;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Checks signatures while it is asked, and tells how much it was asked together.
struct AtOnce(Outbound<usize>);

impl Verifier for AtOnce {
    fn verify(&self, asked: Vec<Asked>) {
        // It has room for everything.
        let _ = self.0.clone().offer(asked.len());
        for (transactions, done) in asked {
            done(check_signatures(&transactions));
        }
    }

    fn aside(&self, work: Work) {
        work();
    }
}

/// What a miner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToMiner {
    TipMoved,
    Open(usize),
    BetterSeen,
}

impl From<TipMoved> for ToMiner {
    fn from(_: TipMoved) -> Self {
        Self::TipMoved
    }
}

impl From<OpenChanged> for ToMiner {
    fn from(message: OpenChanged) -> Self {
        Self::Open(message.open)
    }
}

impl From<MiningComplete> for ToMiner {
    fn from(_: MiningComplete) -> Self {
        Self::BetterSeen
    }
}

/// The session in which a test hands something in by itself.
const BY_HAND: SessionId = SessionId(u64::MAX);

/// A ledger. What it wants written and checked waits until somebody does it.
pub(crate) struct LedgerEnd {
    pub(crate) shell: LedgerShell,
    pub(crate) disk: Arc<MemoryDisk>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) writing: Outbound<CommitRows>,
    /// How many lists of signatures were asked for together, each time.
    pub(crate) checks: Outbound<usize>,
    checked: mpsc::Receiver<SignaturesChecked>,
    pub(crate) gossip: Outbound<LedgerTold>,
    pub(crate) outbox: Outbound<OwnNewsTold>,
    pub(crate) inbox: Outbound<OwnNewsTold>,
    pub(crate) miner: Outbound<ToMiner>,
    pub(crate) events: Outbound<Event>,
    pub(crate) fatal: mpsc::Receiver<String>,
    pub(crate) showing: Arc<Showing>,
    credits: Credits,
}

impl LedgerEnd {
    /// That of nobody in particular, on an empty disk.
    pub(crate) fn new(clock: Arc<HandClock>) -> Self {
        Self::opened(None, Arc::new(MemoryDisk::new()), clock)
    }

    /// What is on this disk, for this member; nothing is written yet.
    pub(crate) fn opened(owner: Option<u8>, disk: Arc<MemoryDisk>, clock: Arc<HandClock>) -> Self {
        let config = Config {
            rules: rules(),
            limits: MempoolLimits::default(),
            owner: owner.map(|owner| member(owner).public_key()),
        };
        let open = stored_open(&*disk).unwrap();
        let opened = Ledger::open(config, open, &ChainRows(&*disk), clock.steady()).unwrap();
        let (sender, checked) = mpsc::channel(64);
        let (writing, gossip, miner) = (Outbound::new(), Outbound::new(), Outbound::new());
        let checks = Outbound::new();
        let (outbox, inbox, events) = (Outbound::new(), Outbound::new(), Outbound::new());
        let (fatal, raised): (Fatal, _) = fatal_channel();
        let showing = Arc::<Showing>::default();
        let parts = LedgerParts {
            disk: disk.clone(),
            clock: clock.clone(),
            verifier: Arc::new(AtOnce(checks.clone())),
            checked: sender,
            showing: showing.clone(),
            links: LedgerLinks {
                store: Link::to(writing.clone(), 1),
                gossip: Link::to(gossip.clone(), 0),
                outbox: Link::to(outbox.clone(), 0),
                inbox: Link::to(inbox.clone(), 0),
                tip_moved: Link::to(miner.clone(), 0),
                open_changed: Link::to(miner.clone(), 0),
                mining_complete: Link::to(miner.clone(), 0),
                events: Link::to(events.clone(), 0),
            },
            fatal,
        };
        let mut shell = LedgerShell::new(opened, parts);
        let members = (1..=9).map(|number| member(number).public_key());
        shell.members_known(MembersKnown {
            members: members.collect(),
            out: Default::default(),
        });
        Self {
            shell,
            disk,
            clock,
            writing,
            checks,
            checked,
            gossip,
            outbox,
            inbox,
            miner,
            events,
            fatal: raised,
            showing,
            credits: Credits::new(usize::MAX),
        }
    }

    /// The disk writes one batch. Whether there was one.
    pub(crate) fn write_one(&mut self) -> bool {
        let Some(commit) = self.writing.take() else {
            return false;
        };
        let Rows::Chain(rows) = commit.rows else {
            panic!("rows of the chain");
        };
        let rows: Vec<_> = changes(&rows).collect();
        self.disk.commit(&rows).unwrap();
        let batch = commit.batch;
        self.shell.committed(RowsCommitted { batch });
        true
    }

    /// The ledger hears of one check of signatures. Whether there was one.
    pub(crate) fn hear_verdicts(&mut self) -> bool {
        if self.shell.takes_to_check() {
            self.shell.check_gathered();
        }
        let checked = self.checked.try_recv();
        checked.is_ok_and(|checked| {
            self.shell.signatures_checked(vec![checked]);
            true
        })
    }

    /// Lets it go on, if it is to. Whether it was.
    pub(crate) fn go_on(&mut self) -> bool {
        let more = self.shell.takes_to_go_on();
        if more {
            self.shell.go_on(GoOn);
        }
        more
    }

    /// Lets everything be checked and written.
    pub(crate) fn settle(&mut self) {
        while self.hear_verdicts() || self.write_one() || self.go_on() {}
    }

    pub(crate) fn rows(&self) -> ChainRows<'_> {
        ChainRows(&*self.disk)
    }

    pub(crate) fn tip(&mut self) -> Tip {
        self.shell.status(GetLedgerStatus).tip
    }

    /// The open transactions, best paying first.
    pub(crate) fn open(&mut self) -> Vec<EncodedTransaction> {
        let all = GetOpenTransactions {
            after: None,
            limit: usize::MAX,
        };
        self.shell.open_transactions(AtTip(all)).0.transactions
    }

    pub(crate) fn open_ids(&mut self) -> BTreeSet<TransactionId> {
        self.open().iter().map(EncodedTransaction::id).collect()
    }

    /// Its owner sends something, and what was decided is written.
    pub(crate) fn send(&mut self, transaction: EncodedTransaction) -> Result<(), Rejected> {
        let own = JudgeOwn(vec![Own::Stored(transaction)]);
        let judged = self.shell.judge_own(own);
        self.settle();
        let mut judged = judged.now_or_never().expect("it is written");
        judged.remove(0).verdict
    }

    /// A session sends a block, and what was decided is written.
    pub(crate) fn block(&mut self, block: Block) -> BlockOutcome {
        self.shell.block(SubmitBlock {
            credit: self.credits.lend(),
            session: BY_HAND,
            block,
        });
        self.settle();
        let mut judged = None;
        for LedgerTold(facts) in self.gossip.drain() {
            let (ours, rest): (Vec<_>, Vec<_>) = facts.into_iter().partition(
                |fact| matches!(fact, LedgerFact::Judged { session, .. } if *session == BY_HAND),
            );
            for fact in ours {
                if let LedgerFact::Judged { credit, answer, .. } = fact {
                    self.credits.take_back(credit);
                    judged = Some(answer);
                }
            }
            if !rest.is_empty() {
                self.gossip.put(LedgerTold(rest));
            }
        }
        match judged {
            Some(Answer::Block(_, outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// A block upon the tip for this member, solved and not handed in.
    pub(crate) fn next_block(&mut self, miner: u8) -> Block {
        let reward_to = member(miner).public_key();
        let template = self.shell.template(GetTemplate { reward_to }).unwrap();
        mine(template.solved(0))
    }

    /// Its own miner finds a block upon the tip, and what was decided is written.
    pub(crate) fn mine(&mut self, miner: u8) -> Block {
        let block = self.next_block(miner);
        let mined = self.shell.mined_block(SubmitMinedBlock(block.clone()));
        self.settle();
        let outcome = mined.now_or_never().expect("it is written");
        assert_eq!(outcome, BlockOutcome::Accepted);
        block
    }
}
