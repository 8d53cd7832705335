//! A simulated network at work: carries out a plan, and looks all the time whether anything is broken.

mod acting;
mod said;

use super::ballots::Polls;
use super::chance::Chance;
use super::deceit::Deceit;
use super::deliveries::receipted;
use super::host::{Host, Role, Surroundings};
use super::load::{Load, Promise};
use super::members::{Roll, all_know, has_next_key, note_who_is_out, speaker};
use super::network::Network;
use super::plan::{Plan, Step, TRACKER};
use super::trace::{Logged, Trace};
use super::watch::{Broken, Watch, honest_peers};
use crate::chain::{StateView, TransactionId};
use crate::protocol::gossip::peers::STUCK_MS;
use crate::protocol::registry::InvitationId;
use crate::protocol::retry::LONGEST_RETRY_MS;
use crate::protocol::tracker_link::PUT_OUT_PAUSE_MS;
use crate::store::chain_rows::{ChainRows, stored_genesis};
use said::{other_tracker_settings, peer_settings, tracker_settings};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use tokio::time::Instant;
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;

/// How often it is looked whether all is well.
const LOOK_MS: u64 = 1_000;
/// How many blocks after the last fault the network may take to be of one mind.
const SETTLING_BLOCKS: u64 = 30;
/// What comes on top: the time in which sessions notice that they are dead (35 s), back-off ends (60 s) and
/// headers are asked for (30 s). A send may wait for as long as its longest pause besides, a connection made for
/// one for as long as until an answer is given up, and who was put out for as long as until it asks again.
const SETTLING_MS: u64 = 130_000;
/// How long what was found last may take to be everywhere.
const QUIET_MS: u64 = 8_000;

/// What became of a simulation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Of which seed.
    pub seed: u64,
    /// The first thing that was not as it must be, and when.
    pub broken: Option<Broken>,
    /// The hash of the trace.
    pub hash: String,
    /// The last events.
    pub lines: Vec<String>,
    /// Blocks of the chain at the end.
    pub height: u64,
    /// How long it was, in simulated milliseconds.
    pub elapsed_ms: u64,
    /// How long after the last fault it took to be of one mind, in simulated milliseconds.
    pub settled_ms: u64,
    /// What its ballots came to, if it came to its end.
    pub polls: Polls,
    /// Who is a member, if it came to its end.
    pub roll: Roll,
}

/// Carries out a plan. Of what the nodes log, the last events of this level and above are kept in words.
pub fn run(plan: &Plan, level: Level) -> Outcome {
    let runtime = runtime();
    let panics = super::panics::Caught::new();
    let local = LocalSet::new();
    let outcome = local.block_on(&runtime, async {
        let mut world = World::new(plan);
        let trace = world.around.trace.clone();
        let logged = tracing_subscriber::registry().with(Logged { trace, level });
        let _logged = tracing::subscriber::set_default(logged);
        let broken = world.live().await.err();
        world.end().await;
        (
            broken,
            world.around.trace.clone(),
            world.watch.height(),
            (
                world.elapsed_ms(),
                world.settled_ms,
                world.polls,
                world.roll,
            ),
        )
    });
    let (broken, trace, height, (elapsed_ms, settled_ms, polls, roll)) = outcome;
    let panicked = panics
        .first()
        .map(|panic| Broken::new("no actor panics", panic));
    Outcome {
        seed: plan.seed,
        broken: panicked.or(broken),
        hash: trace.hash(),
        lines: trace.lines(),
        height,
        elapsed_ms,
        settled_ms,
        polls,
        roll,
    }
}

/// A runtime whose clock jumps to the next timer when nothing is left to do.
pub(super) fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    // Without sockets there is nothing that a system could refuse.
    runtime.expect("a runtime with a clock and nothing else")
}

/// A network and who watches it.
pub(super) struct World {
    plan: Plan,
    pub(super) around: Surroundings,
    pub(super) hosts: Vec<Host>,
    watch: Watch,
    chance: Chance,
    load: Load,
    /// How long after the last fault it took to be of one mind.
    settled_ms: u64,
    /// When everybody was of one mind last but for what is under way; the end of the last fault before that.
    together_ms: u64,
    polls: Polls,
    roll: Roll,
    /// A disk was wiped.
    wiped: bool,
    /// Who may never be let in.
    doubtful: BTreeSet<usize>,
    /// The invitations of hosts, as the tracker keeps them.
    invited: BTreeMap<usize, InvitationId>,
}

impl World {
    /// All of it, before anything has started.
    pub(super) fn new(plan: &Plan) -> Self {
        let begun = Instant::now();
        let names = (0..plan.hosts()).map(name).collect();
        let trace = Trace::new(begun, names);
        let chance = Chance::of(plan.seed, "network");
        let around = Surroundings {
            seed: plan.seed,
            begun,
            network: Network::new(plan.hosts(), plan.line, chance, trace.clone()),
            trace,
        };
        let role = |host| match host {
            TRACKER => Role::Tracker(Box::new(tracker_settings(plan))),
            other if Some(other) == plan.other() => {
                Role::Tracker(Box::new(other_tracker_settings(plan, other)))
            }
            _ => {
                let settings = Box::new(peer_settings(plan, host));
                match plan.peers[host - 1].lie {
                    Some(lie) => Role::Liar(settings, lie),
                    None => Role::Peer(settings),
                }
            }
        };
        let mut hosts: Vec<_> = (0..plan.hosts())
            .map(|host| Host::new(host, role(host), &around))
            .collect();
        for (host, peer) in hosts.iter_mut().skip(1).zip(&plan.peers) {
            host.leave_out(peer.leaves_out);
            host.rate().set(peer.rate);
            host.clock().set_skew(peer.skew_ms);
        }
        for host in plan.doubtful() {
            hosts[host].note_out(true);
        }
        let (around_trace, load_trace) = (around.trace.clone(), around.trace.clone());
        Self {
            plan: plan.clone(),
            around,
            hosts,
            watch: Watch::new(plan, around_trace),
            chance: Chance::of(plan.seed, "load"),
            load: Load::new(load_trace),
            settled_ms: 0,
            together_ms: 0,
            polls: Polls::default(),
            roll: Roll::default(),
            wiped: false,
            doubtful: plan.doubtful(),
            invited: BTreeMap::new(),
        }
    }

    fn elapsed_ms(&self) -> u64 {
        self.around.begun.elapsed().as_millis() as u64
    }

    /// Waits for this moment.
    pub(super) async fn wait_until(&self, at_ms: u64) {
        tokio::time::sleep_until(self.around.begun + Duration::from_millis(at_ms)).await;
    }

    /// All of it; the first thing that is broken ends it.
    async fn live(&mut self) -> Result<(), Broken> {
        let mut look_at = LOOK_MS;
        for (at_ms, step) in self.plan.steps() {
            while look_at <= at_ms {
                self.wait_until(look_at).await;
                self.look().await?;
                look_at += LOOK_MS;
            }
            self.wait_until(at_ms).await;
            self.take(step).await;
        }
        self.settle().await
    }

    /// No fault any more: the network comes to be of one mind, and stays so.
    async fn settle(&mut self) -> Result<(), Broken> {
        self.around.trace.event("the last fault is over");
        self.around.network.heal_all();
        for host in 0..self.hosts.len() {
            self.hosts[host].start(&self.around);
        }
        let begun = self.elapsed_ms();
        self.together_ms = begun;
        loop {
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
            self.look().await?;
            if let Some((_, deadline)) = self.unsettled(begun).await?
                && self.elapsed_ms() <= deadline
            {
                continue;
            }
            self.set_rates(false);
            tokio::time::sleep(Duration::from_millis(QUIET_MS)).await;
            self.look().await?;
            match self.unsettled(begun).await? {
                None => {
                    self.settled_ms = self.elapsed_ms() - begun;
                    return self.final_checks();
                }
                // What a block of this moment would have been, is not it.
                Some((broken, deadline)) if self.elapsed_ms() > deadline => return Err(broken),
                Some(_) => self.set_rates(true),
            }
        }
    }

    /// What is not as it has to become, and when it has to. While something else is waited for, two may find a
    /// block at once: from when they were of one mind last they have as long as after the last fault.
    async fn unsettled(&mut self, begun: u64) -> Result<Option<(Broken, u64)>, Broken> {
        let mut settling = SETTLING_BLOCKS * self.plan.interval_ms + SETTLING_MS;
        if self.hosts.iter().any(Host::was_out) {
            settling += PUT_OUT_PAUSE_MS;
        }
        if let Some(broken) = self.watch.apart(&self.hosts).await? {
            return Ok(Some((broken, self.together_ms + settling)));
        }
        self.together_ms = self.elapsed_ms();
        let deadline = begun + settling;
        let book = self.load.book().borrow().clone();
        let under_way = self.watch.under_way(&self.hosts, &book).await?;
        Ok(under_way.map(|broken| (broken, deadline + LONGEST_RETRY_MS.max(STUCK_MS))))
    }

    async fn look(&mut self) -> Result<(), Broken> {
        note_who_is_out(&self.hosts, &self.doubtful);
        self.rekey_whoever_may().await;
        for host in self.plan.missing() {
            self.load.book().borrow_mut().may_fail(host);
        }
        let book = self.load.book().borrow().clone();
        self.watch.look(&self.hosts, &book).await
    }

    fn final_checks(&mut self) -> Result<(), Broken> {
        self.around.trace.event("of one mind");
        (self.polls, self.roll) = super::audit::audit(&self.hosts, &self.load.book().borrow())?;
        let peers = self.hosts.iter().filter(|host| !host.is_tracker());
        self.roll.certified = peers.filter(|host| host.is_certified()).count();
        let came_to = format!("{:?}, {:?}", self.polls, self.roll);
        self.around.trace.event(&came_to);
        Ok(())
    }

    fn set_rates(&self, on: bool) {
        for (host, peer) in self.hosts.iter().skip(1).zip(&self.plan.peers) {
            host.rate().set(if on { peer.rate } else { 0 });
        }
    }

    /// Takes a step of the plan.
    pub(super) async fn take(&mut self, step: Step) {
        if !matches!(step, Step::Do(_)) {
            self.around.trace.event(&format!("{step:?}"));
        }
        let network = &self.around.network;
        match step {
            Step::Start(host) => self.hosts[host].start(&self.around),
            Step::Kill(host) => {
                self.watch.loses_what_is_new(host);
                self.hosts[host].kill().await;
            }
            Step::PowerCut(host, torn) => {
                self.watch.loses_what_is_new(host);
                self.hosts[host].cut_power(&self.around, torn).await;
            }
            Step::Tear(host) => self.hosts[host].tear_next_write(),
            Step::Stop(host) => self.hosts[host].stop().await,
            Step::Cut(pairs) => pairs.iter().for_each(|(from, to)| network.cut(*from, *to)),
            Step::Heal(pairs) => pairs.iter().for_each(|(from, to)| network.heal(*from, *to)),
            Step::Lines(host, line) => {
                for other in (0..self.hosts.len()).filter(|other| *other != host) {
                    network.set_line(host, other, line);
                    network.set_line(other, host, line);
                }
            }
            Step::Wipe(host) => self.wipe(host),
            Step::Disk(host, write_ms) => {
                let latency = Duration::from_millis(write_ms);
                self.hosts[host].disk().set_latency(latency);
            }
            Step::Skew(host, skew_ms) => self.hosts[host].clock().set_skew(skew_ms),
            Step::Leave(TRACKER) => {
                let speaker = speaker(&self.hosts);
                let known = speaker != TRACKER && all_know(&self.hosts, speaker);
                if known && self.everybody_is_certified() {
                    self.hosts[TRACKER].leave(&self.around).await;
                }
            }
            Step::Leave(host) => {
                self.lose_promises(host);
                self.hosts[host].leave(&self.around).await;
            }
            Step::Deceive(lie) => self.deceive(lie),
            Step::Do(number) => self.act(number).await,
        }
    }

    /// Whether nobody needs the tracker to become a member.
    fn everybody_is_certified(&self) -> bool {
        let peers = self.hosts.iter().filter(|host| !host.is_tracker());
        let mut there = peers.filter(|host| !host.is_gone());
        there.all(Host::is_certified)
    }

    /// The tracker lies, if everybody is a member by then, and known to the others: whoever has nothing but its word
    /// is at its mercy.
    fn deceive(&mut self, lie: Option<Deceit>) {
        let all_have_met = || self.watch.all_have_met(&self.hosts);
        let told = lie.filter(|_| self.everybody_is_certified() && all_have_met());
        self.hosts[TRACKER].tongue().tell(told);
        if told.is_some() {
            self.watch.hears_lies();
        }
    }

    /// Whether whoever begins anew finds nobody who says which network it is: that is for the first tracker to say.
    fn nobody_can_begin(&self) -> bool {
        self.hosts[TRACKER].tongue().lies() || self.hosts[TRACKER].is_gone()
    }

    /// Whose name the admin has given to another key begins anew with that.
    async fn rekey_whoever_may(&mut self) {
        if self.nobody_can_begin() {
            return;
        }
        for host in 1..self.hosts.len() {
            if self.hosts[host].is_gone() || !has_next_key(&self.hosts, host) {
                continue;
            }
            self.around
                .trace
                .event(&format!("host {host} has another key"));
            self.lose_promises(host);
            self.hosts[host].kill().await;
            self.hosts[host].rekey();
            self.watch.forget(host);
            self.hosts[host].start(&self.around);
        }
    }

    /// What only this host knew is gone, and so is what it promised on it. Once in a simulation, and where
    /// the network is known to others: should all who know it lose it, it is lost.
    fn wipe(&mut self, host: usize) {
        let known = |host: &Host| matches!(stored_genesis(&**host.disk()), Ok(Some(_)));
        let peers = self
            .hosts
            .iter()
            .enumerate()
            .filter(|(_, host)| !host.is_tracker());
        let others = peers.filter(|(other, peer)| *other != host && !peer.is_gone());
        let is_known = others.map(|(_, peer)| peer).all(known);
        if self.wiped || self.nobody_can_begin() || !is_known || self.hosts[host].is_gone() {
            return;
        }
        self.wiped = true;
        self.lose_promises(host);
        self.hosts[host].wipe();
        self.watch.forget(host);
    }

    /// What this host promised counts no more, unless others can see to it.
    fn lose_promises(&mut self, host: usize) {
        let hosts = &self.hosts;
        let others: Vec<_> = honest_peers(hosts)
            .filter(|(other, _)| *other != host)
            .map(|(_, other)| ChainRows(&**other.disk()))
            .collect();
        let is_mined = |id: &TransactionId| {
            others
                .iter()
                .all(|rows| matches!(rows.mined(id), Ok(Some(_))))
        };
        let has_another = |promise: &Promise| !promise.is_for(host) && receipted(hosts, promise);
        let is_out = |promise: &Promise| is_mined(&promise.id) || has_another(promise);
        self.load.book().borrow_mut().lose(host, is_out);
    }

    /// What nodes have told their owners to have taken.
    pub(super) fn promised(&self) -> Vec<Promise> {
        self.load.book().borrow().promises().to_vec()
    }

    /// Ends every node.
    pub(super) async fn end(&mut self) {
        for host in &mut self.hosts {
            host.kill().await;
        }
    }
}

/// What a host is called.
pub(super) fn name(host: usize) -> String {
    match host {
        TRACKER => "tracker".to_owned(),
        peer => format!("peer-{peer}"),
    }
}
