//! Members that one owner has invented: each has a key, a name and a certificate of its own, and addresses that are
//! somebody else's or nobody's.

use super::host::Life;
use super::liar::{Liar, LiarParts, Lie};
use super::network::{PORT, address};
use crate::keys::SecretKey;
use crate::logging::Names;
use crate::membership::Statements;
use crate::net::Listener;
use crate::node::{Ground, RunError, Seams};
use crate::readable::Typed;
use crate::settings::PeerSettings;
use crate::store::MemoryDisk;
use actix::Actor;
use std::sync::Arc;

/// Starts so many beside the one that `seams` are of. They end with its process.
pub(super) fn invent(
    count: usize,
    life: &Life,
    settings: &PeerSettings,
    seams: &Seams,
    listener: &dyn Listener,
) -> Result<(), RunError> {
    for number in 1..=count {
        let key = nth_key(life.host, number);
        let mut settings = settings.clone();
        settings.name = format!("{}-{number}", settings.name);
        let at = claimed(life, number);
        settings.advertise = vec![at.parse().expect("an address of the simulation is one")];
        let search = life.clone();
        let seams = Seams {
            disk: Arc::new(MemoryDisk::new()),
            clock: seams.clock.clone(),
            entropy: seams.entropy.clone(),
            transport: seams.transport.clone(),
            verifier: seams.verifier.clone(),
            search: Box::new(move |_| Box::new(search.search())),
            threads: false,
            applications: Vec::new(),
            said: Vec::new(),
            typed: Typed::default(),
            fatal: seams.fatal.clone(),
            names: Names::default(),
            registering_costs: false,
            connections: seams.connections,
        };
        let (transport, clock) = (seams.transport.clone(), seams.clock.clone());
        let mut ground = Ground::lay(settings, seams, key, None, listener)?;
        let (host, hosts) = (life.host, life.hosts);
        tokio::task::spawn_local(async move {
            let Ok(genesis) = (&mut ground.network).await else {
                return;
            };
            let _liar = Liar::new(LiarParts {
                lie: Lie::Sybils(0),
                host,
                hosts,
                context: ground.context.clone(),
                members: Arc::new(Statements::new(&genesis)),
                genesis: genesis.header.id(),
                transport,
                miner: None,
                clock,
            })
            .start();
            // The ground ends with the process.
            std::future::pending::<()>().await;
        });
    }
    Ok(())
}

/// It keeps its name though the one who invented it loses its own key.
fn nth_key(host: usize, number: usize) -> SecretKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"invented");
    hasher.update(&(host as u64).to_le_bytes());
    hasher.update(&(number as u64).to_le_bytes());
    SecretKey::from_bytes(*hasher.finalize().as_bytes())
}

/// Where it says that it is: where an honest one is, or where nobody is.
fn claimed(life: &Life, number: usize) -> String {
    match number % 3 {
        0 => format!("10.0.200.{number}:{PORT}"),
        _ => address(1 + (life.host + number) % (life.hosts - 1)).to_string(),
    }
}
