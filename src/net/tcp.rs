//! TCP.

use super::{Connection, Listener, LocalFuture, Transport};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How long a dialled host may take to answer: three lost packets on a slow line.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that may wait to be accepted; a burst of a whole class at the start of a lesson.
const BACKLOG: u32 = 256;

/// Real sockets.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpTransport;

impl Transport for TcpTransport {
    fn dial(&self, address: String) -> LocalFuture<'static, io::Result<Connection>> {
        Box::pin(async move {
            let dialled = tokio::time::timeout(DIAL_TIMEOUT, TcpStream::connect(address));
            let stream = dialled
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            connection(stream)
        })
    }

    fn listen(&self, address: SocketAddr) -> LocalFuture<'static, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let socket = if address.is_ipv4() {
                TcpSocket::new_v4()?
            } else {
                TcpSocket::new_v6()?
            };
            // A node that restarts at once must get its port back from connections that linger.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let listener = socket.listen(BACKLOG)?;
            let address = listener.local_addr()?;
            Ok(Box::new(Bound { listener, address }) as Box<dyn Listener>)
        })
    }
}

struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener for Bound {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn accept(&mut self) -> LocalFuture<'_, io::Result<Connection>> {
        Box::pin(async move {
            let (stream, _) = self.listener.accept().await?;
            connection(stream)
        })
    }
}

fn connection(stream: TcpStream) -> io::Result<Connection> {
    // Messages are written whole, and most wait for an answer.
    stream.set_nodelay(true)?;
    let address = stream.peer_addr()?.to_string();
    let (reader, writer) = stream.into_split();
    Ok(Connection {
        reader: Box::new(reader),
        writer: Box::new(writer),
        address,
    })
}
