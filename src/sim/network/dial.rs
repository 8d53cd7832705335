//! Dialling and listening in a simulated network.

use super::halves::{Reader, Writer};
use super::{Network, State, Stream, host_at};
use crate::net::{Connection, Listener, LocalFuture, Transport};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long a dialled host may take to answer, as with real sockets.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// After how many milliseconds a dialler tries again that hears nothing.
const TRIES_MS: [u64; 4] = [0, 1_000, 3_000, 7_000];
/// Connections that may wait to be accepted.
const BACKLOG: usize = 256;

/// How one host dials and listens.
pub struct SimTransport {
    network: Network,
    host: usize,
}

impl SimTransport {
    /// That of `host`.
    pub fn new(network: Network, host: usize) -> Self {
        Self { network, host }
    }
}

impl Transport for SimTransport {
    fn dial(&self, address: String) -> LocalFuture<'static, io::Result<Connection>> {
        let (network, from) = (self.network.clone(), self.host);
        Box::pin(async move {
            let address: SocketAddr = address
                .parse()
                .map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
            let connecting = connect(network, from, address);
            let dialled = tokio::time::timeout(DIAL_TIMEOUT, connecting);
            dialled
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
        })
    }

    fn listen(&self, address: SocketAddr) -> LocalFuture<'static, io::Result<Box<dyn Listener>>> {
        let (network, host) = (self.network.clone(), self.host);
        Box::pin(async move {
            let (sender, incoming) = mpsc::channel(BACKLOG);
            let mut state = network.state();
            let listeners = &mut state.hosts[host].listeners;
            if listeners.contains_key(&address.port()) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            listeners.insert(address.port(), sender);
            drop(state);
            Ok(Box::new(Bound {
                network,
                host,
                address,
                incoming,
            }) as Box<dyn Listener>)
        })
    }
}

async fn connect(network: Network, from: usize, address: SocketAddr) -> io::Result<Connection> {
    let begun = Instant::now();
    let to = host_at(address.ip()).filter(|to| *to < network.state().hosts.len());
    let to = to.ok_or(io::ErrorKind::HostUnreachable)?;
    for (next, then) in TRIES_MS
        .iter()
        .zip(TRIES_MS.iter().skip(1).chain([&u64::MAX]))
    {
        tokio::time::sleep_until(begun + Duration::from_millis(*next)).await;
        let way = {
            let mut state = network.state();
            state.passes(from, to).then(|| state.delay(from, to))
        };
        if let Some(way) = way {
            tokio::time::sleep(way).await;
            let answer = {
                let mut state = network.state();
                let heard = state.passes(from, to) && state.passes(to, from);
                heard.then(|| {
                    (
                        state.delay(to, from),
                        state.connect(&network, from, to, address),
                    )
                })
            };
            if let Some((way, answer)) = answer {
                tokio::time::sleep(way).await;
                return answer;
            }
        }
        if *then == u64::MAX {
            break;
        }
    }
    std::future::pending().await
}

impl State {
    /// A connection from one to the other, if somebody listens there and has room for it.
    fn connect(
        &mut self,
        network: &Network,
        from: usize,
        to: usize,
        address: SocketAddr,
    ) -> io::Result<Connection> {
        let listener = self.hosts[to].listeners.get(&address.port()).cloned();
        let listener = listener.ok_or(io::ErrorKind::ConnectionRefused)?;
        let (there, back) = (self.next, self.next + 1);
        self.next += 2;
        let now = Instant::now();
        let stream = |from, to, back| Stream {
            from,
            to,
            back,
            queue: VecDeque::new(),
            bytes: 0,
            last_due: now,
            reader: None,
            writer: None,
            reader_gone: false,
            writer_gone: false,
            ended: false,
            refused: false,
        };
        let place = &mut self.hosts[from];
        place.ports = place.ports.checked_add(1).unwrap_or(40_000);
        let own = SocketAddr::new(ip(from), place.ports);
        let accepted = Connection {
            reader: Box::new(Reader::new(network.clone(), there)),
            writer: Box::new(Writer::new(network.clone(), back)),
            address: own.to_string(),
        };
        self.streams.insert(there, stream(from, to, back));
        self.streams.insert(back, stream(to, from, there));
        self.trace.event(&format!("line {from} to {to} made"));
        // Its halves lock this when they are dropped: not here, then.
        if let Err(refused) = listener.try_send(accepted) {
            self.streams.remove(&there);
            self.streams.remove(&back);
            tokio::task::spawn_local(async move { drop(refused) });
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Ok(Connection {
            reader: Box::new(Reader::new(network.clone(), back)),
            writer: Box::new(Writer::new(network.clone(), there)),
            address: address.to_string(),
        })
    }
}

fn ip(host: usize) -> IpAddr {
    super::address(host).ip()
}

struct Bound {
    network: Network,
    host: usize,
    address: SocketAddr,
    incoming: mpsc::Receiver<Connection>,
}

impl Listener for Bound {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn accept(&mut self) -> LocalFuture<'_, io::Result<Connection>> {
        Box::pin(async move {
            let connection = self.incoming.recv().await;
            connection.ok_or_else(|| io::ErrorKind::NotConnected.into())
        })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let mut state = self.network.state();
        if let Some(place) = state.hosts.get_mut(self.host) {
            place.listeners.remove(&self.address.port());
        }
    }
}
