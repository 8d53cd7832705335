//! How the network gets its one genesis block.

use super::{CLAIM_MS, Effect, Fact, GENESIS_ROW, LEASE_MS, Registry, Session};
use crate::canonical;
use crate::chain::{Genesis, NetworkId};
use crate::clock::{Now, SteadyTime};
use crate::protocol::SessionId;
use crate::wire::message::{Lease, RefusalCode};
use crate::wire::{MemberId, Message};

/// Who is asked to make genesis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder {
    pub(super) id: MemberId,
    pub(super) until: SteadyTime,
}

impl Registry {
    pub(super) fn offer(&mut self, session: SessionId, id: MemberId, genesis: Genesis, now: Now) {
        if let Some(known) = self.genesis.clone() {
            return self.send(session, Message::GenesisKnown(known));
        }
        let adopted = self
            .sessions
            .get(&session)
            .is_some_and(|s| s.hello.network == genesis.id());
        if let Err(reason) = self.check_offer(id, &genesis, adopted, now) {
            return self.refuse(session, RefusalCode::BadGenesis, &reason);
        }
        if !adopted && self.introduces() {
            let text = "this tracker only introduces: genesis comes from the first one";
            return self.refuse(session, RefusalCode::BadGenesis, text);
        }
        if !adopted && self.holder.is_none_or(|h| h.id != id) {
            // Somebody else was asked since. It is told whose block it became.
            return;
        }
        self.accept(genesis, id, adopted, now);
    }

    fn check_offer(
        &self,
        id: MemberId,
        genesis: &Genesis,
        adopted: bool,
        now: Now,
    ) -> Result<(), String> {
        genesis.check().map_err(|e| e.to_string())?;
        if genesis.content.tracker != self.issuer {
            return Err(format!(
                "the genesis block is for the tracker {}, this network's first one is {}",
                genesis.content.tracker, self.issuer
            ));
        }
        let sender = self.members.get(id).map(|e| e.record.statement.key);
        if !adopted && sender != Some(genesis.content.founder) {
            return Err("the genesis block names another founder than its sender".to_owned());
        }
        if !adopted && genesis.content.params != self.params {
            return Err("the genesis block has other parameters than were asked for".to_owned());
        }
        let ahead_ms = genesis.header.timestamp.since(now.wall);
        if !adopted && ahead_ms > self.params.max_ahead_ms() {
            // No block may be older than the one before it: until then nobody could mine.
            let ahead = ahead_ms / 1_000;
            return Err(format!(
                "the genesis block is stamped {ahead} s ahead of the tracker's clock, and nobody could \
                 mine until then: set the clock of this computer, or that of the tracker"
            ));
        }
        Ok(())
    }

    fn accept(&mut self, genesis: Genesis, from: MemberId, adopted: bool, now: Now) {
        self.commit(vec![(vec![GENESIS_ROW], Some(canonical::encode(&genesis)))]);
        self.say(Effect::Fact(Fact::GenesisAccepted {
            network: genesis.id(),
            from,
            adopted,
            other_params: genesis.content.params != self.params,
        }));
        self.genesis = Some(genesis.clone());
        self.holder = None;
        let live: Vec<_> = self.live.iter().map(|(id, s)| (*id, *s)).collect();
        for (id, session) in live {
            self.certify(session, id, now);
            self.send(session, Message::GenesisKnown(genesis.clone()));
        }
    }

    /// Asks the next member to make genesis, if it is time to.
    pub(super) fn pass_lease(&mut self, now: Now) {
        if let Some(asked) = self.next_holder(now.steady) {
            self.tell_holder(asked, now);
        }
    }

    pub(super) fn tell_holder(&mut self, id: MemberId, now: Now) {
        if let Some(session) = self.live.get(&id).copied() {
            self.answer_registered(session, id, now);
        }
    }

    /// The lease of this member, if it holds one.
    pub(super) fn lease_of(&self, id: MemberId, now: SteadyTime) -> Option<Lease> {
        let holder = self.holder.filter(|h| h.id == id && h.until > now);
        holder.map(|h| Lease {
            params: self.params.clone(),
            remaining_ms: h.until.since(now),
        })
    }

    /// Makes somebody the holder of the lease, if nobody is and somebody can be; who it is.
    pub(super) fn next_holder(&mut self, now: SteadyTime) -> Option<MemberId> {
        let holds = |h: &Holder| h.until > now && self.live.contains_key(&h.id);
        if self.introduces() || self.genesis.is_some() || self.holder.as_ref().is_some_and(holds) {
            return None;
        }
        let has_network = |s: &Session| s.hello.network != NetworkId::ZERO;
        let presents =
            |s: &Session| s.member.is_some() && has_network(s) && now.since(s.since) < CLAIM_MS;
        if self.sessions.values().any(presents) {
            return None;
        }
        let waits =
            |session: &SessionId| self.sessions.get(session).is_some_and(|s| !has_network(s));
        let waiting = || {
            let members = self.live.iter();
            members.filter(|(_, s)| waits(s)).map(|(id, _)| *id)
        };
        let last = self.holder.map_or(MemberId(0), |h| h.id);
        let next = waiting()
            .find(|id| *id > last)
            .or_else(|| waiting().next())?;
        let until = now.plus_ms(LEASE_MS);
        self.holder = Some(Holder { id: next, until });
        self.say(Effect::Fact(Fact::LeaseGranted { id: next, until }));
        Some(next)
    }
}
