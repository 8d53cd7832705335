//! What the registry has its shell do, in order: what was promised when the disk holds it, and how much
//! waits for that on behalf of each session.

use super::Effect;
use crate::protocol::commit_queue::CommitQueue;
use crate::protocol::{Row, SessionId};
use std::collections::HashMap;

/// The way out of the registry.
#[derive(Default)]
pub(super) struct Outgoing {
    queue: CommitQueue<Effect>,
    /// Answers that wait for the disk, of each session that there are any for.
    waiting: HashMap<SessionId, usize>,
}

impl Outgoing {
    /// Has rows written, with all others of this turn.
    pub(super) fn write(&mut self, rows: Vec<Row>) {
        rows.into_iter().for_each(|row| self.queue.write(row));
    }

    /// Does this now: it promises nothing.
    pub(super) fn at_once(&mut self, effect: Effect) {
        self.queue.at_once(effect);
    }

    /// Does this once all that was changed so far is on the disk.
    pub(super) fn say(&mut self, effect: Effect) {
        let receivers = effect.receivers().to_vec();
        if self.queue.after_rows(effect) {
            for session in receivers {
                *self.waiting.entry(session).or_default() += 1;
            }
        }
    }

    /// The disk holds all batches up to and including this one.
    pub(super) fn committed(&mut self, batch: u64) {
        for effect in self.queue.committed(batch) {
            for session in effect.receivers() {
                if let Some(count) = self.waiting.get_mut(session) {
                    *count -= 1;
                    if *count == 0 {
                        self.waiting.remove(session);
                    }
                }
            }
        }
    }

    /// How many answers to this session wait for the disk.
    pub(super) fn waiting(&self, session: SessionId) -> usize {
        self.waiting.get(&session).copied().unwrap_or(0)
    }

    /// Ends the turn: what is to be done now.
    pub(super) fn take(&mut self) -> Vec<Effect> {
        self.queue
            .take(|batch, rows| Effect::Commit { batch, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    #[test]
    fn what_waits_is_counted_for_each_session_until_the_disk_has_it() {
        let mut outgoing = Outgoing::default();
        let both = || Effect::SendAll {
            sessions: vec![SessionId(1), SessionId(2)],
            message: Message::GetMembers(()),
        };
        outgoing.say(both());
        assert_eq!(outgoing.take(), [both()], "nothing is written");
        outgoing.write(vec![(vec![1], None)]);
        outgoing.say(both());
        outgoing.say(Effect::Send {
            session: SessionId(2),
            message: Message::GetMembers(()),
        });
        assert_eq!(outgoing.take().len(), 1, "the rows only");
        let counts = |outgoing: &Outgoing| [1, 2, 3].map(|n| outgoing.waiting(SessionId(n)));
        assert_eq!(counts(&outgoing), [1, 2, 0]);
        outgoing.committed(1);
        assert_eq!(counts(&outgoing), [0, 0, 0]);
        assert_eq!(outgoing.take().len(), 2);
        assert!(
            outgoing.waiting.is_empty(),
            "it does not grow with sessions"
        );
    }
}
