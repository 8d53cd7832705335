//! The registry: the tracker's side of the conversation with its members.
//!
//! It keeps the list of members for ever, knows who of them answers ([`Liveness`]), sees to it that
//! the network gets one genesis block and no second one, and tells everybody what changed. Behind
//! each piece of news goes a challenge, and the next piece only when that was answered: for one that
//! reads slowly news is gathered, each member once, not queued.
//!
//! What it never does: promise before the disk has it. Every answer waits for the newest batch that
//! was begun before it, so that no member is ever told what a power cut could undo.
//!
//! # How the network gets its genesis
//! The first member that registers is asked to make it (a lease), the others wait. When the lease
//! runs out or its holder's session ends, the next in turn is asked. A lease spares the others the
//! work; what makes the block the only one is that the first valid offer is stored and every later
//! one answered with it. A member whose certificate, signed by this tracker, says that it has a network
//! already may present its genesis without a lease: that is how a tracker that lost its rows, but not its
//! key, finds the network again. For as long as it takes such a member to do so, once, nobody is asked for a
//! new one.

//!
//! # Its parts
//! `Sessions`, `Members`, `Invitations`, `Founding`, `Certificates`, `News`, `Contests`, [`Liveness`] and [`Doorstep`]
//! know nothing of each other; `Outgoing` is what all of them lead to. What a message means for several
//! of them is put together here, in `joining`, `admission`, `inquiries`, `orders`, `statements`,
//! `watching` and `contesting`.

mod admission;
mod certificates;
mod contesting;
mod contests;
mod copying;
mod delegates;
mod effect;
mod founding;
mod inquiries;
mod invitations;
mod joining;
mod lapsing;
mod members;
mod news;
mod opening;
mod orders;
mod outgoing;
mod pricing;
mod sessions;
mod statements;
#[cfg(test)]
mod tests;
mod watching;

pub use contests::CONTEST_MS;
pub use effect::{Effect, Fact, Visited};
pub use inquiries::MAX_INQUIRERS_VISITED;
pub use invitations::{InvitationId, Kept, MAX_INVITATIONS};
pub use members::{LAPSE_MS, MAX_MEMBERS_REGISTERED, beyond};
pub use opening::{Further, RegistryError};
pub use orders::{Delegate, MAX_INVITATION_MS, Order, OrderRefused, Outcome};
pub use statements::Named;

use super::SessionId;
use super::bucket::{Buckets, Rate};
use super::doorstep::{Admission, Doorstep};
use super::liveness::{Liveness, Standing};
use super::spread::Spread;
use crate::chain::params::Difference;
use crate::chain::{Genesis, Height, NetworkId, Timestamp};
use crate::clock::Now;
use crate::keys::SecretKey;
use crate::membership::{Certificate, Statements};
use crate::wire::message::{Goodbye, RefusalCode, Refused};
use crate::wire::{Hello, Member, MemberId, Message, NodeRole};
use certificates::Certificates;
use contests::Contests;
use copying::Copies;
use delegates::Delegations;
use founding::{Founding, Offer, Verdict};
use inquiries::Visits;
use invitations::Invitations;
use members::Members;
use news::News;
use outgoing::Outgoing;
use pricing::Pricing;
use sessions::Sessions;
use std::sync::Arc;

/// How often the shell calls [`Registry::tick`]: news of members is collected for so long.
pub const TICK_MS: u64 = 200;
/// For how long one member alone is asked to make genesis: at the usual start target it takes
/// seconds, and a member that died must not keep the others waiting for long.
pub const LEASE_MS: u64 = 60_000;
/// How long a member that has a network may take to present its genesis before another is asked to
/// make one.
pub const CLAIM_MS: u64 = 10_000;
/// How long a session may take to register; then its place is for another.
pub const REGISTER_WITHIN_MS: u64 = 30_000;
/// How far ahead of the tracker's clock the number of a record may be, in milliseconds: 32 days, for clocks
/// that are wrong. A greater one would outrank everything that its sender says later.
pub const MAX_RECORD_AHEAD_MS: u64 = 32 * 86_400_000;
/// How often a member's record may change: everybody is told of it. A laptop changes networks a few times in
/// a row.
pub const RECORDS: Rate = Rate {
    burst: 8,
    every_ms: 60_000,
};
/// How often members are dialled back at one host who were not met there the last time: a school behind one
/// router at once.
pub const VISITS_OF_HOST: Rate = Rate {
    burst: 256,
    every_ms: 1_000,
};
/// Hosts of which that is counted; those that have the least to wait make room.
const MAX_HOSTS_VISITED: usize = 4_096;
/// How often a member may take another name: each stays its own for ever.
pub const RENAMES: Rate = Rate {
    burst: 3,
    every_ms: 86_400_000,
};
/// Most members in an answer to [`Message::GetMembers`].
pub const MAX_MEMBERS_LISTED: usize = 10;
/// How often a session may ask whether its sender could join: for a few names that are gone.
pub const MAX_INQUIRIES: u8 = 8;
/// Most answers that wait for the disk on behalf of one session; who asks for more meanwhile does
/// not read them. With the bound on sessions this bounds what waits.
pub const MAX_WAITING: usize = 16;

/// The tracker's machine.
pub struct Registry {
    certificates: Certificates,
    founding: Founding,
    members: Members,
    invitations: Invitations,
    /// What the admin has said; nothing as long as there is no genesis.
    statements: Option<Arc<Statements>>,
    delegations: Delegations,
    copies: Copies,
    visits: Visits,
    doorstep: Doorstep,
    sessions: Sessions,
    contests: Contests,
    /// What newcomers have to do; nothing if this tracker asks for nothing.
    pricing: Option<Pricing>,
    records: Buckets<MemberId>,
    renames: Buckets<MemberId>,
    hosts: Buckets<String>,
    liveness: Liveness,
    news: News,
    /// When it was noted last who is here.
    heard: Timestamp,
    spread: Spread,
    outgoing: Outgoing,
}

impl Registry {
    /// From now on, whoever was not invited has to work for its registration. `secret` is the tracker's.
    pub fn ask_for_work(&mut self, secret: &SecretKey) {
        self.pricing = Some(Pricing::of(secret));
    }

    /// The network's first block, if there is one (it may be on its way to the disk still).
    pub fn genesis(&self) -> Option<&Genesis> {
        self.founding.genesis()
    }

    /// The network's id for our own hello; zero as long as there is no genesis.
    pub fn network(&self) -> NetworkId {
        self.founding.network()
    }

    /// This tracker is known to have founded this network, whatever its register holds. Without a genesis it takes
    /// only that one, and nobody who is not of it, until a member brings it. The network that is waited for.
    pub fn has_founded(&mut self, network: NetworkId) -> Option<NetworkId> {
        self.founding.has_founded(network);
        self.founding.awaited()
    }

    /// What the settings say of the network that its genesis block says otherwise: it has no effect.
    pub fn overruled(&self) -> Vec<Difference> {
        self.founding.overruled()
    }

    /// What the admin has said; nothing as long as there is no genesis.
    pub fn statements(&self) -> Option<&Arc<Statements>> {
        self.statements.as_ref()
    }

    /// How many are registered.
    pub fn registered_len(&self) -> usize {
        self.members.len()
    }

    /// The greatest height that a member with a session named last: for display, never believed.
    pub fn height(&self) -> Option<Height> {
        self.sessions.height()
    }

    /// Whether somebody who dials from `address` (`host:port`) may come in; a stranger whose place
    /// it takes is closed.
    #[must_use]
    pub fn admit(&mut self, address: &str, now: Now) -> (bool, Vec<Effect>) {
        match self.doorstep.judge(address, now.steady) {
            Admission::Enter => (true, Vec::new()),
            Admission::InPlaceOf(session) => {
                // Its place is free at once, not only when its connection has ended.
                self.doorstep.gone(session);
                self.close(session, "you took too long, and others wait", now);
                (true, self.outgoing.take())
            }
            Admission::Full => (false, Vec::new()),
        }
    }

    /// Somebody who may come in has a connection now.
    pub fn entered(&mut self, session: SessionId, address: &str, now: Now) {
        self.doorstep.entered(session, address, now.steady);
    }

    /// Everyone who is registered, by number.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        self.members_after(None)
    }

    /// Those of them whose numbers come after this one.
    pub fn members_after(&self, after: Option<MemberId>) -> impl Iterator<Item = Member> + '_ {
        self.members.ids_after(after).filter_map(|id| self.tell(id))
    }

    /// How everyone who is registered stands.
    pub fn standings(&self) -> impl Iterator<Item = Standing> + '_ {
        self.members.ids().map(|id| self.liveness.standing(id))
    }

    /// A connection's handshake is done; the other end proved its key and showed this certificate,
    /// which nobody has judged yet.
    #[must_use]
    pub fn session_opened(
        &mut self,
        session: SessionId,
        hello: Hello,
        certificate: Option<Certificate>,
        now: Now,
    ) -> Vec<Effect> {
        if hello.role == NodeRole::Tracker {
            self.tracker_opened(session, &hello, now);
            return self.outgoing.take();
        }
        let ours = self.network();
        let reason = if ours != NetworkId::ZERO && ![NetworkId::ZERO, ours].contains(&hello.network)
        {
            let theirs = hello.network;
            Some(format!(
                "you belong to network {theirs}, this tracker to {ours}"
            ))
        } else {
            None
        };
        if let Some(reason) = reason {
            return vec![Effect::Close { session, reason }];
        }
        self.doorstep.greeted(session);
        // Whether it counts today is not asked: that we signed it says which network we have.
        let is_of_network = certificate.as_ref().is_some_and(|shown| {
            let (authority, then) = (self.certificates.authority(), shown.statement.from);
            let checked = shown.check(authority, &hello.network, &hello.key, then);
            checked.is_ok()
        });
        let shown = (certificate, is_of_network);
        self.sessions.begin(session, hello, shown, now.steady);
        Vec::new()
    }

    /// A connection's end. One that is not known any more is passed over.
    #[must_use]
    pub fn session_closed(&mut self, session: SessionId, now: Now) -> Vec<Effect> {
        self.doorstep.gone(session);
        self.copy_ended(session, now);
        self.forget_session(session, now);
        self.pass_lease(now);
        self.outgoing.take()
    }

    /// A visit has ended; `reached` if whoever was visited answered itself under one of its addresses.
    #[must_use]
    pub fn dialled_back(&mut self, whom: Visited, reached: bool) -> Vec<Effect> {
        match whom {
            Visited::Member(member) => {
                self.liveness.dialled_back(member, reached);
                self.note_standings();
            }
            Visited::Inquirer(session) => self.inquirer_visited(session, reached),
        }
        self.outgoing.take()
    }

    /// A batch is on the disk, and with it all before it.
    #[must_use]
    pub fn committed(&mut self, batch: u64) -> Vec<Effect> {
        self.outgoing.committed(batch);
        self.outgoing.take()
    }

    /// To be called every [`TICK_MS`].
    #[must_use]
    pub fn tick(&mut self, now: Now) -> Vec<Effect> {
        for session in self.sessions.late(REGISTER_WITHIN_MS, now.steady) {
            self.close(session, "you did not register in time", now);
        }
        self.settle_contests(now);
        self.hear_what_is_due(now);
        self.pass_lease(now);
        self.note_heard(now);
        self.ask_members(now);
        self.copy(now);
        self.push_news();
        self.outgoing.take()
    }

    /// A message from a connection.
    #[must_use]
    pub fn received(&mut self, session: SessionId, message: Message, now: Now) -> Vec<Effect> {
        if self.copies.has(session) {
            self.copied(session, message, now);
            return self.outgoing.take();
        }
        let Some(known) = self.sessions.get(session) else {
            return Vec::new();
        };
        let member = known.member;
        if self.outgoing.waiting(session) >= MAX_WAITING {
            self.close(session, "you ask without waiting for the answers", now);
            return self.outgoing.take();
        }
        match (message, member) {
            (Message::Register(record), _) => self.register(session, record, now),
            (Message::Invited(invited), _) => self.sessions.showed(session, invited),
            (Message::WorkDone(work), None) => self.sessions.worked(session, work),
            (Message::Inquire(record), _) => self.inquire(session, &record, now),
            (Message::Leave(leaving), _) => self.leave(session, &leaving, now),
            (Message::OfferGenesis(genesis), Some(id)) => self.offer(session, id, genesis, now),
            (Message::GetMembers(()), Some(_)) => {
                let members = self.some_members();
                self.send(session, Message::Members(members));
            }
            (Message::ChallengeAnswer(answer), Some(id)) => {
                self.answered(session, id, answer, now);
            }
            (Message::OfferGenesis(_) | Message::GetMembers(()), None) => self.refuse(
                session,
                RefusalCode::NotRegistered,
                "only a registered member may ask this; register first",
            ),
            (Message::Goodbye(_), _) => self.sessions.said_goodbye(session),
            (Message::Statements(heard), Some(_)) => self.hear(session, heard, now),
            (Message::Ping(_) | Message::Pong(_) | Message::Statements(_), _) => {}
            (other, _) => {
                let reason = format!("a tracker does not take {}", other.name());
                self.close(session, &reason, now);
            }
        }
        self.outgoing.take()
    }

    /// Somebody offers the network's first block.
    fn offer(&mut self, session: SessionId, from: MemberId, genesis: Genesis, now: Now) {
        let network = genesis.id();
        let known = self.sessions.get(session);
        let offer = Offer {
            from,
            key: known.map(|s| s.hello.key),
            has_network: known.is_some_and(|s| s.hello.network == network),
            is_of_network: known.is_some_and(|s| s.is_of_network),
            genesis: genesis.clone(),
        };
        let (verdict, rows) = self.founding.offer(offer, now);
        self.outgoing.write(rows);
        let (adopted, other_params) = match verdict {
            Verdict::Known => {
                let known = self.founding.genesis().cloned();
                let told = known.map(Message::GenesisKnown);
                return told.into_iter().for_each(|told| self.send(session, told));
            }
            Verdict::Refused(why) => return self.refuse(session, RefusalCode::BadGenesis, &why),
            Verdict::TooLate => return,
            Verdict::Accepted {
                adopted,
                other_params,
            } => (adopted, other_params),
        };
        self.outgoing.say(Effect::Fact(Fact::GenesisAccepted {
            network,
            from,
            adopted,
            other_params,
        }));
        self.know_network();
        let live: Vec<_> = self.sessions.members().collect();
        for (id, session) in live {
            self.certify(session, id, now);
            self.send(session, Message::GenesisKnown(genesis.clone()));
        }
    }

    /// Takes a session off the lists. Its member is asked in another way from now on, and whoever
    /// waited for its end has its place.
    fn forget_session(&mut self, session: SessionId, now: Now) {
        self.contests.withdraw(session);
        self.news.end(session);
        self.copies.end(session);
        let Some(ended) = self.sessions.end(session) else {
            return;
        };
        if let Some(id) = ended.member {
            self.liveness.detached(id, session, ended.farewell);
            self.note_standings();
            self.pass_place(id, now);
        }
    }

    fn close(&mut self, session: SessionId, reason: &str, now: Now) {
        self.forget_session(session, now);
        let reason = reason.to_owned();
        self.outgoing.say(Effect::Close { session, reason });
    }

    fn refuse(&mut self, session: SessionId, code: RefusalCode, reason: &str) {
        let reason = Goodbye::new(reason).reason;
        self.send(session, Message::Refused(Refused { code, reason }));
    }

    fn send(&mut self, session: SessionId, message: Message) {
        self.outgoing.say(Effect::Send { session, message });
    }
}
