//! What the admin has said: heard of the tracker and of other members, kept, and told on.

use super::{Effect, STATEMENT_ROW, TrackerLink};
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::membership::Statements;
use crate::membership::{Act, MemberName, SignedStatement};
use crate::protocol::SessionId;
use crate::wire::message::MAX_STATEMENTS_TO_TRACKER;
use crate::wire::{Member, Message};
use std::sync::Arc;

impl TrackerLink {
    /// What the admin has said, as far as it was heard; nothing as long as the network is not known.
    pub fn statements(&self) -> Option<&Arc<Statements>> {
        self.statements.as_ref()
    }

    /// By which statement this node itself is put out, if it is.
    pub fn own_expulsion(&self) -> Option<&SignedStatement> {
        self.statements.as_ref()?.out(&self.config.key)
    }

    pub(super) fn is_out(&self, key: &PublicKey) -> bool {
        self.statements
            .as_ref()
            .is_some_and(|all| all.out(key).is_some())
    }

    /// A member told what the admin has said.
    #[must_use]
    pub fn statements_heard(&mut self, heard: Vec<SignedStatement>, now: Now) -> Vec<Effect> {
        self.hear(heard, false, now);
        self.take_effects()
    }

    /// What came too early is heard once its time has come, or the own clock is right.
    pub(super) fn hear_what_is_due(&mut self, now: Now) {
        let is_due = |all: &&mut Arc<Statements>| all.is_due(now.wall);
        if let Some(statements) = self.statements.as_mut().filter(is_due) {
            let due = Arc::make_mut(statements).due(now.wall);
            self.hear(due, false, now);
        }
    }

    /// Takes what counts and was not known; the tracker is told as well, unless it was the one who said it.
    pub(super) fn hear(&mut self, heard: Vec<SignedStatement>, by_tracker: bool, now: Now) {
        let Some(statements) = &mut self.statements else {
            return;
        };
        let mut rows = Vec::new();
        let mut fresh = Vec::new();
        for signed in heard {
            if statements.knows(&signed) {
                continue;
            }
            // What does not count is passed over: whoever says it may know no better.
            if let Ok(changed) = Arc::make_mut(statements).take(signed.clone(), now.wall)
                && !changed.is_empty()
            {
                let named =
                    |(name, value): (Vec<u8>, _)| ([&[STATEMENT_ROW], &*name].concat(), value);
                rows.extend(changed.into_iter().map(named));
                fresh.push(signed);
            }
        }
        if fresh.is_empty() {
            return;
        }
        rows.into_iter().for_each(|row| self.decided.write(row));
        if let Some(session) = self.registered_session()
            && !by_tracker
        {
            self.send_statements(session, &fresh);
        }
        let mut changed = Vec::new();
        let mut left = Vec::new();
        for signed in &fresh {
            match &signed.statement.act {
                Act::Reassign { name, .. } => self.hand_on(name, &mut changed, &mut left),
                Act::Expel { key, .. } if self.is_out(key) => {
                    left.extend(self.directory.depart(key))
                }
                Act::Expel { .. }
                | Act::Readmit { .. }
                | Act::Succeed { .. }
                | Act::Revoke { .. } => {}
            }
        }
        self.directory_changed(changed, left);
        self.decided.at_once(Effect::StatementsHeard(fresh));
        // By what was said now, its issuer may issue.
        self.take_certificate(now);
        self.follow_admin(now);
    }

    /// Has a name go with the key that the admin gave it to, if it did.
    pub(super) fn hand_on(
        &mut self,
        name: &MemberName,
        changed: &mut Vec<Member>,
        left: &mut Vec<Member>,
    ) {
        let owner = self.statements.as_ref().and_then(|all| all.owner(name));
        if let Some(key) = owner {
            let (entered, gone) = self.directory.hand_on(name, key);
            changed.extend(entered);
            left.extend(gone);
        }
    }

    /// Tells the tracker all that we hold.
    pub(super) fn tell_statements(&mut self, session: SessionId) {
        let all: Vec<_> = self
            .statements
            .iter()
            .flat_map(|one| one.all())
            .cloned()
            .collect();
        self.send_statements(session, &all);
    }

    fn send_statements(&mut self, session: SessionId, statements: &[SignedStatement]) {
        for part in statements.chunks(MAX_STATEMENTS_TO_TRACKER) {
            let message = Message::Statements(part.to_vec());
            self.decided.at_once(Effect::Send { session, message });
        }
    }
}
