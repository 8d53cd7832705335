//! How we come to know the network's one genesis block.

use super::{Effect, Phase, Talk, TrackerLink, Warning};
use crate::chain::{Genesis, GenesisContent, NetworkId};
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::membership::Statements;
use crate::protocol::SessionId;
use crate::wire::Message;
use crate::wire::message::Lease;
use std::sync::Arc;

/// What is known of the genesis block, and what is done for there to be one.
#[derive(Debug)]
pub(super) struct Founding {
    genesis: Option<Genesis>,
    /// What we are mining it for.
    mining: Option<GenesisContent>,
    /// The one that we mined.
    mined: Option<Genesis>,
}

/// What the leave to make the genesis block leads to.
enum Make {
    /// Offering what was mined for it before.
    Offer(Box<Genesis>),
    /// A search, in the place of another if there is one.
    Search,
    /// Nothing: the search is under way.
    GoOn,
}

impl Founding {
    /// With the block that the chain has, if it has one.
    pub(super) fn new(genesis: Option<Genesis>) -> Self {
        Self {
            genesis,
            mining: None,
            mined: None,
        }
    }

    /// The network's first block, once known.
    pub(super) fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// The network; zero as long as it is not known.
    pub(super) fn network(&self) -> NetworkId {
        self.genesis.as_ref().map_or(NetworkId::ZERO, Genesis::id)
    }

    /// We may make the block with this content.
    fn make(&self, content: &GenesisContent) -> Make {
        let mined = self
            .mined
            .as_ref()
            .filter(|mined| mined.content == *content);
        match mined {
            Some(mined) => Make::Offer(mined.clone().into()),
            None if self.mining.as_ref() == Some(content) => Make::GoOn,
            None => Make::Search,
        }
    }

    /// The search has found this one. Whether it is what was searched for last.
    pub(super) fn found(&mut self, genesis: &Genesis) -> bool {
        let is_wanted = self.mining.as_ref() == Some(&genesis.content);
        if is_wanted {
            self.mining = None;
            self.mined = Some(genesis.clone());
        }
        is_wanted
    }

    /// Whatever was wrong with the block that we mined, it will not become right.
    pub(super) fn drop_mined(&mut self) {
        self.mined = None;
    }

    /// This is the network. Whether a search is needless now.
    fn learn(&mut self, genesis: Genesis) -> bool {
        self.mined = None;
        self.genesis = Some(genesis);
        self.stop()
    }

    /// Ends the search. Whether there was one.
    fn stop(&mut self) -> bool {
        self.mining.take().is_some()
    }
}

impl TrackerLink {
    pub(super) fn make_genesis(
        &mut self,
        session: SessionId,
        tracker: PublicKey,
        lease: Lease,
        now: Now,
    ) {
        if let Err(e) = lease.params.check() {
            let reason = e.to_string();
            let warning = Warning::BadGenesis { reason };
            self.decided.at_once(Effect::Warn(warning));
            return self.give_up("its parameters can't be used", now);
        }
        let content = GenesisContent::new(lease.params, tracker, self.config.key);
        match self.founding.make(&content) {
            Make::GoOn => {}
            Make::Offer(genesis) => {
                let message = Message::OfferGenesis(*genesis);
                self.decided.at_once(Effect::Send { session, message });
            }
            Make::Search => {
                self.stop_mining();
                self.founding.mining = Some(content.clone());
                let header = content.header(now.wall);
                let search = Effect::MineGenesis { header, content };
                self.decided.at_once(search);
            }
        }
    }

    /// Takes the network's first block from the tracker, or finds that it is not ours.
    pub(super) fn learn(&mut self, genesis: Genesis, now: Now) {
        let Phase::Talking(Talk { tracker, .. }) = self.phase else {
            return;
        };
        if let Some(known) = self.founding.genesis() {
            if *known != genesis {
                let known = known.id();
                let offered = genesis.id();
                let warning = Warning::OtherNetwork { known, offered };
                self.decided.at_once(Effect::Warn(warning));
                self.give_up("it is the tracker of another network", now);
            }
            return;
        }
        let bad = match genesis.check() {
            Err(e) => Some(e.to_string()),
            Ok(()) if genesis.content.tracker != tracker => {
                Some("it was made for another tracker".to_owned())
            }
            Ok(()) if self.looked_for().is_some_and(|id| id != genesis.id()) => {
                Some("it is not the one that its tracker has named".to_owned())
            }
            Ok(()) => None,
        };
        if let Some(reason) = bad {
            let warning = Warning::BadGenesis { reason };
            self.decided.at_once(Effect::Warn(warning));
            return self.give_up("its genesis block can't be used", now);
        }
        self.statements = Some(Arc::new(Statements::new(&genesis)));
        if self.founding.learn(genesis.clone()) {
            self.decided.at_once(Effect::StopMiningGenesis);
        }
        // Before the network is told of: whoever meets its members then must show it.
        self.take_first_certificate(now);
        self.decided.at_once(Effect::NetworkKnown(genesis));
    }

    pub(super) fn stop_mining(&mut self) {
        if self.founding.stop() {
            self.decided.at_once(Effect::StopMiningGenesis);
        }
    }
}
