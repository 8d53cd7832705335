//! Two peers that can be kept from each other.

use super::{Lab, Node, Proxy};

/// Two peers whose only line to each other can be cut.
pub struct Apart {
    pub line: Proxy,
    pub alice: Node,
    pub bob: Node,
    _lab: Lab,
}

impl Apart {
    /// Both on one network, and connected.
    pub fn start() -> Self {
        let lab = Lab::start();
        let lines = [Proxy::start(), Proxy::start()];
        let advertise = |line: &Proxy| format!("advertise = [\"{}\"]\n", line.listen);
        // Both give away the same line: alice is reached through it, and bob through none.
        let [line, nowhere] = lines;
        let mut alice = lab.prepare_peer_with("alice", &advertise(&line));
        line.lead_to(alice.listen);
        let mut bob = lab.prepare_peer_with("bob", &advertise(&nowhere));
        alice.start().joins();
        bob.start().joins();
        alice.has_sessions(1);
        bob.has_sessions(1);
        Self {
            line,
            alice,
            bob,
            _lab: lab,
        }
    }

    /// Cuts the line, and waits until both have noticed.
    pub fn cut(&self) {
        self.line.cut();
        self.alice.has_sessions(0);
        self.bob.has_sessions(0);
    }

    /// Mends the line, and waits until it is used.
    pub fn mend(&self) {
        self.line.mend();
        self.alice.has_sessions(1);
    }
}
