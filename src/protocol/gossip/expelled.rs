//! Who is known: whom the trackers name; whom the admin has put out, and who is certified by a tracker that lost its
//! right: nobody of them is talked to, and everybody is told.

use super::peers::{Candidate, Outlook};
use super::{Effect, Gossip};
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::membership::{Certificate, SignedStatement, Statements};
use crate::protocol::SessionId;
use crate::wire::Message;
use crate::wire::message::MAX_STATEMENTS;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Gossip {
    /// Members that may be dialled.
    pub fn candidates(&mut self, candidates: Vec<Candidate>, now: SteadyTime) -> Vec<Effect> {
        // Not ourselves, and nobody of whom it is said that they are away: nobody waits to hear them.
        let own = self.peers.own();
        let others = candidates
            .iter()
            .filter(|one| one.key != own && one.outlook != Outlook::Poor);
        let others: BTreeSet<_> = others.map(|one| one.key).collect();
        let are_more = self.sync.are_around(others.len());
        let mut effects = self.peers.candidates(candidates, now);
        if are_more {
            // What a newcomer sent may have been here before it was known.
            effects.extend(self.relay.ask_again(now));
        }
        effects
    }

    /// What a peer showed of its membership when its session began.
    pub fn showed(&mut self, session: SessionId, shown: Certificate) {
        self.peers.showed(session, shown);
    }

    /// What the admin has said, with what was heard since: sessions of those who are put out, or whose certificate
    /// counts no more, end; the others are told what is new.
    pub fn statements(&mut self, now_known: Arc<Statements>, now: SteadyTime) -> Vec<Effect> {
        let before = self.statements.replace(now_known.clone());
        let is_new = |signed: &&SignedStatement| before.as_ref().is_none_or(|b| !b.knows(signed));
        let fresh: Vec<_> = now_known.all().filter(is_new).cloned().collect();
        if fresh.is_empty() {
            return Vec::new();
        }
        let sessions: Vec<_> = self
            .peers
            .open_sessions()
            .map(|(session, key, _)| (session, key))
            .collect();
        let mut effects = Vec::new();
        for (session, key) in sessions {
            // Also whoever is put out is told: by whom, and why.
            effects.extend(told(session, &fresh));
            let why = self
                .why_out(&key)
                .or_else(|| self.why_void(session, &now_known));
            effects.extend(why.map(|why| Effect::Close(session, why)));
        }
        let own = self.peers.own();
        effects.extend(self.peers.put_out(now_known.out(&own).is_some(), now));
        // What was refused of somebody who is let back may be taken now.
        effects.extend(self.relay.ask_again(now));
        self.settle(effects, now)
    }

    /// Why a key is not talked to, if it is put out.
    pub(super) fn why_out(&self, key: &PublicKey) -> Option<String> {
        let signed = self.statements.as_ref()?.out(key)?;
        Some(signed.statement.act.to_string())
    }

    /// Why what was shown in a session counts no more, if it does not: whoever issued it has lost the right.
    fn why_void(&self, session: SessionId, known: &Statements) -> Option<String> {
        let shown = self.peers.shown(session)?;
        let wrong = shown.check_issuer(known.authority()).err()?;
        Some(wrong.to_string())
    }

    /// All that the admin has said, for a session that begins.
    pub(super) fn all_statements(&self, session: SessionId) -> Vec<Effect> {
        let all: Vec<_> = self
            .statements
            .iter()
            .flat_map(|one| one.all())
            .cloned()
            .collect();
        told(session, &all)
    }

    /// A session told what the admin has said.
    pub(super) fn heard(
        &mut self,
        session: SessionId,
        heard: Vec<SignedStatement>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let Some(statements) = &self.statements else {
            // It will be told again, in the next session.
            return Vec::new();
        };
        let mut fresh = Vec::new();
        for signed in heard.into_iter().filter(|signed| !statements.knows(signed)) {
            match statements.judge(&signed) {
                Ok(()) => fresh.push(signed),
                Err(fault) if fault.is_fault() => {
                    return self.peers.misbehaved(session, &fault.to_string(), now);
                }
                // It may know of a succession that we have not heard of, or the other way round.
                Err(_) => {}
            }
        }
        match fresh.is_empty() {
            true => Vec::new(),
            false => vec![Effect::Hear(fresh)],
        }
    }
}

fn told(session: SessionId, statements: &[SignedStatement]) -> Vec<Effect> {
    let parts = statements.chunks(MAX_STATEMENTS);
    parts
        .map(|part| Effect::Send(session, Message::Statements(part.to_vec())))
        .collect()
}
