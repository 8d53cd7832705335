//! Gossip: who is connected, who has what, and what is asked of whom.
//!
//! Five machines side by side: [`peers`] decides whom to dial and whom to keep, [`sync`] fetches
//! headers and blocks, [`answers`] says how fast headers are told, [`relay`] passes open transactions on, [`delivery`] delivers to one member what is
//! for that one. This one opens what came in and hands it to the one whose it is.

mod answers;
pub mod delivery;
mod expelled;
pub mod peers;
pub mod relay;
pub mod sync;
#[cfg(test)]
mod tests;

use super::{Row, SessionId};
use crate::chain::Internal;
use crate::chain::ledger::{BlockOutcome, TipChange};
use crate::chain::tree::HeadersOutcome;
use crate::chain::{
    Block, BlockId, EncodedTransaction, Header, Height, PeerFault, Rejected, TransactionId, Work,
};
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::membership::{SignedStatement, Statements};
use crate::wire::{Hello, Message, Receipt};
use answers::HeaderAnswers;
use delivery::{Delivery, DeliveryFact};
use peers::{Admission, Direction, Peers, PeersLimits};
use relay::Relay;
use std::collections::VecDeque;
use std::sync::Arc;
use sync::Sync;

/// What the shell has to do.
#[derive(Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "effects are made, handed over and used up at once"
)]
#[must_use]
pub enum Effect {
    /// Send a message.
    Send(SessionId, Message),
    /// Send blocks as they are read from the disk.
    SendBlocks(SessionId, Vec<BlockId>),
    /// Send the headers after a locator.
    SendHeaders(SessionId, Vec<BlockId>),
    /// Ask for the headers after this one, if one is named, or else after ours.
    AskHeaders(SessionId, Option<BlockId>),
    /// Close a session and say why.
    Close(SessionId, String),
    /// Dial an address.
    Dial(String),
    /// Have headers judged.
    CheckHeaders(SessionId, Vec<Header>),
    /// Have a block judged.
    SubmitBlock(SessionId, Block),
    /// Have transactions judged.
    SubmitTransactions(SessionId, Vec<EncodedTransaction>),
    /// Have transactions judged that this node has delivered in the session, whose other end has them open by now.
    SubmitDelivered(SessionId, Vec<EncodedTransaction>),
    /// Have the bodies named that are missing towards a header, at most so many.
    FindMissing(BlockId, usize),
    /// Have a delivery taken in, and report [`Gossip::answer_delivery`]: there is one answer to each.
    TakeDelivery(SessionId, EncodedTransaction),
    /// A session told this, which the admin has said and which was not known.
    Hear(Vec<SignedStatement>),
    /// Write these rows, of whom this node has met; nothing waits for it.
    Keep(Vec<Row>),
    /// Tell the outbox.
    TellOutbox(DeliveryFact),
    /// Tell the owner.
    Tell(Fact),
}

/// What an owner should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A session is up.
    Connected(SessionId, PublicKey, Direction),
    /// A session is down, and why.
    Disconnected(SessionId, PublicKey, String),
    /// The other broke a rule.
    Misbehaved(PublicKey, String),
    /// A peer's header lies so far ahead of our clock that one of the two clocks is wrong.
    ClockDiffers(PublicKey),
    /// Nobody is connected, since this time.
    Alone(SteadyTime),
}

/// One session as an owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Who it is with.
    pub key: PublicKey,
    /// Who dialled.
    pub direction: Direction,
    /// Height of the best header it has shown.
    pub height: u64,
}

/// The machine.
pub struct Gossip {
    peers: Peers,
    sync: Sync,
    relay: Relay,
    delivery: Delivery,
    answers: HeaderAnswers,
    /// What the admin has said; nothing as long as it was not told.
    statements: Option<Arc<Statements>>,
}

impl Gossip {
    /// Begins with the tip's work and no sessions. `own` is this node's key; `seed` varies the
    /// pauses between dials.
    pub fn new(
        own: PublicKey,
        limits: PeersLimits,
        tip_work: Work,
        seed: u64,
        now: SteadyTime,
    ) -> Self {
        Self {
            peers: Peers::new(own, limits, seed, now),
            sync: Sync::new(tip_work),
            relay: Relay::default(),
            delivery: Delivery::new(own),
            answers: HeaderAnswers::default(),
            statements: None,
        }
    }

    /// Takes up the stored rows of whom this node has met, in any order.
    ///
    /// # Errors
    /// A row is damaged.
    pub fn taking_up(
        mut self,
        rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, Internal> {
        for (key, value) in rows {
            self.peers.open_row(&key, &value)?;
        }
        Ok(self)
    }

    /// The owner disconnects this node: it says goodbye to everybody, dials nobody and takes nobody, until
    /// [`Gossip::connect`].
    pub fn disconnect(&mut self, now: SteadyTime) -> Vec<Effect> {
        let effects = self.peers.disconnect();
        self.settle(effects, now)
    }

    /// The owner connects this node again.
    pub fn connect(&mut self, now: SteadyTime) -> Vec<Effect> {
        self.peers.connect(now)
    }

    /// What becomes of one more stranger, when so many are in their handshake.
    pub fn admits(&self, handshakes: usize) -> Admission {
        self.peers.admits(handshakes)
    }

    /// A dial came to nothing.
    pub fn dial_failed(&mut self, address: &str, now: SteadyTime) -> Vec<Effect> {
        self.peers.dial_failed(address, now)
    }

    /// A dialled connection stands; its handshake comes next.
    pub fn dial_connected(&mut self, session: SessionId, address: &str) {
        self.peers.dial_connected(session, address);
    }

    /// A handshake succeeded.
    pub fn opened(
        &mut self,
        session: SessionId,
        hello: &Hello,
        direction: Direction,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let (stays, mut effects) = self.peers.opened(session, hello.key, direction, now);
        let why = stays.then(|| self.why_out(&hello.key)).flatten();
        let stays = stays && why.is_none();
        effects.extend(why.map(|why| Effect::Close(session, why)));
        let mut effects = self.settle(effects, now);
        if stays {
            effects.extend(self.all_statements(session));
            effects.extend(self.sync.opened(session, now));
            effects.extend(self.relay.opened(session));
            effects.push(Effect::TellOutbox(DeliveryFact::Reached(hello.key)));
        }
        effects
    }

    /// A session has ended, or never came to be.
    pub fn closed(&mut self, session: SessionId, reason: &str, now: SteadyTime) -> Vec<Effect> {
        let mut effects = self.peers.closed(session, reason, now);
        self.relay.closed(session);
        self.delivery.closed(session);
        self.answers.closed(session);
        effects.extend(self.sync.closed(session, now));
        effects
    }

    /// A message came.
    pub fn received(
        &mut self,
        session: SessionId,
        message: Message,
        now: SteadyTime,
    ) -> Vec<Effect> {
        if !self.peers.is_open(session) {
            return Vec::new();
        }
        let effects = match message {
            Message::GetHeaders(locator) => self.headers_asked(session, locator, now),
            Message::Headers(headers) => self.sync.headers(session, headers),
            Message::AnnounceBlock(header) => self.sync.announced(session, header),
            Message::GetBlocks(ids) => vec![Effect::SendBlocks(session, ids)],
            Message::Block(block) => self.sync.block(session, block, now),
            Message::NoBlock(id) => self.sync.no_block(session, id, now),
            Message::AnnounceTransactions(ids) => {
                let sent = |id: &TransactionId| self.delivery.sent(session, id);
                self.relay.announced(session, ids, sent, now)
            }
            Message::GetTransactions(ids) => self.relay.asked(session, &ids),
            Message::Transactions(list) => self.relay.transactions(session, list, now),
            Message::Deliver(transaction) => self.delivered(session, transaction, now),
            Message::Receipt(receipt) => self.receipt(session, receipt, now),
            Message::Statements(statements) => self.heard(session, statements, now),
            Message::Goodbye(goodbye) => {
                vec![Effect::Close(
                    session,
                    format!("the other said: {}", goodbye.reason),
                )]
            }
            other => {
                let reason = format!("a {} message does not belong between peers", other.name());
                self.peers.misbehaved(session, &reason, now)
            }
        };
        self.settle(effects, now)
    }

    /// Takes what is asked of a session that is being closed from it at once: until the other end
    /// is gone, which it may put off, nothing more is said or asked in it.
    fn settle(&mut self, effects: Vec<Effect>, now: SteadyTime) -> Vec<Effect> {
        let mut settled = Vec::with_capacity(effects.len());
        let mut open: VecDeque<_> = effects.into();
        while let Some(effect) = open.pop_front() {
            if let Effect::Close(session, _) = effect
                && self.peers.release(session)
            {
                self.relay.closed(session);
                self.delivery.closed(session);
                self.answers.closed(session);
                open.extend(self.sync.closed(session, now));
            }
            settled.push(effect);
        }
        settled
    }

    fn headers_asked(
        &mut self,
        session: SessionId,
        locator: Vec<BlockId>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let Some(from) = self.peers.key(session) else {
            return Vec::new();
        };
        match self.answers.asked((session, from), locator, now) {
            Ok(effects) => effects,
            Err(rule) => self.peers.misbehaved(session, rule, now),
        }
    }

    fn delivered(
        &mut self,
        session: SessionId,
        transaction: EncodedTransaction,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let Some(from) = self.peers.key(session) else {
            return Vec::new();
        };
        match self.delivery.delivered(session, from, transaction) {
            Ok(effect) => vec![effect],
            Err(rule) => self.peers.misbehaved(session, rule, now),
        }
    }

    fn receipt(&mut self, session: SessionId, receipt: Receipt, now: SteadyTime) -> Vec<Effect> {
        let Some(from) = self.peers.key(session) else {
            return Vec::new();
        };
        match self.delivery.receipt(session, from, receipt) {
            Ok(effect) => {
                self.peers.used(session, now);
                vec![effect]
            }
            Err(rule) => self.peers.misbehaved(session, rule, now),
        }
    }

    /// The outbox wants to reach a member: over the session that there is, or one that is made for
    /// it. Answered with [`DeliveryFact::Reached`] or [`DeliveryFact::Unreachable`].
    pub fn reach(&mut self, key: PublicKey, now: SteadyTime) -> Vec<Effect> {
        if self.peers.session_of(&key).is_some() {
            return vec![Effect::TellOutbox(DeliveryFact::Reached(key))];
        }
        self.peers.want(key, now)
    }

    /// Sends a transaction straight to a member.
    pub fn deliver(
        &mut self,
        to: &PublicKey,
        transaction: EncodedTransaction,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let Some(session) = self.peers.session_of(to) else {
            return vec![Effect::TellOutbox(DeliveryFact::Lost(*to))];
        };
        let sent = self.delivery.deliver((session, *to), transaction);
        if matches!(sent, Some(Effect::Send(..))) {
            self.peers.used(session, now);
        }
        sent.into_iter().collect()
    }

    /// What came in this session can't have come from an honest program.
    pub fn blame(&mut self, session: SessionId, reason: &str, now: SteadyTime) -> Vec<Effect> {
        let effects = self.peers.misbehaved(session, reason, now);
        self.settle(effects, now)
    }

    /// Answers a delivery of [`Effect::TakeDelivery`], if its session is still there.
    pub fn answer_delivery(&mut self, session: SessionId, receipt: Receipt) -> Vec<Effect> {
        if !self.peers.is_open(session) {
            return Vec::new();
        }
        vec![self.delivery.answer(session, receipt)]
    }

    /// Headers of a session were judged.
    pub fn headers_judged(
        &mut self,
        session: SessionId,
        outcome: Result<HeadersOutcome, PeerFault>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        match outcome {
            Ok(outcome) => {
                let mut effects = self.sync.headers_judged(session, &outcome, now);
                if matches!(outcome, HeadersOutcome::Known { held: true, .. }) {
                    effects.extend(self.peers.clock_differs(session, now));
                }
                effects
            }
            Err(fault) => {
                let effects = self.peers.misbehaved(session, &fault.to_string(), now);
                self.settle(effects, now)
            }
        }
    }

    /// A block of a session was judged.
    pub fn block_judged(
        &mut self,
        session: SessionId,
        id: BlockId,
        outcome: &BlockOutcome,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let mut effects = self.sync.block_judged(session, id, outcome, now);
        if let BlockOutcome::Fault(fault) = outcome {
            effects.extend(self.peers.misbehaved(session, &fault.to_string(), now));
        }
        self.settle(effects, now)
    }

    /// Transactions of a session were judged.
    pub fn transactions_judged(
        &mut self,
        session: SessionId,
        verdicts: &[(TransactionId, Result<(), Rejected>)],
        now: SteadyTime,
    ) -> Vec<Effect> {
        self.relay.judged(session, verdicts, now);
        let fault = verdicts
            .iter()
            .find_map(|(_, v)| v.as_ref().err().filter(|r| r.is_fault()));
        match fault {
            Some(reason) => {
                let effects = self.peers.misbehaved(session, &reason.to_string(), now);
                self.settle(effects, now)
            }
            None => Vec::new(),
        }
    }

    /// The bodies that are missing towards a header.
    pub fn missing_found(
        &mut self,
        toward: BlockId,
        ids: Vec<(BlockId, Height)>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        self.sync.missing_found(toward, ids, now)
    }

    /// The connected chain changed.
    pub fn tip_changed(&mut self, change: &TipChange, now: SteadyTime) -> Vec<Effect> {
        let mut effects = self.relay.ask_again(now);
        effects.extend(self.sync.tip_changed(change, now));
        effects
    }

    /// A transaction is open now.
    pub fn transaction_opened(&mut self, transaction: EncodedTransaction) {
        self.relay.became_open(transaction);
    }

    /// A transaction is open no more.
    pub fn transaction_closed(&mut self, id: &TransactionId) {
        self.relay.became_closed(id);
    }

    /// Announcements that were gathered since the last call.
    pub fn announce(&mut self) -> Vec<Effect> {
        self.relay.announce()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: SteadyTime) -> Vec<Effect> {
        let mut effects = self.peers.tick(&self.delivery, now);
        effects.extend(self.sync.tick(now));
        effects.extend(self.relay.tick(now));
        effects.extend(self.answers.tick(now));
        self.settle(effects, now)
    }

    /// Fetches the chain of a connected member before that of others, until its chain is here, it
    /// stalls or it is gone. Returns the height that it has shown; `None` if it is not connected.
    pub fn prefer(&mut self, key: &PublicKey, now: SteadyTime) -> Option<(u64, Vec<Effect>)> {
        let mut sessions = self.peers.open_sessions();
        let (session, ..) = sessions.find(|(_, other, _)| other == key)?;
        drop(sessions);
        let effects = self.sync.prefer(session, now);
        Some((self.sync.height_of(session), effects))
    }

    /// Who is preferred, as long as it is connected, and whether it has shown how far its chain leads.
    pub fn preferred(&self) -> Option<(PublicKey, bool)> {
        let (preferred, has_shown) = self.sync.preferred()?;
        let mut sessions = self.peers.open_sessions();
        let (_, key, _) = sessions.find(|(session, ..)| *session == preferred)?;
        Some((key, has_shown))
    }

    /// Every open session.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, SessionView)> {
        self.peers.open_sessions().map(|(session, key, direction)| {
            (
                session,
                SessionView {
                    key,
                    direction,
                    height: self.sync.height_of(session),
                },
            )
        })
    }

    /// Whether somebody is still showing how far its chain leads.
    pub fn are_more_to_come(&self) -> bool {
        self.sync.are_more_to_come()
    }

    /// Blocks on their way to us.
    pub fn blocks_in_flight(&self) -> usize {
        self.sync.in_flight()
    }
}
