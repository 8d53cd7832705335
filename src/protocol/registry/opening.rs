//! Taking up what is stored.

use super::certificates::Certificates;
use super::contests::Contests;
use super::copying::Copies;
use super::delegates::{DELEGATION_ROW, Delegations};
use super::founding::{Founding, GENESIS_ROW};
use super::inquiries::Visits;
use super::invitations::{INVITATION_ROW, Invitations};
use super::members::{
    FORMER_NAME_ROW, MAX_MEMBERS_REGISTERED, MEMBER_ROW, Members, NEXT_ID_ROW, numbers_of,
};
use super::news::News;
use super::outgoing::Outgoing;
use super::sessions::Sessions;
use super::statements::STATEMENT_ROW;
use super::{MAX_HOSTS_VISITED, Registry};
use crate::chain::params::ParamsError;
use crate::chain::{Internal, Params, Timestamp};
use crate::keys::{PublicKey, SecretKey};
use crate::membership::Address;
use crate::protocol::bucket::Buckets;
use crate::protocol::doorstep::Doorstep;
use crate::protocol::liveness::Liveness;
use crate::protocol::spread::Spread;
use std::sync::Arc;

/// Why the registry can't take up its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// A stored row is not what it must be.
    #[error(transparent)]
    Internal(#[from] Internal),
    /// The settings can't be those of a network.
    #[error("the network's settings can't be used: {0}; correct [network] in the settings")]
    Params(#[from] ParamsError),
    /// The network was founded with another tracker key.
    #[error(
        "this register belongs to the tracker key {stored}, but the wallet holds {given}; put the \
         former wallet back, or, for a new network, name another \"data_dir\" in the settings and leave this \
         one as it is"
    )]
    OtherKey {
        /// Key in genesis.
        stored: PublicKey,
        /// Our key.
        given: PublicKey,
    },
}

/// A further tracker of a network: where it belongs.
#[derive(Debug, Clone)]
pub struct Further {
    /// Key of the network's first tracker.
    pub founder: PublicKey,
    /// Where whoever speaks for the network is, to copy its register from.
    pub first: Vec<Address>,
}

impl Registry {
    /// Takes up the stored rows (all of its table, in any order). `secret` is the tracker's, `params`
    /// those of its settings, which count until there is a genesis; `seed` only spreads choices.
    ///
    /// # Errors
    /// By variant of [`RegistryError`]; the tracker can't start.
    pub fn open(
        secret: Arc<SecretKey>,
        params: Params,
        seed: u64,
        rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, RegistryError> {
        let further = Further {
            founder: secret.public_key(),
            first: Vec::new(),
        };
        Self::open_further(secret, further, params, seed, rows)
    }

    /// As [`Registry::open`], of a further tracker of a network. It founds nothing. As long as it has no
    /// right to issue it only introduces: what it registers is what members were certified for.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub fn open_further(
        secret: Arc<SecretKey>,
        further: Further,
        params: Params,
        seed: u64,
        rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, RegistryError> {
        params.check()?;
        let Further { founder, first } = further;
        let own = secret.public_key();
        let certificates = Certificates::new(secret, founder);
        let founds = certificates.founds();
        let mut registry = Self {
            certificates,
            founding: Founding::new(founder, founds, params),
            members: Members::new(numbers_of((!founds).then_some(own))),
            invitations: Invitations::default(),
            statements: None,
            delegations: Delegations::default(),
            copies: Copies::new(first, seed),
            visits: Visits::new(),
            doorstep: Doorstep::default(),
            sessions: Sessions::default(),
            contests: Contests::default(),
            pricing: None,
            records: Buckets::new(MAX_MEMBERS_REGISTERED),
            renames: Buckets::new(MAX_MEMBERS_REGISTERED),
            hosts: Buckets::new(MAX_HOSTS_VISITED),
            liveness: Liveness::new(seed),
            news: News::default(),
            heard: Timestamp(0),
            spread: Spread::new(seed),
            outgoing: Outgoing::default(),
        };
        let mut said = Vec::new();
        for (row_key, value) in rows {
            match &*row_key {
                [STATEMENT_ROW, about @ ..] => said.push((about.to_vec(), value)),
                _ => registry.open_row(&row_key, &value)?,
            }
        }
        registry.watch_members();
        if let Some(genesis) = registry.genesis()
            && genesis.content.tracker != founder
        {
            return Err(RegistryError::OtherKey {
                stored: genesis.content.tracker,
                given: founder,
            });
        }
        registry.open_statements(said)?;
        Ok(registry)
    }

    fn open_row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Internal> {
        match key {
            [MEMBER_ROW, id @ ..] => self.members.open_member(id, value),
            [NEXT_ID_ROW] => self.members.open_next_id(value),
            [GENESIS_ROW] => self.founding.open_row(value),
            [INVITATION_ROW, id @ ..] => self.invitations.open_row(id, value),
            [DELEGATION_ROW, ..] => self.open_delegation(value),
            [FORMER_NAME_ROW, name @ ..] => self.members.open_former(name, value),
            _ => Err(Internal(
                "the register holds a row of no known kind".to_owned(),
            )),
        }
    }
}
