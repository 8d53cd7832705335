//! A line between two nodes that can be cut, and that remembers what went through.

use super::free_address;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes connections on to an address, as long as it is not cut.
pub struct Proxy {
    /// Where it listens.
    pub listen: SocketAddr,
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    target: Option<SocketAddr>,
    cut: bool,
    streams: Vec<TcpStream>,
    /// All that went through, both ways.
    passed: Vec<u8>,
}

impl Proxy {
    /// A line that leads nowhere yet.
    pub fn start() -> Self {
        let listen = free_address();
        let listener = TcpListener::bind(listen).unwrap();
        let line = Arc::new(Mutex::new(Line::default()));
        let shared = Arc::clone(&line);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // Without a partner the stream is dropped, which closes it.
                let _ = stream.and_then(|stream| connect(&shared, stream));
            }
        });
        Self { listen, line }
    }

    /// Leads to this address from now on.
    pub fn lead_to(&self, target: SocketAddr) {
        self.line.lock().unwrap().target = Some(target);
    }

    /// Ends all connections, and lets none through.
    pub fn cut(&self) {
        let mut line = self.line.lock().unwrap();
        line.cut = true;
        for stream in line.streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// All bytes that went through so far, whoever sent them.
    pub fn passed(&self) -> Vec<u8> {
        self.line.lock().unwrap().passed.clone()
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.line.lock().unwrap().cut = false;
    }
}

fn connect(shared: &Arc<Mutex<Line>>, near: TcpStream) -> io::Result<()> {
    let mut line = shared.lock().unwrap();
    let target = line.target.filter(|_| !line.cut);
    let far = TcpStream::connect(target.ok_or(io::ErrorKind::NotConnected)?)?;
    line.streams.extend([near.try_clone()?, far.try_clone()?]);
    pump(Arc::clone(shared), near.try_clone()?, far.try_clone()?);
    pump(Arc::clone(shared), far, near);
    Ok(())
}

fn pump(line: Arc<Mutex<Line>>, mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            line.lock().unwrap().passed.extend_from_slice(bytes);
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        // However it ends, both ends hear of it.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}
