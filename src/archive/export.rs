//! The entries of the chain that is stored.

use super::Progress;
use super::entry::{ARCHIVE_VERSION, EndEntry, Entry, HeadEntry};
use crate::chain::rows::{RowKey, StateView};
use crate::chain::{BlockId, Genesis, Height, Internal};

/// The archive of the connected chain that `stored` shows, which must not change meanwhile (a
/// snapshot does not).
///
/// # Errors
/// If its tip can't be read.
pub fn archive_of<'a>(
    stored: &'a dyn StateView,
    genesis: &Genesis,
) -> Result<Entries<'a>, Internal> {
    let (tip, height) = match stored.named(&RowKey::Tip)? {
        None => (genesis.id(), Height::GENESIS),
        Some(tip) => {
            let entry = stored
                .header(&tip)?
                .ok_or_else(|| Internal(format!("the header of the tip {tip} is missing")))?;
            (tip, entry.header.height)
        }
    };
    Ok(Entries {
        stored,
        genesis: genesis.clone(),
        tip,
        end: height,
        transactions: 0,
        last: genesis.id(),
        next: Next::Head,
    })
}

/// What comes next.
#[derive(Clone, Copy)]
enum Next {
    Head,
    Genesis,
    Block(Height),
    End,
    Nothing,
}

/// The entries of an archive, in order, each read when it is asked for. It ends after an error.
pub struct Entries<'a> {
    stored: &'a dyn StateView,
    genesis: Genesis,
    tip: BlockId,
    end: Height,
    transactions: u64,
    last: BlockId,
    next: Next,
}

impl Entries<'_> {
    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let height = match self.next {
            Next::Head | Next::Genesis => Height::GENESIS,
            Next::Block(height) => height.previous().unwrap_or_default(),
            Next::End | Next::Nothing => self.end,
        };
        Progress {
            height,
            of: self.end,
        }
    }

    fn head(&self) -> Entry {
        Entry::Head(HeadEntry {
            raclette_archive: ARCHIVE_VERSION,
            network: self.genesis.id(),
            name: self.genesis.params().name.to_string(),
            height: self.end,
            tip: self.tip,
        })
    }

    fn block(&mut self, height: Height) -> Result<Entry, Internal> {
        let missing = || Internal(format!("the block at height {height} is missing"));
        let id = self.stored.active(height)?.ok_or_else(missing)?;
        let block = self.stored.block(&id)?.ok_or_else(missing)?;
        if block.id() != id || block.header.previous != self.last {
            return Err(Internal(format!(
                "the block at height {height} does not stand on the one before it: the stored chain \
                 is damaged"
            )));
        }
        self.last = id;
        self.transactions += block.transactions.len() as u64;
        Ok(Entry::Block(Box::new((&block).into())))
    }

    /// What comes at or after `height`.
    fn block_or_end(&self, height: Height) -> Next {
        if height <= self.end {
            Next::Block(height)
        } else {
            Next::End
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, Internal>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next {
            Next::Head => {
                self.next = Next::Genesis;
                Some(Ok(self.head()))
            }
            Next::Genesis => {
                self.next = self.block_or_end(Height(1));
                Some(Ok(Entry::Genesis(Box::new((&self.genesis).into()))))
            }
            Next::Block(height) => {
                let entry = self.block(height);
                self.next = match &entry {
                    Ok(_) => self.block_or_end(height.next()),
                    Err(_) => Next::Nothing,
                };
                Some(entry)
            }
            Next::End => {
                self.next = Next::Nothing;
                Some(Ok(Entry::End(EndEntry {
                    height: self.end,
                    tip: self.tip,
                    transactions: self.transactions,
                })))
            }
            Next::Nothing => None,
        }
    }
}
