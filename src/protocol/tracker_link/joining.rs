//! How we get onto the tracker's list, and off it.

use super::{Effect, MAX_SEQUENCE_STEP, Phase, Stage, TRACKER_ROW, Talk, TrackerLink, Warning};
use crate::canonical;
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::wire::message::{RefusalCode, Refused, Registered};
use crate::wire::{MemberRecord, MemberStatement, Message};
use std::collections::BTreeSet;

impl TrackerLink {
    /// What we say of ourselves: the last record's words if they still are the ones.
    pub(super) fn statement(&self, tracker: PublicKey, now: Now) -> MemberStatement {
        let wanted = MemberStatement {
            tracker,
            sequence: 0,
            name: self.config.name.clone(),
            key: self.config.key,
            sealing_key: self.config.sealing_key,
            addresses: self.config.addresses.clone(),
        };
        let last = self.record.as_ref().map(|r| &r.statement);
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

    /// Has signed what we have to say, if it is not what we said last, and if it is known to which
    /// tracker: the others of the network take it while the first one is away.
    pub(super) fn prepare_record(&mut self, now: Now) {
        if let Some(tracker) = self.tracker
            && matches!(self.phase, Phase::Waiting)
            && self.prepared.is_none()
        {
            let statement = self.statement(tracker, now);
            self.prepared = Some(statement.clone());
            if self
                .record
                .as_ref()
                .is_none_or(|r| r.statement != statement)
            {
                self.effects.push(Effect::Sign(statement));
            }
        }
    }

    pub(super) fn register(&mut self, statement: MemberStatement, now: Now) {
        match self.record.clone().filter(|r| r.statement == statement) {
            Some(record) => self.send_record(record, now),
            None => self.effects.push(Effect::Sign(statement)),
        }
    }

    pub(super) fn send_record(&mut self, record: MemberRecord, now: Now) {
        if let Phase::Talking(talk) = &mut self.phase {
            talk.stage = Stage::Registering;
            talk.since = now.steady;
            let session = talk.session;
            let message = Message::Register(record);
            self.effects.push(Effect::Send { session, message });
        }
    }

    pub(super) fn registered(&mut self, registered: Registered, now: Now) {
        let Phase::Talking(talk) = &mut self.phase else {
            return;
        };
        let (session, tracker) = (talk.session, talk.tracker);
        if !matches!(talk.stage, Stage::Registered(_)) {
            talk.stage = Stage::Registered(Some(BTreeSet::new()));
            self.effects.push(Effect::Joined { id: registered.id });
            self.tell_statements(session);
        }
        if self.pinned != Some(tracker) {
            self.tracker = Some(tracker);
            self.pinned = Some(tracker);
            self.commit(TRACKER_ROW, canonical::encode(&tracker));
        }
        if let Some(genesis) = registered.genesis {
            self.learn(genesis, now);
        } else if let Some(genesis) = self.genesis.clone() {
            let message = Message::OfferGenesis(genesis);
            self.effects.push(Effect::Send { session, message });
        } else if let Some(lease) = registered.lease {
            self.make_genesis(session, tracker, lease, now);
        }
        if self.leaving && self.is_registered() {
            self.sign_leaving(now);
        }
    }

    pub(super) fn refused(&mut self, refused: Refused, now: Now) {
        let reason = refused.reason.as_str().to_owned();
        match refused.code {
            RefusalCode::NameTaken | RefusalCode::BadRecord if !self.is_certified() => {
                let reason = format!("the tracker refused the registration: {reason}");
                self.rest(Effect::Fatal { reason });
            }
            RefusalCode::NotRegistered if self.leaving => self.rest(Effect::Left),
            RefusalCode::OldRecord if self.sequence_step <= MAX_SEQUENCE_STEP => {
                self.raise_sequence(now)
            }
            RefusalCode::KeyInUse => self.key_in_use(reason, now),
            code => {
                // Whatever was wrong with the block that we mined, it will not become right.
                self.mined = None;
                let said = reason.clone();
                self.effects
                    .push(Effect::Warn(Warning::Refused { code, reason }));
                self.give_up(&said, now);
            }
        }
    }

    /// The tracker knows a later record of ours: says the same with a later number.
    fn raise_sequence(&mut self, now: Now) {
        let last = self.record.as_ref().map_or(0, |r| r.statement.sequence);
        self.least_sequence = last.max(now.wall.0).saturating_add(self.sequence_step);
        self.sequence_step = self.sequence_step.saturating_mul(2);
        if self.is_registered() {
            return self.sign_leaving(now);
        }
        let Phase::Talking(Talk { tracker, .. }) = self.phase else {
            return;
        };
        let statement = self.statement(tracker, now);
        if let Phase::Talking(talk) = &mut self.phase {
            talk.stage = Stage::Signing(statement.clone());
        }
        self.register(statement, now);
    }

    pub(super) fn sign_leaving(&mut self, now: Now) {
        let last = self.record.as_ref().map_or(0, |r| r.statement.sequence);
        let sequence = last
            .saturating_add(1)
            .max(self.least_sequence)
            .max(now.wall.0);
        if let Phase::Talking(Talk { tracker, .. }) = self.phase {
            self.effects.push(Effect::SignLeaving { tracker, sequence });
        }
    }
}
