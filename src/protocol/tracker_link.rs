//! The tracker link: a member's side of the conversation with its tracker.
//!
//! It dials for ever, registers, makes the genesis block when asked to, learns the network, and keeps
//! the [`Directory`]. A node that has its chain needs no tracker to go on; what fails here is told
//! and tried again.
//!
//! What it never does: take another tracker key than the one pinned at first use, or another genesis
//! than the one it knows.

mod certificate;
mod dialling;
mod effect;
mod founding;
mod joining;
mod leading;
mod listing;
mod opening;
mod own_record;
mod reach;
mod rival;
mod statements;
mod telling;
#[cfg(test)]
mod tests;
mod wishes;
mod working;

use crate::clock::{Now, SteadyTime};
use certificate::Membership;
pub use effect::{Effect, Warning};
use founding::Founding;
pub use opening::OpenError;
use own_record::OwnRecord;
use reach::ReachWatch;
pub use reach::{REACH_PATIENCE_MS, Reach};
use rival::Rival;
pub use telling::Telling;
use working::OwnWork;

use super::SessionId;
use super::backoff::Backoff;
use super::commit_queue::CommitQueue;
use super::directory::{Directory, Update};
use crate::canonical;
use crate::chain::{Genesis, NetworkId};
use crate::keys::{PublicKey, SealingKey};
use crate::membership::Statements;
use crate::membership::{Address, Certificate, InvitationString, MemberName};
use crate::wire::message::MembersChanged;
use crate::wire::{Hello, Member, MemberRecord, MemberStatement, Message, NodeRole};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How often the shell calls [`TrackerLink::tick`].
pub const TICK_MS: u64 = 200;
/// First wait before a tracker is dialled again.
pub const MIN_BACK_OFF_MS: u64 = 1_000;
/// Longest wait: a tracker that is back is found within a minute or so.
pub const MAX_BACK_OFF_MS: u64 = 60_000;
/// How long a dialled tracker may take to greet.
pub const DIAL_PATIENCE_MS: u64 = 30_000;
/// How long a tracker may take to answer a registration; it writes to its disk first.
pub const ANSWER_PATIENCE_MS: u64 = 30_000;
/// By how much a record's number is raised when the tracker knows a later one (the clock was set
/// back, or the data directory is new): a day in milliseconds, doubled each time it is not enough.
pub const SEQUENCE_STEP: u64 = 86_400_000;
/// Where the doubling ends: no clock was ever that wrong, so the tracker is.
pub const MAX_SEQUENCE_STEP: u64 = SEQUENCE_STEP << 24;

/// How long a tracker is left alone that said that another node with our wallet is registered, in
/// milliseconds: it is for the owner to end that, and whoever asks again and again has the other one
/// asked again and again.
pub const RIVAL_PAUSE_MS: u64 = 300_000;
/// For how long the owner is told of another node with our wallet since the tracker named it last, in
/// milliseconds: three times the pause after which that one asks again.
pub const RIVAL_TOLD_MS: u64 = 3 * RIVAL_PAUSE_MS;

/// How long a tracker is left alone once the admin has put this node out, in milliseconds: it hears within so
/// long that it may come back, and asks for nothing more often.
pub const PUT_OUT_PAUSE_MS: u64 = 300_000;

/// Key of the row that holds the tracker's key.
const TRACKER_ROW: u8 = 2;
/// Key of the row that holds our own last record.
const RECORD_ROW: u8 = 3;
/// Key of the row that holds our certificate.
pub const CERTIFICATE_ROW: u8 = 4;

/// First byte of the keys of rows that hold what the admin has said.
const STATEMENT_ROW: u8 = 5;

/// Who we are and whom to ask.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the tracker is that the settings name first.
    pub address: Address,
    /// What we want to be called.
    pub name: MemberName,
    /// Our key.
    pub key: PublicKey,
    /// Our key for sealed notes.
    pub sealing_key: SealingKey,
    /// Where others can dial us.
    pub addresses: Vec<Address>,
    /// The tracker's key, if the owner has named it; else the one met first is pinned.
    pub tracker_key: Option<PublicKey>,
    /// Our network's first block, if the chain has one.
    pub genesis: Option<Genesis>,
    /// Where the other trackers are that the settings name.
    pub others: Vec<Address>,
    /// What lets us in, if we were invited.
    pub invitation: Option<Arc<InvitationString>>,
    /// Spreads retries in time.
    pub seed: u64,
}

/// How far the conversation is.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a node has one")]
enum Phase {
    /// Until it is dialled again.
    Waiting,
    /// Dialled, at that time.
    Dialling { since: SteadyTime },
    /// A tracker has greeted.
    Talking(Talk),
    /// For good.
    AtRest,
}

/// A conversation with a tracker.
#[derive(Debug)]
struct Talk {
    session: SessionId,
    /// The key of the network's first tracker: its own, or that of the one it stands in for.
    tracker: PublicKey,
    /// The key that it has proven.
    shown: PublicKey,
    /// The network in its hello.
    network: NetworkId,
    stage: Stage,
    /// When the stage began.
    since: SteadyTime,
}

/// A network, as a tracker names it that lets nobody in.
#[derive(Debug)]
struct Named {
    /// Its id, by that tracker's hello.
    network: NetworkId,
    /// The tracker that our record was made out to there.
    founder: PublicKey,
}

/// How far a registration is.
#[derive(Debug)]
enum Stage {
    /// Our statement is being signed.
    Signing(MemberStatement),
    /// Our record was sent.
    Registering,
    /// We are on the list. With the keys the tracker has named since, until it has named all.
    Registered(Option<BTreeSet<PublicKey>>),
}

/// The member's machine.
#[derive(Debug)]
pub struct TrackerLink {
    config: Config,
    /// Where the tracker is that is talked to: the one in the settings, until the one that speaks for the
    /// network was met elsewhere.
    address: Address,
    tracker: Option<PublicKey>,
    /// The tracker's key as it is stored.
    pinned: Option<PublicKey>,
    founding: Founding,
    /// Where the others are, in the order of the settings, each talked with by an introducer.
    others: Vec<Address>,
    /// What the tracker said that would not let us in, as long as no network is known: then the others are asked.
    named: Option<Named>,
    /// Which of the others is asked next.
    turn: usize,
    directory: Directory,
    /// What the admin has said; nothing as long as the network is not known.
    statements: Option<Arc<Statements>>,
    record: OwnRecord,
    membership: Membership,
    leaving: bool,
    /// The owner has disconnected this node.
    apart: bool,
    phase: Phase,
    /// When it is dialled again.
    pause: Backoff,
    /// Another node uses this one's wallet, as far as we were told.
    rival: Option<Rival>,
    reach: ReachWatch,
    /// What registering costs, and whether it is done.
    work: Option<OwnWork>,
    /// The last session that was over for us: its end may be reported still.
    former: Option<SessionId>,
    decided: CommitQueue<Effect>,
}

impl TrackerLink {
    /// The members we know.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Our network's first block, once known.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.founding.genesis()
    }

    /// Our network for our own hello; zero as long as it is not known.
    pub fn network(&self) -> NetworkId {
        self.founding.network()
    }

    /// What we said of ourselves last, if anything.
    pub fn record(&self) -> Option<&MemberRecord> {
        self.record.last()
    }

    /// Whether the tracker has us on its list, in this conversation.
    pub fn is_registered(&self) -> bool {
        let Phase::Talking(talk) = &self.phase else {
            return false;
        };
        matches!(talk.stage, Stage::Registered(_))
    }

    /// The session in which the tracker has us on its list.
    fn registered_session(&self) -> Option<SessionId> {
        match &self.phase {
            Phase::Talking(talk) if matches!(talk.stage, Stage::Registered(_)) => {
                Some(talk.session)
            }
            _ => None,
        }
    }

    /// To be called every [`TICK_MS`].
    #[must_use]
    pub fn tick(&mut self, now: Now) -> Vec<Effect> {
        self.prepare_record(now);
        match &self.phase {
            Phase::Waiting if self.apart => {}
            Phase::Waiting => self.dial(now),
            Phase::Dialling { since } if now.steady.since(*since) >= DIAL_PATIENCE_MS => {
                self.unreachable("no greeting came".to_owned(), now);
            }
            Phase::Talking(talk) => {
                let answered = matches!(talk.stage, Stage::Registered(_));
                if !answered && now.steady.since(talk.since) >= ANSWER_PATIENCE_MS {
                    self.give_up("it did not answer the registration", now);
                }
            }
            Phase::Dialling { .. } | Phase::AtRest => {}
        }
        self.hear_what_is_due(now);
        self.watch_certificate(now);
        self.forget_rival(now.steady);
        self.watch_reach(now.steady);
        self.take_effects()
    }

    /// The dial, or the handshake after it, failed.
    #[must_use]
    pub fn dial_failed(&mut self, reason: String, now: Now) -> Vec<Effect> {
        if matches!(self.phase, Phase::Dialling { .. }) {
            self.unreachable(reason, now);
        }
        self.take_effects()
    }

    /// The dialled tracker has greeted.
    #[must_use]
    pub fn opened(&mut self, session: SessionId, hello: &Hello, now: Now) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Dialling { .. }) {
            let reason = "not awaited any more".to_owned();
            return vec![Effect::Close { session, reason }];
        }
        let address = self.address();
        let warning = if hello.role != NodeRole::Tracker {
            Some(Warning::NotATracker { address })
        } else if let Some(warning) = self.wrong_key(&hello.key) {
            Some(warning)
        } else if let Some(known) = self.looked_for()
            && ![NetworkId::ZERO, known].contains(&hello.network)
        {
            let offered = hello.network;
            Some(Warning::OtherNetwork { known, offered })
        } else {
            None
        };
        if let Some(warning) = warning {
            let reason = warning.to_string();
            self.decided.at_once(Effect::Warn(warning));
            self.decided.at_once(Effect::Close { session, reason });
            self.former = Some(session);
            self.retry_later(now);
            return self.take_effects();
        }
        // Whoever it is that speaks for the network by now: records are for the one that founded it.
        let founder = self.tracker.or(self.named.as_ref().map(|one| one.founder));
        let tracker = founder.unwrap_or(hello.key);
        let statement = self.statement(tracker, now);
        self.phase = Phase::Talking(Talk {
            session,
            tracker,
            shown: hello.key,
            network: hello.network,
            stage: Stage::Signing(statement.clone()),
            since: now.steady,
        });
        self.register(statement, now);
        self.take_effects()
    }

    /// The Wallet signed our statement.
    #[must_use]
    pub fn signed(&mut self, record: MemberRecord, now: Now) -> Vec<Effect> {
        let awaited = match &self.phase {
            Phase::Talking(Talk {
                stage: Stage::Signing(statement),
                ..
            }) => *statement == record.statement,
            _ => false,
        };
        if awaited || self.record.is_prepared(&record.statement) {
            self.commit(RECORD_ROW, canonical::encode(&record));
            self.record.said(record.clone());
        }
        if awaited {
            self.send_record(record, now);
        }
        self.take_effects()
    }

    /// A message from the tracker.
    #[must_use]
    pub fn received(&mut self, session: SessionId, message: Message, now: Now) -> Vec<Effect> {
        let Some((_, stage)) = self.talk(session) else {
            return Vec::new();
        };
        let asked = !matches!(stage, Stage::Signing(_));
        match message {
            Message::Registered(registered) if asked => self.registered(registered, now),
            Message::Refused(refused) if asked => self.refused(refused, now),
            Message::CertificateIssued(certificate) if asked => self.issued(certificate, now),
            Message::GenesisKnown(genesis) if asked => self.learn(genesis, now),
            Message::WorkAsked(work) if asked => self.work_asked(work, now),
            Message::Members(members) if asked => {
                let left = Vec::new();
                let changed = members;
                self.members_told(MembersChanged { changed, left }, false);
            }
            Message::MembersChanged(told) if asked => self.members_told(told, true),
            Message::Statements(statements) if asked => self.hear(statements, true, now),
            Message::Challenge(number) => {
                self.decided.at_once(Effect::Answer { session, number });
            }
            Message::Left(()) if self.leaving => self.rest(Effect::Left),
            Message::Ping(_) | Message::Pong(_) | Message::Goodbye(_) => {}
            other => {
                let reason = format!("it said {} out of turn", other.name());
                self.give_up(&reason, now);
            }
        }
        self.take_effects()
    }

    /// A connection's end, whether or not it was reported as opened. The end of one that is over for
    /// us already is passed over.
    #[must_use]
    pub fn closed(&mut self, session: SessionId, reason: String, now: Now) -> Vec<Effect> {
        if self.talk(session).is_some() {
            if self.is_registered() {
                // All was well until now: no reason to hold back.
                self.pause.succeeded();
            }
            self.lost(reason, now);
        } else if matches!(self.phase, Phase::Dialling { .. }) && self.former != Some(session) {
            // It ended before it greeted.
            self.unreachable(reason, now);
        }
        self.take_effects()
    }

    /// The disk holds all batches up to and including this one.
    #[must_use]
    pub fn committed(&mut self, batch: u64) -> Vec<Effect> {
        self.decided.committed(batch);
        self.take_effects()
    }

    /// The first block was found.
    #[must_use]
    pub fn genesis_mined(&mut self, genesis: Genesis) -> Vec<Effect> {
        if self.founding.found(&genesis)
            && let Phase::Talking(talk) = &self.phase
            && matches!(talk.stage, Stage::Registered(_))
        {
            let message = Message::OfferGenesis(genesis);
            let session = talk.session;
            self.decided.at_once(Effect::Send { session, message });
        }
        self.take_effects()
    }

    /// One of the other trackers issued us a certificate. Whether it may issue.
    pub fn issued_elsewhere(&mut self, certificate: Certificate, now: Now) -> (bool, Vec<Effect>) {
        let counts = self.take_longer(certificate, now);
        (counts, self.take_effects())
    }

    /// One of the other trackers, which may issue, tells of these members: whoever is not known yet is known
    /// from now on. Nobody is put out, renamed or moved by its word.
    pub fn told_elsewhere(&mut self, members: Vec<Member>) -> Vec<Effect> {
        let mut changed = Vec::new();
        for member in members {
            if !self.is_out(&member.record.statement.key)
                && self.directory.is_news(&member)
                && matches!(
                    self.directory.update(member.clone()),
                    Update::Entered { .. }
                )
            {
                changed.push(member);
            }
        }
        self.directory_changed(changed, Vec::new());
        self.take_effects()
    }

    fn talk(&self, session: SessionId) -> Option<(PublicKey, &Stage)> {
        match &self.phase {
            Phase::Talking(talk) if talk.session == session => Some((talk.tracker, &talk.stage)),
            _ => None,
        }
    }

    fn address(&self) -> Address {
        self.address.clone()
    }

    fn commit(&mut self, key: u8, value: Vec<u8>) {
        self.decided.write((vec![key], Some(value)));
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        self.decided
            .take(|batch, rows| Effect::Commit { batch, rows })
    }
}
