//! Many members in one process, each on a connection of its own.

use super::forge::now;
use super::raw::pong;
use raclette::canonical::{self, CappedText};
use raclette::chain::{Height, NetworkId};
use raclette::keys::SecretKey;
use raclette::membership::{Address, Certificate, CertificateStatement};
use raclette::wire::channel::{
    Channel, ChannelSecrets, Handshake, Introduction, RECORD_DATA, RecordKind, SECRETS_LEN, Side,
};
use raclette::wire::frame::{Frame, FrameDecoder};
use raclette::wire::message::{ChallengeAnswer, Goodbye};
use raclette::wire::{Hello, MemberId, MemberStatement, Message, NodeRole};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A connection of a simulated member, with both ends introduced.
struct Line {
    stream: TcpStream,
    channel: Channel,
    /// What came and was not opened yet.
    sealed: Vec<u8>,
    decoder: FrameDecoder,
    /// What was opened and is no whole frame yet.
    held: Vec<u8>,
}

/// Who a simulated member is.
#[derive(Clone)]
struct Person {
    key: Arc<SecretKey>,
    network: NetworkId,
    /// The tracker certified it once: else each of a crowd would have to work for its registration.
    certificate: Certificate,
}

impl Person {
    fn hello(&self) -> Hello {
        Hello {
            network: self.network,
            role: NodeRole::Peer,
            key: self.key.public_key(),
            nonce: 1,
            height: Height(0),
            address: None,
            time: now(),
            minor: 0,
            incarnation: 1,
            agent: CappedText::new("crowd").unwrap(),
        }
    }
}

fn invalid<E>(_: E) -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Makes the channel of a connection.
async fn shake_hands(
    stream: &mut TcpStream,
    side: Side,
    number: u64,
) -> io::Result<(Channel, Vec<u8>)> {
    // Another handshake each time, as any honest one.
    let mut secrets = [0; SECRETS_LEN];
    blake3::Hasher::new()
        .update(b"crowd")
        .update(&number.to_le_bytes())
        .finalize_xof()
        .fill(&mut secrets);
    let secrets = ChannelSecrets::from_bytes(secrets);
    let mut handshake = Handshake::new(side, secrets).map_err(invalid)?;
    let mut sealed = Vec::new();
    loop {
        let (mut out, mut input) = (Vec::new(), sealed.as_slice());
        let channel = handshake.advance(&mut input, &mut out).map_err(invalid)?;
        sealed = input.to_vec();
        stream.write_all(&out).await?;
        if let Some(channel) = channel {
            return Ok((channel, sealed));
        }
        if stream.read_buf(&mut sealed).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Makes a connection that somebody dialled, or was dialled on, one to talk on: all that these
/// members know of the handshake. With whom it is.
async fn greet(mut stream: TcpStream, side: Side, person: &Person) -> io::Result<(Line, Hello)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    stream.set_nodelay(true)?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let (channel, sealed) = shake_hands(&mut stream, side, number).await?;
    let mut line = Line {
        stream,
        channel,
        sealed,
        decoder: FrameDecoder::new(Message::most),
        held: Vec::new(),
    };
    let binding = line.channel.binding;
    let ours = Introduction::sign(
        person.hello(),
        &binding,
        Some(person.certificate.clone()),
        &person.key,
    );
    line.send_record(RecordKind::Introduction, &canonical::encode(&ours))
        .await?;
    let theirs: Introduction = loop {
        let mut input = line.sealed.as_slice();
        let record = line.channel.opener.next(&mut input).map_err(invalid)?;
        let theirs = record.map(|record| canonical::decode(record.data));
        line.sealed = input.to_vec();
        match theirs {
            Some(theirs) => break theirs.map_err(invalid)?,
            None => line.read().await?,
        }
    };
    theirs.check(&binding).map_err(invalid)?;
    Ok((line, theirs.hello))
}

impl Line {
    async fn send(&mut self, message: &Message) -> io::Result<()> {
        for data in message.to_frame().unwrap().chunks(RECORD_DATA) {
            self.send_record(RecordKind::Frames, data).await?;
        }
        Ok(())
    }

    async fn send_record(&mut self, kind: RecordKind, data: &[u8]) -> io::Result<()> {
        let mut record = Vec::new();
        let sealer = &mut self.channel.sealer;
        sealer.seal(kind, data, &mut record).map_err(invalid)?;
        self.stream.write_all(&record).await
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.sealed).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Opens what came, as far as it is whole.
    fn open_records(&mut self) -> io::Result<()> {
        let mut input = self.sealed.as_slice();
        while let Some(record) = self.channel.opener.next(&mut input).map_err(invalid)? {
            if record.kind == RecordKind::Frames {
                self.held.extend_from_slice(record.data);
            }
        }
        self.sealed = input.to_vec();
        Ok(())
    }

    async fn next_frame(&mut self) -> io::Result<Frame> {
        loop {
            let mut input = self.held.as_slice();
            let frame = self.decoder.next(&mut input);
            let rest = input.len();
            self.held.drain(..self.held.len() - rest);
            if let Some(frame) = frame.map_err(invalid)? {
                return Ok(frame);
            }
            if self.sealed.is_empty() {
                self.read().await?;
            }
            self.open_records()?;
        }
    }
}

/// What one of the crowd has been told of the others.
#[derive(Default)]
pub struct View {
    /// Whether each member is live and reachable.
    pub members: BTreeMap<MemberId, (bool, bool)>,
    /// Messages in which it was told.
    pub messages: usize,
}

/// One of the crowd.
pub struct Member {
    /// Challenges that it has answered.
    pub answered: AtomicU64,
    /// What it was told, if it is one that listens.
    pub view: Option<Mutex<View>>,
    /// It is to say goodbye.
    leaves: AtomicBool,
}

/// Simulated members of a network, on real sockets.
pub struct Crowd {
    pub members: Vec<Arc<Member>>,
    /// Ends the thread that they live on.
    end: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Crowd {
    /// So many members, who register at once and answer whatever they are asked. The first
    /// `listeners` of them take notes, and the first `reachable` can be dialled back.
    pub fn start(
        tracker: SocketAddr,
        (network, issuer): (NetworkId, SecretKey),
        count: usize,
        listeners: usize,
        reachable: usize,
    ) -> Self {
        let (end, ended) = oneshot::channel::<()>();
        let members: Vec<_> = (0..count)
            .map(|number| {
                Arc::new(Member {
                    answered: AtomicU64::new(0),
                    view: (number < listeners).then(Mutex::default),
                    leaves: AtomicBool::new(false),
                })
            })
            .collect();
        let lives = members.clone();
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(async move {
                for (number, member) in lives.into_iter().enumerate() {
                    let key = blake3::hash(&(number as u64).to_le_bytes());
                    let key = SecretKey::from_bytes(*key.as_bytes());
                    let name = format!("m{number}").parse().unwrap();
                    let (own, by) = (key.public_key(), issuer.public_key());
                    let said = CertificateStatement::at(now(), network, own, name, by);
                    let person = Person {
                        key: Arc::new(key),
                        network,
                        certificate: said.sign(&issuer),
                    };
                    tokio::spawn(live(member, number, person, tracker, number < reachable));
                }
                let _ = ended.await;
            });
        });
        Self {
            members,
            end: Some((end, thread)),
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.end.take() {
            let _ = end.send(());
            let _ = thread.join();
        }
    }
}

async fn live(
    member: Arc<Member>,
    number: usize,
    person: Person,
    tracker: SocketAddr,
    is_reachable: bool,
) {
    let mut addresses = Vec::new();
    if is_reachable {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        addresses.push(address.parse().unwrap());
        tokio::spawn(open_door(listener, person.clone()));
    }
    // Whoever is turned away tries again.
    let mut pause = Duration::from_millis(100);
    while !member.leaves.load(Ordering::Relaxed) {
        let _ = stay(&member, number, &person, tracker, &addresses).await;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Answers whoever dials, as a peer does.
async fn open_door(listener: TcpListener, person: Person) {
    while let Ok((stream, _)) = listener.accept().await {
        let person = person.clone();
        tokio::spawn(async move { greet(stream, Side::Responder, &person).await.map(drop) });
    }
}

/// One session, until it ends.
async fn stay(
    member: &Member,
    number: usize,
    person: &Person,
    tracker: SocketAddr,
    addresses: &[Address],
) -> io::Result<()> {
    let stream = TcpStream::connect(tracker).await?;
    let (mut line, other) = greet(stream, Side::Initiator, person).await?;
    let statement = MemberStatement {
        tracker: other.key,
        sequence: 1,
        name: format!("m{number}").parse().unwrap(),
        key: person.key.public_key(),
        sealing_key: person.key.sealing_key(),
        addresses: addresses.to_vec(),
    };
    let record = statement.sign(&person.key);
    line.send(&Message::Register(record)).await?;
    let news = Message::MembersChanged(Default::default()).code();
    loop {
        let wake = Duration::from_millis(200);
        let frame = match tokio::time::timeout(wake, line.next_frame()).await {
            Ok(frame) => frame?,
            Err(_) if member.leaves.load(Ordering::Relaxed) => {
                let goodbye = Goodbye::new("this node is stopping");
                return line.send(&Message::Goodbye(goodbye)).await;
            }
            Err(_) => continue,
        };
        if frame.code == news && member.view.is_none() {
            continue;
        }
        match Message::decode(&frame).expect("a tracker sends messages") {
            Message::Ping(number) => line.send(&Message::Pong(pong(number))).await?,
            Message::Challenge(number) => {
                let height = Height(0);
                let answer = ChallengeAnswer { number, height };
                line.send(&Message::ChallengeAnswer(answer)).await?;
                member.answered.fetch_add(1, Ordering::Relaxed);
            }
            Message::MembersChanged(told) => {
                let mut view = member.view.as_ref().unwrap().lock().unwrap();
                view.messages += 1;
                for one in told.changed {
                    view.members.insert(one.id, (one.live, one.reachable));
                }
            }
            _ => {}
        }
    }
}

impl Member {
    /// Has it say goodbye and end its session.
    pub fn leave(&self) {
        self.leaves.store(true, Ordering::Relaxed);
    }
}
