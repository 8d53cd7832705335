//! What a stranger can send, and what must not come of it. Each of these once broke another program.

#[path = "../support/mod.rs"]
mod support;

mod chain;
mod changing;
mod channel;
mod delivery;
mod expelled;
mod floods;
mod http;
mod invitations;
mod lying;
mod members;
mod old_copy;
mod shunned;
mod strangers;
mod stream;
mod tracker;
mod unasked;

use raclette::chain::{Genesis, NetworkId};
use std::time::Duration;
use support::{Lab, Node, RawPeer, so, wait_until};

/// How long a node may take to close a connection whose other end broke a rule.
const SOON: Duration = Duration::from_secs(20);

/// A network with one honest peer, and its genesis block as the attacker knows it.
struct Target {
    lab: Lab,
    alice: Node,
    genesis: Genesis,
}

impl Target {
    fn start() -> Self {
        let lab = Lab::start();
        let alice = lab.peer("alice");
        let genesis = RawPeer::learn_genesis(lab.tracker.listen, 200, "mallory");
        Self {
            lab,
            alice,
            genesis,
        }
    }

    fn network(&self) -> NetworkId {
        self.genesis.id()
    }

    /// The attacker as a member with a session with alice; each `seed` is somebody else.
    fn attacker(&self, seed: u8) -> RawPeer {
        let tracker = self.lab.tracker_key();
        RawPeer::member(self.alice.listen, seed, self.network(), &tracker)
    }

    /// Whatever was tried, alice does what she is there for.
    fn assert_well(&self) {
        let before = self.alice.height();
        let mined = self.alice.mine();
        assert_eq!(mined.height.0, before + 1);
        let bob = self.lab.peer("bob");
        bob.reaches(&mined.id.to_string());
    }

    fn has_sessions(&self, count: usize) {
        wait_until("the sessions are counted", || {
            let sessions = self.alice.chain().sessions;
            so(sessions == count, sessions)
        });
    }
}
