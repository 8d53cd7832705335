//! How we get onto the tracker's list, and off it.

use super::{
    Config, Effect, Named, PUT_OUT_PAUSE_MS, Phase, Stage, TRACKER_ROW, Talk, TrackerLink, Warning,
};
use crate::canonical;
use crate::chain::NetworkId;
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::membership::invitation::sign_invited;
use crate::wire::message::{Invited, RefusalCode, Refused, Registered};
use crate::wire::{MemberRecord, MemberStatement, Message};
use std::collections::BTreeSet;

impl TrackerLink {
    pub(super) fn statement(&self, tracker: PublicKey, now: Now) -> MemberStatement {
        self.record.statement(&self.config, tracker, now)
    }

    /// Has signed what we have to say, if it is not what we said last, and if it is known to which
    /// tracker: the others of the network take it while the first one is away.
    pub(super) fn prepare_record(&mut self, now: Now) {
        if let Some(tracker) = self.tracker
            && matches!(self.phase, Phase::Waiting)
            && let Some(statement) = self.record.prepare(&self.config, tracker, now)
        {
            self.decided.at_once(Effect::Sign(statement));
        }
    }

    pub(super) fn register(&mut self, statement: MemberStatement, now: Now) {
        match self.record.saying(&statement).cloned() {
            Some(record) => self.send_record(record, now),
            None => self.decided.at_once(Effect::Sign(statement)),
        }
    }

    pub(super) fn send_record(&mut self, record: MemberRecord, now: Now) {
        if let Phase::Talking(talk) = &mut self.phase {
            talk.stage = Stage::Registering;
            talk.since = now.steady;
            let (session, network, tracker) = (talk.session, talk.network, talk.tracker);
            if let Some(message) = self.invited(network) {
                self.decided.at_once(Effect::Send { session, message });
            }
            if let Some(message) = self.work_done(tracker) {
                self.decided.at_once(Effect::Send { session, message });
            }
            let message = Message::Register(record);
            // A number that was said must be known after a power cut, too.
            self.decided.after_rows(Effect::Send { session, message });
        }
    }

    /// What lets us in, for a tracker of this network, as long as we have no certificate.
    fn invited(&self, network: NetworkId) -> Option<Message> {
        let invitation = self.config.invitation.as_ref()?;
        (!self.is_certified()).then(|| {
            let Config { key, name, .. } = &self.config;
            Message::Invited(Invited {
                invitation: invitation.invitation.clone(),
                signature: sign_invited(&invitation.key(), &network, key, name),
            })
        })
    }

    pub(super) fn registered(&mut self, registered: Registered, now: Now) {
        let Phase::Talking(talk) = &mut self.phase else {
            return;
        };
        let (session, tracker) = (talk.session, talk.tracker);
        if !matches!(talk.stage, Stage::Registered(_)) {
            talk.stage = Stage::Registered(Some(BTreeSet::new()));
            self.work = None;
            self.decided.at_once(Effect::Joined { id: registered.id });
            self.tell_statements(session);
        }
        if self.pinned != Some(tracker) {
            self.tracker = Some(tracker);
            self.pinned = Some(tracker);
            self.commit(TRACKER_ROW, canonical::encode(&tracker));
        }
        if let Some(genesis) = registered.genesis {
            self.learn(genesis, now);
        } else if let Some(genesis) = self.founding.genesis().cloned() {
            let message = Message::OfferGenesis(genesis);
            self.decided.at_once(Effect::Send { session, message });
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
            code if self.is_final(code) => {
                let reason = format!("the tracker refused the registration: {reason}");
                self.rest(Effect::Fatal { reason });
            }
            RefusalCode::NameTaken | RefusalCode::BadRecord if !self.is_certified() => {
                self.look_elsewhere();
                self.told_no(refused.code, reason, now);
            }
            RefusalCode::NotRegistered if self.leaving => self.rest(Effect::Left),
            RefusalCode::OldRecord if self.record.may_rise() => self.raise_sequence(now),
            RefusalCode::KeyInUse => self.key_in_use(reason, now),
            RefusalCode::NumberAhead => {
                self.record.begin_anew();
                self.told_no(refused.code, reason, now);
            }
            RefusalCode::PutOut => {
                self.give_up(&reason, now);
                // Also where it is not known yet whose word counts on this network.
                self.pause.hold(now.steady, PUT_OUT_PAUSE_MS);
            }
            code => {
                // Whatever was wrong with the block that we mined, it will not become right.
                self.founding.drop_mined();
                self.told_no(code, reason, now);
            }
        }
    }

    /// Whether only the owner can mend what this says: no network is known yet, and no other tracker may know better.
    fn is_final(&self, code: RefusalCode) -> bool {
        let is_mended_by_owner = match code {
            RefusalCode::NameTaken => true,
            // One that only introduces lets nobody in, and another one may.
            RefusalCode::BadRecord => self.others.is_empty(),
            _ => false,
        };
        is_mended_by_owner && self.founding.genesis().is_none()
    }

    /// Another tracker may let us in. As long as no network is known, they are asked in turn; then the introducers
    /// say our record, too, though we have no certificate.
    fn look_elsewhere(&mut self) {
        if self.founding.genesis().is_some() {
            return self.decided.at_once(Effect::RegisterElsewhere);
        }
        // Which network it is, only the one may say that is taken for its first tracker.
        if let Phase::Talking(talk) = &self.phase
            && talk.shown == talk.tracker
            && talk.network != NetworkId::ZERO
        {
            self.named = Some(Named {
                network: talk.network,
                founder: talk.tracker,
            });
        }
    }

    /// Tells the owner why the tracker says no, to try again later.
    fn told_no(&mut self, code: RefusalCode, reason: String, now: Now) {
        let said = reason.clone();
        self.decided
            .at_once(Effect::Warn(Warning::Refused { code, reason }));
        self.give_up(&said, now);
    }

    /// The tracker knows a later record of ours: says the same with a later number.
    fn raise_sequence(&mut self, now: Now) {
        self.record.rise(now);
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
        let sequence = self.record.leaving_sequence(now);
        if let Phase::Talking(Talk { tracker, .. }) = self.phase {
            self.decided
                .at_once(Effect::SignLeaving { tracker, sequence });
        }
    }
}
