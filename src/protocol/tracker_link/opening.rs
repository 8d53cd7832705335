//! Taking up what is stored.

use super::certificate::Membership;
use super::founding::Founding;
use super::own_record::OwnRecord;
use super::reach::ReachWatch;
use super::{
    CERTIFICATE_ROW, Config, MAX_BACK_OFF_MS, MIN_BACK_OFF_MS, Phase, RECORD_ROW, STATEMENT_ROW,
    TRACKER_ROW, TrackerLink,
};
use crate::canonical;
use crate::chain::Internal;
use crate::keys::PublicKey;
use crate::membership::{Certificate, Statements};
use crate::protocol::backoff::Backoff;
use crate::protocol::commit_queue::CommitQueue;
use crate::protocol::directory::{Directory, NAME_ROW};
use crate::wire::MemberRecord;
use std::sync::Arc;

/// Why the link can't take up its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A stored row is damaged.
    #[error(transparent)]
    Internal(#[from] Internal),
    /// The owner names another key than the network was founded with.
    #[error(
        "\"tracker_key\" in the settings is {}, but this node's network was founded with the tracker \
         key {}; correct or empty it. To join the network of the other tracker, name another \"data_dir\" in \
         the settings, and leave this one, with its wallet, as it is", given.to_address(), founded.to_address()
    )]
    OtherTracker {
        /// Key in genesis.
        founded: PublicKey,
        /// Key in the settings.
        given: PublicKey,
    },
}

impl TrackerLink {
    /// Takes up the stored rows (all of the members' table, in any order). The first
    /// [`TrackerLink::tick`] dials.
    ///
    /// # Errors
    /// By variant of [`OpenError`]: the node can't start.
    pub fn open(
        config: Config,
        rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, OpenError> {
        let mut link = Self {
            tracker: tracker_key(&config)?,
            pinned: None,
            founding: Founding::new(config.genesis.clone()),
            others: config.others.clone(),
            named: None,
            turn: 0,
            directory: Directory::default(),
            statements: config.genesis.as_ref().map(Statements::new).map(Arc::new),
            record: OwnRecord::new(),
            membership: Membership::default(),
            leaving: false,
            apart: false,
            phase: Phase::Waiting,
            pause: Backoff::new(MIN_BACK_OFF_MS, MAX_BACK_OFF_MS, config.seed),
            rival: None,
            reach: ReachWatch::default(),
            work: None,
            former: None,
            decided: CommitQueue::default(),
            address: config.address.clone(),
            config,
        };
        for (key, value) in rows {
            link.open_row(&key, &value)?;
        }
        Ok(link)
    }

    fn open_row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Internal> {
        let damaged = |e| Internal(format!("a row of the tracker link is damaged: {e}"));
        match key {
            [NAME_ROW, name @ ..] => self.directory.open_row(name, value),
            [TRACKER_ROW] => {
                let stored: PublicKey = canonical::decode(value).map_err(damaged)?;
                self.pinned = Some(stored);
                // Genesis, and the owner, say it with more authority than what was seen at the first
                // meeting.
                self.tracker = self.tracker.or(Some(stored));
                Ok(())
            }
            [RECORD_ROW] => {
                let record: MemberRecord = canonical::decode(value).map_err(damaged)?;
                if record.statement.key == self.config.key {
                    self.record.said(record);
                }
                Ok(())
            }
            [STATEMENT_ROW, ..] => match &mut self.statements {
                Some(statements) => Arc::make_mut(statements).open_row(value),
                None => Ok(()),
            },
            [CERTIFICATE_ROW] => {
                let stored: Certificate = canonical::decode(value).map_err(damaged)?;
                self.membership.take_up(stored, &self.config);
                Ok(())
            }
            _ => Err(Internal(
                "the members' table holds a row of no known kind".to_owned(),
            )),
        }
    }
}

/// The key that genesis or the owner name.
fn tracker_key(config: &Config) -> Result<Option<PublicKey>, OpenError> {
    let founded = config.genesis.as_ref().map(|g| g.content.tracker);
    match (founded, config.tracker_key) {
        (Some(founded), Some(given)) if founded != given => {
            Err(OpenError::OtherTracker { founded, given })
        }
        (founded, given) => Ok(founded.or(given)),
    }
}
