//! An archive brought into a database, through the one judge of everything.

use super::entry::{ARCHIVE_VERSION, EndEntry, Entry, HeadEntry};
use super::offline::{OfflineError, OfflineLedger};
use super::{Progress, ReadError};
use crate::chain::application::Application;
use crate::chain::json::{BlockJson, JsonError};
use crate::chain::ledger::BlockOutcome;
use crate::chain::{
    Block, BlockId, Genesis, Height, Internal, NetworkId, PeerFault, Rules, RulesError, tree::Tip,
};
use crate::clock::Clock;
use crate::store::chain_rows::stored_genesis;
use crate::store::{Disk, DiskError};
use std::sync::Arc;

/// What an import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// The network.
    pub network: NetworkId,
    /// Blocks that were not here before.
    pub added: u64,
    /// Blocks that were here already.
    pub known: u64,
    /// What the file said at its end, and what was found to be true.
    pub file: EndEntry,
    /// Where the chain ends now: as the file does, unless more work was here before.
    pub tip: Tip,
}

/// Why an import did not go through. What went before is kept: it is valid, and is passed over when
/// the import is done again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no archive.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is of another version.
    #[error("the file is of version {0}, this program reads version {ARCHIVE_VERSION}")]
    Version(u32),
    /// Its entries are not in their order.
    #[error("the file is no whole export: {0}")]
    Order(&'static str),
    /// The chain that is here is another network's.
    #[error(
        "the file holds the network {file}, and the chain here is that of the network {here}: import it into a data directory of its own"
    )]
    OtherNetwork {
        /// The file's.
        file: NetworkId,
        /// The one that is here.
        here: NetworkId,
    },
    /// Something was changed in the text.
    #[error("block {height} was changed: {error}")]
    Changed {
        /// The block's height.
        height: Height,
        /// What does not fit.
        error: JsonError,
    },
    /// The genesis block is none, or its network can't be followed.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A block breaks a rule.
    #[error("block {height} is not valid: {fault}")]
    Block {
        /// Its height.
        height: Height,
        /// The rule.
        fault: PeerFault,
    },
    /// A block lies ahead of the clock.
    #[error(
        "block {height} is stamped further ahead of this machine's clock than the rules allow: set the clock right, or wait"
    )]
    Ahead {
        /// Its height.
        height: Height,
    },
    /// The database failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What is stored is damaged.
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<OfflineError> for ImportError {
    fn from(error: OfflineError) -> Self {
        match error {
            OfflineError::Disk(error) => Self::Disk(error),
            OfflineError::Internal(error) => Self::Internal(error),
        }
    }
}

impl ImportError {
    /// Whether blocks before the one that failed may have been imported; otherwise nothing was
    /// changed.
    pub fn leaves_a_part(&self) -> bool {
        match self {
            Self::Version(_) | Self::OtherNetwork { .. } | Self::Rules(_) => false,
            Self::Changed { height, .. } => *height > Height(1),
            Self::Read(_)
            | Self::Order(_)
            | Self::Block { .. }
            | Self::Ahead { .. }
            | Self::Disk(_)
            | Self::Internal(_) => true,
        }
    }
}

/// Brings the entries of an archive into the database of a node that does not run. Every block is
/// checked as if it came from a stranger; blocks that are here already are passed over, so that an
/// import that was cut off is simply done again.
///
/// # Errors
/// One variant of [`ImportError`] per way to fail. What was imported before is kept.
pub fn import(
    disk: &dyn Disk,
    applications: &[Arc<dyn Application>],
    mut entries: impl Iterator<Item = Result<Entry, ReadError>>,
    clock: &dyn Clock,
    mut progress: impl FnMut(Progress),
) -> Result<Imported, ImportError> {
    let head = match entries.next().transpose()? {
        Some(Entry::Head(head)) => head,
        _ => return Err(ImportError::Order("it does not begin with a head")),
    };
    if head.raclette_archive != ARCHIVE_VERSION {
        return Err(ImportError::Version(head.raclette_archive));
    }
    let genesis = match entries.next().transpose()? {
        Some(Entry::Genesis(genesis)) => Genesis::try_from(*genesis),
        _ => return Err(ImportError::Order("no genesis block follows its head")),
    };
    let genesis = genesis.map_err(|error| ImportError::Changed {
        height: Height::GENESIS,
        error,
    })?;
    let file = genesis.id();
    if file != head.network {
        return Err(ImportError::Order("its head names another network"));
    }
    if let Some(here) = stored_genesis(disk)?
        && here.id() != file
    {
        let here = here.id();
        return Err(ImportError::OtherNetwork { file, here });
    }
    let rules = Rules::new(genesis, applications)?;
    let ledger = OfflineLedger::open(disk, rules, clock)?;
    let mut import = Import { ledger };
    let imported = import.run(&head, entries, &mut progress);
    // Also after a failure: what is valid is kept.
    import.ledger.write()?;
    imported
}

struct Import<'a> {
    ledger: OfflineLedger<'a>,
}

impl Import<'_> {
    fn run(
        &mut self,
        head: &HeadEntry,
        entries: impl Iterator<Item = Result<Entry, ReadError>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Imported, ImportError> {
        let (mut added, mut known, mut transactions) = (0, 0, 0);
        let mut last = (head.network, Height::GENESIS);
        let mut end = None;
        for entry in entries {
            match (entry?, end) {
                (_, Some(_)) => return Err(ImportError::Order("something follows its end")),
                (Entry::Block(block), None) => {
                    let height = last.1.next();
                    let block = block_of(*block, last, height)?;
                    last = (block.id(), height);
                    transactions += block.transactions.len() as u64;
                    match self.block(block, height)? {
                        true => added += 1,
                        false => known += 1,
                    }
                    progress(Progress {
                        height,
                        of: head.height,
                    });
                }
                (Entry::End(told), None) => end = Some(told),
                (Entry::Head(_) | Entry::Genesis(_), None) => {
                    return Err(ImportError::Order("it begins a second time in its middle"));
                }
            }
        }
        let Some(file) = end else {
            return Err(ReadError::Cut(added + known + 2).into());
        };
        let found = EndEntry {
            height: last.1,
            tip: last.0,
            transactions,
        };
        if file != found || (head.tip, head.height) != last {
            return Err(ImportError::Order("blocks are missing in it"));
        }
        Ok(Imported {
            network: head.network,
            added,
            known,
            file,
            tip: *self.ledger.ledger().tip(),
        })
    }

    /// Has a block judged; whether it was new.
    fn block(&mut self, block: Block, height: Height) -> Result<bool, ImportError> {
        let wrong = |fault| ImportError::Block { height, fault };
        // Of a block that is here already the ledger compares the header only.
        let rules = self.ledger.ledger().chain().rules();
        rules.check_body(&block).map_err(wrong)?;
        match self.ledger.block(block)? {
            BlockOutcome::Accepted => Ok(true),
            BlockOutcome::Known => Ok(false),
            BlockOutcome::Held => Err(ImportError::Ahead { height }),
            BlockOutcome::Fault(fault) => Err(wrong(fault)),
            other => Err(Internal(format!("the ledger says {other:?} to block {height}")).into()),
        }
    }
}

/// The block of an entry, if it is the next one.
fn block_of(
    json: BlockJson,
    last: (BlockId, Height),
    height: Height,
) -> Result<Block, ImportError> {
    let block = Block::try_from(json).map_err(|error| ImportError::Changed { height, error })?;
    if block.header.previous != last.0 || block.header.height != height {
        return Err(ImportError::Order(
            "its blocks do not stand on each other: one is missing, or was moved",
        ));
    }
    Ok(block)
}
