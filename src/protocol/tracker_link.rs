//! The tracker link: a member's side of the conversation with its tracker.
//!
//! It dials for ever, registers, makes the genesis block when asked to, learns the network, and keeps
//! the [`Directory`]. A node that has its chain needs no tracker to go on; what fails here is told
//! and tried again.
//!
//! What it never does: take another tracker key than the one pinned at first use, or another genesis
//! than the one it knows.

mod effect;
#[cfg(test)]
mod tests;

pub use effect::{Effect, Warning};

use super::directory::{Directory, NAME_ROW, Update};
use super::spread::Spread;
use super::{Row, SessionId};
use crate::canonical;
use crate::chain::{Genesis, GenesisContent, Internal, NetworkId, Timestamp};
use crate::keys::{PublicKey, SealingKey};
use crate::wire::member::{Address, Leaving};
use crate::wire::message::{Lease, MAX_MEMBERS, MembersChanged, RefusalCode, Refused, Registered};
use crate::wire::{
    Hello, Member, MemberId, MemberName, MemberRecord, MemberStatement, Message, NodeRole,
};
use std::collections::BTreeSet;

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

/// Key of the row that holds the tracker's key.
const TRACKER_ROW: u8 = 2;
/// Key of the row that holds our own last record.
const RECORD_ROW: u8 = 3;

/// Who we are and whom to ask.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the trackers are, at least one; dialled in turn.
    pub trackers: Vec<Address>,
    /// What we want to be called.
    pub name: MemberName,
    /// Our key.
    pub key: PublicKey,
    /// Our key for sealed notes.
    pub sealing_key: SealingKey,
    /// Where others can dial us.
    pub addresses: Vec<Address>,
    /// Our network's first block, if the chain has one.
    pub genesis: Option<Genesis>,
    /// Spreads retries in time.
    pub seed: u64,
}

/// How far the conversation is.
#[derive(Debug)]
enum Phase {
    /// Nothing until then.
    Waiting { until: Timestamp },
    /// Dialled, at that time.
    Dialling { since: Timestamp },
    /// A tracker has greeted.
    Talking(Talk),
    /// For good.
    AtRest,
}

/// A conversation with a tracker.
#[derive(Debug)]
struct Talk {
    session: SessionId,
    /// The key in its hello.
    tracker: PublicKey,
    stage: Stage,
    /// When the stage began.
    since: Timestamp,
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
    tracker: Option<PublicKey>,
    genesis: Option<Genesis>,
    /// What we are mining the first block for.
    mining: Option<GenesisContent>,
    /// The first block that we mined.
    mined: Option<Genesis>,
    directory: Directory,
    /// Our last record.
    record: Option<MemberRecord>,
    /// No record below this number is signed.
    least_sequence: u64,
    /// What the next [`RefusalCode::OldRecord`] raises it by.
    sequence_step: u64,
    leaving: bool,
    phase: Phase,
    /// Attempts since the last registration.
    attempts: usize,
    effects: Vec<Effect>,
    spread: Spread,
}

impl TrackerLink {
    /// Takes up the stored rows (all of the members' table, in any order). The first
    /// [`TrackerLink::tick`] dials.
    ///
    /// # Errors
    /// A row is damaged, or no tracker is named: the node can't start.
    pub fn open(
        config: Config,
        rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, Internal> {
        if config.trackers.is_empty() {
            return Err(Internal("no tracker is named in the settings".to_owned()));
        }
        let mut link = Self {
            tracker: config.genesis.as_ref().map(|g| g.content.tracker),
            genesis: config.genesis.clone(),
            mining: None,
            mined: None,
            directory: Directory::default(),
            record: None,
            least_sequence: 0,
            sequence_step: SEQUENCE_STEP,
            leaving: false,
            phase: Phase::Waiting {
                until: Timestamp(0),
            },
            attempts: 0,
            effects: Vec::new(),
            spread: Spread::new(config.seed),
            config,
        };
        for (key, value) in rows {
            link.open_row(&key, &value)?;
        }
        Ok(link)
    }

    fn open_row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Internal> {
        let damaged = |e| Internal(format!("a row of the tracker link is damaged: {e}"));
        match key {
            [NAME_ROW, name @ ..] => self.directory.open_row(name, value),
            [TRACKER_ROW] => {
                let stored: PublicKey = canonical::decode(value).map_err(damaged)?;
                // Genesis says it with more authority than what was seen at the first meeting.
                self.tracker = self.tracker.or(Some(stored));
                Ok(())
            }
            [RECORD_ROW] => {
                let record: MemberRecord = canonical::decode(value).map_err(damaged)?;
                self.record = Some(record).filter(|r| r.statement.key == self.config.key);
                Ok(())
            }
            _ => Err(Internal(
                "the members' table holds a row of no known kind".to_owned(),
            )),
        }
    }

    /// The members we know.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Our network's first block, once known.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// Our network for our own hello; zero as long as it is not known.
    pub fn network(&self) -> NetworkId {
        self.genesis.as_ref().map_or(NetworkId::ZERO, Genesis::id)
    }

    /// Whether the tracker has us on its list, in this conversation.
    pub fn is_registered(&self) -> bool {
        let Phase::Talking(talk) = &self.phase else {
            return false;
        };
        matches!(talk.stage, Stage::Registered(_))
    }

    /// To be called every [`TICK_MS`].
    #[must_use]
    pub fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        match &self.phase {
            Phase::Waiting { until } if *until <= now => {
                self.phase = Phase::Dialling { since: now };
                let address = self.address();
                self.effects.push(Effect::Dial { address });
            }
            Phase::Dialling { since } if now.since(*since) > DIAL_PATIENCE_MS => {
                self.unreachable("no greeting came".to_owned(), now);
            }
            Phase::Talking(talk) => {
                let answered = matches!(talk.stage, Stage::Registered(_));
                if !answered && now.since(talk.since) > ANSWER_PATIENCE_MS {
                    self.give_up("it did not answer the registration", now);
                }
            }
            Phase::Waiting { .. } | Phase::Dialling { .. } | Phase::AtRest => {}
        }
        self.take_effects()
    }

    /// The dial, or the handshake after it, failed.
    #[must_use]
    pub fn dial_failed(&mut self, reason: String, now: Timestamp) -> Vec<Effect> {
        if matches!(self.phase, Phase::Dialling { .. }) {
            self.unreachable(reason, now);
        }
        self.take_effects()
    }

    /// The dialled tracker has greeted.
    #[must_use]
    pub fn opened(&mut self, session: SessionId, hello: &Hello, now: Timestamp) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Dialling { .. }) {
            let reason = "not awaited any more".to_owned();
            return vec![Effect::Close { session, reason }];
        }
        let address = self.address();
        let warning = if hello.role != NodeRole::Tracker {
            Some(Warning::NotATracker { address })
        } else if let Some(pinned) = self.tracker.filter(|pinned| *pinned != hello.key) {
            Some(Warning::TrackerKeyChanged {
                address,
                pinned,
                shown: hello.key,
            })
        } else if ![NetworkId::ZERO, hello.network].contains(&self.network())
            && hello.network != NetworkId::ZERO
        {
            Some(Warning::OtherNetwork {
                known: self.network(),
                offered: hello.network,
            })
        } else {
            None
        };
        if let Some(warning) = warning {
            let reason = warning.to_string();
            self.effects.push(Effect::Warn(warning));
            self.effects.push(Effect::Close { session, reason });
            self.back_off(now);
            return self.take_effects();
        }
        let statement = self.statement(hello.key, now);
        self.phase = Phase::Talking(Talk {
            session,
            tracker: hello.key,
            stage: Stage::Signing(statement.clone()),
            since: now,
        });
        self.register(statement, now);
        self.take_effects()
    }

    /// The Wallet signed our statement.
    #[must_use]
    pub fn signed(&mut self, record: MemberRecord, now: Timestamp) -> Vec<Effect> {
        if let Phase::Talking(talk) = &self.phase
            && let Stage::Signing(statement) = &talk.stage
            && *statement == record.statement
        {
            self.commit(RECORD_ROW, canonical::encode(&record));
            self.record = Some(record.clone());
            self.send_record(record, now);
        }
        self.take_effects()
    }

    /// A message from the tracker.
    #[must_use]
    pub fn received(
        &mut self,
        session: SessionId,
        message: Message,
        now: Timestamp,
    ) -> Vec<Effect> {
        let Some((_, stage)) = self.talk(session) else {
            return Vec::new();
        };
        let asked = !matches!(stage, Stage::Signing(_));
        match message {
            Message::Registered(registered) if asked => self.registered(registered, now),
            Message::Refused(refused) if asked => self.refused(refused, now),
            Message::GenesisKnown(genesis) if asked => self.learn(genesis, now),
            Message::Members(members) if asked => {
                let left = Vec::new();
                let changed = members;
                self.members_told(MembersChanged { changed, left }, false);
            }
            Message::MembersChanged(told) if asked => self.members_told(told, true),
            Message::Left(()) if self.leaving => self.rest(Effect::Left),
            Message::Ping(_) | Message::Pong(_) | Message::Goodbye(_) => {}
            other => {
                let reason = format!("it said {} out of turn", other.name());
                self.give_up(&reason, now);
            }
        }
        self.take_effects()
    }

    /// The connection's end.
    #[must_use]
    pub fn closed(&mut self, session: SessionId, reason: String, now: Timestamp) -> Vec<Effect> {
        if self.talk(session).is_some() {
            self.lost(reason, now);
        }
        self.take_effects()
    }

    /// The first block was found.
    #[must_use]
    pub fn genesis_mined(&mut self, genesis: Genesis) -> Vec<Effect> {
        if self.mining.as_ref() == Some(&genesis.content) {
            self.mining = None;
            self.mined = Some(genesis.clone());
            if let Phase::Talking(talk) = &self.phase
                && matches!(talk.stage, Stage::Registered(_))
            {
                let message = Message::OfferGenesis(genesis);
                let session = talk.session;
                self.effects.push(Effect::Send { session, message });
            }
        }
        self.take_effects()
    }

    /// The owner leaves the network for good; at once, or when the tracker is reached.
    #[must_use]
    pub fn leave(&mut self, now: Timestamp) -> Vec<Effect> {
        self.leaving = true;
        if self.is_registered() {
            self.sign_leaving(now);
        }
        self.take_effects()
    }

    /// The Wallet signed that we leave.
    #[must_use]
    pub fn leaving_signed(&mut self, leaving: Leaving) -> Vec<Effect> {
        if self.leaving
            && let Phase::Talking(talk) = &self.phase
            && matches!(talk.stage, Stage::Registered(_))
        {
            let message = Message::Leave(leaving);
            let session = talk.session;
            self.effects.push(Effect::Send { session, message });
        }
        self.take_effects()
    }

    /// The owner believes that the member of this name has a new key (it was withheld, see
    /// [`Directory::withheld`]). Without effect if nothing is withheld.
    #[must_use]
    pub fn accept_changed_key(&mut self, name: &MemberName) -> Vec<Effect> {
        let former = self.directory.by_name(name).cloned();
        if let Some(member) = self.directory.accept(name) {
            let left = former.into_iter().collect();
            self.directory_changed(vec![member], left);
        }
        self.take_effects()
    }

    fn talk(&self, session: SessionId) -> Option<(PublicKey, &Stage)> {
        match &self.phase {
            Phase::Talking(talk) if talk.session == session => Some((talk.tracker, &talk.stage)),
            _ => None,
        }
    }

    /// Where the tracker is whose turn it is.
    fn address(&self) -> Address {
        let turn = self.attempts % self.config.trackers.len();
        self.config.trackers[turn].clone()
    }

    /// What we say of ourselves: the last record's words if they still are the ones.
    fn statement(&self, tracker: PublicKey, now: Timestamp) -> MemberStatement {
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
                now.0.max(sequence.saturating_add(1))
            }
            _ => now.0.max(self.least_sequence),
        };
        MemberStatement { sequence, ..wanted }
    }

    fn register(&mut self, statement: MemberStatement, now: Timestamp) {
        match self.record.clone().filter(|r| r.statement == statement) {
            Some(record) => self.send_record(record, now),
            None => self.effects.push(Effect::Sign(statement)),
        }
    }

    fn send_record(&mut self, record: MemberRecord, now: Timestamp) {
        if let Phase::Talking(talk) = &mut self.phase {
            talk.stage = Stage::Registering;
            talk.since = now;
            let session = talk.session;
            let message = Message::Register(record);
            self.effects.push(Effect::Send { session, message });
        }
    }

    fn registered(&mut self, registered: Registered, now: Timestamp) {
        let Phase::Talking(talk) = &mut self.phase else {
            return;
        };
        let (session, tracker) = (talk.session, talk.tracker);
        if !matches!(talk.stage, Stage::Registered(_)) {
            talk.stage = Stage::Registered(Some(BTreeSet::new()));
            self.attempts = 0;
            self.effects.push(Effect::Joined { id: registered.id });
        }
        if self.tracker.is_none() {
            self.tracker = Some(tracker);
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

    fn make_genesis(
        &mut self,
        session: SessionId,
        tracker: PublicKey,
        lease: Lease,
        now: Timestamp,
    ) {
        if let Err(e) = lease.params.check() {
            let reason = e.to_string();
            self.effects
                .push(Effect::Warn(Warning::BadGenesis { reason }));
            return self.give_up("its parameters can't be used", now);
        }
        let content = GenesisContent::new(lease.params, tracker, self.config.key);
        let mined = self.mined.as_ref().filter(|g| g.content == content);
        if let Some(genesis) = mined.cloned() {
            let message = Message::OfferGenesis(genesis);
            self.effects.push(Effect::Send { session, message });
        } else if self.mining.as_ref() != Some(&content) {
            self.stop_mining();
            self.mining = Some(content.clone());
            let header = content.header(now);
            self.effects.push(Effect::MineGenesis { header, content });
        }
    }

    /// Takes the network's first block from the tracker, or finds that it is not ours.
    fn learn(&mut self, genesis: Genesis, now: Timestamp) {
        let Phase::Talking(Talk { tracker, .. }) = self.phase else {
            return;
        };
        if let Some(known) = &self.genesis {
            if *known != genesis {
                let known = known.id();
                let offered = genesis.id();
                let warning = Warning::OtherNetwork { known, offered };
                self.effects.push(Effect::Warn(warning));
                self.give_up("it is the tracker of another network", now);
            }
            return;
        }
        let bad = match genesis.check() {
            Err(e) => Some(e.to_string()),
            Ok(()) if genesis.content.tracker != tracker => {
                Some("it was made for another tracker".to_owned())
            }
            Ok(()) => None,
        };
        if let Some(reason) = bad {
            self.effects
                .push(Effect::Warn(Warning::BadGenesis { reason }));
            return self.give_up("its genesis block can't be used", now);
        }
        self.stop_mining();
        self.mined = None;
        self.genesis = Some(genesis.clone());
        self.effects.push(Effect::NetworkKnown(genesis));
    }

    fn stop_mining(&mut self) {
        if self.mining.take().is_some() {
            self.effects.push(Effect::StopMiningGenesis);
        }
    }

    fn refused(&mut self, refused: Refused, now: Timestamp) {
        let reason = refused.reason.as_str().to_owned();
        match refused.code {
            RefusalCode::NameTaken | RefusalCode::BadRecord => {
                let reason = format!("the tracker refused the registration: {reason}");
                self.rest(Effect::Fatal { reason });
            }
            RefusalCode::NotRegistered if self.leaving => self.rest(Effect::Left),
            RefusalCode::OldRecord => self.raise_sequence(now),
            code => {
                let said = reason.clone();
                self.effects
                    .push(Effect::Warn(Warning::Refused { code, reason }));
                self.give_up(&said, now);
            }
        }
    }

    /// The tracker knows a later record of ours: says the same with a later number.
    fn raise_sequence(&mut self, now: Timestamp) {
        let last = self.record.as_ref().map_or(0, |r| r.statement.sequence);
        self.least_sequence = last.max(now.0).saturating_add(self.sequence_step);
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

    fn sign_leaving(&mut self, now: Timestamp) {
        let last = self.record.as_ref().map_or(0, |r| r.statement.sequence);
        let sequence = last.saturating_add(1).max(self.least_sequence).max(now.0);
        if let Phase::Talking(Talk { tracker, .. }) = self.phase {
            self.effects.push(Effect::SignLeaving { tracker, sequence });
        }
    }

    /// Takes up what the tracker tells of members; `in_list` if it is part of its list, not an answer.
    fn members_told(&mut self, told: MembersChanged, in_list: bool) {
        let Phase::Talking(Talk { tracker, .. }) = self.phase else {
            return;
        };
        let ends_list = in_list && told.changed.len() < MAX_MEMBERS;
        let gone = |id: &MemberId| self.directory.by_id(*id).map(|m| m.record.statement.key);
        let gone: Vec<_> = told.left.iter().filter_map(gone).collect();
        let mut left: Vec<_> = gone
            .iter()
            .filter_map(|k| self.directory.remove(k))
            .collect();
        let mut changed = Vec::new();
        for member in told.changed {
            self.member_told(tracker, member, &mut changed);
        }
        if ends_list && let Some(named) = self.end_list() {
            let known = self.directory.members().map(|m| m.record.statement.key);
            let gone: Vec<_> = known.filter(|key| !named.contains(key)).collect();
            left.extend(gone.iter().filter_map(|k| self.directory.remove(k)));
        }
        self.directory_changed(changed, left);
    }

    fn member_told(&mut self, tracker: PublicKey, member: Member, changed: &mut Vec<Member>) {
        let statement = &member.record.statement;
        let (key, name) = (statement.key, statement.name.clone());
        if let Phase::Talking(talk) = &mut self.phase
            && let Stage::Registered(Some(named)) = &mut talk.stage
        {
            named.insert(key);
        }
        let bad = if statement.tracker != tracker {
            Some("it is for another tracker".to_owned())
        } else if self
            .directory
            .by_key(&key)
            .is_some_and(|m| m.record == member.record)
        {
            None
        } else {
            member.record.check().err().map(|e| e.to_string())
        };
        if let Some(reason) = bad {
            let warning = Warning::BadRecord { name, reason };
            return self.effects.push(Effect::Warn(warning));
        }
        match self.directory.update(member) {
            Update::Entered => changed.extend(self.directory.by_key(&key).cloned()),
            Update::Unchanged => {}
            Update::Withheld { pinned } => {
                let warning = Warning::NameChangedKey {
                    name,
                    pinned,
                    shown: key,
                };
                self.effects.push(Effect::Warn(warning));
            }
            Update::Full => {
                let warning = Warning::DirectoryFull { name };
                self.effects.push(Effect::Warn(warning));
            }
        }
    }

    /// The tracker has named all: whom, if that was not known yet.
    fn end_list(&mut self) -> Option<BTreeSet<PublicKey>> {
        match &mut self.phase {
            Phase::Talking(Talk {
                stage: Stage::Registered(named),
                ..
            }) => named.take(),
            _ => None,
        }
    }

    fn directory_changed(&mut self, changed: Vec<Member>, left: Vec<Member>) {
        let rows = self.directory.take_rows();
        if !rows.is_empty() {
            self.effects.push(Effect::Commit { rows });
        }
        if !changed.is_empty() || !left.is_empty() {
            self.effects
                .push(Effect::DirectoryChanged { changed, left });
        }
    }

    fn commit(&mut self, key: u8, value: Vec<u8>) {
        let rows: Vec<Row> = vec![(vec![key], Some(value))];
        self.effects.push(Effect::Commit { rows });
    }

    fn unreachable(&mut self, reason: String, now: Timestamp) {
        let address = self.address();
        let retry_ms = self.back_off(now);
        self.effects.push(Effect::Warn(Warning::Unreachable {
            address,
            reason,
            retry_ms,
        }));
    }

    fn lost(&mut self, reason: String, now: Timestamp) {
        let address = self.address();
        let retry_ms = self.back_off(now);
        self.effects.push(Effect::Warn(Warning::ConnectionLost {
            address,
            reason,
            retry_ms,
        }));
    }

    /// Ends the conversation from our side, to try again later.
    fn give_up(&mut self, reason: &str, now: Timestamp) {
        if let Phase::Talking(Talk { session, .. }) = self.phase {
            let told = reason.to_owned();
            self.effects.push(Effect::Close {
                session,
                reason: told,
            });
        }
        self.lost(reason.to_owned(), now);
    }

    /// Ends the conversation for good.
    fn rest(&mut self, last: Effect) {
        self.stop_mining();
        if let Phase::Talking(Talk { session, .. }) = self.phase {
            let reason = "nothing more to say".to_owned();
            self.effects.push(Effect::Close { session, reason });
        }
        self.phase = Phase::AtRest;
        self.effects.push(last);
    }

    /// Sets the next attempt: later after each round of all trackers, and never at the same moment as
    /// everybody else. How many milliseconds from now.
    fn back_off(&mut self, now: Timestamp) -> u64 {
        let round = self.attempts / self.config.trackers.len();
        let doublings = u32::try_from(round).unwrap_or(u32::MAX);
        let base = 1u64.checked_shl(doublings).unwrap_or(u64::MAX);
        let base = base.saturating_mul(MIN_BACK_OFF_MS).min(MAX_BACK_OFF_MS);
        let wait = base - base / 4 + self.spread.up_to(base / 2);
        self.attempts = self.attempts.saturating_add(1);
        self.phase = Phase::Waiting {
            until: now.plus_ms(wait),
        };
        wait
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}
