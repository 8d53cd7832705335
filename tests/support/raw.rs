//! A peer that speaks the protocol by hand.

use super::DEADLINE;
use super::forge::now;
use raclette::canonical::{self, CappedText};
use raclette::chain::{Block, Genesis, Header, Height, NetworkId, Timestamp};
use raclette::keys::{PublicKey, SecretKey};
use raclette::membership::Certificate;
use raclette::membership::certificate::CertificateStatement;
use raclette::wire::channel::{
    Binding, Channel, ChannelSecrets, Handshake, Introduction, RECORD_DATA, RecordKind,
    SECRETS_LEN, Side,
};
use raclette::wire::frame::{FrameDecoder, encode_frame};
use raclette::wire::message::{ChallengeAnswer, Pong, Registered};
use raclette::wire::work::{Newcomer, WorkAsked, WorkDone};
use raclette::wire::{Hello, MemberId, MemberRecord, MemberStatement, Message, NodeRole};
mod introducing;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A connection to a node. What is sent on it is up to the test.
pub struct RawPeer {
    pub key: SecretKey,
    /// What it shows in its introduction.
    pub certificate: Option<Certificate>,
    /// The node's hello, once it came and was proven.
    pub other: Option<Hello>,
    /// How the node introduced itself, once it did.
    pub introduction: Option<Introduction>,
    /// Of the bytes that it sends, as they are on the line, this one is changed.
    pub flipped: Option<usize>,
    /// Most bytes that it sends at once.
    pub piece: usize,
    /// What it has sent so far, as it was on the line.
    pub sent: Vec<u8>,
    channel: Option<Channel>,
    /// Blocks to hand over when asked.
    blocks: Vec<Block>,
    stream: TcpStream,
    /// What came in and was not opened yet.
    sealed: Vec<u8>,
    decoder: FrameDecoder,
    /// What was opened and is no whole frame yet.
    buffer: Vec<u8>,
}

/// What comes where bytes were waited for.
enum Instead {
    /// The end of the connection.
    Closed,
    /// Nothing within the time.
    Nothing,
}

/// Does what a tracker asks of a newcomer.
pub fn work(asked: WorkAsked, newcomer: &Newcomer) -> WorkDone {
    let mut header = asked.header(newcomer);
    while !header.has_work() {
        header.nonce += 1;
    }
    let nonce = header.nonce;
    WorkDone { asked, nonce }
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
        Self::over(stream, seed)
    }

    /// A peer at this end of a connection.
    pub fn over(stream: TcpStream, seed: u8) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            key: SecretKey::from_bytes([seed; 32]),
            certificate: None,
            other: None,
            introduction: None,
            flipped: None,
            piece: usize::MAX,
            sent: Vec::new(),
            channel: None,
            blocks: Vec::new(),
            stream,
            sealed: Vec::new(),
            decoder: FrameDecoder::new(Message::most),
            buffer: Vec::new(),
        }
    }

    /// A connection to a node, with both introduced; this one has no certificate.
    pub fn peer(address: SocketAddr, seed: u8, network: NetworkId) -> Self {
        let mut raw = Self::connect(address, seed);
        raw.shake_hands();
        raw.say_hello(network);
        raw.hear_hello();
        raw
    }

    /// As [`RawPeer::peer`], with a certificate that this tracker's key signs for it.
    pub fn member(address: SocketAddr, seed: u8, network: NetworkId, tracker: &SecretKey) -> Self {
        let mut raw = Self::connect(address, seed);
        raw.certificate = Some(
            raw.statement_of_membership(network, tracker.public_key())
                .sign(tracker),
        );
        raw.shake_hands();
        raw.say_hello(network);
        raw.hear_hello();
        raw
    }

    /// What a certificate of this peer by `issuer` says; it counts from an hour ago for another.
    pub fn statement_of_membership(
        &self,
        network: NetworkId,
        issuer: PublicKey,
    ) -> CertificateStatement {
        const HOUR_MS: u64 = 3_600_000;
        CertificateStatement {
            from: Timestamp(now().0 - HOUR_MS),
            until: now().plus_ms(HOUR_MS),
            ..CertificateStatement::at(
                now(),
                network,
                self.public_key(),
                "by-hand".parse().unwrap(),
                issuer,
            )
        }
    }

    /// What came and was not understood, or not looked at yet.
    pub fn received(&mut self) -> Vec<u8> {
        // Nothing more within the time is as good as the end.
        let _ = self.read(Instant::now() + Duration::from_secs(1));
        std::mem::take(&mut self.sealed)
    }

    /// A new member of the network, and what the tracker answered to it.
    pub fn register(tracker: SocketAddr, seed: u8, name: &str) -> (Self, Registered) {
        Self::register_at(tracker, seed, name, &[])
    }

    /// As [`RawPeer::register`], for one who can be dialled at these addresses.
    pub fn register_at(
        tracker: SocketAddr,
        seed: u8,
        name: &str,
        addresses: &[SocketAddr],
    ) -> (Self, Registered) {
        let mut raw = Self::peer(tracker, seed, NetworkId::ZERO);
        let statement = MemberStatement {
            tracker: raw.other.as_ref().unwrap().key,
            sequence: 1,
            name: name.parse().unwrap(),
            key: raw.key.public_key(),
            sealing_key: raw.key.sealing_key(),
            addresses: addresses
                .iter()
                .map(|address| address.to_string().parse().unwrap())
                .collect(),
        };
        let record = statement.sign(&raw.key);
        raw.work_for(&record);
        raw.send(&Message::Register(record));
        let mut certificate = None;
        let registered = raw.expect("to be registered", |message| match message {
            Message::Registered(registered) => Some(registered),
            Message::CertificateIssued(issued) => {
                certificate = Some(issued);
                None
            }
            Message::Refused(refused) => panic!("refused: {refused:?}"),
            _ => None,
        });
        raw.certificate = certificate;
        (raw, registered)
    }

    /// Does what the tracker asks of a newcomer before it is registered with this record.
    pub fn work_for(&mut self, record: &MemberRecord) {
        self.send(&Message::Register(record.clone()));
        let asked = self.expect("to be asked for work", |message| match message {
            Message::WorkAsked(asked) => Some(Some(asked)),
            Message::Registered(_) | Message::Refused(_) => Some(None),
            _ => None,
        });
        if let Some(asked) = asked {
            let said = &record.statement;
            let newcomer = Newcomer {
                tracker: said.tracker,
                network: self.other.as_ref().unwrap().network,
                key: said.key,
                name: said.name.clone(),
            };
            self.send(&Message::WorkDone(work(asked, &newcomer)));
        }
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

    /// Sends bytes of frames, sealed if there is a channel. That the other has closed is no failure: the
    /// test finds out by listening.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        if self.channel.is_none() {
            return self.send_plain(bytes);
        }
        for data in bytes.chunks(RECORD_DATA) {
            self.send_record(RecordKind::Frames, data);
        }
    }

    /// Sends a record of any kind.
    pub fn send_record(&mut self, kind: RecordKind, data: &[u8]) {
        let mut record = Vec::new();
        let channel = self.channel.as_mut().expect("there is a channel");
        channel.sealer.seal(kind, data, &mut record).unwrap();
        self.send_plain(&record);
    }

    /// Sends bytes as they are.
    pub fn send_plain(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        let at = self.flipped.and_then(|at| at.checked_sub(self.sent.len()));
        if let Some(byte) = at.and_then(|at| bytes.get_mut(at)) {
            *byte ^= 1;
        }
        self.sent.extend_from_slice(&bytes);
        for piece in bytes.chunks(self.piece) {
            let _ = self.stream.write_all(piece);
        }
    }

    /// Closes one half: nothing more will be sent.
    pub fn close_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next message, if one comes within `patience`.
    pub fn hear(&mut self, patience: Duration) -> Heard {
        let deadline = Instant::now() + patience;
        loop {
            self.open_records();
            let mut input = self.buffer.as_slice();
            let frame = self.decoder.next(&mut input).expect("a node sends frames");
            self.buffer = input.to_vec();
            if let Some(frame) = frame {
                return Heard::Message(Message::decode(&frame).expect("a node sends messages"));
            }
            match self.read(deadline) {
                Ok(()) => {}
                Err(Instead::Nothing) => return Heard::Nothing,
                Err(Instead::Closed) => return Heard::Closed,
            }
        }
    }

    /// Opens what came, as far as it is whole.
    fn open_records(&mut self) {
        let Some(channel) = &mut self.channel else {
            return;
        };
        let mut input = self.sealed.as_slice();
        while let Some(record) = channel
            .opener
            .next(&mut input)
            .expect("a node sends records")
        {
            match record.kind {
                RecordKind::Frames => self.buffer.extend_from_slice(record.data),
                RecordKind::Introduction => {
                    self.introduction = canonical::decode(record.data).ok();
                }
                RecordKind::Rekey => {}
            }
        }
        self.sealed.clear();
    }

    /// Waits for bytes; an error is what came instead.
    fn read(&mut self, deadline: Instant) -> Result<(), Instead> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Instead::Nothing);
            }
            self.stream.set_read_timeout(Some(left)).unwrap();
            let mut bytes = [0; 64 * 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(Instead::Closed),
                Ok(length) => {
                    self.sealed.extend_from_slice(&bytes[..length]);
                    return Ok(());
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Instead::Closed),
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
                Heard::Message(Message::Ping(number)) => self.send(&Message::Pong(pong(number))),
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
                Message::Ping(number) => self.send(&Message::Pong(pong(number))),
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

/// The answer to a ping of this number, by a clock that is right.
pub fn pong(number: u64) -> Pong {
    Pong {
        number,
        time: now(),
    }
}
