//! What is valid: the one judge, whatever way a thing came in.

use super::application::{Application, MAX_BLOCK_CHECKS, MEMBERS_TOPIC};
use super::block::encoded_size;
use super::difficulty::DifficultyRule;
use super::header::HEADER_VERSION;
use super::history::Peaks;
use super::params::{MAX_EXPIRY, Params};
use super::rows::{BlockStatus, HeaderEntry};
use super::{
    Action, Amount, Block, BlockId, EncodedTransaction, Genesis, GenesisError, Header, Height,
    NetworkId, Payload, PeerFault, Rejected, Timestamp, Topic,
};
use crate::keys::PublicKey;
use std::sync::Arc;

/// The rules of one network: its genesis and its applications.
#[derive(Clone)]
pub struct Rules {
    pub(super) genesis: Arc<Genesis>,
    pub(super) network: NetworkId,
    pub(super) applications: Arc<[Arc<dyn Application>]>,
    difficulty: DifficultyRule,
}

/// Why there are no rules for a genesis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// The genesis itself is wrong.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The network uses an application that this program does not have.
    #[error(
        "the network uses the application {0}, which this version of the program does not have: install one that does"
    )]
    MissingApplication(String),
}

impl Rules {
    /// Checks the genesis and picks the applications out of those at hand: that of members, which every
    /// network has, and those that it names.
    pub fn new(genesis: Genesis, available: &[Arc<dyn Application>]) -> Result<Self, RulesError> {
        genesis.check()?;
        let difficulty = genesis.params().difficulty().map_err(GenesisError::from)?;
        let members = Topic::new(MEMBERS_TOPIC).expect("it is short");
        let applications = std::iter::once(&members)
            .chain(&genesis.params().applications)
            .map(|topic| {
                let found = available
                    .iter()
                    .find(|application| application.topic() == topic);
                found
                    .cloned()
                    .ok_or_else(|| RulesError::MissingApplication(topic.to_string()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            network: genesis.id(),
            genesis: Arc::new(genesis),
            applications,
            difficulty,
        })
    }

    /// The genesis block.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Topics whose records an application judges.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.applications
            .iter()
            .map(|application| application.topic())
    }

    /// The network's id.
    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// The network's parameters.
    pub fn params(&self) -> &Params {
        self.genesis.params()
    }

    /// What is known of the genesis header.
    pub fn genesis_entry(&self) -> HeaderEntry {
        let header = self.genesis.header;
        let base = self.difficulty.first_base();
        HeaderEntry {
            header,
            base,
            work: base.work(),
            status: BlockStatus::Available,
            newest_child: None,
            older_sibling: None,
        }
    }

    /// The base target of a child of `parent`, whose own parent has the timestamp `grandparent`
    /// (`None` where `parent` is genesis).
    fn child_base(
        &self,
        parent: &HeaderEntry,
        grandparent: Option<Timestamp>,
    ) -> super::target::Target {
        match grandparent {
            None => self.difficulty.first_base(),
            Some(before) => self.difficulty.next_base(
                parent.base,
                parent.header.height.next().0,
                parent.header.timestamp.since(before),
            ),
        }
    }

    /// Begins a header upon `parent`: all but the transactions root and the nonce. `history` are the
    /// peaks up to and including `parent`. The timestamp is now, or just after the parent's.
    pub fn child_header(
        &self,
        parent: &HeaderEntry,
        grandparent: Option<Timestamp>,
        history: &Peaks,
        now: Timestamp,
    ) -> Header {
        let timestamp = now.max(parent.header.timestamp.plus_ms(1));
        let height = parent.header.height.next();
        let base = self.child_base(parent, grandparent);
        let since = timestamp.since(parent.header.timestamp);
        Header {
            previous: parent.header.id(),
            history_root: history.root(),
            transactions_root: super::block::root_of(&[]),
            version: HEADER_VERSION,
            target: self.difficulty.used_target(base, height.0, since),
            height,
            timestamp,
            nonce: 0,
        }
    }

    /// Checks a header against its parent; everything in it but the nonce, the timestamp and the
    /// transactions root follows from what came before. Whether its time has come is for
    /// [`Rules::is_ahead`] to say.
    pub fn check_header(
        &self,
        header: &Header,
        parent: &HeaderEntry,
        grandparent: Option<Timestamp>,
        history: &Peaks,
    ) -> Result<HeaderEntry, PeerFault> {
        let id = header.id();
        if !header.has_work() {
            return Err(PeerFault::NoWork(id));
        }
        let wrong = |field| Err(PeerFault::WrongHeader { id, field });
        if header.version != HEADER_VERSION {
            return wrong("version");
        }
        if header.height != parent.header.height.next() {
            return wrong("height");
        }
        if header.timestamp <= parent.header.timestamp {
            return wrong("timestamp: it must be later than its parent's");
        }
        if header.history_root != history.root() {
            return wrong("history root");
        }
        let base = self.child_base(parent, grandparent);
        let since = header.timestamp.since(parent.header.timestamp);
        if header.target != self.difficulty.used_target(base, header.height.0, since) {
            return wrong("target");
        }
        let own = header.target.expand().map_err(|_| PeerFault::NoWork(id))?;
        let Some(work) = parent.work.checked_add(own.work()) else {
            return wrong("amount of work");
        };
        Ok(HeaderEntry {
            header: *header,
            base,
            work,
            status: BlockStatus::HeaderOnly,
            newest_child: None,
            older_sibling: None,
        })
    }

    /// Whether a header lies further ahead of the clock than clocks may differ. It is no fault: it
    /// may be asked for again when its time has come.
    pub fn is_ahead(&self, header: &Header, now: Timestamp) -> bool {
        header.timestamp > now.plus_ms(self.params().max_ahead_ms())
    }

    /// Everything about a transaction that depends on nothing but itself and the network.
    pub fn check_form(&self, transaction: &EncodedTransaction) -> Result<(), Rejected> {
        let payload = transaction.payload();
        if payload.network != self.network {
            return Err(Rejected::WrongNetwork);
        }
        if payload.cost().is_none() {
            return Err(Rejected::Meaningless);
        }
        match &payload.action {
            Action::Transfer { amount, note, .. } if *amount == Amount::ZERO && note.is_empty() => {
                return Err(Rejected::Meaningless);
            }
            Action::Transfer { to, .. } if *to == payload.sender => return Err(Rejected::ToSelf),
            Action::Record { topic, .. } if topic.as_str().is_empty() => {
                return Err(Rejected::Meaningless);
            }
            Action::Transfer { .. } | Action::Record { .. } => {}
            Action::Reward { .. } => return Err(Rejected::StrayReward),
        }
        let max = self.params().max_block_bytes as usize - super::block::EMPTY_BLOCK;
        if transaction.size() > max {
            return Err(Rejected::TooLarge {
                size: transaction.size(),
                max,
            });
        }
        match self.application_of(transaction) {
            // Whether it needs a fee is the application's to say.
            Some(application) => self.check_record(application, transaction),
            None => self.check_fee(transaction),
        }
    }

    /// Has the application say what it can without the ledger, and keeps with the transaction what is to
    /// be checked of the signatures in it.
    fn check_record(
        &self,
        application: &dyn Application,
        transaction: &EncodedTransaction,
    ) -> Result<(), Rejected> {
        let Action::Record { topic, body } = &transaction.payload().action else {
            return Ok(());
        };
        if transaction.has_record_signatures() {
            return Ok(());
        }
        let sender = &transaction.payload().sender;
        let refused = |reason| Rejected::Application {
            topic: topic.to_string(),
            reason,
            not_yet: false,
        };
        let items = application
            .check(&self.network, sender, body)
            .map_err(refused)?;
        if items.len() > MAX_BLOCK_CHECKS {
            let found = items.len();
            let reason =
                format!("it holds {found} signatures, at most {MAX_BLOCK_CHECKS} are allowed");
            return Err(refused(reason));
        }
        transaction.set_record_signatures(items);
        Ok(())
    }

    /// Whether a transaction pays what it must for its size.
    pub(super) fn check_fee(&self, transaction: &EncodedTransaction) -> Result<(), Rejected> {
        let given = transaction.payload().fee;
        let least = self.params().least_fee(transaction.size());
        if given < least {
            return Err(Rejected::FeeTooLow { given, least });
        }
        Ok(())
    }

    /// Whether a transaction may be mined at `height`, by its expiry.
    pub fn check_expiry(&self, payload: &Payload, height: Height) -> Result<(), Rejected> {
        if payload.expires_at < height {
            let tip = height.previous().unwrap_or_default();
            return Err(Rejected::Expired {
                expired: payload.expires_at,
                tip,
            });
        }
        if payload.expires_at.0 - height.0 > MAX_EXPIRY {
            return Err(Rejected::ExpiresTooLate(payload.expires_at));
        }
        Ok(())
    }

    /// The reward's transaction for a block at `height` that earns `fees`; `None` if the sum does
    /// not fit.
    pub fn reward(&self, to: PublicKey, height: Height, fees: Amount) -> Option<Payload> {
        let amount = self.params().subsidy(height).plus(fees)?;
        Some(Payload::reward(self.network, to, height, amount))
    }

    /// Everything about a body that depends on nothing but its header and the network; signatures
    /// are checked apart, balances when the block is applied.
    pub fn check_body(&self, block: &Block) -> Result<(), PeerFault> {
        let id = block.id();
        if block.computed_root() != block.header.transactions_root {
            return Err(PeerFault::BodyMismatch(id));
        }
        let invalid = |reason: String| Err(PeerFault::InvalidBlock { id, reason });
        if encoded_size(&block.transactions) > self.params().max_block_bytes as usize {
            return invalid("it is larger than the network allows".into());
        }
        let Some((reward, paid)) = block.transactions.split_first() else {
            return invalid("it has no reward".into());
        };
        for transaction in paid {
            if let Err(reason) = self
                .check_form(transaction)
                .and_then(|()| self.check_expiry(transaction.payload(), block.header.height))
            {
                return invalid(format!("transaction {}: {reason}", transaction.id()));
            }
        }
        let checks: usize = paid.iter().map(|t| t.record_signatures().len()).sum();
        if checks > MAX_BLOCK_CHECKS {
            return invalid(format!(
                "its records hold {checks} signatures, at most {MAX_BLOCK_CHECKS} are allowed"
            ));
        }
        let fees = paid
            .iter()
            .try_fold(Amount::ZERO, |sum, t| sum.plus(t.payload().fee));
        let Action::Reward { to, .. } = reward.payload().action else {
            return invalid("its first transaction is no reward".into());
        };
        let due = fees.and_then(|fees| self.reward(to, block.header.height, fees));
        let exact = due.is_some_and(|due| due.unsigned() == *reward.transaction());
        if !exact {
            return invalid("its reward is not exactly the subsidy and the fees".into());
        }
        Ok(())
    }

    /// The name an invalid block gets for breaking a rule of the ledger.
    pub(super) fn invalid(
        id: BlockId,
        transaction: &EncodedTransaction,
        reason: &Rejected,
    ) -> PeerFault {
        PeerFault::InvalidBlock {
            id,
            reason: format!("transaction {}: {reason}", transaction.id()),
        }
    }
}

#[cfg(test)]
mod tests;
