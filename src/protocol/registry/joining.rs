//! Who joins and who leaves.

use super::members::Registration;
use super::{Effect, Fact, Registry};
use crate::clock::Now;
use crate::protocol::SessionId;
use crate::wire::member::Leaving;
use crate::wire::message::{RefusalCode, Registered};
use crate::wire::{MemberId, MemberRecord, Message};

impl Registry {
    pub(super) fn register(&mut self, session: SessionId, record: MemberRecord, now: Now) {
        if let Err(reason) = self.check_record(session, &record) {
            return self.refuse(session, RefusalCode::BadRecord, &reason);
        }
        if self.introduces()
            && let Err(reason) = self.check_certified(session, &record.statement, now)
        {
            return self.refuse(session, RefusalCode::BadRecord, &reason);
        }
        let (registration, rows) = match self.members.register(record, now) {
            Ok(registered) => registered,
            Err((code, reason)) => return self.refuse(session, code, &reason),
        };
        self.commit(rows);
        let id = registration.id();
        match registration {
            Registration::New(_) => self.watch(id),
            Registration::Renewed(_) => self.changes.touch(id),
            Registration::Known(_) => {}
        }
        if let Registration::New(id) = registration
            && let Some(entry) = self.members.get(id)
        {
            let (name, key) = (
                entry.record.statement.name.clone(),
                entry.record.statement.key,
            );
            self.say(Effect::Fact(Fact::MemberJoined { id, name, key }));
        }
        self.attach(session, id, now);
        let asked = self.next_holder(now.steady);
        self.answer_registered(session, id, now);
        if let Some(other) = asked.filter(|other| *other != id) {
            self.tell_holder(other, now);
        }
    }

    /// Checks what a record can be judged by alone.
    fn check_record(&self, session: SessionId, record: &MemberRecord) -> Result<(), String> {
        let statement = &record.statement;
        if self.introduces() && statement.tracker != self.issuer {
            return Err(format!(
                "this tracker only introduces, on the network whose first tracker is {}: name that \
                 one first in \"trackers\" in the settings",
                self.issuer.to_address()
            ));
        }
        if statement.tracker != self.issuer {
            return Err(format!(
                "the record is for the tracker {}, this one is {}",
                statement.tracker, self.issuer
            ));
        }
        let hello = self.sessions.get(&session).map(|s| s.hello.key);
        if hello != Some(statement.key) {
            return Err("the record is of another key than your hello".to_owned());
        }
        record.check().map_err(|e| format!("the record: {e}"))
    }

    /// Makes the session its member's own; a former one is closed.
    fn attach(&mut self, session: SessionId, id: MemberId, now: Now) {
        let newest = self.changes.newest();
        if let Some(known) = self.sessions.get_mut(&session)
            && known.member.is_none()
        {
            known.member = Some(id);
            known.since = now.steady;
            known.first = newest;
        }
        self.doorstep.registered(session);
        let former = self.live.insert(id, session);
        if let Some(former) = former.filter(|former| *former != session) {
            self.sessions.remove(&former);
            let reason = "you connected again, this connection is replaced".to_owned();
            let session = former;
            self.say(Effect::Close { session, reason });
        }
        self.liveness.attached(id, session, self.has_address(id));
        self.note_standings();
    }

    pub(super) fn answer_registered(&mut self, session: SessionId, id: MemberId, now: Now) {
        self.certify(session, id, now);
        let registered = Registered {
            id,
            genesis: self.genesis.clone(),
            lease: self.lease_of(id, now.steady),
        };
        self.send(session, Message::Registered(registered));
    }

    pub(super) fn leave(&mut self, session: SessionId, leaving: &Leaving, now: Now) {
        let Some(id) = self.members.id_of(&leaving.key) else {
            let text = "this key is not registered, there is nothing to leave";
            return self.refuse(session, RefusalCode::NotRegistered, text);
        };
        let known = self.members.get(id).map(|e| e.record.statement.sequence);
        if leaving.tracker != self.issuer {
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
        let rows = self.members.remove(id);
        self.commit(rows);
        self.note_departure(id);
        if let Some(name) = name {
            self.say(Effect::Fact(Fact::MemberLeft { id, name }));
        }
        self.send(session, Message::Left(()));
        let own = self.live.get(&id).copied().filter(|own| *own != session);
        for closed in [Some(session), own].into_iter().flatten() {
            self.close(closed, "you have left this network");
        }
        self.pass_lease(now);
    }
}
