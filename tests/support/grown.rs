//! A chain that nobody had to wait for.

use super::{Lab, Node, RawPeer, now};
use raclette::chain::{Block, Height, NetworkId, StateView};
use raclette::clock::{Clock, SystemClock};
use raclette::keys::SecretKey;
use raclette::node::open_offline;
use raclette::settings::{PeerSettings, Settings};
use raclette::sim::growth::Growth;
use raclette::store::chain_rows::ChainRows;
use raclette::wire::{MemberStatement, Message};
use std::cell::RefCell;

/// Whose seed the member has that brings the network to the tracker.
const MEMBER: u8 = 250;
/// Whose coins it sends about.
const OWNER: [u8; 32] = [1; 32];
/// Payments in a block.
const PAYMENTS: u64 = 2;

/// A chain of some length on a lab's network, for peers that were never started.
pub struct Grown {
    growth: Growth,
    blocks: u64,
    tip: RefCell<String>,
}

impl Grown {
    /// A chain of so many blocks, the last of which was mined just now. The lab's tracker has no
    /// network yet; it takes this one over from a member that it has certified.
    pub fn new(lab: &Lab, blocks: u64) -> Self {
        let tracker = lab.tracker_key().public_key();
        let owner = SecretKey::from_bytes(OWNER);
        let grown = Self {
            growth: Growth::new(tracker, owner, blocks, SystemClock.wall()),
            blocks,
            tip: RefCell::default(),
        };
        grown.tell_tracker(lab);
        grown
    }

    fn tell_tracker(&self, lab: &Lab) {
        let tracker = lab.tracker_key();
        let mut member = RawPeer::member(lab.tracker.listen, MEMBER, self.network(), &tracker);
        let statement = MemberStatement {
            tracker: tracker.public_key(),
            sequence: now().0,
            name: "its-first-member".parse().unwrap(),
            key: member.key.public_key(),
            sealing_key: member.key.sealing_key(),
            addresses: Vec::new(),
        };
        member.send(&Message::Register(statement.sign(&member.key)));
        let genesis = self.growth.genesis().clone();
        member.send(&Message::OfferGenesis(genesis));
        member.expect("the network to be known", |message| {
            matches!(message, Message::GenesisKnown(_)).then_some(())
        });
    }

    /// Puts it into a peer's data directory.
    pub fn give(&self, peer: &Node) {
        let disk = open_offline(&settings(peer)).unwrap();
        let tip = self.growth.blocks(&disk, self.blocks, PAYMENTS, |_| {});
        *self.tip.borrow_mut() = tip.unwrap().id.to_string();
    }

    /// Puts only so many of its headers into a peer's data directory.
    pub fn give_headers(&self, peer: &Node, headers: u64) {
        let disk = open_offline(&settings(peer)).unwrap();
        self.growth.headers(&disk, headers, |_| {}).unwrap();
    }

    /// Who has its coins.
    pub fn owner(&self) -> SecretKey {
        SecretKey::from_bytes(OWNER)
    }

    /// Its id.
    pub fn network(&self) -> NetworkId {
        self.growth.genesis().id()
    }

    /// Id of its last block.
    pub fn tip(&self) -> String {
        self.tip.borrow().clone()
    }

    /// Its blocks after genesis, from the disk of a peer that has it and does not run.
    pub fn blocks(&self, peer: &Node) -> Vec<Block> {
        let disk = open_offline(&settings(peer)).unwrap();
        let rows = ChainRows(&disk);
        let block = |height| {
            let id = rows.active(Height(height)).unwrap().expect("it is there");
            rows.block(&id).unwrap().expect("it is there")
        };
        (1..=self.blocks).map(block).collect()
    }
}

fn settings(peer: &Node) -> PeerSettings {
    match Settings::load(&peer.config, std::iter::empty()).unwrap() {
        Settings::Peer(settings) => settings,
        Settings::Tracker(_) => panic!("{} is a tracker", peer.name),
    }
}
