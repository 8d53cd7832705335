//! One host of a simulated network, and the node that runs on it: the real actors, put together as in a
//! process of their own, on everything simulated.

mod life;

use super::chance::{Chance, SeededEntropy};
use super::choosing::{self, LeftOut};
use super::clock::HostClock;
use super::deceit::Tongue;
use super::liar::Lie;
use super::network::{Network, SimTransport};
use super::search::{Rate, SimSearch};
use super::trace::{OnHost, Trace};
use super::verifier::InlineVerifier;
use crate::actors::fatal_channel;
use crate::keys::{PublicKey, SecretKey};
use crate::logging::Names;
use crate::membership::InvitationString;
use crate::messages::ledger::JudgeOwn;
use crate::messages::registry::{CarryOut, GetMembers};
use crate::node::Seams;
use crate::owner::{Peer, PeerParts};
use crate::protocol::tracker_link::CERTIFICATE_ROW;
use crate::readable::Typed;
use crate::settings::{PeerSettings, TrackerSettings};
use crate::store::{DiskError, DiskRead, MemoryDisk, Table};
use actix::Recipient;
use life::Orders;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::Instant;

pub(super) use life::Life;

/// Connections that a simulated system has room for.
const CONNECTIONS: usize = 10_000;

/// Why a write fails that a power cut tears.
pub const TORN: &str = "the power goes";

/// What a host is there for.
#[derive(Debug, Clone)]
pub enum Role {
    /// A tracker with these settings.
    Tracker(Box<TrackerSettings>),
    /// A peer with these settings.
    Peer(Box<PeerSettings>),
    /// A peer with these settings that does not keep to the protocol.
    Liar(Box<PeerSettings>, Lie),
}

/// What all hosts of a simulation share.
pub struct Surroundings {
    /// Everything is drawn from it.
    pub seed: u64,
    /// When the simulation began.
    pub begun: Instant,
    /// The lines between the hosts.
    pub network: Network,
    /// What happens.
    pub trace: Trace,
}

/// A host: what outlives its node, and the node while it runs.
pub struct Host {
    index: usize,
    role: Role,
    secret: [u8; 32],
    disk: Arc<MemoryDisk>,
    clock: Arc<HostClock>,
    rate: Arc<Rate>,
    luck: Arc<Mutex<Chance>>,
    starts: u32,
    /// The next write fails, or one has.
    tearing: bool,
    /// Its owner does not come back.
    gone: bool,
    leaves_out: Option<LeftOut>,
    /// What it joins by, if it was invited.
    invitation: Option<Arc<InvitationString>>,
    /// The keys that it had before.
    former: Vec<PublicKey>,
    /// Whether it is no member: by the last that anybody has heard the admin has put it out, or it was never let in.
    out: Cell<bool>,
    /// Whether it ever was none.
    was_out: Cell<bool>,
    /// What it says, if it is a tracker.
    tongue: Tongue,
    node: Option<Node>,
}

/// A running node.
struct Node {
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
    faces: Rc<Faces>,
}

/// Where a running node can be asked.
#[derive(Default)]
pub struct Faces {
    /// A peer, from its start.
    pub peer: OnceCell<Peer>,
    /// A peer that knows its network.
    pub parts: Arc<OnceLock<PeerParts>>,
    /// Its ledger.
    pub judge: OnceCell<Recipient<JudgeOwn>>,
    /// A tracker.
    pub registry: OnceCell<Recipient<GetMembers>>,
    /// Its owner's orders.
    pub order: OnceCell<Recipient<CarryOut>>,
    /// Why it has ended, if by itself.
    ended: RefCell<Option<String>>,
}

impl Host {
    /// A host that is off.
    pub fn new(index: usize, role: Role, around: &Surroundings) -> Self {
        Self {
            index,
            role,
            secret: secret(around.seed, index),
            disk: Arc::new(MemoryDisk::new()),
            clock: Arc::new(HostClock::new(around.begun, 0)),
            rate: Arc::default(),
            luck: Arc::new(Mutex::new(Chance::of(
                around.seed,
                &format!("luck {index}"),
            ))),
            starts: 0,
            tearing: false,
            gone: false,
            leaves_out: None,
            invitation: None,
            former: Vec::new(),
            out: Cell::new(false),
            was_out: Cell::new(false),
            tongue: Tongue::default(),
            node: None,
        }
    }

    /// Its miner leaves this out from its next start on.
    pub fn leave_out(&mut self, what: Option<LeftOut>) {
        self.leaves_out = what;
    }

    /// Whether it is a peer that keeps to the protocol.
    pub fn is_honest_peer(&self) -> bool {
        matches!(self.role, Role::Peer(_))
    }

    /// Whether it is a tracker.
    pub fn is_tracker(&self) -> bool {
        matches!(self.role, Role::Tracker(_))
    }

    /// Whether it is no member: the admin has put it out, or it was never let in.
    pub fn is_out(&self) -> bool {
        self.out.get()
    }

    /// Whether it was none at any time.
    pub fn was_out(&self) -> bool {
        self.was_out.get()
    }

    /// Somebody has heard whether it is put out, or it has found out whether it is let in.
    pub fn note_out(&self, out: bool) {
        self.out.set(out);
        self.was_out.set(out || self.was_out.get());
    }

    /// Whether it has gone for good.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Where the node keeps its rows.
    pub fn disk(&self) -> &Arc<MemoryDisk> {
        &self.disk
    }

    /// The clock.
    pub fn clock(&self) -> &HostClock {
        &self.clock
    }

    /// How fast it searches.
    pub fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Its key.
    pub fn key(&self) -> PublicKey {
        self.secret_key().public_key()
    }

    /// Whether it has this key, or had it before.
    pub fn owns(&self, key: &PublicKey) -> bool {
        self.key() == *key || self.former.contains(key)
    }

    /// The key that its owner makes after the one of now is lost.
    pub fn next_key(&self) -> PublicKey {
        SecretKey::from_bytes(after(&self.secret)).public_key()
    }

    /// Its owner has lost its disk and its key, and makes another; no node runs.
    pub fn rekey(&mut self) {
        self.former.push(self.key());
        self.secret = after(&self.secret);
        self.out.set(false);
        self.wipe();
    }

    /// Its owner is given an invitation, for the next start.
    pub fn invite(&mut self, invitation: Arc<InvitationString>) {
        self.invitation = Some(invitation);
    }

    /// What it says, if it is a tracker.
    pub fn tongue(&self) -> &Tongue {
        &self.tongue
    }

    /// Whether it has a certificate of membership, running or not.
    pub fn is_certified(&self) -> bool {
        matches!(
            self.disk.get(Table::Members, &[CERTIFICATE_ROW]),
            Ok(Some(_))
        )
    }

    /// What signs for it.
    pub fn secret_key(&self) -> SecretKey {
        SecretKey::from_bytes(self.secret)
    }

    /// Where its node can be asked, if one runs.
    pub fn faces(&self) -> Option<Rc<Faces>> {
        self.node.as_ref().map(|node| node.faces.clone())
    }

    /// Why its node has ended, if it has by itself.
    pub fn ended(&self) -> Option<String> {
        let ended = self.node.as_ref()?.faces.ended.borrow().clone();
        // A failed write is no fault of the node's.
        ended.filter(|_| !self.tearing)
    }

    /// Starts a node, unless one runs or it has gone.
    pub fn start(&mut self, around: &Surroundings) {
        if self.node.is_some() || self.gone {
            return;
        }
        self.starts += 1;
        around.network.power_on(self.index);
        around.trace.event(&format!("start of host {}", self.index));
        let faces = Rc::new(Faces::default());
        let (stop, stopped) = oneshot::channel();
        let (fatal, failed) = fatal_channel();
        let (host, rate, luck) = (self.index, self.rate.clone(), self.luck.clone());
        let seams = Seams {
            disk: self.disk.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(around.seed, host, self.starts)),
            transport: Arc::new(SimTransport::new(around.network.clone(), host)),
            verifier: Arc::new(InlineVerifier),
            search: Box::new(move |_| Box::new(SimSearch::new(host, rate.clone(), luck.clone()))),
            threads: false,
            applications: self.leaves_out.map_or_else(crate::apps::built_in, |what| {
                choosing::applications(around.seed, what)
            }),
            said: Vec::new(),
            typed: Typed::default(),
            fatal,
            names: Names::default(),
            // Its hosts try a few nonces a second.
            registering_costs: false,
            connections: CONNECTIONS,
        };
        let orders = Orders { stopped, failed };
        let hosts = around.network.hosts();
        let (role, key, told) = (self.role.clone(), self.secret_key(), faces.clone());
        let tongue = self.tongue.clone();
        let life = Life {
            host,
            hosts,
            lie: None,
            invitation: self.invitation.clone(),
            rate: self.rate.clone(),
            luck: self.luck.clone(),
        };
        let life = async move {
            let ended = match role {
                Role::Peer(settings) => {
                    life::peer(life, *settings, seams, key, orders, &told).await
                }
                Role::Liar(settings, lie) => {
                    let life = Life {
                        lie: Some(lie),
                        ..life
                    };
                    life::peer(life, *settings, seams, key, orders, &told).await
                }
                Role::Tracker(settings) => {
                    life::tracker(*settings, seams, key, tongue, orders, &told).await
                }
            };
            if let Err(error) = ended {
                *told.ended.borrow_mut() = Some(error.to_string());
            }
        };
        let process = async move { LocalSet::new().run_until(life).await };
        let task = tokio::task::spawn_local(OnHost::new(host, process));
        let stop = Some(stop);
        self.node = Some(Node { task, stop, faces });
    }

    /// Whether a write fails, or has, as before a power cut.
    pub fn is_tearing(&self) -> bool {
        self.tearing
    }

    /// Ends the process at once; the system closes its connections.
    pub async fn kill(&mut self) {
        if let Some(node) = self.node.take() {
            node.task.abort();
            // Cancelled, or ended before: gone in any case.
            let _ = node.task.await;
        }
        if std::mem::take(&mut self.tearing) {
            self.disk.power_cut(0);
        }
    }

    /// Cuts the power: nobody hears that the connections have ended. Of what was being written, if
    /// anything, `torn` decides whether it is there afterwards.
    pub async fn cut_power(&mut self, around: &Surroundings, torn: bool) {
        around.network.power_off(self.index);
        if std::mem::take(&mut self.tearing) {
            self.kill().await;
            self.disk.power_cut(usize::from(torn));
        }
        self.kill().await;
    }

    /// Cuts the power for good.
    pub async fn leave(&mut self, around: &Surroundings) {
        self.cut_power(around, false).await;
        self.gone = true;
    }

    /// Lets the next write fail midway: only a power cut does that.
    pub fn tear_next_write(&mut self) {
        self.tearing = true;
        self.disk.fail_next(DiskError::Failed {
            path: "simulated".into(),
            reason: TORN.into(),
        });
    }

    /// Replaces the disk by an empty one; no node runs.
    pub fn wipe(&mut self) {
        self.disk = Arc::new(MemoryDisk::new());
    }

    /// Tells the node to stop, and waits until it has.
    pub async fn stop(&mut self) {
        if let Some(mut node) = self.node.take() {
            if let Some(stop) = node.stop.take() {
                // Gone if it has ended by itself.
                let _ = stop.send(());
            }
            let _ = node.task.await;
        }
    }
}

/// The key of a host.
pub fn secret(seed: u64, host: usize) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"key of a host");
    hasher.update(&seed.to_le_bytes());
    hasher.update(&(host as u64).to_le_bytes());
    *hasher.finalize().as_bytes()
}

/// The secret that comes after one that is lost.
pub fn after(secret: &[u8; 32]) -> [u8; 32] {
    *blake3::hash(secret).as_bytes()
}
