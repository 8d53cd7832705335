//! Two nodes that dial each other at once.

use super::peers::candidate;
use super::*;
use crate::clock::STARTED;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

/// Two nodes that dial each other, with everything that is under way between them.
struct Pair {
    nodes: [Gossip; 2],
    keys: [u8; 2],
    /// Connections: who dialled, and whether each end has it open.
    lines: BTreeMap<u64, (usize, [bool; 2])>,
    /// What will happen at which end of which connection, in order at each end.
    queues: BTreeMap<(usize, u64), VecDeque<Happens>>,
    next: u64,
    now: SteadyTime,
}

#[derive(Debug, Clone, Copy)]
enum Happens {
    Opens,
    Closes,
}

impl Pair {
    fn new(keys: [u8; 2]) -> Self {
        let mut pair = Self {
            nodes: keys.map(gossip),
            keys,
            lines: BTreeMap::new(),
            queues: BTreeMap::new(),
            next: 1,
            now: STARTED,
        };
        for at in 0..2 {
            let effects = pair.nodes[at].candidates(vec![candidate(keys[1 - at])], STARTED);
            pair.carry_out(at, effects);
        }
        pair
    }

    fn carry_out(&mut self, at: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Dial(address) => {
                    let line = self.next;
                    self.next += 1;
                    self.lines.insert(line, (at, [true, true]));
                    self.nodes[at].dial_connected(SessionId(line), &address);
                    for end in 0..2 {
                        self.queues
                            .entry((end, line))
                            .or_default()
                            .push_back(Happens::Opens);
                    }
                }
                Effect::Close(session, _) => {
                    for end in [at, 1 - at] {
                        let queue = self.queues.entry((end, session.0)).or_default();
                        queue.push_back(Happens::Closes);
                    }
                }
                _ => {}
            }
        }
    }

    fn step(&mut self, which: usize) {
        let waiting: Vec<_> = self
            .queues
            .iter()
            .filter(|(_, q)| !q.is_empty())
            .map(|(k, _)| *k)
            .collect();
        let (at, line) = waiting[which % waiting.len()];
        let Some(happens) = self
            .queues
            .get_mut(&(at, line))
            .and_then(VecDeque::pop_front)
        else {
            return;
        };
        let (dialler, open) = self.lines.get_mut(&line).unwrap();
        if !open[at] {
            return;
        }
        let direction = if *dialler == at {
            Direction::Outgoing
        } else {
            Direction::Incoming
        };
        let effects = match happens {
            Happens::Opens => {
                let hello = hello_of(member(self.keys[1 - at]).public_key());
                let node = &mut self.nodes[at];
                let effects = node.opened(SessionId(line), &hello, direction, self.now);
                answer(node, &effects, self.now);
                effects
            }
            Happens::Closes => {
                open[at] = false;
                self.nodes[at].closed(SessionId(line), "closed", self.now)
            }
        };
        self.carry_out(at, effects);
    }

    fn sessions(&self, at: usize) -> Vec<SessionId> {
        self.nodes[at]
            .sessions()
            .map(|(session, _)| session)
            .collect()
    }
}

proptest! {
    #[test]
    fn two_that_dial_each_other_at_once_end_with_one_session(turned: bool, order in proptest::collection::vec(0usize..100, 0..60)) {
        let mut pair = Pair::new(if turned { [1, 2] } else { [2, 1] });
        let mut order = order.into_iter();
        for _ in 0..100 {
            while pair.queues.values().any(|queue| !queue.is_empty()) {
                pair.step(order.next().unwrap_or(0));
            }
            pair.now = pair.now.plus_ms(1_000);
            for at in 0..2 {
                let effects = tick(&mut pair.nodes[at], pair.now);
                pair.carry_out(at, effects);
            }
        }
        prop_assert_eq!(pair.sessions(0).len(), 1);
        prop_assert_eq!(pair.sessions(0), pair.sessions(1));
        // Settled, not dialled again and again.
        prop_assert!(pair.next <= 4, "{} connections", pair.next - 1);
    }
}
