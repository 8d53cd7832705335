//! What a tracker answers to a record.

use crate::example::{self, START, alice, bob, tracker};
use crate::talk::hello;
use crate::work::Work;
use raclette::clock::{Now, SteadyTime};
use raclette::keys::SecretKey;
use raclette::protocol::registry::Effect;
use raclette::protocol::{Registry, SessionId};
use raclette::wire::{Hello, MemberStatement, Message};
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
