//! Each machine by itself. Whole networks of them are above, in the tests of their shell.

mod expelled;
mod pair;
mod peers;
mod places;
mod relay;
mod sync;

use super::peers::Candidate;
use super::*;
use crate::chain::Height;
use crate::chain::testing::member;
use crate::clock::STARTED;
use crate::clock::SteadyTime;
use crate::wire::NodeRole;

const LIMITS: PeersLimits = PeersLimits {
    outgoing: 8,
    incoming: 32,
};

fn hello_of(key: PublicKey) -> Hello {
    Hello {
        network: crate::chain::testing::network(),
        role: NodeRole::Peer,
        key,
        nonce: 0,
        height: Height(0),
        address: None,
        time: crate::chain::testing::START,
        minor: 0,
        incarnation: 1,
        agent: Default::default(),
    }
}

/// A machine of its own key and no sessions.
fn gossip(number: u8) -> Gossip {
    let own = member(number).public_key();
    Gossip::new(own, LIMITS, Work::ZERO, u64::from(number), STARTED)
}

/// A machine with incoming sessions 1 to `count`, each of another key.
fn with_sessions(count: u8) -> Gossip {
    let mut gossip = gossip(100);
    for n in 1..=count {
        let hello = hello_of(member(n).public_key());
        let effects = gossip.opened(session(n), &hello, Direction::Incoming, STARTED);
        assert!(effects.contains(&Effect::AskHeaders(session(n), None)));
        answer(&mut gossip, &effects, STARTED);
    }
    gossip
}

/// Answers questions for headers with none.
fn answer(gossip: &mut Gossip, effects: &[Effect], now: SteadyTime) {
    for effect in effects {
        if let Effect::AskHeaders(session, _) = effect {
            let nothing = gossip.received(*session, Message::Headers(Vec::new()), now);
            assert_eq!(nothing, []);
        }
    }
}

/// Time passes among peers that answer.
fn tick(gossip: &mut Gossip, now: SteadyTime) -> Vec<Effect> {
    let mut effects = gossip.tick(now);
    answer(gossip, &effects, now);
    effects.retain(|effect| !matches!(effect, Effect::AskHeaders(..)));
    effects
}

fn session(number: u8) -> SessionId {
    SessionId(u64::from(number))
}

fn closes(effects: &[Effect]) -> Vec<SessionId> {
    let close = |effect: &Effect| match effect {
        Effect::Close(session, _) => Some(*session),
        _ => None,
    };
    effects.iter().filter_map(close).collect()
}

fn facts(effects: Vec<Effect>) -> Vec<Fact> {
    let fact = |effect| match effect {
        Effect::Tell(fact) => Some(fact),
        _ => None,
    };
    effects.into_iter().filter_map(fact).collect()
}
