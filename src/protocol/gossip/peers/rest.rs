//! When nobody is dialled and nobody stays: the owner has disconnected this node, or the admin has put it out.

use super::Peers;
use crate::clock::SteadyTime;
use crate::protocol::gossip::Effect;
use crate::protocol::gossip::delivery::DeliveryFact;

/// What others are told while the owner has disconnected this node.
pub(super) const APART: &str = "its owner has disconnected this node for a while";
/// What is said to whoever is connected when this node is put out.
pub(super) const OUT: &str = "the admin of the network has put this node out";

impl Peers {
    /// The owner disconnects this node: says goodbye to everybody, dials nobody and takes nobody, until
    /// [`Peers::connect`].
    pub(in crate::protocol::gossip) fn disconnect(&mut self) -> Vec<Effect> {
        self.apart = true;
        self.end_all(APART)
    }

    /// Whether the admin has put this node itself out: then it says goodbye to everybody and rests, until it
    /// may come back.
    pub(in crate::protocol::gossip) fn put_out(
        &mut self,
        is_out: bool,
        now: SteadyTime,
    ) -> Vec<Effect> {
        match (std::mem::replace(&mut self.is_out, is_out), is_out) {
            (false, true) => self.end_all(OUT),
            (true, false) => self.begin_anew(now),
            _ => Vec::new(),
        }
    }

    /// Whether nobody is dialled and nobody stays.
    pub(super) fn rests(&self) -> bool {
        self.apart || self.is_out
    }

    fn end_all(&mut self, why: &str) -> Vec<Effect> {
        let wanted = std::mem::take(&mut self.wanted).into_keys();
        let unreachable = |key| Effect::TellOutbox(DeliveryFact::Unreachable(key));
        let sessions = self.open_sessions();
        let goodbyes = sessions.map(|(session, ..)| Effect::Close(session, why.into()));
        goodbyes.chain(wanted.map(unreachable)).collect()
    }

    /// The owner connects this node again.
    pub(in crate::protocol::gossip) fn connect(&mut self, now: SteadyTime) -> Vec<Effect> {
        self.apart = false;
        self.begin_anew(now)
    }

    fn begin_anew(&mut self, now: SteadyTime) -> Vec<Effect> {
        self.alone_told = now;
        for dialling in self.dialling.values_mut() {
            dialling.backoff.hurry();
        }
        self.dial(now)
    }
}
