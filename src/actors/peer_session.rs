//! PeerSession: one connection, from its first byte to its last.

use crate::canonical::CappedText;
use crate::chain::locator::{MAX_LOCATOR, headers_after, locator};
use crate::chain::{Height, NetworkId, StateView};
use crate::keys::PublicKey;
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::store::Disk;
use crate::store::chain_rows::ChainRows;
use crate::wire::frame::FrameDecoder;
use crate::wire::handshake::{Expected, judge_hello};
use crate::wire::limits::{FRAME_CAP, HANDSHAKE_FRAME_CAP};
use crate::wire::member::Address;
use crate::wire::message::{Goodbye, MAGIC, MAX_AGENT, PROTOCOL_VERSION};
use crate::wire::{Hello, Message, NodeRole};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture,
};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// How long both hellos may take together: a slow line needs one, a stranger must not hold a place
/// for longer.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a line may be silent before it is asked whether anybody is there.
const PING_AFTER: Duration = Duration::from_secs(15);
/// How long after that it may stay silent: then the other end is gone without a word.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the other end may take to accept one write of at most a frame.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to tell a refused end why: a stranger must not hold a place for longer.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);
/// Messages that may wait to be written.
const MAX_QUEUED: usize = 512;
/// Bytes of messages that may wait to be written: two frames; who reads more slowly is dropped.
const MAX_QUEUED_BYTES: usize = 2 * FRAME_CAP;
/// Bytes read at a time.
const READ_BYTES: usize = 64 * 1024;
/// Commands that may wait in the mailbox; each is passed on at once.
const MAILBOX: usize = 1024;

/// What this node says of itself to everybody.
pub struct Greeting {
    role: NodeRole,
    key: PublicKey,
    nonce: u64,
    address: Option<Address>,
    network: OnceLock<NetworkId>,
    height: AtomicU64,
}

impl Greeting {
    /// What a node of this role and key says; `nonce` is random and tells a node that it dialled
    /// itself.
    pub fn new(role: NodeRole, key: PublicKey, nonce: u64, address: Option<Address>) -> Self {
        let (network, height) = (OnceLock::new(), AtomicU64::new(0));
        Self {
            role,
            key,
            nonce,
            address,
            network,
            height,
        }
    }

    /// From now on, says that it belongs to this network. The first one counts.
    pub fn set_network(&self, network: NetworkId) {
        // A node never changes its network; told twice, it is the same one.
        let _ = self.network.set(network);
    }

    /// From now on, says that its tip has this height.
    pub fn set_height(&self, height: Height) {
        self.height.store(height.0, Ordering::Relaxed);
    }

    /// The height that it says its tip has.
    pub fn height(&self) -> Height {
        Height(self.height.load(Ordering::Relaxed))
    }

    /// Where this node can be dialled, if anywhere.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    fn hello(&self) -> Hello {
        let agent = concat!("raclette ", env!("CARGO_PKG_VERSION"));
        const { assert!(concat!("raclette ", env!("CARGO_PKG_VERSION")).len() <= MAX_AGENT) };
        Hello {
            magic: MAGIC,
            version: PROTOCOL_VERSION,
            network: self.network.get().copied().unwrap_or(NetworkId::ZERO),
            role: self.role,
            key: self.key,
            nonce: self.nonce,
            height: self.height(),
            address: self.address.clone(),
            agent: CappedText::new(agent).unwrap_or_default(),
        }
    }
}

/// What every session of a node shares.
#[derive(Clone)]
pub struct SessionContext {
    /// What it says first.
    pub greeting: Arc<Greeting>,
    /// Where it reads the blocks and headers that it is asked for.
    pub disk: Arc<dyn Disk>,
    ids: Arc<AtomicU64>,
}

impl SessionContext {
    /// Sessions are numbered from 1.
    pub fn new(greeting: Arc<Greeting>, disk: Arc<dyn Disk>) -> Self {
        Self {
            greeting,
            disk,
            ids: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Begins a session over `connection`, on this thread. `owner` hears of it: first that it is
    /// open, last that it is closed; only the latter if the handshake fails.
    pub fn begin(
        &self,
        connection: Connection,
        expected: Expected,
        owner: Recipient<SessionEvent>,
    ) -> (SessionId, Recipient<SessionCommand>) {
        let session = SessionId(self.ids.fetch_add(1, Ordering::Relaxed));
        let (queue, waiting) = mpsc::channel(MAX_QUEUED);
        let outgoing = Outgoing {
            queue,
            bytes: Arc::new(AtomicUsize::new(0)),
        };
        let line = Line {
            context: self.clone(),
            session,
            expected,
            owner,
            outgoing: outgoing.clone(),
        };
        let actor = PeerSessionActor {
            outgoing,
            line: Some((line, connection, waiting)),
        };
        (session, actor.start().recipient())
    }
}

/// What waits to be written.
enum Queued {
    Frame(Arc<[u8]>),
    Blocks(VecDeque<crate::chain::BlockId>),
    Headers(Vec<crate::chain::BlockId>),
    AskHeaders(Option<crate::chain::BlockId>),
    /// The last thing that is written.
    Goodbye(String),
}

#[derive(Clone)]
struct Outgoing {
    queue: mpsc::Sender<Queued>,
    bytes: Arc<AtomicUsize>,
}

impl Outgoing {
    /// Whether it was queued; if not, the other end reads too slowly.
    fn push(&self, queued: Queued) -> bool {
        if let Queued::Frame(frame) = &queued {
            let before = self.bytes.fetch_add(frame.len(), Ordering::Relaxed);
            if before > MAX_QUEUED_BYTES {
                return false;
            }
        }
        self.queue.try_send(queued).is_ok()
    }
}

/// The shell around one connection.
struct PeerSessionActor {
    outgoing: Outgoing,
    line: Option<(Line, Connection, mpsc::Receiver<Queued>)>,
}

impl Actor for PeerSessionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if let Some((line, connection, waiting)) = self.line.take() {
            let whole_life = line.run(connection, waiting);
            ctx.spawn(whole_life.into_actor(self).map(|(), _, ctx| ctx.stop()));
        }
    }
}

impl Handler<SessionCommand> for PeerSessionActor {
    type Result = ();

    fn handle(&mut self, command: SessionCommand, ctx: &mut Self::Context) {
        let queued = match command {
            SessionCommand::Send(message) => match message.to_frame() {
                Ok(frame) => Queued::Frame(frame.into()),
                Err(error) => {
                    tracing::error!(%error, message = message.name(), "message not sent");
                    return;
                }
            },
            SessionCommand::SendFrame(frame) => Queued::Frame(frame),
            SessionCommand::SendBlocks(ids) => Queued::Blocks(ids.into()),
            SessionCommand::SendHeaders(locator) => Queued::Headers(locator),
            SessionCommand::AskHeaders(after) => Queued::AskHeaders(after),
            SessionCommand::Close(reason) => Queued::Goodbye(reason),
        };
        if !self.outgoing.push(queued) {
            ctx.stop();
        }
    }
}

/// A connection at work.
struct Line {
    context: SessionContext,
    session: SessionId,
    expected: Expected,
    owner: Recipient<SessionEvent>,
    outgoing: Outgoing,
}

/// Tells the owner of the end, however it comes.
struct EndNotice {
    owner: Recipient<SessionEvent>,
    session: SessionId,
    reason: String,
}

impl Drop for EndNotice {
    fn drop(&mut self) {
        let what = SessionFact::Closed(std::mem::take(&mut self.reason));
        let event = SessionEvent {
            session: self.session,
            what,
        };
        let owner = self.owner.clone();
        // Sent and waited for, like every other event of a session.
        actix::spawn(async move {
            // An owner that is gone has stopped with the node.
            let _ = owner.send(event).await;
        });
    }
}

/// How reading from a connection ends.
enum End {
    /// There is nobody to tell, or nothing to say.
    Gone(String),
    /// The other end broke a rule, and is told which.
    Refused(String),
}

impl Line {
    async fn run(self, connection: Connection, waiting: mpsc::Receiver<Queued>) {
        let mut notice = EndNotice {
            owner: self.owner.clone(),
            session: self.session,
            reason: "the other end reads too slowly".into(),
        };
        let Connection { reader, writer, .. } = connection;
        let disk = self.context.disk.clone();
        let bytes = self.outgoing.bytes.clone();
        let hello = self.context.greeting.hello();
        if !self
            .outgoing
            .push(match Message::Hello(hello.clone()).to_frame() {
                Ok(frame) => Queued::Frame(frame.into()),
                Err(error) => return notice.reason = error.to_string(),
            })
        {
            return;
        }
        let writing = write_all(writer, waiting, disk, bytes);
        tokio::pin!(writing);
        notice.reason = tokio::select! {
            biased;
            reason = &mut writing => reason,
            end = self.read_all(reader, hello) => match end {
                End::Gone(reason) => reason,
                End::Refused(reason) => {
                    if self.outgoing.push(Queued::Goodbye(reason.clone())) {
                        // Told or not, it is closed now.
                        let _ = tokio::time::timeout(GOODBYE_TIMEOUT, writing).await;
                    }
                    reason
                }
            },
        };
    }

    /// Reads until the end; returns why it came.
    async fn read_all(
        &self,
        mut reader: Box<dyn tokio::io::AsyncRead + Send + Unpin>,
        ours: Hello,
    ) -> End {
        let mut decoder = FrameDecoder::new(HANDSHAKE_FRAME_CAP);
        let mut buffer = vec![0; READ_BYTES];
        let mut open = false;
        let mut asked = false;
        let deadline = tokio::time::Instant::now() + HANDSHAKE_TIMEOUT;
        loop {
            let limit = match (open, asked) {
                (false, _) => deadline,
                (true, false) => tokio::time::Instant::now() + PING_AFTER,
                (true, true) => tokio::time::Instant::now() + SILENCE_TIMEOUT,
            };
            let read = match tokio::time::timeout_at(limit, reader.read(&mut buffer)).await {
                Err(_) if !open => return End::Gone("no handshake within the time for it".into()),
                Err(_) if asked => return End::Gone("no sign of life".into()),
                Err(_) => {
                    asked = true;
                    if !self.send(&Message::Ping(0)) {
                        return End::Gone("the other end reads too slowly".into());
                    }
                    continue;
                }
                Ok(Ok(0)) => return End::Gone("the other end closed the connection".into()),
                Ok(Ok(read)) => read,
                Ok(Err(error)) => return End::Gone(error.to_string()),
            };
            asked = false;
            let mut rest = &buffer[..read];
            loop {
                let frame = match decoder.next(&mut rest) {
                    Ok(None) => break,
                    Ok(Some(frame)) => frame,
                    Err(error) => return End::Refused(error.to_string()),
                };
                let message = match Message::decode(&frame) {
                    Ok(message) => message,
                    Err(error) => return End::Refused(error.to_string()),
                };
                let what = match (message, open) {
                    (Message::Hello(theirs), false) => {
                        if let Err(error) = judge_hello(&ours, &theirs, self.expected) {
                            return End::Refused(error.to_string());
                        }
                        open = true;
                        decoder.set_cap(FRAME_CAP);
                        SessionFact::Opened(Box::new(theirs))
                    }
                    (_, false) => return End::Refused("the first message is no hello".into()),
                    (Message::Hello(_), true) => return End::Refused("a second hello".into()),
                    (Message::Pong(_), true) => continue,
                    (Message::Ping(number), true) => {
                        if !self.send(&Message::Pong(number)) {
                            return End::Gone("the other end reads too slowly".into());
                        }
                        continue;
                    }
                    (message, true) => SessionFact::Received(message),
                };
                // Waited for: a sender is never faster than its messages are dealt with.
                let event = SessionEvent {
                    session: self.session,
                    what,
                };
                if self.owner.send(event).await.is_err() {
                    return End::Gone("this node is stopping".into());
                }
            }
        }
    }

    fn send(&self, message: &Message) -> bool {
        message
            .to_frame()
            .is_ok_and(|frame| self.outgoing.push(Queued::Frame(frame.into())))
    }
}

/// Writes what is queued until the end; returns why it came.
async fn write_all(
    mut writer: Box<dyn tokio::io::AsyncWrite + Send + Unpin>,
    mut waiting: mpsc::Receiver<Queued>,
    disk: Arc<dyn Disk>,
    bytes: Arc<AtomicUsize>,
) -> String {
    while let Some(queued) = waiting.recv().await {
        let result = match queued {
            Queued::Frame(frame) => {
                bytes.fetch_sub(frame.len(), Ordering::Relaxed);
                write(&mut writer, &frame).await
            }
            Queued::Blocks(ids) => write_blocks(&mut writer, &*disk, ids).await,
            Queued::Headers(locator) => match headers_after(&ChainRows(&*disk), &locator) {
                Ok(headers) => write_message(&mut writer, &Message::Headers(headers)).await,
                Err(error) => Err(error.to_string()),
            },
            Queued::AskHeaders(after) => match locator(&ChainRows(&*disk)) {
                Ok(ours) => {
                    let ids = after.into_iter().chain(ours).take(MAX_LOCATOR);
                    write_message(&mut writer, &Message::GetHeaders(ids.collect())).await
                }
                Err(error) => Err(error.to_string()),
            },
            Queued::Goodbye(reason) => {
                let goodbye = Message::Goodbye(Goodbye::new(&reason));
                // It is closed all the same.
                let _ = write_message(&mut writer, &goodbye).await;
                let _ = writer.shutdown().await;
                return reason;
            }
        };
        if let Err(reason) = result {
            return reason;
        }
    }
    "this node closed the connection".into()
}

async fn write_blocks(
    writer: &mut (dyn tokio::io::AsyncWrite + Send + Unpin),
    disk: &dyn Disk,
    ids: VecDeque<crate::chain::BlockId>,
) -> Result<(), String> {
    for id in ids {
        let block = ChainRows(disk)
            .block(&id)
            .map_err(|error| error.to_string())?;
        let message = block.map_or(Message::NoBlock(id), Message::Block);
        write_message(writer, &message).await?;
    }
    Ok(())
}

async fn write_message(
    writer: &mut (dyn tokio::io::AsyncWrite + Send + Unpin),
    message: &Message,
) -> Result<(), String> {
    let frame = message.to_frame().map_err(|error| error.to_string())?;
    write(writer, &frame).await
}

async fn write(
    writer: &mut (dyn tokio::io::AsyncWrite + Send + Unpin),
    frame: &[u8],
) -> Result<(), String> {
    match tokio::time::timeout(WRITE_TIMEOUT, writer.write_all(frame)).await {
        Ok(written) => written.map_err(|error| error.to_string()),
        Err(_) => Err("the other end does not read".into()),
    }
}
