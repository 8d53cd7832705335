//! A simulated network at work: carries out a plan, and looks all the time whether anything is broken.

use super::ballots::Polls;
use super::chance::Chance;
use super::deed::Doing;
use super::deliveries::receipted;
use super::host::{Host, Role, Surroundings, secret};
use super::load::{Load, Promise, Recorder};
use super::members::note_who_is_out;
use super::network::{Network, address};
use super::plan::{ALLOCATION, Plan, Step, TRACKER};
use super::trace::{Logged, Trace};
use super::watch::{Broken, Watch, honest_peers};
use crate::chain::{Salt, StateView, TransactionId};
use crate::clock::Clock;
use crate::keys::SecretKey;
use crate::owner::answers::ClosesRequest;
use crate::protocol::gossip::peers::STUCK_MS;
use crate::protocol::retry::LONGEST_RETRY_MS;
use crate::protocol::tracker_link::PUT_OUT_PAUSE_MS;
use crate::settings::{PeerSettings, Settings, TrackerSettings};
use crate::store::chain_rows::{ChainRows, stored_genesis};
use std::path::Path;
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
            (world.elapsed_ms(), world.settled_ms, world.polls),
        )
    });
    let (broken, trace, height, (elapsed_ms, settled_ms, polls)) = outcome;
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
    /// A disk was wiped.
    wiped: bool,
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
            wiped: false,
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
        note_who_is_out(&self.hosts);
        for host in self.plan.expelled() {
            self.load.book().borrow_mut().may_fail(host);
        }
        let book = self.load.book().borrow().clone();
        self.watch.look(&self.hosts, &book).await
    }

    fn final_checks(&mut self) -> Result<(), Broken> {
        self.around.trace.event("of one mind");
        self.polls = super::audit::audit(&self.hosts, &self.load.book().borrow())?;
        self.around.trace.event(&format!("{:?}", self.polls));
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
            Step::Kill(host) => self.hosts[host].kill().await,
            Step::PowerCut(host, torn) => self.hosts[host].cut_power(&self.around, torn).await,
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
            Step::Leave(host) => {
                self.lose_promises(host);
                self.hosts[host].leave(&self.around).await;
            }
            Step::Do(number) => self.act(number),
        }
    }

    /// What only this host knew is gone, and so is what it promised on it. Once in a simulation, and where
    /// the network is known to others: should all who know it lose it, it is lost.
    fn wipe(&mut self, host: usize) {
        let known = |host: &Host| matches!(stored_genesis(&**host.disk()), Ok(Some(_)));
        let peers = self.hosts.iter().enumerate().skip(1);
        let others = peers.filter(|(other, peer)| *other != host && !peer.is_gone());
        let is_known = others.map(|(_, peer)| peer).all(known);
        if self.wiped || !is_known || self.hosts[host].is_gone() {
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
        let is_out = |promise: &Promise| is_mined(&promise.id) || receipted(hosts, promise);
        self.load.book().borrow_mut().lose(host, is_out);
    }

    /// Somebody's owner does something, if the node runs.
    fn act(&mut self, number: usize) {
        let deed = self.plan.deeds[number].clone();
        let Some(faces) = self.hosts[deed.from].faces() else {
            return;
        };
        match &deed.what {
            Doing::Send(sending) => {
                if let Some(peer) = faces.peer.get() {
                    let to = self.hosts[sending.to].key();
                    self.load.send(number, &deed, sending, peer, to);
                }
            }
            Doing::Open(poll) => {
                let roll = poll.voters.iter().map(|host| self.hosts[*host].key());
                let roll = roll.collect();
                let Some(peer) = faces.peer.get() else {
                    return;
                };
                let closes = match poll.within_ms {
                    Some(ms) => ClosesRequest::At(self.hosts[deed.from].clock().wall().plus_ms(ms)),
                    None => ClosesRequest::Blocks(poll.blocks),
                };
                self.load.open_ballot(number, &deed, roll, closes, peer);
            }
            Doing::Vote(which) => {
                if let Some(peer) = faces.peer.get() {
                    self.load.vote(number, &deed, *which, peer);
                }
            }
            Doing::Say(saying) => {
                if let Some(order) = faces.order.get() {
                    let key = self.hosts[saying.about()].key();
                    self.load.say(number, &deed, *saying, key, order);
                }
            }
            Doing::Record(bytes) => {
                let key = self.hosts[deed.from].secret_key();
                let salt = self.salt();
                let by = Recorder { faces, key, salt };
                self.load.record(number, &deed, *bytes, by);
            }
        }
    }

    fn salt(&mut self) -> Salt {
        let mut salt = Salt([0; Salt::LEN]);
        for byte in &mut salt.0 {
            *byte = self.chance.number() as u8;
        }
        salt
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

fn tracker_settings(plan: &Plan) -> TrackerSettings {
    let owner = |host| {
        SecretKey::from_bytes(secret(plan.seed, host))
            .public_key()
            .to_address()
    };
    let allocation = |host| format!("{{ address = \"{}\", amount = {ALLOCATION} }}", owner(host));
    let allocations: Vec<_> = (1..plan.hosts()).map(allocation).collect();
    let text = format!(
        "role = \"tracker\"\nlisten = \"{}\"\n[network]\nadmission = \"open\"\n\
         block_interval_ms = {}\nstart_work = {}\nallocations = [{}]\n",
        address(TRACKER),
        plan.interval_ms,
        plan.start_work,
        allocations.join(", ")
    );
    match settings(&text) {
        Settings::Tracker(tracker) => tracker,
        Settings::Peer(_) => unreachable!("the text says tracker"),
    }
}

fn peer_settings(plan: &Plan, host: usize) -> PeerSettings {
    let text = format!(
        "role = \"peer\"\nname = \"{}\"\nlisten = \"{}\"\ntrackers = [\"{}\"]\n",
        name(host),
        address(host),
        address(TRACKER),
    );
    match settings(&text) {
        Settings::Peer(mut peer) => {
            peer.mining.mode = plan.peers[host - 1].mode;
            peer.peers.outgoing = plan.outgoing;
            peer
        }
        Settings::Tracker(_) => unreachable!("the text says peer"),
    }
}

fn settings(text: &str) -> Settings {
    let parsed = Settings::parse(Path::new("simulated.toml"), text, std::iter::empty());
    parsed.expect("the settings of a simulated node are right")
}
