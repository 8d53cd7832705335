//! What the admin says to everybody: signed here, kept, told to whoever is there and to whoever comes.

use super::invitations::{InvitationId, Kept};
use super::members::{Ending, Refusal};
use super::orders::{OrderRefused, Outcome};
use super::{Effect, Fact, Registry};
use crate::chain::Internal;
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::membership::Statements;
use crate::membership::statement::ExpulsionReason;
use crate::membership::statements::{NotTaken, StatementRow};
use crate::membership::{Act, Authority, MemberName, SignedStatement, Statement};
use crate::protocol::{Row, SessionId};
use crate::suggest::nearest;
use crate::wire::Message;
use crate::wire::message::{MAX_STATEMENTS, RefusalCode};
use std::sync::Arc;

/// First byte of the keys of the rows of what the admin has said; what it is about follows.
pub(super) const STATEMENT_ROW: u8 = 6;

/// Whose a name is, as far as this tracker knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// This key's, of whoever goes by it now or did last.
    Key(PublicKey),
    /// Nobody's; this name is the nearest one that is somebody's.
    Nobody(Option<MemberName>),
}

impl Registry {
    /// Takes up the stored rows of what the admin has said, once it is known which network this is.
    pub(super) fn open_statements(
        &mut self,
        mut rows: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Result<(), Internal> {
        self.know_network();
        rows.sort();
        for (_, value) in rows {
            if let Some(statements) = &mut self.statements {
                Arc::make_mut(statements).open_row(&value)?;
            }
        }
        self.follow_authority();
        Ok(())
    }

    /// There is a genesis: from now on there is somebody who speaks for the network.
    pub(super) fn know_network(&mut self) {
        if self.statements.is_none() {
            self.statements = self.founding.genesis().map(Statements::new).map(Arc::new);
            self.follow_authority();
        }
    }

    fn follow_authority(&mut self) {
        if let Some(statements) = &self.statements {
            let authority: Authority = statements.authority().clone();
            self.certificates.follow(authority);
        }
    }

    /// Whose a name is.
    pub fn named(&self, name: &MemberName) -> Named {
        if let Some(key) = self.members.owner(name) {
            return Named::Key(key);
        }
        let mut names: Vec<_> = self.members.names().map(MemberName::as_str).collect();
        names.sort_unstable();
        let near = nearest(name.as_str(), &names);
        Named::Nobody(near.and_then(|near| near.parse().ok()))
    }

    /// The name that a key goes by, or went by last.
    pub fn name_of(&self, key: &PublicKey) -> Option<MemberName> {
        self.members.last_name(key).cloned()
    }

    /// Who is put out, each by its statement, and the name by which it went last.
    pub fn put_out(&self) -> Vec<(SignedStatement, Option<MemberName>)> {
        let out = self.statements.iter().flat_map(|all| all.expulsions());
        out.map(|signed| (signed.clone(), self.name_of(&signed.statement.act.key())))
            .collect()
    }

    /// Who was let back and is not on the list yet, each by its statement, and the name by which it went last.
    /// Whoever came back and left by its own word is not among them.
    pub fn awaited(&self) -> Vec<(SignedStatement, Option<MemberName>)> {
        let back = self.statements.iter().flat_map(|all| all.readmissions());
        let is_awaited = |signed: &&SignedStatement| {
            let key = signed.statement.act.key();
            let left_since = self.members.left_at(&key) > Some(signed.statement.number);
            self.members.id_of(&key).is_none() && !left_since
        };
        back.filter(is_awaited)
            .map(|signed| (signed.clone(), self.name_of(&signed.statement.act.key())))
            .collect()
    }

    /// Signs what the owner, who is the admin, says to everybody.
    pub(super) fn say(&mut self, act: Act, now: Now) -> Result<Outcome, OrderRefused> {
        let key = self.certificates.own_key();
        let network = self.network();
        let admin = self.certificates.authority().admin();
        if self.statements.is_none() {
            return Err(OrderRefused::NotFounded);
        }
        if key != admin {
            return Err(OrderRefused::NotAdmin(admin));
        }
        self.check_act(&act, &key)?;
        let let_in = self.let_in(&act);
        let name = match &act {
            Act::Reassign { name, .. } => Some(name.clone()),
            other => self.name_of(&other.key()),
        };
        let before = self.before(&act);
        let mut said = Vec::new();
        for act in before.into_iter().chain([act]) {
            let Some(statements) = &self.statements else {
                return Err(OrderRefused::NotFounded);
            };
            let number = statements.next_number(now.wall);
            let statement = Statement {
                network,
                number,
                act,
            };
            let signed = self.certificates.sign_statement(statement);
            self.keep(signed.clone(), now)?;
            said.push(signed);
        }
        let told = self.pass_on(&said, None, now);
        Ok(Outcome::Said {
            said,
            name,
            let_in,
            told,
        })
    }

    /// What there is against an act, in words.
    fn check_act(&self, act: &Act, own: &PublicKey) -> Result<(), OrderRefused> {
        let out = |key: &PublicKey| self.statements.as_ref().and_then(|all| all.out(key));
        match act {
            Act::Expel { key, .. } if key == own => Err(OrderRefused::Oneself),
            Act::Expel { key, .. } => match out(key) {
                Some(_) => Err(OrderRefused::AlreadyOut),
                None => Ok(()),
            },
            Act::Readmit { key } if out(key).is_none() => Err(OrderRefused::NotOut),
            Act::Reassign { name, .. } if self.members.owner(name).is_none() => {
                Err(OrderRefused::UnknownMember(name.clone()))
            }
            Act::Reassign { key, .. } if key == own => Err(OrderRefused::Oneself),
            Act::Reassign { name, key } if self.members.owner(name) == Some(*key) => {
                Err(OrderRefused::OwnNameAlready(name.clone()))
            }
            Act::Reassign { key, .. } if out(key).is_some() => Err(OrderRefused::NewKeyIsOut),
            Act::Reassign { key, .. } => match self.members.id_of(key) {
                Some(id) => Err(OrderRefused::NewKeyIsMember(
                    self.members.name_of(id).cloned(),
                )),
                None => Ok(()),
            },
            Act::Succeed { key } if key == own => Err(OrderRefused::Oneself),
            Act::Revoke { key } if !self.delegations.contains_key(key) => {
                Err(OrderRefused::NoDelegate)
            }
            Act::Readmit { .. } | Act::Succeed { .. } | Act::Revoke { .. } => Ok(()),
        }
    }

    /// What is to be said before an act: whoever had a name that goes to another key has lost its key, and
    /// nobody is to use that.
    fn before(&self, act: &Act) -> Option<Act> {
        let Act::Reassign { name, key } = act else {
            return None;
        };
        let owner = self.members.owner(name).filter(|owner| owner != key)?;
        let is_out = self
            .statements
            .as_ref()
            .is_some_and(|all| all.out(&owner).is_some());
        let reason = format!("its key was lost: {name} has another one");
        (!is_out).then(|| Act::Expel {
            key: owner,
            reason: ExpulsionReason::new(reason).expect("it is short"),
        })
    }

    /// By which invitations whoever is put out came, those that are known.
    fn let_in(&self, act: &Act) -> Vec<(InvitationId, Kept)> {
        let Act::Expel { key, .. } = act else {
            return Vec::new();
        };
        let entry = self.members.id_of(key).and_then(|id| self.members.get(id));
        let invitation = entry.and_then(|entry| entry.invitation);
        let id = invitation.and_then(|key| self.invitations.id_of(&key));
        let kept = id.and_then(|id| Some((id, self.invitations.get(id)?.clone())));
        kept.into_iter().collect()
    }

    /// Keeps a statement that counts, with what follows from it for the list; whether it was news.
    pub(super) fn keep(&mut self, signed: SignedStatement, now: Now) -> Result<bool, NotTaken> {
        let Some(statements) = &mut self.statements else {
            return Ok(false);
        };
        let rows = Arc::make_mut(statements).take(signed.clone(), now.wall)?;
        if rows.is_empty() {
            return Ok(false);
        }
        self.outgoing
            .write(rows.into_iter().map(of_register).collect());
        self.follow_authority();
        let act = &signed.statement.act;
        let (kind, key) = (act.kind(), act.key());
        let name = self.name_of(&key);
        match act {
            Act::Expel { key, .. } => {
                if let Some(id) = self.members.id_of(key) {
                    self.strike(id, Ending::PutOut(signed.statement.number));
                }
            }
            Act::Reassign { name, key } => {
                if let Some(owner) = self.members.owner(name).filter(|owner| owner != key)
                    && let Some(id) = self.members.id_of(&owner)
                {
                    self.strike(id, Ending::PutOut(signed.statement.number));
                }
                let rows = self.members.hand_on(name.clone(), *key);
                self.outgoing.write(rows);
            }
            Act::Readmit { .. } | Act::Succeed { .. } | Act::Revoke { .. } => {}
        }
        self.outgoing
            .say(Effect::Fact(Fact::Said { kind, key, name }));
        Ok(true)
    }

    /// Tells everybody but `by`, once the disk has it, and ends the sessions of those who are out; how many
    /// members were told.
    pub(super) fn pass_on(
        &mut self,
        said: &[SignedStatement],
        by: Option<SessionId>,
        now: Now,
    ) -> usize {
        let is_out = |key: &PublicKey| self.statements.as_ref()?.out(key).cloned();
        let mut sessions = Vec::new();
        let mut ended = Vec::new();
        for (session, key) in self.sessions.open() {
            match is_out(&key) {
                Some(signed) => ended.push((session, signed.statement.act.to_string())),
                None => sessions.push(session),
            }
        }
        sessions.retain(|session| Some(*session) != by && self.sessions.is_members(*session));
        let told = sessions.len();
        sessions.extend(ended.iter().map(|(session, _)| *session));
        sessions.extend(
            self.copies
                .sessions()
                .filter(|session| Some(*session) != by),
        );
        for part in said.chunks(MAX_STATEMENTS) {
            let (sessions, message) = (sessions.clone(), Message::Statements(part.to_vec()));
            self.outgoing.say(Effect::SendAll { sessions, message });
        }
        for (session, why) in ended {
            self.close(session, &why, now);
        }
        self.end_copies(now);
        let moves_rights = |one: &SignedStatement| {
            matches!(one.statement.act, Act::Succeed { .. } | Act::Revoke { .. })
        };
        if said.iter().any(moves_rights) {
            self.follow_rights(now);
        }
        self.pass_lease(now);
        told
    }

    /// A member said what it holds of the admin's statements.
    pub(super) fn hear(&mut self, session: SessionId, heard: Vec<SignedStatement>, now: Now) {
        let mut fresh = Vec::new();
        for signed in heard {
            match self.keep(signed.clone(), now) {
                Ok(true) => fresh.push(signed),
                Err(fault) if fault.is_fault() => {
                    return self.close(session, &fault.to_string(), now);
                }
                // It may know of a succession that we have not heard of, or the other way round.
                Ok(false) | Err(_) => {}
            }
        }
        if !fresh.is_empty() {
            self.pass_on(&fresh, Some(session), now);
        }
    }

    /// What came too early is heard once its time has come, or the own clock is right.
    pub(super) fn hear_what_is_due(&mut self, now: Now) {
        let is_due = |all: &&mut Arc<Statements>| all.is_due(now.wall);
        let Some(statements) = self.statements.as_mut().filter(is_due) else {
            return;
        };
        let mut due = Arc::make_mut(statements).due(now.wall);
        due.retain(|signed| self.keep(signed.clone(), now) == Ok(true));
        if !due.is_empty() {
            self.pass_on(&due, None, now);
        }
    }

    /// Tells a session all that the admin has said, behind what it was told before: a newcomer has to know its
    /// network first.
    pub(super) fn tell_statements(&mut self, session: SessionId) {
        let all: Vec<_> = self
            .statements
            .iter()
            .flat_map(|all| all.all())
            .cloned()
            .collect();
        for part in all.chunks(MAX_STATEMENTS) {
            let message = Message::Statements(part.to_vec());
            self.send(session, message);
        }
    }

    /// Refuses whoever is put out; it is told by which statement.
    pub(super) fn turn_away(&mut self, session: SessionId, signed: SignedStatement) {
        let why = signed.statement.act.to_string();
        self.send(session, Message::Statements(vec![signed]));
        self.refuse(session, RefusalCode::PutOut, &why);
    }

    /// Why a key is put out, if it is.
    pub(super) fn out(&self, key: &PublicKey) -> Option<&SignedStatement> {
        self.statements.as_ref()?.out(key)
    }

    /// As [`Registry::out`], as a refusal.
    pub(super) fn check_out(&self, key: &PublicKey) -> Result<(), Refusal> {
        match self.out(key) {
            Some(signed) => Err((RefusalCode::PutOut, signed.statement.act.to_string())),
            None => Ok(()),
        }
    }
}

fn of_register((name, value): StatementRow) -> Row {
    ([&[STATEMENT_ROW], &*name].concat(), value)
}
