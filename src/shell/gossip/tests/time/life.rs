//! A node over a long time, and whoever is at the other ends of its sessions.

use super::*;

/// Number of the node's key.
const OWN: u8 = 100;

/// A node, and whoever is at the other ends of its sessions: they answer questions for headers, close what
/// they are told to, and else do what a test wants.
pub(super) struct Life {
    pub(super) node: Node,
    pub(super) clock: Arc<HandClock>,
    pub(super) jumps: Spread,
    pub(super) closed: Vec<(SessionId, String)>,
    pub(super) sent: Vec<(SessionId, Message)>,
    pub(super) told: Vec<DeliveryFact>,
}

impl Life {
    /// One that keeps so many connections of its own.
    pub(super) fn keeping(outgoing: usize) -> Self {
        let clock = HandClock::new();
        let limits = PeersLimits {
            outgoing,
            incoming: 0,
        };
        Self {
            node: Node::new(OWN, limits, Work::ZERO, &clock),
            clock,
            jumps: Spread::new(7),
            closed: Vec::new(),
            sent: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Deals with what the sessions were told, and what the outbox was.
    pub(super) fn settle(&mut self) {
        while let Some(Ordered(session, command)) = self.node.begun.ordered.take() {
            match command {
                SessionCommand::AskHeaders(_) => {
                    let _ = self.node.received(session, Message::Headers(Vec::new()));
                }
                SessionCommand::Close(reason) => {
                    self.closed.push((session, reason.clone()));
                    self.node.closed(session, &reason);
                }
                SessionCommand::Send(message) => self.sent.push((session, message)),
                _ => {}
            }
        }
        let told = self.node.told.drain().into_iter();
        self.told.extend(told.map(|DeliveryTold(fact)| fact));
    }

    /// Lets time pass, while somebody sets the wall clock again and again.
    pub(super) fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.clock.pass(100);
            self.clock.set_wall(Timestamp(self.jumps.up_to(u64::MAX)));
            self.node.shell.tick();
            self.settle();
        }
    }

    /// The members' records name these addresses.
    pub(super) fn know(&mut self, members: &[(u8, &str)]) {
        let mut known: BTreeMap<u8, Known> = BTreeMap::new();
        for (number, address) in members {
            let entry = known.entry(*number).or_insert_with(|| Known {
                key: member(*number).public_key(),
                name: format!("member-{number}").parse().unwrap(),
                addresses: Vec::new(),
                outlook: Outlook::Unknown,
                since: None,
            });
            entry.addresses.push(address.parse().unwrap());
        }
        let known = CandidatesKnown {
            candidates: known.into_values().collect(),
            statements: None,
        };
        self.node.shell.candidates_known(known);
        self.settle();
    }

    /// What was dialled since this was last asked.
    pub(super) fn dials(&self) -> Vec<String> {
        let dials = self.node.dials.drain().into_iter();
        dials.map(|Dial(address)| address).collect()
    }

    /// Somebody answers where was dialled.
    pub(super) fn answers(&mut self, address: &str, number: u8) -> SessionId {
        let result = Ok(connection(address));
        let address = address.to_owned();
        self.node.shell.dialled(Dialled { address, result });
        let session = self.node.begun.last();
        let _ = self.node.opened(session, number);
        self.settle();
        session
    }

    /// Nobody answers where was dialled.
    pub(super) fn fails(&mut self, address: &str) {
        let result = Err(io::Error::from(io::ErrorKind::TimedOut));
        let address = address.to_owned();
        self.node.shell.dialled(Dialled { address, result });
        self.settle();
    }

    pub(super) fn reach(&mut self, number: u8) {
        let key = member(number).public_key();
        self.node.shell.reach(ReachMember(key));
        self.settle();
    }

    /// What the outbox was told of a member since this was last asked.
    pub(super) fn told_of(&mut self, number: u8) -> Vec<DeliveryFact> {
        let key = member(number).public_key();
        let is_of = |fact: &DeliveryFact| match fact {
            DeliveryFact::Reached(of) | DeliveryFact::Lost(of) | DeliveryFact::Unreachable(of) => {
                *of == key
            }
            DeliveryFact::Receipt { from, .. } => *from == key,
        };
        let told = std::mem::take(&mut self.told);
        let (of, others) = told.into_iter().partition(is_of);
        self.told = others;
        of
    }

    pub(super) fn deliver(&mut self, number: u8, salt: u8) -> EncodedTransaction {
        let transaction = transfer(OWN, number, 5, 0, salt);
        self.node.shell.deliver(Deliver {
            to: member(number).public_key(),
            transaction: transaction.clone(),
        });
        self.settle();
        transaction
    }

    pub(super) fn answer(
        &mut self,
        session: SessionId,
        number: u8,
        delivered: &EncodedTransaction,
    ) {
        let statement = ReceiptStatement {
            network: network(),
            transaction: delivered.id(),
            recipient: member(number).public_key(),
            code: ReceiptCode::Accepted,
            reason: Default::default(),
            height: Height(0),
            block: network(),
        };
        let receipt: Receipt = statement.sign(&member(number));
        let _ = self.node.received(session, Message::Receipt(receipt));
        self.settle();
    }

    pub(super) fn sessions(&mut self) -> BTreeSet<PublicKey> {
        let status = self.node.shell.status(GetGossipStatus);
        status.sessions.into_iter().map(|s| s.key).collect()
    }
}
