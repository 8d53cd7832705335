//! The introducer: a member's side of the conversation with a tracker that is not the first of its
//! network.
//!
//! The first-named tracker alone founds the network and gives names and numbers; what is signed for
//! it holds at the others. They know who is there and where, and tell it: so members find each
//! other while the first one is away. What the admin has said is told in both directions: it is signed.
//! Nothing else is taken from them: no name, no number, no genesis, no word that somebody has left. A tracker with
//! the right to issue renews certificates in the first one's place, and admits: whom it names that the first one
//! has not named is known from then on.

use super::SessionId;
use super::backoff::Backoff;
use super::tracker_link::{
    ANSWER_PATIENCE_MS, DIAL_PATIENCE_MS, MAX_BACK_OFF_MS, MIN_BACK_OFF_MS, PUT_OUT_PAUSE_MS,
    RIVAL_PAUSE_MS,
};
use crate::chain::{Genesis, NetworkId};
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::membership::{Address, Certificate, SignedStatement, Statements};
use crate::wire::member::Leaving;
use crate::wire::message::{MAX_STATEMENTS_TO_TRACKER, RefusalCode, Refused};
use crate::wire::{Hello, Member, MemberId, MemberRecord, Message, NodeRole};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Members that one introducer may name: as many as a tracker registers.
pub const MAX_INTRODUCED: usize = super::registry::MAX_MEMBERS_REGISTERED;

/// What the introducer's shell has to do, in order.
#[allow(
    clippy::large_enum_variant,
    reason = "most are messages, and none is kept for long"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Dial, do the handshake, and report [`Introducer::opened`] or [`Introducer::dial_failed`].
    Dial {
        /// Where the tracker is.
        address: Address,
    },
    /// Send it.
    Send {
        /// The session that it is sent in.
        session: SessionId,
        /// The message.
        message: Message,
    },
    /// Answer this challenge, with the height of our tip.
    Answer {
        /// The session that it is sent in.
        session: SessionId,
        /// Number of the challenge.
        number: u64,
    },
    /// Say goodbye with this reason and close.
    Close {
        /// The session to close.
        session: SessionId,
        /// Why, for people.
        reason: String,
    },
    /// The tracker told what the admin has said: it is to be kept, as far as it counts.
    Hear(Vec<SignedStatement>),
    /// Who is introduced has changed, see [`Introducer::introduced`].
    Changed,
    /// It issued us a certificate, which nobody has judged yet.
    Issued(Certificate),
    /// The tracker that speaks for the network, of this key, answers at this address: it is for the link to talk with
    /// it.
    MetAdmin {
        /// Where.
        address: Address,
        /// The key that it has proven.
        key: PublicKey,
    },
    /// Something the owner should know; told again only after things have been well.
    Trouble {
        /// The reason, in words for the owner.
        reason: String,
    },
}

/// How far the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// For its time.
    Waiting,
    /// Dialled, at that time.
    Dialling(SteadyTime),
    /// The record was sent on this session, at that time.
    Registering(SessionId, SteadyTime),
    /// On the list. Whether its own list was begun.
    Registered(SessionId, bool),
    /// For good.
    AtRest,
}

/// The machine.
#[derive(Debug)]
pub struct Introducer {
    address: Address,
    record: Option<MemberRecord>,
    genesis: Option<Genesis>,
    /// What the admin has said, as far as this node has heard it.
    statements: Option<Arc<Statements>>,
    phase: Phase,
    /// The key that the tracker has proven last.
    shown: Option<PublicKey>,
    /// The owner has disconnected this node.
    apart: bool,
    pause: Backoff,
    introduced: BTreeMap<MemberId, Member>,
    /// Trouble was told, and nothing has gone well since.
    in_trouble: bool,
    effects: Vec<Effect>,
}

impl Introducer {
    /// A conversation with the tracker at `address`, which begins once there is a record to
    /// register. `seed` spreads retries in time.
    pub fn new(address: Address, seed: u64) -> Self {
        Self {
            address,
            record: None,
            genesis: None,
            statements: None,
            phase: Phase::Waiting,
            shown: None,
            apart: false,
            pause: Backoff::new(MIN_BACK_OFF_MS, MAX_BACK_OFF_MS, seed),
            introduced: BTreeMap::new(),
            in_trouble: false,
            effects: Vec::new(),
        }
    }

    /// The members that are introduced and answer at present, with what they say of themselves to
    /// the network's first tracker; their signatures are checked.
    pub fn introduced(&self) -> impl Iterator<Item = &Member> {
        self.introduced.values()
    }

    /// What we say of ourselves to the first tracker.
    #[must_use]
    pub fn record_known(&mut self, record: MemberRecord) -> Vec<Effect> {
        let is_new = self.record.as_ref() != Some(&record);
        self.record = Some(record);
        if let Some(session) = self.session().filter(|_| is_new) {
            self.send_record(session);
        }
        self.take_effects()
    }

    /// Our network's first block.
    #[must_use]
    pub fn network_known(&mut self, genesis: Genesis) -> Vec<Effect> {
        self.genesis = Some(genesis);
        if let Phase::Registered(session, _) = self.phase {
            self.offer_genesis(session);
        }
        self.take_effects()
    }

    /// What the admin has said: the tracker is told what it was not told before.
    #[must_use]
    pub fn statements_known(&mut self, known: Arc<Statements>) -> Vec<Effect> {
        let before = self.statements.replace(known);
        if let Phase::Registered(session, _) = self.phase {
            self.tell_statements(session, before.as_deref());
        }
        self.look_for_admin();
        self.take_effects()
    }

    /// Whether the one talked with speaks for the network by now.
    fn look_for_admin(&mut self) {
        let admin = self.statements.as_ref().map(|all| all.authority().admin());
        if let Some(key) = self.shown.filter(|shown| admin == Some(*shown))
            && self.session().is_some()
        {
            let address = self.address.clone();
            self.effects.push(Effect::MetAdmin { address, key });
        }
    }

    /// The link talks with the tracker that was met here: the one that it talked with before, at this address, is
    /// ours from now on.
    #[must_use]
    pub fn take_over(&mut self, address: Address) -> Vec<Effect> {
        if let Some(session) = self.session() {
            let reason = "this node registers as with its first tracker".to_owned();
            self.effects.push(Effect::Close { session, reason });
        }
        if self.phase != Phase::AtRest {
            self.phase = Phase::Waiting;
        }
        (self.address, self.shown) = (address, None);
        self.introduced.clear();
        self.effects.push(Effect::Changed);
        self.take_effects()
    }

    fn tell_statements(&mut self, session: SessionId, told: Option<&Statements>) {
        let is_news = |signed: &&SignedStatement| told.is_none_or(|told| !told.knows(signed));
        let all = self.statements.iter().flat_map(|all| all.all());
        let news: Vec<_> = all.filter(is_news).cloned().collect();
        for part in news.chunks(MAX_STATEMENTS_TO_TRACKER) {
            let message = Message::Statements(part.to_vec());
            self.effects.push(Effect::Send { session, message });
        }
    }

    /// Its renewal is due: asks for a certificate where we are registered.
    #[must_use]
    pub fn renew(&mut self) -> Vec<Effect> {
        if let Phase::Registered(session, _) = self.phase {
            self.send_record(session);
        }
        self.take_effects()
    }

    /// We leave the network for good; signed for the first tracker.
    #[must_use]
    pub fn leave(&mut self, leaving: Leaving) -> Vec<Effect> {
        if let Phase::Registered(session, _) = self.phase {
            let message = Message::Leave(leaving);
            self.effects.push(Effect::Send { session, message });
        }
        self.phase = Phase::AtRest;
        self.take_effects()
    }

    /// The owner disconnects this node: says goodbye, and dials no more until [`Introducer::connect`].
    #[must_use]
    pub fn disconnect(&mut self) -> Vec<Effect> {
        self.apart = true;
        if let Some(session) = self.session() {
            let reason = "its owner has disconnected this node for a while".to_owned();
            self.effects.push(Effect::Close { session, reason });
        }
        if self.phase != Phase::AtRest {
            self.phase = Phase::Waiting;
        }
        self.take_effects()
    }

    /// The owner connects this node again: the tracker is dialled at once.
    pub fn connect(&mut self) {
        self.apart = false;
        self.pause.hurry();
    }

    /// To be called a few times a second.
    #[must_use]
    pub fn tick(&mut self, now: SteadyTime) -> Vec<Effect> {
        match self.phase {
            Phase::Waiting if self.apart => {}
            Phase::Waiting if self.record.is_some() && self.pause.is_due(now) => {
                self.phase = Phase::Dialling(now);
                let address = self.address.clone();
                self.effects.push(Effect::Dial { address });
            }
            Phase::Dialling(since) if now.since(since) >= DIAL_PATIENCE_MS => {
                self.later("no greeting came", now);
            }
            Phase::Registering(_, since) if now.since(since) >= ANSWER_PATIENCE_MS => {
                self.give_up("it did not answer the registration", now);
            }
            _ => {}
        }
        self.take_effects()
    }

    /// The dial, or the handshake after it, failed.
    #[must_use]
    pub fn dial_failed(&mut self, reason: &str, now: SteadyTime) -> Vec<Effect> {
        if matches!(self.phase, Phase::Dialling(_)) {
            self.later(reason, now);
        }
        self.take_effects()
    }

    /// The dialled tracker has greeted.
    #[must_use]
    pub fn opened(&mut self, session: SessionId, hello: &Hello, now: SteadyTime) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Dialling(_)) {
            let reason = "not awaited any more".to_owned();
            return vec![Effect::Close { session, reason }];
        }
        self.phase = Phase::Registering(session, now);
        if hello.role != NodeRole::Tracker {
            self.give_up("a peer answers there, not a tracker", now);
        } else if self.is_other_network(hello.network) {
            self.give_up("it is that of another network", now);
        } else {
            self.shown = Some(hello.key);
            self.send_record(session);
            self.look_for_admin();
        }
        self.take_effects()
    }

    /// A message from the tracker.
    #[must_use]
    pub fn received(
        &mut self,
        session: SessionId,
        message: Message,
        now: SteadyTime,
    ) -> Vec<Effect> {
        if self.session() != Some(session) {
            return Vec::new();
        }
        match message {
            Message::Registered(registered) => {
                if !matches!(self.phase, Phase::Registered(..)) {
                    self.phase = Phase::Registered(session, false);
                    self.in_trouble = false;
                    self.tell_statements(session, None);
                }
                match registered.genesis {
                    Some(genesis) => self.judge_genesis(&genesis, now),
                    None => self.offer_genesis(session),
                }
            }
            Message::GenesisKnown(genesis) => self.judge_genesis(&genesis, now),
            Message::Statements(heard) => self.effects.push(Effect::Hear(heard)),
            Message::Refused(refused) => self.refused(&refused, now),
            Message::MembersChanged(told) => self.told(told.changed, &told.left),
            Message::CertificateIssued(certificate) => {
                self.effects.push(Effect::Issued(certificate));
            }
            Message::Challenge(number) => self.effects.push(Effect::Answer { session, number }),
            Message::Ping(_) | Message::Pong(_) | Message::Goodbye(_) => {}
            other => {
                let reason = format!("it said {} out of turn", other.name());
                self.give_up(&reason, now);
            }
        }
        self.take_effects()
    }

    /// A connection's end, whether or not it was reported as opened.
    #[must_use]
    pub fn closed(&mut self, session: SessionId, reason: &str, now: SteadyTime) -> Vec<Effect> {
        match self.phase {
            Phase::Registered(own, _) if own == session => {
                // All was well until now: no reason to hold back.
                self.pause.succeeded();
                self.later(reason, now);
            }
            Phase::Registering(own, _) if own == session => self.later(reason, now),
            // It ended before it greeted. (The end of an earlier one costs no more than a pause.)
            Phase::Dialling(_) => self.later(reason, now),
            _ => {}
        }
        self.take_effects()
    }

    fn session(&self) -> Option<SessionId> {
        match self.phase {
            Phase::Registering(session, _) | Phase::Registered(session, _) => Some(session),
            Phase::Waiting | Phase::Dialling(_) | Phase::AtRest => None,
        }
    }

    fn send_record(&mut self, session: SessionId) {
        if let Some(record) = self.record.clone() {
            let message = Message::Register(record);
            self.effects.push(Effect::Send { session, message });
        }
    }

    fn offer_genesis(&mut self, session: SessionId) {
        if let Some(genesis) = self.genesis.clone() {
            let message = Message::OfferGenesis(genesis);
            self.effects.push(Effect::Send { session, message });
        }
    }

    fn is_other_network(&self, network: NetworkId) -> bool {
        let ours = self.genesis.as_ref().map(Genesis::id);
        ours.is_some_and(|ours| ![NetworkId::ZERO, ours].contains(&network))
    }

    fn judge_genesis(&mut self, genesis: &Genesis, now: SteadyTime) {
        if self.is_other_network(genesis.id()) {
            self.give_up("it is that of another network", now);
        }
    }

    /// Takes up whom it names: those that answer, and that say so to our own first tracker.
    fn told(&mut self, changed: Vec<Member>, left: &[Leaving]) {
        if let Phase::Registered(session, false) = self.phase {
            self.phase = Phase::Registered(session, true);
            self.introduced.clear();
        }
        let has_left = |member: &Member| {
            left.iter()
                .any(|word| word.key == member.record.statement.key)
        };
        self.introduced
            .retain(|_, member| left.is_empty() || !has_left(member));
        for member in changed {
            let known = self.introduced.get(&member.id);
            let has_place = known.is_some() || self.introduced.len() < MAX_INTRODUCED;
            let is_checked = known.is_some_and(|known| known.record == member.record);
            if !member.live || !(is_checked || self.is_ours(&member.record)) {
                self.introduced.remove(&member.id);
            } else if has_place {
                self.introduced.insert(member.id, member);
            }
        }
        self.effects.push(Effect::Changed);
    }

    /// It said no, or told us, who are registered, of another node with our wallet.
    fn refused(&mut self, refused: &Refused, now: SteadyTime) {
        let reason = refused.reason.as_str();
        let is_told = matches!(self.phase, Phase::Registered(..));
        match refused.code {
            RefusalCode::KeyInUse if is_told => self.trouble(reason),
            RefusalCode::KeyInUse => {
                self.give_up(reason, now);
                self.pause.hold(now, RIVAL_PAUSE_MS);
            }
            RefusalCode::PutOut => {
                self.give_up(reason, now);
                self.pause.hold(now, PUT_OUT_PAUSE_MS);
            }
            _ => self.give_up(reason, now),
        }
    }

    fn is_ours(&self, record: &MemberRecord) -> bool {
        let ours = self.record.as_ref().map(|own| own.statement.tracker);
        ours == Some(record.statement.tracker) && record.check().is_ok()
    }

    /// Ends the conversation from our side, to try again later.
    fn give_up(&mut self, reason: &str, now: SteadyTime) {
        if let Some(session) = self.session() {
            let reason = reason.to_owned();
            self.effects.push(Effect::Close { session, reason });
        }
        self.later(reason, now);
    }

    fn later(&mut self, reason: &str, now: SteadyTime) {
        self.phase = Phase::Waiting;
        self.pause.failed(now);
        self.trouble(reason);
    }

    fn trouble(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.in_trouble, true) {
            let reason = reason.to_owned();
            self.effects.push(Effect::Trouble { reason });
        }
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

#[cfg(test)]
mod tests;
