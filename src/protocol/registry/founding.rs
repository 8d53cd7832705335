//! How the network gets its one genesis block.

use super::sessions::Present;
use super::{CLAIM_MS, LEASE_MS};
use crate::canonical;
use crate::chain::params::Difference;
use crate::chain::{Genesis, Internal, NetworkId, Params};
use crate::clock::{Now, SteadyTime};
use crate::keys::PublicKey;
use crate::protocol::Row;
use crate::wire::MemberId;
use crate::wire::message::Lease;
use std::collections::BTreeMap;

/// How far behind the tracker's clock a new genesis block may be stamped, in milliseconds: the longest that a
/// search for one should take, on a clock that is a few minutes behind. A block that is older leaves a gap in
/// which its founder alone could mine, at the least difficulty.
pub const MAX_BEHIND_MS: u64 = 600_000;
/// Members that were waited for, of whom it is known since when; more are not waited for.
const MAX_CLAIMS: usize = 1_024;

/// Key of the row that holds genesis.
pub(super) const GENESIS_ROW: u8 = 3;

/// Who is asked to make genesis.
#[derive(Debug, Clone, Copy)]
struct Holder {
    id: MemberId,
    until: SteadyTime,
}

/// Somebody offers a genesis block.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) from: MemberId,
    /// The key of that member.
    pub(super) key: Option<PublicKey>,
    /// It said in its hello that it is of this network.
    pub(super) has_network: bool,
    /// It showed that it is, by a certificate of this network's tracker.
    pub(super) is_of_network: bool,
    pub(super) genesis: Genesis,
}

/// What becomes of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is genesis already.
    Known,
    /// It is no genesis of this network; why, for people.
    Refused(String),
    /// Somebody else was asked since. The sender is told whose block it became.
    TooLate,
    /// It is the network's first block now.
    Accepted {
        /// It was not made for us now, but presented by a member that has a chain.
        adopted: bool,
        /// Its parameters are not those of our settings.
        other_params: bool,
    },
}

/// The founding of the network, and what came of it.
#[derive(Debug)]
pub(super) struct Founding {
    /// Key of the network's first tracker.
    issuer: PublicKey,
    /// Whether that one is ours: no other founds a network.
    founds: bool,
    params: Params,
    genesis: Option<Genesis>,
    /// The network that this tracker founded, as it knows otherwise than by its register.
    founded: Option<NetworkId>,
    /// The last one asked to make genesis; stays, when its time is over, until another is asked.
    holder: Option<Holder>,
    /// Who may present the genesis of its network, and since when it is waited for: once for each key.
    claims: BTreeMap<PublicKey, SteadyTime>,
}

impl Founding {
    /// What our settings say that genesis says otherwise.
    pub(super) fn overruled(&self) -> Vec<Difference> {
        let founded = self.genesis.as_ref();
        founded.map_or_else(Vec::new, |genesis| {
            self.params.differences(&genesis.content.params)
        })
    }

    pub(super) fn new(issuer: PublicKey, founds: bool, params: Params) -> Self {
        Self {
            issuer,
            founds,
            params,
            genesis: None,
            founded: None,
            holder: None,
            claims: BTreeMap::new(),
        }
    }

    /// Takes up the stored block.
    pub(super) fn open_row(&mut self, value: &[u8]) -> Result<(), Internal> {
        let damaged = |e: String| Internal(format!("the stored genesis is damaged: {e}"));
        let genesis: Genesis = canonical::decode(value).map_err(|e| damaged(e.to_string()))?;
        genesis.check().map_err(|e| damaged(e.to_string()))?;
        self.genesis = Some(genesis);
        Ok(())
    }

    /// This tracker has founded a network before: if there is no genesis, that is lost, and no second one is
    /// founded.
    pub(super) fn has_founded(&mut self, network: NetworkId) {
        self.founded = Some(network);
    }

    /// The network whose genesis was lost and is waited for.
    pub(super) fn awaited(&self) -> Option<NetworkId> {
        self.founded.filter(|_| self.genesis.is_none())
    }

    pub(super) fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// The parameters that this tracker's settings describe.
    pub(super) fn wanted(&self) -> &Params {
        &self.params
    }

    /// The network's id; zero as long as there is no genesis.
    pub(super) fn network(&self) -> NetworkId {
        self.genesis.as_ref().map_or(NetworkId::ZERO, Genesis::id)
    }

    /// Takes genesis from another tracker of the network; its row, if it is news.
    ///
    /// # Errors
    /// It is that of another network, or none.
    pub(super) fn adopt(&mut self, genesis: Genesis) -> Result<Option<Row>, String> {
        if let Some(known) = &self.genesis {
            let same = *known == genesis;
            let other = || "you are a tracker of another network".to_owned();
            return same.then_some(None).ok_or_else(other);
        }
        genesis.check().map_err(|e| e.to_string())?;
        if self.founds || genesis.content.tracker != self.issuer {
            return Err("your genesis block is not that of this tracker's network".to_owned());
        }
        let row = (vec![GENESIS_ROW], Some(canonical::encode(&genesis)));
        self.genesis = Some(genesis);
        Ok(Some(row))
    }

    /// Judges an offer, and takes it if there is nothing against it.
    pub(super) fn offer(&mut self, offer: Offer, now: Now) -> (Verdict, Vec<Row>) {
        let verdict = self.judge(&offer, now);
        if !matches!(verdict, Verdict::Accepted { .. }) {
            return (verdict, Vec::new());
        }
        let row = (vec![GENESIS_ROW], Some(canonical::encode(&offer.genesis)));
        self.genesis = Some(offer.genesis);
        self.holder = None;
        (verdict, vec![row])
    }

    fn judge(&self, offer: &Offer, now: Now) -> Verdict {
        if self.genesis.is_some() {
            return Verdict::Known;
        }
        if let Err(reason) = self.check(offer, now) {
            return Verdict::Refused(reason);
        }
        let adopted = offer.has_network;
        if !adopted && !self.founds {
            let text = "this tracker only introduces: genesis comes from the first one";
            return Verdict::Refused(text.to_owned());
        }
        if !adopted && self.holder.is_none_or(|h| h.id != offer.from) {
            return Verdict::TooLate;
        }
        Verdict::Accepted {
            adopted,
            other_params: offer.genesis.content.params != self.params,
        }
    }

    fn check(&self, offer: &Offer, now: Now) -> Result<(), String> {
        let genesis = &offer.genesis;
        genesis.check().map_err(|e| e.to_string())?;
        if genesis.content.tracker != self.issuer {
            return Err(format!(
                "the genesis block is for the tracker {}, this network's first one is {}",
                genesis.content.tracker, self.issuer
            ));
        }
        if let Some(awaited) = self.awaited().filter(|awaited| *awaited != genesis.id()) {
            return Err(format!(
                "this tracker has founded network {awaited} and waits for a member of it"
            ));
        }
        if offer.has_network {
            return match offer.is_of_network {
                true => Ok(()),
                // Else whoever comes first could say which network this is, with what rules and coins.
                false => Err(
                    "this tracker has no record of a network, and takes one only from a member that \
                     shows its certificate: one of them has to come first"
                        .to_owned(),
                ),
            };
        }
        if offer.key != Some(genesis.content.founder) {
            return Err("the genesis block names another founder than its sender".to_owned());
        }
        if genesis.content.params != self.params {
            return Err("the genesis block has other parameters than were asked for".to_owned());
        }
        let behind_ms = now.wall.since(genesis.header.timestamp);
        if behind_ms > MAX_BEHIND_MS {
            return Err(format!(
                "the genesis block is stamped {} s behind the tracker's clock: set the clock of this \
                 computer, or that of the tracker",
                behind_ms / 1_000
            ));
        }
        let ahead_ms = genesis.header.timestamp.since(now.wall);
        if ahead_ms > self.params.max_ahead_ms() {
            // No block may be older than the one before it: until then nobody could mine.
            let ahead = ahead_ms / 1_000;
            return Err(format!(
                "the genesis block is stamped {ahead} s ahead of the tracker's clock, and nobody could \
                 mine until then: set the clock of this computer, or that of the tracker"
            ));
        }
        Ok(())
    }

    /// The lease of this member, if it holds one.
    pub(super) fn lease_of(&self, id: MemberId, now: SteadyTime) -> Option<Lease> {
        let holder = self.holder.filter(|h| h.id == id && h.until > now);
        holder.map(|h| Lease {
            params: self.params.clone(),
            remaining_ms: h.until.since(now),
        })
    }

    /// Makes one of those `present`, in the order of their numbers, the holder of the lease, if nobody
    /// is and somebody can be; who it is, and until when.
    pub(super) fn next_holder(
        &mut self,
        present: impl Iterator<Item = Present> + Clone,
        now: SteadyTime,
    ) -> Option<(MemberId, SteadyTime)> {
        let mut here = present.clone();
        let holds = |h: Holder| h.until > now && here.any(|member| member.id == h.id);
        if !self.founds
            || self.genesis.is_some()
            || self.awaited().is_some()
            || self.holder.is_some_and(holds)
        {
            return None;
        }
        for member in present.clone().filter(|m| m.is_of_network) {
            if self.claims.len() < MAX_CLAIMS {
                self.claims.entry(member.key).or_insert(now);
            }
        }
        let since = |m: &Present| self.claims.get(&m.key).copied();
        let presents = |m: Present| {
            m.is_of_network && since(&m).is_some_and(|since| now.since(since) < CLAIM_MS)
        };
        if present.clone().any(presents) {
            return None;
        }
        let mut waiting = present.filter(|m| !m.has_network).map(|m| m.id);
        let first = waiting.clone().next()?;
        let last = self.holder.map_or(MemberId(0), |h| h.id);
        let id = waiting.find(|id| *id > last).unwrap_or(first);
        let until = now.plus_ms(LEASE_MS);
        self.holder = Some(Holder { id, until });
        Some((id, until))
    }
}

#[cfg(test)]
mod tests;
