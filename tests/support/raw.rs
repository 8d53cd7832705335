//! A peer that speaks the protocol by hand.

use super::DEADLINE;
use raclette::canonical::CappedText;
use raclette::chain::{Block, Genesis, Header, Height, NetworkId};
use raclette::keys::{PublicKey, SecretKey};
use raclette::wire::frame::{FrameDecoder, encode_frame};
use raclette::wire::limits::FRAME_CAP;
use raclette::wire::message::{ChallengeAnswer, MAGIC, PROTOCOL_VERSION, Registered};
use raclette::wire::{Hello, MemberStatement, Message, NodeRole};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A connection to a node. What is sent on it is up to the test.
pub struct RawPeer {
    pub key: SecretKey,
    /// The node's hello, once it came.
    pub other: Option<Hello>,
    /// Blocks to hand over when asked.
    blocks: Vec<Block>,
    stream: TcpStream,
    decoder: FrameDecoder,
    buffer: Vec<u8>,
}

/// What was heard.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most are messages")]
pub enum Heard {
    /// A message.
    Message(Message),
    /// The node has closed the connection.
    Closed,
    /// Nothing, for as long as one was willing to wait.
    Nothing,
}

impl RawPeer {
    /// A connection on which nothing was said yet. `seed` makes the key.
    pub fn connect(address: SocketAddr, seed: u8) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            key: SecretKey::from_bytes([seed; 32]),
            other: None,
            blocks: Vec::new(),
            stream,
            decoder: FrameDecoder::new(FRAME_CAP),
            buffer: Vec::new(),
        }
    }

    /// A connection to a peer of this network, with both hellos exchanged.
    pub fn peer(address: SocketAddr, seed: u8, network: NetworkId) -> Self {
        let mut raw = Self::connect(address, seed);
        raw.say_hello(network);
        raw.hear_hello();
        raw
    }

    /// A new member of the network, and what the tracker answered to it.
    pub fn register(tracker: SocketAddr, seed: u8, name: &str) -> (Self, Registered) {
        let mut raw = Self::peer(tracker, seed, NetworkId::ZERO);
        let statement = MemberStatement {
            tracker: raw.other.as_ref().unwrap().key,
            sequence: 1,
            name: name.parse().unwrap(),
            key: raw.key.public_key(),
            sealing_key: raw.key.sealing_key(),
            addresses: Vec::new(),
        };
        let record = statement.sign(&raw.key);
        raw.send(&Message::Register(record));
        let registered = raw.expect("to be registered", |message| match message {
            Message::Registered(registered) => Some(registered),
            Message::Refused(refused) => panic!("refused: {refused:?}"),
            _ => None,
        });
        (raw, registered)
    }

    /// The network's genesis block, as the tracker tells a new member.
    pub fn learn_genesis(tracker: SocketAddr, seed: u8, name: &str) -> Genesis {
        let (_, registered) = Self::register(tracker, seed, name);
        registered.genesis.expect("the network has its genesis")
    }

    /// Its public key.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// A proper hello of a peer.
    pub fn hello(&self, network: NetworkId) -> Hello {
        Hello {
            magic: MAGIC,
            version: PROTOCOL_VERSION,
            network,
            role: NodeRole::Peer,
            key: self.public_key(),
            nonce: u64::from(self.public_key().0[0]) + 1,
            height: Height(0),
            address: None,
            agent: CappedText::new("by hand").unwrap(),
        }
    }

    /// Says a proper hello.
    pub fn say_hello(&mut self, network: NetworkId) {
        let hello = self.hello(network);
        self.send(&Message::Hello(hello));
    }

    /// Waits for the node's hello.
    pub fn hear_hello(&mut self) {
        let hello = self.expect("a hello", |message| match message {
            Message::Hello(hello) => Some(hello),
            _ => None,
        });
        self.other = Some(hello);
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Message) {
        let frame = message.to_frame().unwrap();
        self.send_bytes(&frame);
    }

    /// Sends what is no message.
    pub fn send_frame(&mut self, code: u16, payload: &[u8]) {
        let mut frame = Vec::new();
        encode_frame(code, payload, &mut frame).unwrap();
        self.send_bytes(&frame);
    }

    /// Sends bytes. That the other has closed is no failure: the test finds out by listening.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Closes one half: nothing more will be sent.
    pub fn close_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next message, if one comes within `patience`.
    pub fn hear(&mut self, patience: Duration) -> Heard {
        let deadline = Instant::now() + patience;
        loop {
            let mut input = self.buffer.as_slice();
            let frame = self.decoder.next(&mut input).expect("a node sends frames");
            self.buffer = input.to_vec();
            if let Some(frame) = frame {
                return Heard::Message(Message::decode(&frame).expect("a node sends messages"));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Heard::Nothing;
            }
            self.stream.set_read_timeout(Some(left)).unwrap();
            let mut bytes = [0; 64 * 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Heard::Closed,
                Ok(length) => self.buffer.extend_from_slice(&bytes[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Heard::Closed,
            }
        }
    }

    /// Answers a challenge of the tracker.
    pub fn answer_challenge(&mut self, number: u64) {
        let height = Height(0);
        let answer = ChallengeAnswer { number, height };
        self.send(&Message::ChallengeAnswer(answer));
    }

    /// Listens until a message is what is wanted; pings and challenges are answered, questions for headers too (there
    /// are none), and all else is passed over.
    pub fn expect<T>(&mut self, what: &str, mut wanted: impl FnMut(Message) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        let mut heard_before = Vec::new();
        loop {
            match self.hear(deadline.saturating_duration_since(Instant::now())) {
                Heard::Message(Message::Ping(number)) => self.send(&Message::Pong(number)),
                Heard::Message(Message::Challenge(number)) => self.answer_challenge(number),
                Heard::Message(message) => {
                    if matches!(message, Message::GetHeaders(_)) {
                        // Whoever leaves this unanswered is let go after a while.
                        self.send(&Message::Headers(Vec::new()));
                    }
                    let name = message.name();
                    if let Some(found) = wanted(message) {
                        return found;
                    }
                    heard_before.push(name);
                }
                other => panic!("expected {what}, heard {heard_before:?} and then {other:?}"),
            }
        }
    }

    /// Listens until the node closes the connection, and returns the reason it gave, if any. What it
    /// asks for meanwhile is not answered.
    pub fn expect_close(&mut self, within: Duration) -> Option<String> {
        self.expect_close_or(within, |_, _| {})
    }

    /// As [`RawPeer::expect_close`], with something to say to each message before that.
    pub fn expect_close_or(
        &mut self,
        within: Duration,
        mut answer: impl FnMut(&mut Self, Message),
    ) -> Option<String> {
        let deadline = Instant::now() + within;
        let mut reason = None;
        loop {
            match self.hear(deadline.saturating_duration_since(Instant::now())) {
                Heard::Closed => return reason,
                Heard::Message(Message::Goodbye(goodbye)) => {
                    reason = Some(goodbye.reason.as_str().to_owned());
                }
                Heard::Message(message) => answer(self, message),
                Heard::Nothing => panic!("still connected after {within:?}"),
            }
        }
    }

    /// Announces a block, and hands it over when it is asked for.
    pub fn offer(&mut self, block: &Block) {
        self.send(&Message::AnnounceBlock(block.header));
        self.expect("to be asked for the block", |message| match message {
            Message::GetBlocks(ids) => ids.contains(&block.id()).then_some(()),
            _ => None,
        });
        self.send(&Message::Block(block.clone()));
    }

    /// Has a block to hand over.
    pub fn keep(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Hands over the headers and blocks that it keeps, until it hears what is wanted.
    pub fn serve_until(&mut self, wanted: impl Fn(&Message) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let message = match self.hear(deadline.saturating_duration_since(Instant::now())) {
                Heard::Message(message) => message,
                other => panic!("expected a message, heard {other:?}"),
            };
            if wanted(&message) {
                return;
            }
            match message {
                Message::GetHeaders(_) => {
                    let headers = self.blocks.iter().map(|block| block.header).collect();
                    self.send(&Message::Headers(headers));
                }
                Message::GetBlocks(ids) => {
                    let kept = self.blocks.iter().filter(|block| ids.contains(&block.id()));
                    for block in kept.cloned().collect::<Vec<_>>() {
                        self.send(&Message::Block(block));
                    }
                }
                Message::Ping(number) => self.send(&Message::Pong(number)),
                _ => {}
            }
        }
    }

    /// All headers after genesis, as the node tells them.
    pub fn headers(&mut self, network: NetworkId) -> Vec<Header> {
        self.send(&Message::GetHeaders(vec![network]));
        self.expect("headers", |message| match message {
            Message::Headers(headers) => Some(headers),
            _ => None,
        })
    }
}
