//! A line between two nodes that can be cut, and that remembers what went through.

use super::free_address;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

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
    /// All that went through, both ways, unless the line is flaky.
    passed: Vec<u8>,
    flaky: Option<Flaky>,
    cuts: usize,
}

/// How often a line breaks, and the state of its chance.
struct Flaky {
    percent: u64,
    chance: u64,
}

impl Flaky {
    /// After how long a new connection is cut, if it is.
    fn next(&mut self) -> Option<Duration> {
        let mut draw = |bound: u64| {
            self.chance ^= self.chance << 13;
            self.chance ^= self.chance >> 7;
            self.chance ^= self.chance << 17;
            self.chance % bound
        };
        let cut = draw(100) < self.percent;
        let after = Duration::from_millis(draw(LONGEST_LIFE_MS));
        cut.then_some(after)
    }
}

/// How long a connection lives that a flaky line cuts, at most.
const LONGEST_LIFE_MS: u64 = 3_000;

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

    /// A line that leads nowhere yet, and that cuts so many of a hundred connections at a random
    /// moment. It remembers nothing.
    pub fn start_flaky(percent: u64, seed: u64) -> Self {
        let proxy = Self::start();
        let chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        proxy.line.lock().unwrap().flaky = Some(Flaky { percent, chance });
        proxy
    }

    /// Cuts nothing by itself any more.
    pub fn calm(&self) {
        if let Some(flaky) = &mut self.line.lock().unwrap().flaky {
            flaky.percent = 0;
        }
    }

    /// How many connections it has cut by itself.
    pub fn cuts(&self) -> usize {
        self.line.lock().unwrap().cuts
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
    match line.flaky.as_mut().map(Flaky::next) {
        None => line.streams.extend([near.try_clone()?, far.try_clone()?]),
        Some(None) => {}
        Some(Some(after)) => {
            let (line, near) = (Arc::clone(shared), near.try_clone()?);
            thread::spawn(move || {
                thread::sleep(after);
                // Both directions end with it.
                let _ = near.shutdown(Shutdown::Both);
                line.lock().unwrap().cuts += 1;
            });
        }
    }
    pump(Arc::clone(shared), near.try_clone()?, far.try_clone()?);
    pump(Arc::clone(shared), far, near);
    Ok(())
}

fn pump(line: Arc<Mutex<Line>>, mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            let mut shared = line.lock().unwrap();
            if shared.flaky.is_none() {
                shared.passed.extend_from_slice(bytes);
            }
            drop(shared);
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        // However it ends, both ends hear of it.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}
