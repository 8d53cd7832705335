//! What a tracker answers to a record.

use crate::example::{self, START, alice, bob, tracker};
use crate::talk::hello;
use crate::work::Work;
use raclette::canonical;
use raclette::chain::{Header, NetworkId, Timestamp};
use raclette::clock::{Now, SteadyTime};
use raclette::keys::SecretKey;
use raclette::protocol::registry::Effect;
use raclette::protocol::{Registry, SessionId};
use raclette::wire::work::{Newcomer, WorkAsked, WorkDone};
use raclette::wire::{Hello, MemberStatement, Message};
use std::num::NonZeroU64;
use std::sync::Arc;

/// One session for each case, the first being the one that alice registered in.
const FIRST: u64 = 1;

/// A tracker without a disk: what it writes is written at once.
struct Tracker {
    registry: Registry,
    now: Now,
}

impl Tracker {
    /// Registers a statement in a session of its own; what the tracker answers.
    fn register(&mut self, session: u64, by: &SecretKey, statement: MemberStatement) -> String {
        let (session, key) = (SessionId(session), by.public_key());
        let hello = Hello { key, ..hello() };
        let opened = self.registry.session_opened(session, hello, None, self.now);
        assert_eq!(opened, [], "it may come in");
        let message = Message::Register(statement.sign(by));
        let mut effects = self.registry.received(session, message, self.now);
        let mut answers = Vec::new();
        while let Some(effect) = (!effects.is_empty()).then(|| effects.remove(0)) {
            match effect {
                Effect::Commit { batch, .. } => effects.extend(self.registry.committed(batch)),
                Effect::Send {
                    session: to,
                    message,
                } if to == session => answers.push(match message {
                    Message::Refused(refused) => format!("Refused, {:?}", refused.code),
                    other => other.name().to_owned(),
                }),
                _ => {}
            }
        }
        answers.join(", ")
    }
}

/// Alice has registered; what becomes of further records.
pub fn register_rules(work: &mut Work) {
    let registry = Registry::open(Arc::new(tracker()), example::params(), 0, []);
    let steady = SteadyTime::after_beginning(0);
    let wall = START;
    let mut tracker = Tracker {
        registry: registry.expect("nothing is stored"),
        now: Now { wall, steady },
    };
    let said = example::statement;
    let other_address = || vec!["192.0.2.7:7001".parse().expect("an address")];
    let cases = [
        ("alice's first", alice(), said()),
        ("the same again", alice(), said()),
        (
            "the same number, another address",
            alice(),
            MemberStatement {
                addresses: other_address(),
                ..said()
            },
        ),
        (
            "a number less",
            alice(),
            MemberStatement {
                sequence: said().sequence - 1,
                ..said()
            },
        ),
        (
            "a greater number, another address",
            alice(),
            MemberStatement {
                sequence: said().sequence + 1,
                addresses: other_address(),
                ..said()
            },
        ),
        ("the first once more", alice(), said()),
        (
            "the same name by bob",
            bob(),
            MemberStatement {
                key: bob().public_key(),
                ..said()
            },
        ),
        (
            "for another tracker",
            bob(),
            MemberStatement {
                key: bob().public_key(),
                tracker: bob().public_key(),
                name: "bob".parse().expect("a name"),
                ..said()
            },
        ),
    ];
    for (session, (name, by, statement)) in (FIRST..).zip(cases) {
        let answer = tracker.register(session, &by, statement);
        work.found(name, answer);
    }
}

/// What alice's registration costs, where `hashes` are asked for.
fn asked_for(hashes: u64, issued: u64, seal: [u8; 32]) -> (WorkAsked, Newcomer) {
    let hashes = NonZeroU64::new(hashes).expect("at least one");
    let asked = WorkAsked {
        issued: Timestamp(issued),
        seal: serde_bytes::ByteArray::new(seal),
        target: WorkAsked::target_for(hashes),
    };
    let newcomer = Newcomer {
        tracker: tracker().public_key(),
        network: NetworkId::ZERO,
        key: alice().public_key(),
        name: example::statement().name,
    };
    (asked, newcomer)
}

fn done(asked: WorkAsked, newcomer: &Newcomer) -> WorkDone {
    let mut header = asked.header(newcomer);
    while !header.has_work() {
        header.nonce += 1;
    }
    let nonce = header.nonce;
    WorkDone { asked, nonce }
}

/// As in the example of work.
fn example_of_work() -> (WorkAsked, Newcomer) {
    asked_for(4_096, 1_800_000_000_000, [4; 32])
}

/// What a tracker asks for.
pub fn work_asked() -> WorkAsked {
    example_of_work().0
}

/// And what is done.
pub fn work_done() -> WorkDone {
    let (asked, newcomer) = example_of_work();
    done(asked, &newcomer)
}

/// What registering costs, worked out.
pub fn registration_work(work: &mut Work) {
    let (hashes, issued) = (work.number("hashes"), work.number("issued"));
    let (asked, newcomer) = asked_for(hashes, issued, work.array("seal"));
    let header = asked.header(&newcomer);
    work.found_bytes("header", &header.to_bytes());
    let done = done(asked, &newcomer);
    let nonce = done.nonce;
    work.found("nonce", nonce);
    work.found("id", Header { nonce, ..header }.id());
    work.found_bytes("asked", &canonical::encode(&asked));
    assert!(done.is_done(&newcomer));
    work.found_bytes("done", &canonical::encode(&done));
}
