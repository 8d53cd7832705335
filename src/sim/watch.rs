//! What must hold all the time in a simulated network, and what it must come to.

use super::connections;
use super::deliveries::{DeliveryWatch, left_waiting};
use super::host::{Faces, Host, TORN};
use super::load::Book;
use super::members::{heard_differs, speaker, told_out};
use super::network::address;
use super::plan::{Plan, TRACKER};
use super::trace::Trace;
use crate::chain::rows::RowKey;
use crate::chain::target::Work;
use crate::chain::{BlockId, Height, StateView};
use crate::keys::PublicKey;
use crate::messages::gossip::GetGossipStatus;
use crate::messages::inbox::CountUnread;
use crate::messages::ledger::{GetLedgerStatus, LedgerStatus};
use crate::messages::miner::GetMinerStatus;
use crate::messages::registry::GetMembers;
use crate::messages::retry_queue::GetOutbox;
use crate::owner::PeerParts;
use crate::protocol::delivery::outbox::{Line, MAX_WAITING, MAX_WAITING_BYTES};
use crate::protocol::retry::{MAX_UNANSWERED, Standing};
use crate::store::chain_rows::ChainRows;
use crate::wire::Member;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// How long an actor may take to answer, in simulated time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Looks after which outboxes and inboxes are gone through again.
const DELIVERIES_EVERY: u64 = 5;
/// Sends of an outbox that are looked at.
const LISTED: usize = 1_000;
/// Sessions that a peer may have: 8 outgoing and 32 incoming.
const MAX_SESSIONS: usize = 40;
/// Blocks that may be on their way to one peer.
const MAX_IN_FLIGHT: usize = 128;
/// Bytes of open transactions.
const MAX_OPEN_BYTES: usize = 64 << 20;

/// Within what time all that a node has shown is written: a write may wait for another one, and takes four seconds
/// on the slowest disk.
const WRITTEN_AFTER: Duration = Duration::from_secs(10);

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What must hold.
    pub invariant: &'static str,
    /// In which way it does not.
    pub how: String,
}

impl Broken {
    /// That `invariant` does not hold.
    pub fn new(invariant: &'static str, how: impl Into<String>) -> Self {
        let how = how.into();
        Self { invariant, how }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.how)
    }
}

/// Remembers what it has seen.
pub struct Watch {
    trace: Trace,
    work: Vec<Option<Work>>,
    /// Connections that a peer makes of itself, deliveries apart.
    outgoing: usize,
    /// Members that somebody has invented may take places.
    besieged: bool,
    height: u64,
    deliveries: DeliveryWatch,
    looks: u64,
    /// The keys that each host was told are put out, when it was looked at last.
    told_out: Vec<BTreeSet<PublicKey>>,
    /// The keys of the honest peers that each host had in its list then, and since when.
    listed: Vec<BTreeMap<PublicKey, Instant>>,
    /// The tracker lies, or has.
    lied: bool,
}

impl Watch {
    /// Of the hosts of a plan, who write into this trace.
    pub fn new(plan: &Plan, trace: Trace) -> Self {
        let hosts = plan.hosts();
        let work = vec![None; hosts];
        Self {
            trace,
            work,
            outgoing: plan.outgoing.into(),
            besieged: plan.has_sybils(),
            height: 0,
            deliveries: DeliveryWatch::new(hosts),
            looks: 0,
            told_out: vec![BTreeSet::new(); hosts],
            listed: vec![BTreeMap::new(); hosts],
            lied: false,
        }
    }

    /// Of this host, what was seen counts no more.
    pub fn forget(&mut self, host: usize) {
        self.work[host] = None;
        self.told_out[host].clear();
        self.listed[host].clear();
        self.deliveries.forget(host);
    }

    /// This host ends at once: what it has not written yet, it does not know when it begins again.
    pub fn loses_what_is_new(&mut self, host: usize) {
        self.listed[host].retain(|_, since| since.elapsed() >= WRITTEN_AFTER);
    }

    /// Whether of any two honest peers one has the other in its list, over a restart, too: who is known to none of
    /// them is at the mercy of whoever introduces it.
    pub fn all_have_met(&self, hosts: &[Host]) -> bool {
        let keeps = |host: usize, other: &Host| {
            let since = self.listed[host].get(&other.key());
            since.is_some_and(|since| since.elapsed() >= WRITTEN_AFTER)
        };
        let others = |at: usize| honest_peers(hosts).filter(move |(other, _)| *other > at);
        honest_peers(hosts).all(|(one, host)| {
            others(one).all(|(other, peer)| keeps(one, peer) || keeps(other, host))
        })
    }

    /// The tracker lies from now on: what its members say of that is no fault of theirs.
    pub fn hears_lies(&mut self) {
        self.lied = true;
    }

    /// Height of the highest tip that was seen.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// Looks at every host.
    pub async fn look(&mut self, hosts: &[Host], book: &Book) -> Result<(), Broken> {
        self.nobody_is_wronged(hosts)?;
        self.looks += 1;
        if self.looks.is_multiple_of(DELIVERIES_EVERY) {
            self.deliveries.look(hosts, book)?;
        }
        for (index, host) in hosts.iter().enumerate() {
            if let Some(reason) = host.ended() {
                let how = format!("host {index}: {reason}");
                return Err(Broken::new("no node ends by itself", how));
            }
            self.work_never_falls(index, host)?;
            let Some(faces) = host.faces().filter(|_| !host.is_tearing()) else {
                self.loses_what_is_new(index);
                continue;
            };
            self.nobody_vanishes(index, &faces, hosts)?;
            if let Some(parts) = faces.parts.get() {
                self.peer_is_well(index, parts).await?;
                self.nobody_talks_to_the_expelled(index, &faces, parts)
                    .await?;
            }
        }
        Ok(())
    }

    /// Whoever was in a node's list stays in it, whatever a tracker says: nobody here says that it leaves. Of whom the
    /// node has heard the admin's word it may be in none: until it registers again, should it be let in again.
    fn nobody_vanishes(
        &mut self,
        index: usize,
        faces: &Faces,
        hosts: &[Host],
    ) -> Result<(), Broken> {
        let Some(peer) = faces.peer.get() else {
            return Ok(());
        };
        let known = peer.known.borrow().clone();
        let is_spoken_of = |key: &PublicKey| {
            let said = known.statements.as_ref();
            said.is_some_and(|all| all.void_until(key).is_some())
        };
        let is_listed = |key: &PublicKey| known.directory.by_key(key).is_some();
        let before = std::mem::take(&mut self.listed[index]);
        let since = |key: &PublicKey| before.get(key).copied().unwrap_or_else(Instant::now);
        let inside = honest_peers(hosts).map(|(_, host)| host.key());
        let listed = inside.filter(is_listed).map(|key| (key, since(&key)));
        self.listed[index] = listed.collect();
        let is_gone = |key: &PublicKey| {
            before.contains_key(key) && !self.listed[index].contains_key(key) && !is_spoken_of(key)
        };
        match honest_peers(hosts).find(|(_, host)| is_gone(&host.key())) {
            None => Ok(()),
            Some((other, _)) => {
                let how = format!("host {other} from the list of host {index}");
                Err(Broken::new("nobody vanishes", how))
            }
        }
    }

    /// Whom it was told to be put out a look ago, a node has no session with.
    async fn nobody_talks_to_the_expelled(
        &mut self,
        index: usize,
        faces: &Faces,
        parts: &PeerParts,
    ) -> Result<(), Broken> {
        let told = told_out(faces);
        let before = std::mem::replace(&mut self.told_out[index], told.clone());
        let gossip = answer(index, "gossip", parts.gossip.send(GetGossipStatus)).await?;
        let mut with = gossip.sessions.iter().map(|session| session.key);
        match with.find(|key| told.contains(key) && before.contains(key)) {
            None => Ok(()),
            Some(key) => {
                let how = format!("host {index} has a session with {}", key.to_address());
                Err(Broken::new("nobody talks to who is put out", how))
            }
        }
    }

    /// Nobody who keeps to the protocol is accused of breaking it, and nothing fails but a torn write.
    fn nobody_is_wronged(&self, hosts: &[Host]) -> Result<(), Broken> {
        for trouble in self.trace.take_troubles() {
            // Of who was put out that is said.
            let mut inside = honest_peers(hosts).filter(|(_, host)| !host.was_out());
            let accused = inside.find(|(_, h)| trouble.text.contains(&h.key().to_address()));
            if trouble.is_error && !trouble.text.contains(TORN) {
                return Err(Broken::new("no node logs an error", trouble.text));
            }
            let of_tracker = self.lied && trouble.text.contains("tracker");
            if !trouble.is_error && !of_tracker && accused.is_some() {
                return Err(Broken::new("nobody honest is accused", trouble.text));
            }
        }
        Ok(())
    }

    fn work_never_falls(&mut self, index: usize, host: &Host) -> Result<(), Broken> {
        let rows = ChainRows(&**host.disk());
        let read = |error| Broken::new("a disk can be read", format!("host {index}: {error}"));
        let Some(tip) = rows.named(&RowKey::Tip).map_err(read)? else {
            return match self.work[index] {
                None => Ok(()),
                Some(_) => Err(Broken::new(
                    "no chain is lost",
                    format!("host {index} has none"),
                )),
            };
        };
        let entry = rows.header(&tip).map_err(read)?;
        let entry = entry
            .ok_or_else(|| Broken::new("a tip has a header", format!("host {index}: {tip}")))?;
        if self.work[index].is_some_and(|before| entry.work < before) {
            let how = format!("host {index} at height {}", entry.header.height);
            return Err(Broken::new("work never falls", how));
        }
        self.work[index] = Some(entry.work);
        self.height = self.height.max(entry.header.height.0);
        Ok(())
    }

    async fn peer_is_well(&mut self, index: usize, parts: &PeerParts) -> Result<(), Broken> {
        let status = ledger(index, parts).await?;
        let gossip = answer(index, "gossip", parts.gossip.send(GetGossipStatus)).await?;
        answer(index, "miner", parts.miner_status.send(GetMinerStatus)).await?;
        let asked = parts.outbox.send(GetOutbox {
            after: None,
            limit: LISTED,
        });
        let outbox = answer(index, "outbox", asked).await?;
        answer(index, "inbox", parts.unread.send(CountUnread)).await?;
        let mut under_way = BTreeMap::new();
        let sent = |line: &&Line| line.standing == Some(Standing::Sent);
        for line in outbox.lines.iter().filter(sent) {
            *under_way.entry(line.facts.to).or_insert(0) += 1;
        }
        let most = under_way.into_values().max().unwrap_or(0);
        let bounds = [
            ("sends under way to one recipient", most, MAX_UNANSWERED),
            ("sends waiting", outbox.waiting.queued, MAX_WAITING),
            ("bytes waiting", outbox.waiting.bytes, MAX_WAITING_BYTES),
            ("sessions", gossip.sessions.len(), MAX_SESSIONS),
            ("blocks in flight", gossip.blocks_in_flight, MAX_IN_FLIGHT),
            (
                "bytes of open transactions",
                status.open_bytes,
                MAX_OPEN_BYTES,
            ),
        ];
        for (what, count, most) in bounds {
            if count > most {
                let how = format!("host {index} has {count} {what}");
                return Err(Broken::new("no queue grows beyond its bound", how));
            }
        }
        Ok(())
    }

    /// In what the hosts do not agree yet, if in anything.
    pub async fn apart(&self, hosts: &[Host]) -> Result<Option<Broken>, Broken> {
        let mut tips: Vec<(usize, BlockId, Height)> = Vec::new();
        for (index, host) in honest_peers(hosts) {
            let faces = host.faces();
            let Some(parts) = faces.as_ref().and_then(|faces| faces.parts.get()) else {
                let how = format!("host {index} has not found its network");
                return Ok(Some(Broken::new("everybody finds the network", how)));
            };
            let tip = ledger(index, parts).await?.tip;
            tips.push((index, tip.id, tip.height()));
        }
        if tips.windows(2).any(|pair| pair[0].1 != pair[1].1) {
            let tips: Vec<_> = tips
                .iter()
                .map(|(host, id, height)| format!("host {host}: {height} {id}"))
                .collect();
            return Ok(Some(Broken::new("everybody has one tip", tips.join(", "))));
        }
        let room = (!self.besieged).then_some(self.outgoing);
        if let Some(broken) = connections::somebody_is_apart(hosts, room).await? {
            return Ok(Some(broken));
        }
        if let Some(broken) = heard_differs(honest_peers(hosts)) {
            return Ok(Some(broken));
        }
        self.lists_differ(hosts).await
    }

    /// What of all that was sent has not come to its end, if anything; a connection made for it is part of that.
    pub async fn under_way(
        &mut self,
        hosts: &[Host],
        book: &Book,
    ) -> Result<Option<Broken>, Broken> {
        self.deliveries.look(hosts, book)?;
        if let Some(broken) = connections::beyond_the_places(hosts, self.outgoing).await? {
            return Ok(Some(broken));
        }
        match self.deliveries.unsettled(hosts, book)? {
            None => self.something_waits(hosts).await,
            unsettled => Ok(unsettled),
        }
    }

    /// Whether an outbox still has something to do.
    async fn something_waits(&self, hosts: &[Host]) -> Result<Option<Broken>, Broken> {
        for (index, host) in honest_peers(hosts) {
            let faces = host.faces();
            let Some(parts) = faces.as_ref().and_then(|faces| faces.parts.get()) else {
                continue;
            };
            let asked = parts.outbox.send(GetOutbox::nothing_of_it());
            let waiting = answer(index, "outbox", asked).await?.waiting;
            let left = left_waiting(host).map_err(|error| {
                Broken::new(
                    "outbox and inbox can be read",
                    format!("host {index}: {error}"),
                )
            })?;
            if waiting.queued > left || waiting.reserved > waiting.held {
                let how = format!("outbox of host {index}: {waiting:?}");
                return Ok(Some(Broken::new("what waits comes to an end", how)));
            }
        }
        Ok(None)
    }

    /// Whether somebody's list does not say who is there and who is not.
    async fn lists_differ(&self, hosts: &[Host]) -> Result<Option<Broken>, Broken> {
        const TRUE: &str = "lists of who is there are true";
        const REGISTERED: &str = "everybody is registered where the network is spoken for";
        if hosts[TRACKER].tongue().lies() {
            return Ok(None);
        }
        let is_there = |host: &Host| !host.is_gone() && !host.is_out();
        // Nobody has to come to a tracker that does not speak for the network.
        let speaker = speaker(hosts);
        // Whoever lies is no node that keeps what it was told over a restart.
        let tells = |index: usize, host: &Host| match host.is_tracker() {
            true => index == speaker,
            false => host.is_honest_peer(),
        };
        let lists = hosts.iter().enumerate();
        for (index, host) in lists.filter(|(index, host)| is_there(host) && tells(*index, host)) {
            let Some(faces) = host.faces() else {
                return Ok(Some(Broken::new(
                    TRUE,
                    format!("host {index} does not run"),
                )));
            };
            if let Some(peer) = faces.peer.get() {
                let known = peer.known.borrow();
                if !known.registered || known.tracker != address(speaker).to_string() {
                    let (tracker, trouble) = (&known.tracker, &known.trouble);
                    let how = format!(
                        "host {index} talks with {tracker}, not with host {speaker}: {trouble:?}"
                    );
                    return Ok(Some(Broken::new(REGISTERED, how)));
                }
            }
            let members = members(index, &faces).await?;
            let listed = |host: &Host| {
                let key = host.key();
                let mut members = members.iter().map(|m| (m.record.statement.key, m.live));
                members
                    .find(|(member, _)| *member == key)
                    .map(|(_, live)| live)
            };
            let peers = hosts.iter().enumerate();
            for (other, peer) in peers.filter(|(_, host)| !host.is_tracker()) {
                let is_true = match (is_there(peer), listed(peer)) {
                    // Whose name a lie has given to a key first is withheld there until the owner says otherwise.
                    (true, None) => self.lied,
                    (true, listed) => listed == Some(true),
                    (false, listed) => listed != Some(true),
                };
                if !is_true {
                    let how = format!("live of host {other} at host {index}: {:?}", listed(peer));
                    return Ok(Some(Broken::new(TRUE, how)));
                }
            }
            if members.len() >= hosts.len() && !self.lied && !self.besieged {
                let how = format!("host {index} knows of {} members", members.len());
                return Ok(Some(Broken::new(TRUE, how)));
            }
        }
        Ok(None)
    }
}

/// The peers that keep to the protocol, are not gone for good and not put out, with their numbers.
pub fn honest_peers(hosts: &[Host]) -> impl Iterator<Item = (usize, &Host)> {
    let all = hosts.iter().enumerate();
    all.filter(|(_, host)| host.is_honest_peer() && !host.is_gone() && !host.is_out())
}

async fn members(index: usize, faces: &Faces) -> Result<Vec<Member>, Broken> {
    if faces.peer.get().is_none() {
        let registry = faces
            .registry
            .get()
            .ok_or_else(|| silent(index, "registry"))?;
        let all = GetMembers {
            after: None,
            limit: usize::MAX,
        };
        return answer(index, "registry", registry.send(all)).await;
    }
    let peer = faces
        .peer
        .get()
        .ok_or_else(|| silent(index, "tracker link"))?;
    let known = peer.known.borrow().clone();
    Ok(known.directory.members().cloned().collect())
}

async fn ledger(index: usize, parts: &PeerParts) -> Result<LedgerStatus, Broken> {
    answer(index, "ledger", parts.ledger_status.send(GetLedgerStatus)).await
}

/// The answer of an actor, which must come.
pub(super) async fn answer<T>(
    host: usize,
    actor: &str,
    asked: impl Future<Output = Result<T, actix::MailboxError>>,
) -> Result<T, Broken> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        _ => Err(silent(host, actor)),
    }
}

fn silent(host: usize, actor: &str) -> Broken {
    Broken::new("every actor answers", format!("{actor} of host {host}"))
}
