//! Who joins and who leaves.

use super::admission::Right;
use super::members::{Ending, Refusal, Registration};
use super::{Effect, Fact, MAX_RECORD_AHEAD_MS, RECORDS, RENAMES, Registry};
use crate::clock::Now;
use crate::protocol::SessionId;
use crate::wire::member::Leaving;
use crate::wire::message::{RefusalCode, Registered};
use crate::wire::{MemberId, MemberRecord, Message};

impl Registry {
    pub(super) fn register(&mut self, session: SessionId, record: MemberRecord, now: Now) {
        let proven = self.sessions.key(session) == Some(record.statement.key);
        if let Some(signed) = self.out(&record.statement.key).filter(|_| proven) {
            return self.turn_away(session, signed.clone());
        }
        // Before any signature is looked at.
        if let Some(asked) = self.work_for(session, &record, now).filter(|_| proven) {
            return self.send(session, Message::WorkAsked(asked));
        }
        if let Err((code, reason)) = self.judge(session, &record, false, now) {
            return self.refuse(session, code, &reason);
        }
        let key = record.statement.key;
        if self.is_contested(session, &key) {
            return self.contest(session, &key, record, now);
        }
        self.enter(session, record, now);
    }

    /// Enters a record that was found right on the list, and its sender as the member that it is of.
    pub(super) fn enter(&mut self, session: SessionId, record: MemberRecord, now: Now) {
        self.count_record(&record, now);
        let key = record.statement.key;
        let right = self.right(session, &record.statement, now);
        if right.is_ok() && self.members.id_of(&key).is_none() {
            self.make_room(now);
        }
        let entered = right.and_then(|right| {
            let registered = self.members.register(record, right.invitation(), now)?;
            Ok((right, registered))
        });
        let (right, (registration, rows)) = match entered {
            Ok(entered) => entered,
            Err((code, reason)) => return self.refuse(session, code, &reason),
        };
        self.outgoing.write(rows);
        let is_open = right == Right::Open;
        self.outgoing.write(match right {
            Right::Invited(invitation) => self.invitations.used(&invitation, now.wall),
            Right::Certified(Some(invitation)) => self.invitations.remember_use(&invitation),
            Right::Certified(None) | Right::LetIn | Right::Listed | Right::Open => Vec::new(),
        });
        let id = registration.id();
        if is_open
            && let Some(host) = self.doorstep.host_of(session).map(str::to_owned)
            && let Some(pricing) = &mut self.pricing
        {
            pricing.paid(&host, now);
        }
        match registration {
            Registration::New(_) => {
                self.news.is_back(&key);
                self.watch(id);
            }
            Registration::Renewed(_) => self.news.touch(id),
            Registration::Known(_) => {}
        }
        if let Registration::New(id) = registration
            && let Some(entry) = self.members.get(id)
        {
            let said = &entry.record.statement;
            let invitation = entry.invitation.as_ref();
            self.outgoing.say(Effect::Fact(Fact::MemberJoined {
                id,
                name: said.name.clone(),
                key: said.key,
                invitation: invitation.and_then(|key| self.invitations.id_of(key)),
            }));
        }
        let is_new = !self.sessions.is_members(session);
        self.attach(session, id, now);
        let asked = self.next_holder(now);
        self.answer_registered(session, id, now);
        if is_new {
            self.tell_statements(session);
        }
        if let Some(other) = asked.filter(|other| *other != id) {
            self.tell_holder(other, now);
        }
    }

    /// Whether whoever sends this could be registered, as things stand; `asks` if it only wants to know.
    pub(super) fn judge(
        &self,
        session: SessionId,
        record: &MemberRecord,
        asks: bool,
        now: Now,
    ) -> Result<(), Refusal> {
        let checked = self.check_record(session, record, asks, now);
        checked.map_err(|reason| (RefusalCode::BadRecord, reason))?;
        if record.statement.sequence > now.wall.plus_ms(MAX_RECORD_AHEAD_MS).0 {
            // Nothing that its sender says later would count.
            let text = "the record's number lies far ahead of the tracker's clock: set the clock of this \
                        computer, or that of the tracker";
            return Err((RefusalCode::NumberAhead, text.to_owned()));
        }
        self.check_rate(record, now)?;
        self.right(session, &record.statement, now)?;
        self.members.judge_name(record)
    }

    /// Whether its sender may say something new again.
    fn check_rate(&self, record: &MemberRecord, now: Now) -> Result<(), Refusal> {
        let id = self.members.id_of(&record.statement.key);
        let known = id.and_then(|id| Some((id, &self.members.get(id)?.record)));
        let Some((id, known)) = known.filter(|(_, known)| *known != record) else {
            return Ok(());
        };
        let used = self.records.used(&id, RECORDS, now.steady);
        let is_renamed = known.statement.name != record.statement.name;
        let renamed = self.renames.used(&id, RENAMES, now.steady);
        if used < RECORDS.burst && !(is_renamed && renamed >= RENAMES.burst) {
            return Ok(());
        }
        let text = "this member's record changes too often, and everybody has to be told of each change: it \
                    is taken later";
        Err((RefusalCode::TooOften, text.to_owned()))
    }

    /// Counts what a member says anew: everybody is told of it, and each name that it gives up is kept.
    fn count_record(&mut self, record: &MemberRecord, now: Now) {
        let Some(id) = self.members.id_of(&record.statement.key) else {
            return;
        };
        let known = self.members.get(id).map(|entry| &entry.record);
        let is_new = known.is_some_and(|known| known != record);
        let name = &record.statement.name;
        let is_renamed = known.is_some_and(|known| known.statement.name != *name);
        if is_new {
            self.records.of(id, now.steady).count(RECORDS, now.steady);
        }
        if is_renamed {
            self.renames.of(id, now.steady).count(RENAMES, now.steady);
        }
    }

    /// Checks what a record can be judged by alone, and with what its sender showed.
    fn check_record(
        &self,
        session: SessionId,
        record: &MemberRecord,
        asks: bool,
        now: Now,
    ) -> Result<(), String> {
        let statement = &record.statement;
        let founder = self.certificates.founder();
        // Whoever asks may not know yet who founded the network.
        let is_asked = asks && statement.tracker == self.certificates.own_key();
        if statement.tracker != founder && !is_asked {
            return Err(format!(
                "the first tracker of this network is {}: name that one first in \"trackers\" in the \
                 settings, or its key as \"tracker_key\"",
                founder.to_address()
            ));
        }
        if self.sessions.key(session) != Some(statement.key) {
            return Err("the record is of another key than your hello".to_owned());
        }
        record.check().map_err(|e| format!("the record: {e}"))?;
        if self.certificates.office(now.wall).is_some() {
            return Ok(());
        }
        let known = self.sessions.get(session);
        let shown = known.and_then(|s| s.certificate.as_ref());
        let network = self.network();
        self.certificates.check(shown, network, statement, now)
    }

    /// Makes the session its member's own; a former one is closed.
    fn attach(&mut self, session: SessionId, id: MemberId, now: Now) {
        let former = self.sessions.register(session, id, now.steady);
        self.doorstep.registered(session);
        self.news.begin(session, id);
        if let Some(session) = former {
            self.news.end(session);
            let reason = "you connected again, this connection is replaced".to_owned();
            self.outgoing.say(Effect::Close { session, reason });
        }
        self.hear_of(id, now);
        let has_address = self.members.has_address(id);
        self.liveness.attached(id, session, has_address);
        self.note_standings();
    }

    pub(super) fn answer_registered(&mut self, session: SessionId, id: MemberId, now: Now) {
        self.certify(session, id, now);
        let registered = Registered {
            id,
            genesis: self.founding.genesis().cloned(),
            lease: self.founding.lease_of(id, now.steady),
        };
        self.send(session, Message::Registered(registered));
    }

    /// Sends a member its certificate, if there is a network that it could be for.
    pub(super) fn certify(&mut self, session: SessionId, id: MemberId, now: Now) {
        let Some(entry) = self.members.get(id) else {
            return;
        };
        let (network, statement) = (self.network(), &entry.record.statement);
        let invitation = entry.invitation;
        let statements = self.statements.as_ref();
        let void = statements.and_then(|all| all.void_until(&statement.key));
        let issued = self
            .certificates
            .issue(network, statement, invitation, void, now);
        if let Some(certificate) = issued {
            self.send(session, Message::CertificateIssued(certificate));
        }
    }

    pub(super) fn leave(&mut self, session: SessionId, leaving: &Leaving, now: Now) {
        let Some(id) = self.members.id_of(&leaving.key) else {
            let text = "this key is not registered, there is nothing to leave";
            return self.refuse(session, RefusalCode::NotRegistered, text);
        };
        let known = self.members.get(id).map(|e| e.record.statement.sequence);
        if leaving.tracker != self.certificates.founder() {
            let text = "this is meant for another tracker";
            return self.refuse(session, RefusalCode::BadRecord, text);
        }
        if let Err(e) = leaving.check() {
            return self.refuse(session, RefusalCode::BadRecord, &e.to_string());
        }
        if known.is_some_and(|known| leaving.sequence <= known) {
            let text = "this word is older than the last record; sign it with a later number";
            return self.refuse(session, RefusalCode::OldRecord, text);
        }
        let name = self.members.name_of(id).cloned();
        self.strike(id, Ending::Leaves(leaving.clone(), now.wall));
        if let Some(name) = name {
            self.outgoing
                .say(Effect::Fact(Fact::MemberLeft { id, name }));
        }
        self.send(session, Message::Left(()));
        let own = self.sessions.of(id).filter(|own| *own != session);
        for closed in [Some(session), own].into_iter().flatten() {
            self.close(closed, "you have left this network", now);
        }
        self.pass_lease(now);
    }

    /// Takes a member off the list. Of a leave everybody is told in the words of who leaves; what the admin says
    /// is told as such, and whoever lapses is away.
    pub(super) fn strike(&mut self, id: MemberId, ending: Ending) {
        match &ending {
            Ending::Leaves(word, _) => self.news.depart(id, word.clone()),
            Ending::PutOut(_) | Ending::Lapses => self.news.forget(id),
        }
        let rows = self.members.remove(id, ending);
        self.outgoing.write(rows);
        self.contests.end(id);
        self.liveness.forget(id);
    }

    /// Asks the next member to make genesis, if it is time to.
    pub(super) fn pass_lease(&mut self, now: Now) {
        if let Some(asked) = self.next_holder(now) {
            self.tell_holder(asked, now);
        }
    }

    fn next_holder(&mut self, now: Now) -> Option<MemberId> {
        let present = self.sessions.present();
        let (id, until) = self.founding.next_holder(present, now.steady)?;
        let granted = Fact::LeaseGranted { id, until };
        self.outgoing.say(Effect::Fact(granted));
        Some(id)
    }

    fn tell_holder(&mut self, id: MemberId, now: Now) {
        if let Some(session) = self.sessions.of(id) {
            self.answer_registered(session, id, now);
        }
    }
}
