//! What is on the chain: blocks, transactions, proofs, all of it checked, and all of it as text.

use super::answers::{
    BlockCheckView, BlockView, BlocksView, ChainView, Cursor, OpenView, TransactionStateView,
    VerifyLine,
};
use super::chain_reads::{
    self, BlockName, block_like, block_line, find_block, no_body, tip_of, tip_view,
    transaction_like, transaction_view,
};
use super::codes::Code;
use super::ids::TypedId;
use super::meaning::Meanings;
use super::pages::{Order, Page, not_a_cursor};
use super::refusal::{Refused, unverified};
use super::{Peer, export, verification};
use crate::chain::json::{BlockJson, GenesisJson};
use crate::chain::mempool::OpenPlace;
use crate::chain::proof::{DEFAULT_TAIL, ProofJson, ProveError, Subject, prove};
use crate::chain::verify::{VerifyError, verify_block};
use crate::chain::{BlockId, Height, Rules, StateView};
use crate::messages::ledger::{AtTip, GetOpenTransactions};
use crate::store::DiskRead;
use crate::store::chain_rows::ChainRows;
use futures_util::Stream;
use serde::Serialize;
use std::io;

/// Open transactions in one answer, if it is not said how many, and at most: about half a megabyte of JSON.
pub(crate) const MAX_OPEN_LISTED: usize = 1_000;
/// Blocks in one answer, if it is not said how many.
const BLOCKS_LISTED: usize = 20;
/// Blocks in one answer at most: each is read whole to be counted.
pub(crate) const MAX_BLOCKS_LISTED: usize = 100;

/// All of a block, to the byte.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum BlockData {
    /// The first one.
    Genesis(Box<GenesisJson>),
    /// A later one.
    Block(BlockJson),
}

impl Peer {
    /// The chain in a few numbers.
    ///
    /// # Errors
    /// [`Code::NoNetwork`].
    pub async fn chain(&self) -> Result<ChainView, Refused> {
        let rules = &self.parts()?.rules;
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let view = ChainRows(&*snapshot);
        let tip = tip_of(rules, &view)?;
        let entry = view.header(&tip.id)?;
        Ok(ChainView {
            network: rules.network(),
            length: tip.height.0.saturating_add(1),
            work: entry.unwrap_or_else(|| rules.genesis_entry()).work,
            tip,
        })
    }

    /// A block of the connected chain by height, or any block whose body is here by id.
    ///
    /// # Errors
    /// [`Code::BadId`], [`Code::AmbiguousId`], [`Code::UnknownBlock`], [`Code::NoNetwork`].
    pub async fn block(&self, name: &str) -> Result<BlockView, Refused> {
        let name = BlockName::parse(name)?;
        let rules = &self.parts()?.rules;
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        chain_reads::block(rules, &*snapshot, &self.people(&known), &name)
    }

    /// The blocks of the connected chain. The cursor is the height that the page before ended with.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::BadCursor`], [`Code::NoNetwork`].
    pub async fn blocks(&self, order: Order, page: &Page) -> Result<BlocksView, Refused> {
        let limit = page.limit(BLOCKS_LISTED, MAX_BLOCKS_LISTED)? as u64;
        let after = page.after_number()?;
        let rules = &self.parts()?.rules;
        let known = self.known();
        let people = self.people(&known);
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let view = ChainRows(&*snapshot);
        let tip = tip_of(rules, &view)?;
        let end = tip.height.0.saturating_add(1);
        let heights: Vec<u64> = match order {
            Order::Oldest => {
                let first = after.map_or(0, |after| after.saturating_add(1));
                (first..end.min(first.saturating_add(limit))).collect()
            }
            Order::Latest => {
                let end = after.map_or(end, |after| after.min(end));
                (end.saturating_sub(limit)..end).rev().collect()
            }
        };
        let last = heights.last().copied();
        let more = last.filter(|last| match order {
            Order::Oldest => *last < tip.height.0,
            Order::Latest => *last > 0,
        });
        let line = |height| block_line(rules, &view, &people, Height(height));
        Ok(BlocksView {
            blocks: heights.into_iter().map(line).collect::<Result<_, _>>()?,
            next: more.map(|height| Cursor(height.to_string())),
            tip,
        })
    }

    /// All of a block, to the byte.
    ///
    /// # Errors
    /// As for [`block`](Self::block).
    pub async fn block_data(&self, name: &str) -> Result<BlockData, Refused> {
        let name = BlockName::parse(name)?;
        let rules = &self.parts()?.rules;
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let id = find_block(rules, &*snapshot, &name)?;
        if id == rules.network() {
            return Ok(BlockData::Genesis(Box::new(GenesisJson::from(
                rules.genesis(),
            ))));
        }
        let block = ChainRows(&*snapshot).block(&id)?.ok_or_else(no_body)?;
        Ok(BlockData::Block(BlockJson::from(&block)))
    }

    /// Checks one block of the connected chain again.
    ///
    /// # Errors
    /// As for [`block`](Self::block), and [`Code::NotOnChain`].
    pub async fn verify_block(&self, name: &str) -> Result<BlockCheckView, Refused> {
        let name = BlockName::parse(name)?;
        let rules = &self.parts()?.rules;
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let view = ChainRows(&*snapshot);
        let id = find_block(rules, &*snapshot, &name)?;
        let height = connected_height(rules, &view, id)?;
        let error = match verify_block(rules, &view, &id) {
            Ok(()) => None,
            Err(VerifyError::Internal(error)) => return Err(error.into()),
            Err(error) => Some(unverified(&error)),
        };
        Ok(BlockCheckView { id, height, error })
    }

    /// Where a transaction stands on the ledger.
    ///
    /// # Errors
    /// [`Code::BadId`], [`Code::AmbiguousId`], [`Code::UnknownTransaction`] for the beginning of an id that
    /// nothing has (a whole one that nothing has is an answer), [`Code::NoNetwork`].
    pub async fn transaction(&self, id: &str) -> Result<TransactionStateView, Refused> {
        let id = TypedId::parse(id)?;
        let rules = &self.parts()?.rules;
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        chain_reads::transaction_state(rules, &*snapshot, &self.people(&known), &id)
    }

    /// The open transactions, the best paying first.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::BadCursor`], [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn open(&self, page: &Page) -> Result<OpenView, Refused> {
        let limit = page.limit(MAX_OPEN_LISTED, MAX_OPEN_LISTED)?;
        let place = |cursor: &Cursor| cursor.0.parse().map_err(|_| not_a_cursor(cursor));
        let after: Option<OpenPlace> = page.after.as_ref().map(place).transpose()?;
        let parts = self.parts()?;
        let asked = AtTip(GetOpenTransactions { after, limit });
        let (open, tip) = parts.open_transactions.send(asked).await?;
        let known = self.known();
        let people = self.people(&known);
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let view = ChainRows(&*snapshot);
        let meanings = Meanings::of(&parts.rules, &view);
        let transactions = open.transactions.iter();
        Ok(OpenView {
            count: open.all,
            transactions: transactions
                .map(|transaction| transaction_view(transaction, &people, &meanings))
                .collect::<Result<_, _>>()?,
            next: open.next.map(|place| Cursor(place.to_string())),
            tip: tip_view(&tip),
        })
    }

    /// A proof that a block, or a transaction in one, is on the chain: it leads to a block (`until`, by
    /// height or id; the last one if left out) and shows so many headers from there on (`tail`).
    ///
    /// # Errors
    /// As for [`block`](Self::block), and [`Code::NotMined`], [`Code::NotOnChain`], [`Code::BadParameter`].
    pub async fn proof(
        &self,
        id: &str,
        tail: Option<usize>,
        until: Option<&str>,
    ) -> Result<ProofJson, Refused> {
        let name = BlockName::parse(id)?;
        let until = until.map(BlockName::parse).transpose()?;
        let rules = &self.parts()?.rules;
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let view = ChainRows(&*snapshot);
        let subject = subject(rules, &*snapshot, &name)?;
        let until = until.map(|until| {
            let id = find_block(rules, &*snapshot, &until)?;
            connected_height(rules, &view, id)
        });
        let tail = tail.unwrap_or(DEFAULT_TAIL);
        let proof = prove(&view, subject, tail, until.transpose()?)?;
        Ok(ProofJson::from(&proof))
    }

    /// Checks the whole chain again, on a thread of its own, and tells how far it is; the last line says what
    /// came of it. Whoever drops the stream ends it.
    ///
    /// # Errors
    /// [`Code::AlreadyRunning`], [`Code::NoNetwork`].
    pub async fn verify_chain(
        &self,
    ) -> Result<impl Stream<Item = io::Result<VerifyLine>> + use<>, Refused> {
        let rules = self.parts()?.rules.clone();
        let scratch = self.long.scratch.clone();
        verification::start(&self.long.verifications, self.disk()?, rules, scratch)
    }

    /// The whole chain as text, an [`Entry`](crate::archive::Entry) a line, from one snapshot, as it is read.
    /// Whoever drops the stream ends it.
    ///
    /// # Errors
    /// [`Code::AlreadyRunning`], [`Code::NoNetwork`].
    pub async fn export(&self) -> Result<impl Stream<Item = io::Result<Vec<u8>>> + use<>, Refused> {
        let rules = self.parts()?.rules.clone();
        export::start(&self.long.exports, self.disk()?, rules)
    }
}

/// What is meant by a name: a block by its height, or whatever has the id.
fn subject(rules: &Rules, disk: &dyn DiskRead, name: &BlockName) -> Result<Subject, Refused> {
    let BlockName::Id(id) = name else {
        return Ok(Subject::Block(find_block(rules, disk, name)?));
    };
    let transaction = transaction_like(disk, id)?.map(Subject::Transaction);
    let block = block_like(rules, disk, id)?.map(Subject::Block);
    let found = id.the_only(transaction.into_iter().chain(block))?;
    found.ok_or_else(|| {
        Refused::new(
            Code::UnknownTransaction,
            format!("this node knows neither a block nor a transaction whose id begins with {id}"),
        )
    })
}

/// The height of a block, which must be on the connected chain.
fn connected_height(rules: &Rules, view: &dyn StateView, id: BlockId) -> Result<Height, Refused> {
    if id == rules.network() {
        return Ok(Height::GENESIS);
    }
    if let Some(entry) = view.header(&id)?
        && view.active(entry.header.height)? == Some(id)
    {
        return Ok(entry.header.height);
    }
    Err(ProveError::NotConnected(id).into())
}
