//! The conversation of two trackers: the admin's and a delegate's. Each tells the other whom it has
//! registered, which names are somebody's, and how often invitations were used; what both hold is put together
//! as sets. The delegate dials.
//!
//! Neither takes the other's word for more than that: a record is signed by its member, an invitation by who may
//! invite, and a name or a number that is somebody's here stays so.

use super::invitations::{InvitationId, Kept};
use super::members::Ending;
use super::{Effect, Fact, Registry};
use crate::chain::{Genesis, Height, NetworkId};
use crate::clock::{Now, SteadyTime};
use crate::keys::PublicKey;
use crate::membership::Address;
use crate::protocol::SessionId;
use crate::protocol::backoff::Backoff;
use crate::wire::member::Leaving;
use crate::wire::message::{
    ChallengeAnswer, InvitationUse, MAX_COPIED, MembersChanged, RegisterCopy,
};
use crate::wire::{Hello, Member, MemberId, Message};
use std::collections::BTreeMap;

/// First wait before the admin's tracker is dialled again.
const MIN_PAUSE_MS: u64 = 1_000;
/// Longest wait: what it has taken in meanwhile is here soon after it is back.
const MAX_PAUSE_MS: u64 = 10_000;
/// How long it may take to greet.
const GREETING_MS: u64 = 30_000;
/// Whom a copy is for, among those who read the news: no member has this number.
const NOBODY: MemberId = MemberId(0);

/// A conversation with another tracker.
#[derive(Debug)]
struct Copy {
    with: PublicKey,
    /// It has said something: it takes us for what we are.
    begun: bool,
    /// The question behind the last piece of news, until it is answered.
    asked: Option<u64>,
}

/// How far we are with the admin's tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dial {
    /// Nobody is dialled.
    None,
    /// It is dialled since then.
    Begun(SteadyTime),
    /// A connection is there, or was.
    Session(SessionId),
}

/// All conversations with other trackers.
#[derive(Debug)]
pub(super) struct Copies {
    open: BTreeMap<SessionId, Copy>,
    /// Where the admin's tracker is.
    first: Vec<Address>,
    /// Which of these is dialled next.
    next: usize,
    dial: Dial,
    pause: Backoff,
}

impl Copies {
    /// Nobody is talked to; the admin's tracker is at `first`, if this is another.
    pub(super) fn new(first: Vec<Address>, seed: u64) -> Self {
        Self {
            open: BTreeMap::new(),
            first,
            next: 0,
            dial: Dial::None,
            pause: Backoff::new(MIN_PAUSE_MS, MAX_PAUSE_MS, seed),
        }
    }

    pub(super) fn has(&self, session: SessionId) -> bool {
        self.open.contains_key(&session)
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.open.keys().copied()
    }

    /// The sessions with this tracker.
    pub(super) fn of(&self, key: &PublicKey) -> impl Iterator<Item = SessionId> + use<> {
        let of: Vec<_> = self
            .open
            .iter()
            .filter(|(_, copy)| copy.with == *key)
            .map(|(session, _)| *session)
            .collect();
        of.into_iter()
    }

    /// Whether this tracker copies, and is copied.
    pub(super) fn with(&self, key: &PublicKey) -> bool {
        let mut open = self.open.values();
        open.any(|copy| copy.with == *key && copy.begun)
    }

    /// Whether it has read all that it was told.
    pub(super) fn has_read(&self, session: SessionId) -> bool {
        self.open
            .get(&session)
            .is_some_and(|copy| copy.asked.is_none())
    }

    /// These of them were told something, and asked with this number whether they have read it.
    pub(super) fn asked(&mut self, sessions: &[SessionId], number: u64) {
        for session in sessions {
            if let Some(copy) = self.open.get_mut(session) {
                copy.asked = Some(number);
            }
        }
    }

    pub(super) fn end(&mut self, session: SessionId) {
        self.open.remove(&session);
    }
}

impl Registry {
    /// A connection to the admin's tracker has begun.
    pub fn first_dialled(&mut self, session: SessionId) {
        self.copies.dial = Dial::Session(session);
    }

    /// The admin's tracker was not reached.
    pub fn first_not_reached(&mut self, now: Now) {
        self.copies.dial = Dial::None;
        self.copies.pause.failed(now.steady);
    }

    /// Another tracker has greeted.
    pub(super) fn tracker_opened(&mut self, session: SessionId, hello: &Hello, now: Now) {
        let key = hello.key;
        let ours = self.network();
        let other = ours != NetworkId::ZERO && ![NetworkId::ZERO, ours].contains(&hello.network);
        let is_admin = key == self.certificates.authority().admin();
        let right = self.right_of(&key, now).cloned();
        let why = if other {
            Some("you belong to another network")
        } else if !is_admin && right.is_none() {
            Some("a tracker copies the register once it has the right to issue")
        } else {
            None
        };
        if let Some(reason) = why {
            let reason = reason.to_owned();
            return self.outgoing.say(Effect::Close { session, reason });
        }
        self.doorstep.greeted(session);
        self.doorstep.registered(session);
        let former: Vec<_> = self.copies.of(&key).collect();
        for former in former {
            self.close(
                former,
                "you connected again, this connection is replaced",
                now,
            );
        }
        let copy = Copy {
            with: key,
            begun: false,
            asked: None,
        };
        self.copies.open.insert(session, copy);
        if self.copies.dial == Dial::Session(session) {
            self.copies.pause.succeeded();
        }
        if let Some(genesis) = self.genesis().cloned() {
            self.send(session, Message::GenesisKnown(genesis));
        }
        self.tell_statements(session);
        if let Some(right) = right {
            self.send(session, Message::Delegated(right));
        }
        self.tell_copy(session);
        self.news.begin(session, NOBODY);
    }

    /// A session with another tracker may have ended.
    pub(super) fn copy_ended(&mut self, session: SessionId, now: Now) {
        if self.copies.dial == Dial::Session(session) {
            self.first_not_reached(now);
        }
        let ended = self.copies.open.remove(&session);
        if let Some(copy) = ended.filter(|copy| copy.begun) {
            let with = copy.with;
            self.outgoing.say(Effect::Fact(Fact::CopyingEnded { with }));
        }
    }

    /// Ends what nobody has a right to any more.
    pub(super) fn end_copies(&mut self, now: Now) {
        let admin = self.certificates.authority().admin();
        let open: Vec<_> = self
            .copies
            .open
            .iter()
            .map(|(s, copy)| (*s, copy.with))
            .collect();
        for (session, with) in open {
            if with != admin && self.right_of(&with, now).is_none() {
                self.close(session, "you have no right to issue any more", now);
            }
        }
    }

    /// Dials the admin's tracker if that is another, and passes on what has changed.
    pub(super) fn copy(&mut self, now: Now) {
        let is_late = match self.copies.dial {
            Dial::Begun(since) => now.steady.since(since) >= GREETING_MS,
            Dial::None | Dial::Session(_) => false,
        };
        if is_late {
            self.first_not_reached(now);
        }
        let may_dial = self.copies.dial == Dial::None && !self.certificates.is_admin();
        if may_dial && self.copies.pause.is_due(now.steady) && !self.copies.first.is_empty() {
            let at = self.copies.next % self.copies.first.len();
            self.copies.next = at + 1;
            self.copies.dial = Dial::Begun(now.steady);
            let address = self.copies.first[at].clone();
            self.outgoing.at_once(Effect::DialFirst { address });
        }
        let changed = self.invitations.take_changed();
        let sessions: Vec<_> = self.copies.sessions().collect();
        if changed.is_empty() || sessions.is_empty() {
            return;
        }
        let kept = |id: InvitationId| self.invitations.get(id).cloned();
        let invitations: Vec<_> = changed.into_iter().filter_map(kept).map(told).collect();
        for part in invitations.chunks(MAX_COPIED) {
            let message = Message::RegisterCopy(RegisterCopy {
                former: Vec::new(),
                invitations: part.to_vec(),
            });
            let sessions = sessions.clone();
            self.outgoing.say(Effect::SendAll { sessions, message });
        }
    }

    /// Tells all that news of members does not say.
    fn tell_copy(&mut self, session: SessionId) {
        let former: Vec<_> = self.members.former().collect();
        let invitations: Vec<_> = self
            .invitations
            .after(None)
            .map(|(_, kept)| told(kept.clone()))
            .collect();
        let parts = former.chunks(MAX_COPIED).map(|part| RegisterCopy {
            former: part.to_vec(),
            invitations: Vec::new(),
        });
        let more = invitations.chunks(MAX_COPIED).map(|part| RegisterCopy {
            former: Vec::new(),
            invitations: part.to_vec(),
        });
        for part in parts.chain(more) {
            self.send(session, Message::RegisterCopy(part));
        }
    }

    /// Another tracker said something.
    pub(super) fn copied(&mut self, session: SessionId, message: Message, now: Now) {
        if let Some(copy) = self.copies.open.get_mut(&session)
            && !matches!(message, Message::Goodbye(_))
            && !std::mem::replace(&mut copy.begun, true)
        {
            let with = copy.with;
            self.outgoing.say(Effect::Fact(Fact::Copying { with }));
        }
        match message {
            Message::GenesisKnown(genesis) => {
                if let Err(reason) = self.adopt(genesis) {
                    self.close(session, &reason, now);
                }
            }
            Message::Statements(heard) => self.hear(session, heard, now),
            Message::Delegated(delegation) => self.take_right(delegation, now),
            Message::RegisterCopy(copy) => self.merge(copy, now),
            Message::MembersChanged(told) => self.merge_members(told, now),
            Message::Challenge(number) => {
                let height = self.height().unwrap_or(Height::GENESIS);
                let answer = ChallengeAnswer { number, height };
                self.send(session, Message::ChallengeAnswer(answer));
            }
            Message::ChallengeAnswer(answer) => {
                if let Some(copy) = self.copies.open.get_mut(&session)
                    && copy.asked == Some(answer.number)
                {
                    copy.asked = None;
                }
            }
            Message::Ping(_) | Message::Pong(_) | Message::Goodbye(_) => {}
            other => {
                let reason = format!("a tracker does not take {} of another", other.name());
                self.close(session, &reason, now);
            }
        }
    }

    /// Takes genesis from the admin's tracker.
    fn adopt(&mut self, genesis: Genesis) -> Result<(), String> {
        let Some(row) = self.founding.adopt(genesis)? else {
            return Ok(());
        };
        self.outgoing.write(vec![row]);
        let network = self.network();
        self.outgoing
            .say(Effect::Fact(Fact::GenesisCopied { network }));
        self.know_network();
        Ok(())
    }

    fn merge(&mut self, copy: RegisterCopy, now: Now) {
        for former in copy.former {
            if let Some(word) = former.leaving.clone() {
                self.hear_leaving(word, now);
            }
            let row = self.members.take_over_former(former);
            self.outgoing.write(row.into_iter().collect());
        }
        let network = self.network();
        for use_ in copy.invitations {
            let InvitationUse {
                invitation,
                used,
                revoked,
            } = use_;
            let authority = self.certificates.authority();
            // Whether it has ended is no matter: it may be shown still.
            let serial = invitation.statement.serial;
            if invitation.check(authority, &network, serial).is_err() {
                continue;
            }
            let kept = Kept {
                invitation,
                used,
                revoked,
            };
            let rows = self.invitations.merge(kept, now.wall);
            self.outgoing.write(rows);
        }
    }

    fn merge_members(&mut self, told: MembersChanged, now: Now) {
        for word in told.left {
            self.hear_leaving(word, now);
        }
        for member in told.changed {
            self.merge_member(member, now);
        }
    }

    /// Another tracker tells that somebody has left, in that one's own words. Whoever has registered since is a
    /// member again.
    fn hear_leaving(&mut self, word: Leaving, now: Now) {
        let known = self.members.id_of(&word.key);
        let said = known.and_then(|id| Some((id, self.members.get(id)?)));
        let Some((id, entry)) = said else {
            return;
        };
        if word.tracker == self.certificates.founder()
            && word.sequence > entry.record.statement.sequence
            && word.check().is_ok()
        {
            self.strike(id, Ending::Leaves(word, now.wall));
        }
    }

    fn merge_member(&mut self, member: Member, now: Now) {
        let said = &member.record.statement;
        let known = self.members.id_of(&said.key);
        if let Some(entry) = known.and_then(|id| self.members.get(id))
            && entry.record.statement.sequence >= said.sequence
        {
            return;
        }
        let is_right = said.tracker == self.certificates.founder()
            && self.out(&said.key).is_none()
            && self.members.left_at(&said.key).is_none()
            && member.record.check().is_ok();
        if !is_right {
            return;
        }
        match known {
            Some(id) => {
                if let Ok((_, rows)) = self.members.register(member.record, None, now)
                    && !rows.is_empty()
                {
                    self.outgoing.write(rows);
                    self.news.touch(id);
                }
            }
            None => {
                let rows = self
                    .members
                    .take_over(member.id, member.record, member.since, now);
                if !rows.is_empty() {
                    self.outgoing.write(rows);
                    self.watch(member.id);
                }
            }
        }
    }
}

fn told(kept: Kept) -> InvitationUse {
    InvitationUse {
        invitation: kept.invitation,
        used: kept.used,
        revoked: kept.revoked,
    }
}
