//! How we come to know the network's one genesis block.

use super::{Effect, Phase, Talk, TrackerLink, Warning};
use crate::chain::{Genesis, GenesisContent};
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::protocol::SessionId;
use crate::protocol::Statements;
use crate::wire::Message;
use crate::wire::message::Lease;
use std::sync::Arc;

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
            self.effects
                .push(Effect::Warn(Warning::BadGenesis { reason }));
            return self.give_up("its parameters can't be used", now);
        }
        let content = GenesisContent::new(lease.params, tracker, self.config.key);
        let mined = self.mined.as_ref().filter(|g| g.content == content);
        if let Some(genesis) = mined.cloned() {
            let message = Message::OfferGenesis(genesis);
            self.effects.push(Effect::Send { session, message });
        } else if self.mining.as_ref() != Some(&content) {
            self.stop_mining();
            self.mining = Some(content.clone());
            let header = content.header(now.wall);
            self.effects.push(Effect::MineGenesis { header, content });
        }
    }

    /// Takes the network's first block from the tracker, or finds that it is not ours.
    pub(super) fn learn(&mut self, genesis: Genesis, now: Now) {
        let Phase::Talking(Talk { tracker, .. }) = self.phase else {
            return;
        };
        if let Some(known) = &self.genesis {
            if *known != genesis {
                let known = known.id();
                let offered = genesis.id();
                let warning = Warning::OtherNetwork { known, offered };
                self.effects.push(Effect::Warn(warning));
                self.give_up("it is the tracker of another network", now);
            }
            return;
        }
        let bad = match genesis.check() {
            Err(e) => Some(e.to_string()),
            Ok(()) if genesis.content.tracker != tracker => {
                Some("it was made for another tracker".to_owned())
            }
            Ok(()) => None,
        };
        if let Some(reason) = bad {
            self.effects
                .push(Effect::Warn(Warning::BadGenesis { reason }));
            return self.give_up("its genesis block can't be used", now);
        }
        self.stop_mining();
        self.mined = None;
        self.statements = Some(Arc::new(Statements::new(&genesis)));
        self.genesis = Some(genesis.clone());
        // Before the network is told of: whoever meets its members then must show it.
        self.take_certificate(now);
        self.effects.push(Effect::NetworkKnown(genesis));
    }

    pub(super) fn stop_mining(&mut self) {
        if self.mining.take().is_some() {
            self.effects.push(Effect::StopMiningGenesis);
        }
    }
}
