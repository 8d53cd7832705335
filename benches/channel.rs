//! What the secure channel costs: handshakes, bytes and small messages, each next to the same without it.
//! `cargo bench --bench channel`.
//!
//! Contenders take turns in short rounds and the best round of each counts, so that the ratios hold on a
//! busy machine.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use raclette::canonical::{self, CappedText};
use raclette::chain::{BlockId, Height, Timestamp};
use raclette::keys::SecretKey;
use raclette::membership::certificate::CertificateStatement;
use raclette::membership::{Authority, Certificate, Statements};
use raclette::wire::channel::{
    Channel, ChannelSecrets, Expected, Handshake, Introduction, RECORD_DATA, RecordKind,
    SECRETS_LEN, Side, judge_introduction,
};
use raclette::wire::frame::{FrameDecoder, encode_frame};
use raclette::wire::limits::FRAME_CAP;
use raclette::wire::message::Pong;
use raclette::wire::{Hello, Message, NodeRole};

/// Rounds of each contender.
const ROUNDS: usize = 20;
/// Handshakes in a round.
const HANDSHAKES: u32 = 20;
/// Largest frames in a round of the comparison of bytes.
const FRAMES: usize = 8;
/// Questions and answers in a round of the comparison of small messages.
const PINGS: u64 = 1_000;
/// Bytes read at a time, as a session does.
const READ_BYTES: usize = 16 * 1024;

/// The best round of one contender, in seconds a piece.
#[derive(Clone, Copy)]
struct Best(f64);

impl Best {
    const NONE: Self = Self(f64::INFINITY);

    fn take(&mut self, pieces: f64, round: impl FnOnce()) {
        let begin = Instant::now();
        round();
        self.0 = self.0.min(begin.elapsed().as_secs_f64() / pieces);
    }
}

fn main() {
    let alice = Party::new(1);
    let bob = Party::new(2);
    handshakes(&alice, &bob);
    bytes_in_memory(&alice, &bob);
    bytes_over_a_socket(&alice, &bob);
    small_messages(&alice, &bob);
    one_turn(&alice, &bob);
}

fn row(what: &str, unit: &str, with: f64, without: f64) {
    let ratio = with / without;
    println!("{what:<34}{with:>12.1}{without:>12.1}  {unit:<8}{ratio:>9.3}");
}

fn handshakes(alice: &Party, bob: &Party) {
    let (mut with, mut without) = (Best::NONE, Best::NONE);
    for _ in 0..ROUNDS {
        with.take(HANDSHAKES.into(), || {
            for _ in 0..HANDSHAKES {
                black_box(acquainted(alice, bob));
            }
        });
        without.take(HANDSHAKES.into(), || {
            for _ in 0..HANDSHAKES {
                for party in [alice, bob] {
                    let bytes = canonical::encode(&party.hello());
                    black_box(canonical::decode::<Hello>(black_box(&bytes)).unwrap());
                }
            }
        });
    }
    println!(
        "{:<34}{:>12}{:>12}  {:<8}{:>9}",
        "", "channel", "without", "", "ratio"
    );
    row(
        "handshakes, both ends on one core",
        "1/s",
        1.0 / with.0,
        1.0 / without.0,
    );
    row(
        "one handshake, both ends",
        "us",
        with.0 * 1e6,
        without.0 * 1e6,
    );
}

/// The largest frame.
fn large() -> Vec<u8> {
    let mut frame = Vec::new();
    encode_frame(20, &vec![7; FRAME_CAP - 2], &mut frame).unwrap();
    frame
}

fn bytes_in_memory(alice: &Party, bob: &Party) {
    let frame = large();
    let mebibytes = frame.len() as f64 / f64::from(1 << 20);
    let [mut from, mut to] = acquainted(alice, bob);
    let [mut seal, mut open, mut without] = [Best::NONE; 3];
    let mut sealed = Vec::new();
    for _ in 0..ROUNDS {
        sealed.clear();
        seal.take(mebibytes, || seal_all(&mut from, &frame, &mut sealed));
        open.take(mebibytes, || {
            let mut frames = FrameDecoder::new(|_| Some(FRAME_CAP));
            let mut input = sealed.as_slice();
            while let Some(record) = to.opener.next(&mut input).unwrap() {
                let mut data = record.data;
                black_box(frames.next(&mut data).unwrap());
            }
        });
        without.take(mebibytes, || {
            let mut frames = FrameDecoder::new(|_| Some(FRAME_CAP));
            black_box(frames.next(&mut frame.as_slice()).unwrap());
        });
    }
    row("sealing, in memory", "MiB/s", 1.0 / seal.0, 1.0 / without.0);
    row("opening, in memory", "MiB/s", 1.0 / open.0, 1.0 / without.0);
}

fn seal_all(channel: &mut Channel, frames: &[u8], out: &mut Vec<u8>) {
    for data in frames.chunks(RECORD_DATA) {
        channel.sealer.seal(RecordKind::Frames, data, out).unwrap();
    }
}

/// Both ends of a connection on this machine.
fn connection() -> [TcpStream; 2] {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    for stream in [&near, &far] {
        stream.set_nodelay(true).unwrap();
    }
    [near, far]
}

fn bytes_over_a_socket(alice: &Party, bob: &Party) {
    let frame = large();
    let mebibytes = (FRAMES * frame.len()) as f64 / f64::from(1 << 20);
    let (mut with, mut without) = (Best::NONE, Best::NONE);
    for _ in 0..ROUNDS {
        for (best, sealed) in [(&mut with, true), (&mut without, false)] {
            let channels = sealed.then(|| acquainted(alice, bob));
            let [mut near, far] = connection();
            let (mut from, to) = match channels {
                Some([from, to]) => (Some(from), Some(to)),
                None => (None, None),
            };
            best.take(mebibytes, || {
                let reader = thread::spawn(move || End::new(far, to).frames(FRAMES));
                let mut record = Vec::new();
                for _ in 0..FRAMES {
                    match &mut from {
                        None => near.write_all(&frame).unwrap(),
                        Some(channel) => {
                            for data in frame.chunks(RECORD_DATA) {
                                record.clear();
                                seal_all(channel, data, &mut record);
                                near.write_all(&record).unwrap();
                            }
                        }
                    }
                }
                reader.join().unwrap();
            });
        }
    }
    row(
        "one session, two threads",
        "MiB/s",
        1.0 / with.0,
        1.0 / without.0,
    );
}

fn small_messages(alice: &Party, bob: &Party) {
    let (mut with, mut without) = (Best::NONE, Best::NONE);
    for _ in 0..ROUNDS {
        for (best, sealed) in [(&mut with, true), (&mut without, false)] {
            let channels = sealed.then(|| acquainted(alice, bob));
            let [near, far] = connection();
            let (from, to) = match channels {
                Some([from, to]) => (Some(from), Some(to)),
                None => (None, None),
            };
            let (mut near, mut far) = (End::new(near, from), End::new(far, to));
            let answering = thread::spawn(move || {
                for number in 0..PINGS {
                    far.frames(1);
                    far.send(&Message::Pong(Pong {
                        number,
                        time: Timestamp(1_000),
                    }));
                }
            });
            best.take(PINGS as f64, || {
                for number in 0..PINGS {
                    near.send(&Message::Ping(number));
                    near.frames(1);
                }
            });
            answering.join().unwrap();
        }
    }
    row(
        "small message there and back",
        "us",
        with.0 * 1e6,
        without.0 * 1e6,
    );
    let [mut from, mut to] = acquainted(alice, bob);
    let ping = Message::Ping(7).to_frame().unwrap();
    let mut work = Best::NONE;
    for _ in 0..ROUNDS {
        work.take(PINGS as f64, || {
            for _ in 0..PINGS {
                let mut record = Vec::new();
                seal_all(&mut from, &ping, &mut record);
                let opened = to.opener.next(&mut record.as_slice()).unwrap();
                black_box(opened.unwrap().data.len());
            }
        });
    }
    println!(
        "{:<34}{:>12.2}{:>12}  us",
        "of that, sealing and opening once",
        work.0 * 1e6,
        ""
    );
}

/// How long the network thread is busy at a time.
fn one_turn(alice: &Party, bob: &Party) {
    /// Records that a session seals before others have their turn.
    const RECORDS: usize = 8;
    let data = vec![7; RECORD_DATA];
    let frame = large();
    let [mut from, _] = acquainted(alice, bob);
    let [mut turn, mut whole] = [Best::NONE; 2];
    let mut out = Vec::with_capacity(2 * FRAME_CAP);
    for _ in 0..ROUNDS {
        out.clear();
        turn.take(1.0, || {
            for _ in 0..RECORDS {
                seal_all(&mut from, &data, &mut out);
            }
        });
        out.clear();
        whole.take(1.0, || seal_all(&mut from, &frame, &mut out));
    }
    println!(
        "{:<34}{:>12.2}{:>12}  ms",
        "sealing at a time, 8 records",
        turn.0 * 1e3,
        ""
    );
    println!(
        "{:<34}{:>12.2}{:>12}  ms",
        "the largest frame, in one go",
        whole.0 * 1e3,
        ""
    );
}

/// One end of a connection, with a channel or without.
struct End {
    stream: TcpStream,
    channel: Option<Channel>,
    frames: FrameDecoder,
    buffer: Vec<u8>,
}

impl End {
    fn new(stream: TcpStream, channel: Option<Channel>) -> Self {
        Self {
            stream,
            channel,
            frames: FrameDecoder::new(Message::most),
            buffer: vec![0; READ_BYTES],
        }
    }

    fn send(&mut self, message: &Message) {
        let mut bytes = message.to_frame().unwrap();
        if let Some(channel) = &mut self.channel {
            let frame = std::mem::take(&mut bytes);
            seal_all(channel, &frame, &mut bytes);
        }
        self.stream.write_all(&bytes).unwrap();
    }

    /// Reads until so many frames have come.
    fn frames(&mut self, mut count: usize) {
        while count > 0 {
            let length = self.stream.read(&mut self.buffer).unwrap();
            let mut input = &self.buffer[..length];
            let frames = &mut self.frames;
            let mut take = |mut data: &[u8]| {
                while let Some(frame) = frames.next(&mut data).unwrap() {
                    black_box(frame);
                    count -= 1;
                }
            };
            match &mut self.channel {
                None => take(input),
                Some(channel) => {
                    while let Some(record) = channel.opener.next(&mut input).unwrap() {
                        take(record.data);
                    }
                }
            }
        }
    }
}

/// A member.
struct Party {
    number: u8,
    key: SecretKey,
    certificate: Certificate,
    members: Arc<Statements>,
    drawn: std::cell::Cell<u64>,
}

impl Party {
    const NETWORK: BlockId = BlockId([1; 32]);
    const NOW: Timestamp = Timestamp(1_000);

    fn new(number: u8) -> Self {
        let key = SecretKey::from_bytes([number; 32]);
        let statement = CertificateStatement {
            from: Timestamp(0),
            until: Timestamp(1 << 40),
            ..CertificateStatement::at(
                Timestamp(0),
                Self::NETWORK,
                key.public_key(),
                "member".parse().unwrap(),
                Self::tracker().public_key(),
            )
        };
        Self {
            number,
            key,
            certificate: statement.sign(&Self::tracker()),
            members: Arc::new(Statements::on(
                Self::NETWORK,
                Authority::new(Self::tracker().public_key(), None),
            )),
            drawn: std::cell::Cell::new(0),
        }
    }

    fn tracker() -> SecretKey {
        SecretKey::from_bytes([9; 32])
    }

    fn hello(&self) -> Hello {
        Hello {
            network: Self::NETWORK,
            role: NodeRole::Peer,
            key: self.key.public_key(),
            nonce: self.number.into(),
            height: Height(7),
            address: "127.0.0.1:7001".parse().ok(),
            time: Timestamp(1_000),
            minor: 0,
            incarnation: 1,
            agent: CappedText::new("raclette").unwrap(),
        }
    }

    fn begin(&self, side: Side) -> Handshake {
        let drawn = self.drawn.replace(self.drawn.get() + 1);
        let mut secrets = [self.number; SECRETS_LEN];
        secrets[..8].copy_from_slice(&drawn.to_le_bytes());
        secrets[32..40].copy_from_slice(&drawn.to_le_bytes());
        Handshake::new(side, ChannelSecrets::from_bytes(secrets)).unwrap()
    }

    /// Says who it is.
    fn introduce(&self, channel: &mut Channel) -> Vec<u8> {
        let certificate = Some(self.certificate.clone());
        let shown = Introduction::sign(self.hello(), &channel.binding, certificate, &self.key);
        let bytes = canonical::encode(&shown);
        let mut out = Vec::new();
        let sealed = channel
            .sealer
            .seal(RecordKind::Introduction, &bytes, &mut out);
        sealed.unwrap();
        out
    }

    fn judge(&self, channel: &mut Channel, mut said: &[u8]) {
        let record = channel.opener.next(&mut said).unwrap().unwrap();
        let theirs = canonical::decode(record.data).unwrap();
        let expected = Expected {
            role: NodeRole::Peer,
            same_network: true,
            member: true,
            members: Some(self.members.clone()),
        };
        let ours = self.hello();
        let judged = judge_introduction(&ours, &theirs, &channel.binding, &expected, Self::NOW);
        judged.unwrap();
    }
}

/// A whole handshake with both introductions, judged.
fn acquainted(alice: &Party, bob: &Party) -> [Channel; 2] {
    let (mut initiator, mut responder) = (alice.begin(Side::Initiator), bob.begin(Side::Responder));
    let (mut there, mut back) = (Vec::new(), Vec::new());
    initiator.advance(&mut &[][..], &mut there).unwrap();
    responder.advance(&mut there.as_slice(), &mut back).unwrap();
    there.clear();
    let alices = initiator.advance(&mut back.as_slice(), &mut there).unwrap();
    let bobs = responder.advance(&mut there.as_slice(), &mut back).unwrap();
    let (mut alices, mut bobs) = (alices.unwrap(), bobs.unwrap());
    let said = alice.introduce(&mut alices);
    bob.judge(&mut bobs, &said);
    let said = bob.introduce(&mut bobs);
    alice.judge(&mut alices, &said);
    [alices, bobs]
}
