//! What we say of ourselves, and under which number.

use super::{Config, MAX_SEQUENCE_STEP, SEQUENCE_STEP};
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::wire::{MemberRecord, MemberStatement};

/// Our last record, and what is known of its number.
#[derive(Debug)]
pub(super) struct OwnRecord {
    last: Option<MemberRecord>,
    /// What we have to say of ourselves is being signed while nobody asks for it, or was.
    prepared: Option<MemberStatement>,
    /// No record below this number is signed.
    least_sequence: u64,
    /// By what the number is raised when the tracker knows a later one.
    step: u64,
}

impl OwnRecord {
    /// Nothing was said yet.
    pub(super) fn new() -> Self {
        Self {
            last: None,
            prepared: None,
            least_sequence: 0,
            step: SEQUENCE_STEP,
        }
    }

    /// This was said last.
    pub(super) fn said(&mut self, record: MemberRecord) {
        self.last = Some(record);
    }

    /// What was said last, if anything.
    pub(super) fn last(&self) -> Option<&MemberRecord> {
        self.last.as_ref()
    }

    /// The last record, if it says this.
    pub(super) fn saying(&self, statement: &MemberStatement) -> Option<&MemberRecord> {
        let last = self.last.as_ref();
        last.filter(|record| record.statement == *statement)
    }

    fn last_sequence(&self) -> u64 {
        self.last.as_ref().map_or(0, |r| r.statement.sequence)
    }

    /// What we say of ourselves: the last record's words if they still are the ones.
    pub(super) fn statement(
        &self,
        config: &Config,
        tracker: PublicKey,
        now: Now,
    ) -> MemberStatement {
        let wanted = MemberStatement {
            tracker,
            sequence: 0,
            name: config.name.clone(),
            key: config.key,
            sealing_key: config.sealing_key,
            addresses: config.addresses.clone(),
        };
        let last = self.last.as_ref().map(|record| &record.statement);
        let sequence = match last {
            Some(last) if last.sequence >= self.least_sequence => {
                let sequence = last.sequence;
                let same = MemberStatement {
                    sequence,
                    ..wanted.clone()
                };
                if same == *last {
                    return same;
                }
                now.wall.0.max(sequence.saturating_add(1))
            }
            _ => now.wall.0.max(self.least_sequence),
        };
        MemberStatement { sequence, ..wanted }
    }

    /// What is to be signed though nobody asks for it yet, if it is not what was said last.
    pub(super) fn prepare(
        &mut self,
        config: &Config,
        tracker: PublicKey,
        now: Now,
    ) -> Option<MemberStatement> {
        if self.prepared.is_some() {
            return None;
        }
        let statement = self.statement(config, tracker, now);
        self.prepared = Some(statement.clone());
        self.saying(&statement).is_none().then_some(statement)
    }

    /// Whether this is what was to be signed in advance.
    pub(super) fn is_prepared(&self, statement: &MemberStatement) -> bool {
        self.prepared.as_ref() == Some(statement)
    }

    /// Whether the number may be raised further.
    pub(super) fn may_rise(&self) -> bool {
        self.step <= MAX_SEQUENCE_STEP
    }

    /// The tracker knows a later record of ours: the next has a later number.
    pub(super) fn rise(&mut self, now: Now) {
        let last = self.last_sequence().max(now.wall.0);
        self.least_sequence = last.saturating_add(self.step);
        self.step = self.step.saturating_mul(2);
    }

    /// What we said last has a number that nobody takes: the next one goes by the clock again.
    pub(super) fn begin_anew(&mut self) {
        self.last = None;
        self.least_sequence = 0;
        self.step = SEQUENCE_STEP;
    }

    /// The number under which we leave.
    pub(super) fn leaving_sequence(&self, now: Now) -> u64 {
        let next = self.last_sequence().saturating_add(1);
        next.max(self.least_sequence).max(now.wall.0)
    }
}
