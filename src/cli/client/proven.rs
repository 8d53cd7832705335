//! Connections over which nothing is told before whoever listens has proven to be the node.

use crate::entropy::OsEntropy;
use crate::http::{ApiFile, Challenge, Prover};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

/// How long the node may take to take a connection: it is on this machine.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How long it may take to prove who it is: a matter of a millisecond, on a machine that does nothing
/// else.
pub const PROOF_PATIENCE: Duration = Duration::from_secs(12);

/// Longest answer with a proof, in bytes: it has about 250.
const MAX_ANSWER: usize = 4 * 1024;

/// Why a connection was not used. Nothing was asked over it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// Nobody listens there.
    #[error("nobody listens where its last run did")]
    Nobody,
    /// Somebody listens who does not know the token.
    #[error("what listens where its last run did is another program")]
    Stranger,
    /// Somebody listens who says nothing.
    #[error("it takes connections, and has said nothing for {} s", PROOF_PATIENCE.as_secs())]
    Silent,
    /// The connection ended.
    #[error("the connection ended ({0})")]
    Broken(String),
}

/// Makes connections to one node.
#[derive(Clone)]
pub struct Proven {
    address: SocketAddr,
    prover: Prover,
}

impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proven({})", self.address)
    }
}

impl Proven {
    /// To the node that wrote this file.
    pub fn new(file: &ApiFile) -> Self {
        Self {
            address: file.address,
            prover: Prover::new(&file.token, file.address),
        }
    }

    /// A connection over which the node has proven who it is.
    ///
    /// # Errors
    /// One variant of [`NotProven`] per way to fail.
    pub fn open(&self) -> Result<TcpStream, NotProven> {
        let stream = TcpStream::connect_timeout(&self.address, CONNECT_PATIENCE);
        let mut stream = stream.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => NotProven::Nobody,
            _ => because(&error),
        })?;
        let challenge = Challenge::draw(&OsEntropy);
        let proof = self.ask(&mut stream, &challenge);
        let proof = proof.map_err(|error| because(&error))?;
        if !proof.is_some_and(|body| self.prover.accepts(&challenge, &body)) {
            return Err(NotProven::Stranger);
        }
        let endless = stream.set_read_timeout(None);
        endless
            .and(stream.set_write_timeout(None))
            .map_err(|error| because(&error))?;
        Ok(stream)
    }

    /// The body of what is answered to a challenge; `None` if it is no answer of a node.
    fn ask(&self, stream: &mut TcpStream, challenge: &Challenge) -> io::Result<Option<Vec<u8>>> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PROOF_PATIENCE))?;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n",
            challenge.request(),
            self.address
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Answer {
            stream,
            deadline: Instant::now() + PROOF_PATIENCE,
            bytes: Vec::new(),
        };
        let Some(head) = answer.head()? else {
            return Ok(None);
        };
        match body_length(&head) {
            Some(length) => answer.body(length).map(Some),
            None => Ok(None),
        }
    }
}

impl Connector<()> for Proven {
    type Out = Line;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Line>, ureq::Error> {
        let stream = self
            .open()
            .map_err(|error| ureq::Error::Io(io::Error::other(error)))?;
        let config = &details.config;
        Ok(Some(Line {
            stream,
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
        }))
    }
}

/// A proven connection, for one request. Whoever asks sees to the time.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl Transport for Line {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    /// Never used again.
    fn is_open(&mut self) -> bool {
        false
    }
}

fn because(error: &io::Error) -> NotProven {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => NotProven::Silent,
        // Whoever hangs up instead of answering has not shown to be the node either.
        _ => NotProven::Broken(error.to_string()),
    }
}

/// An answer as it comes; not a byte behind its end is read.
struct Answer<'a> {
    stream: &'a mut TcpStream,
    deadline: Instant,
    bytes: Vec<u8>,
}

impl Answer<'_> {
    /// Status line and headers; `None` if they have no end.
    fn head(&mut self) -> io::Result<Option<String>> {
        while !self.bytes.ends_with(b"\r\n\r\n") {
            if self.bytes.len() >= MAX_ANSWER {
                return Ok(None);
            }
            self.read(1)?;
        }
        Ok(String::from_utf8(std::mem::take(&mut self.bytes)).ok())
    }

    fn body(mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.bytes.len() < length {
            self.read(length - self.bytes.len())?;
        }
        Ok(self.bytes)
    }

    /// Reads `most` bytes or fewer.
    fn read(&mut self, most: usize) -> io::Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut buffer = [0; MAX_ANSWER];
        let buffer = buffer.get_mut(..most.min(MAX_ANSWER)).unwrap_or_default();
        match self.stream.read(buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.bytes.extend(buffer.iter().take(read));
                Ok(())
            }
        }
    }
}

/// Length of the body that comes after a head, if it is that of an answer with a proof.
fn body_length(head: &str) -> Option<usize> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?;
    if !status.starts_with("HTTP/1.1 200") {
        return None;
    }
    let named = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().ok())?
    };
    lines.find_map(named).filter(|length| *length <= MAX_ANSWER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// What comes of somebody who listens in the node's place and answers this, and what he was told.
    fn met_by(answer: &'static [u8]) -> (NotProven, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proven = Proven::new(&ApiFile {
            address: listener.local_addr().unwrap(),
            token: "the-token".to_owned(),
            pid: 1,
        });
        let there = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut told = vec![0; 1024];
            let length = stream.read(&mut told).unwrap();
            stream.write_all(answer).unwrap();
            told.truncate(length);
            // Whatever he is told after his answer.
            let _ = stream.read_to_end(&mut told);
            String::from_utf8(told).unwrap()
        });
        let met = proven.open().map(|_| ()).unwrap_err();
        (met, there.join().unwrap())
    }

    #[test]
    fn attack_whoever_took_the_port_of_a_killed_node_is_told_nothing() {
        let answers: [&[u8]; 6] = [
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\ncontent-length: 80\r\n\r\n{\"proof\":\"0000000000000000000000000000000000000000000000000000000000000000\"}xxxx",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
            &[b'x'; 5_000],
        ];
        for answer in answers {
            let (met, told) = met_by(answer);
            assert_eq!(met, NotProven::Stranger);
            assert!(told.starts_with("GET /api/v1/proof?challenge="), "{told}");
            assert!(
                !told.contains("the-token") && !told.contains("uthorization"),
                "{told}"
            );
        }
    }
}
