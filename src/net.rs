//! Dialling and listening, behind a trait, so that a whole network can run without sockets.

mod tcp;

pub use tcp::TcpTransport;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};

/// A future that stays on the thread that made it, as the network actors do.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Both halves of a connection, and where its other end is.
pub struct Connection {
    /// What the other end sends.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// What the other end will read.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The other end, for logs.
    pub address: String,
}

/// Makes connections.
pub trait Transport: Send + Sync {
    /// Connects to `address`, `host:port`.
    ///
    /// # Errors
    /// Whatever keeps the connection from being made, a name that does not resolve included.
    fn dial(&self, address: String) -> LocalFuture<'static, io::Result<Connection>>;

    /// Listens at `address`; port 0 is any free one.
    ///
    /// # Errors
    /// `AddrInUse` where somebody listens there already, and whatever else keeps it from listening.
    fn listen(&self, address: SocketAddr) -> LocalFuture<'static, io::Result<Box<dyn Listener>>>;
}

/// Takes connections in.
pub trait Listener {
    /// Where it listens, with the port it was given.
    fn address(&self) -> SocketAddr;

    /// The next connection.
    ///
    /// # Errors
    /// What kept one connection from being made; the next may be.
    fn accept(&mut self) -> LocalFuture<'_, io::Result<Connection>>;
}
