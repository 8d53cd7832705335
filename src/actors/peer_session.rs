//! PeerSession: one connection, from its first byte to its last.

mod opening;
mod writing;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::messages::wallet::SignIntroduction;
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::shell::Greeting;
use crate::store::Disk;
use crate::wire::Message;
use crate::wire::channel::{Expected, Opener, Side};
use crate::wire::frame::FrameDecoder;
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture,
};
use opening::{Failed, Opened, Reader, open};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use writing::{Outgoing, Queued, Waiting};

/// How long it may take until both ends are proven: a slow line needs one, a stranger must not hold a
/// place for longer.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a line may be silent before it is asked whether anybody is there.
const PING_AFTER: Duration = Duration::from_secs(15);
/// How long after that it may stay silent: then the other end is gone without a word.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long it may take to tell a refused end why: a stranger must not hold a place for longer.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes read at a time of somebody known.
const READ_BYTES: usize = 16 * 1024;
/// Commands that may wait in the mailbox; each is passed on at once.
const MAILBOX: usize = 1024;

/// What every session of a node shares.
#[derive(Clone)]
pub struct SessionContext {
    /// What it says first.
    pub greeting: Arc<Greeting>,
    /// Where it reads the blocks and headers that it is asked for.
    disk: Arc<dyn Disk>,
    sign: Recipient<SignIntroduction>,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    ids: Arc<AtomicU64>,
}

/// What sessions need of their node.
pub struct SessionParts {
    /// What each says first.
    pub greeting: Arc<Greeting>,
    /// Where it reads the blocks and headers that it is asked for.
    pub disk: Arc<dyn Disk>,
    /// Proves who this node is.
    pub sign: Recipient<SignIntroduction>,
    /// Where the keys of each channel come from.
    pub entropy: Arc<dyn Entropy>,
    /// Says whether a certificate counts today.
    pub clock: Arc<dyn Clock>,
}

impl SessionContext {
    /// Sessions are numbered from 1.
    pub fn new(parts: SessionParts) -> Self {
        Self {
            greeting: parts.greeting,
            disk: parts.disk,
            sign: parts.sign,
            entropy: parts.entropy,
            clock: parts.clock,
            ids: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Begins a session over `connection`, on this thread. `owner` hears of it: first that it is
    /// open, last that it is closed; only the latter if the handshake fails.
    pub fn begin(
        &self,
        connection: Connection,
        side: Side,
        expected: Expected,
        owner: Recipient<SessionEvent>,
    ) -> (SessionId, Recipient<SessionCommand>) {
        let session = SessionId(self.ids.fetch_add(1, Ordering::Relaxed));
        let (outgoing, waiting) = Outgoing::new();
        let line = Line {
            context: self.clone(),
            session,
            side,
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

/// The shell around one connection.
struct PeerSessionActor {
    outgoing: Outgoing,
    line: Option<(Line, Connection, Waiting)>,
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
    side: Side,
    expected: Expected,
    owner: Recipient<SessionEvent>,
    outgoing: Outgoing,
}

/// What the other end sends, and how far it was understood.
struct Reading {
    reader: Reader,
    opener: Opener,
    frames: FrameDecoder,
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
    async fn run(self, connection: Connection, mut waiting: Waiting) {
        let mut notice = EndNotice {
            owner: self.owner.clone(),
            session: self.session,
            reason: "the other end reads too slowly".into(),
        };
        let opening = open(&self.context, connection, self.side, &self.expected);
        let opened = tokio::select! {
            biased;
            // Until it is open, its owner has nothing to say but that it should end.
            _ = waiting.recv() => return notice.reason = "this node closed the connection".into(),
            opened = tokio::time::timeout(HANDSHAKE_TIMEOUT, opening) => opened,
        };
        let opened = match opened {
            Err(_) => return notice.reason = "no handshake within the time for it".into(),
            Ok(Err(Failed::Gone(reason))) => return notice.reason = reason,
            Ok(Err(Failed::Refused(reason, mut writer))) => {
                // Told or not, it is closed now.
                let _ = tokio::time::timeout(GOODBYE_TIMEOUT, writer.goodbye(&reason)).await;
                return notice.reason = reason;
            }
            Ok(Ok(opened)) => opened,
        };
        let Opened {
            who,
            reader,
            opener,
            rest,
            mut writer,
        } = opened;
        let reading = Reading {
            reader,
            opener,
            frames: FrameDecoder::new(Message::most),
        };
        let writing = writer.write_all(&mut waiting, self.context.disk.clone());
        tokio::pin!(writing);
        notice.reason = tokio::select! {
            biased;
            reason = &mut writing => reason,
            end = self.read_all(who, reading, rest) => match end {
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
    async fn read_all(&self, who: SessionFact, mut reading: Reading, rest: Vec<u8>) -> End {
        if let Err(end) = self.tell(who).await {
            return end;
        }
        if let Err(end) = self.take(&mut reading, &rest).await {
            return end;
        }
        drop(rest);
        let mut buffer = vec![0; READ_BYTES];
        let mut asked = false;
        loop {
            let patience = if asked { SILENCE_TIMEOUT } else { PING_AFTER };
            let read = tokio::time::timeout(patience, reading.reader.read(&mut buffer)).await;
            let read = match read {
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
            if let Err(end) = self.take(&mut reading, &buffer[..read]).await {
                return end;
            }
        }
    }

    /// Deals with every message that these bytes complete.
    async fn take(&self, reading: &mut Reading, mut bytes: &[u8]) -> Result<(), End> {
        let refused = |error: &dyn std::fmt::Display| End::Refused(error.to_string());
        loop {
            let record = reading.opener.next(&mut bytes).map_err(|e| refused(&e))?;
            let Some(record) = record else {
                return Ok(());
            };
            let mut data = record.data;
            while let Some(frame) = reading.frames.next(&mut data).map_err(|e| refused(&e))? {
                let message = Message::decode(&frame).map_err(|e| refused(&e))?;
                tracing::trace!(
                    session = self.session.0,
                    name = message.name(),
                    "message received"
                );
                match message {
                    Message::Pong(_) => {}
                    Message::Ping(number) => {
                        if !self.send(&Message::Pong(number)) {
                            return Err(End::Gone("the other end reads too slowly".into()));
                        }
                    }
                    message => self.tell(SessionFact::Received(message)).await?,
                }
            }
        }
    }

    /// Tells the owner, and waits until it has dealt with it: a sender is never faster than that.
    async fn tell(&self, what: SessionFact) -> Result<(), End> {
        let event = SessionEvent {
            session: self.session,
            what,
        };
        let told = self.owner.send(event).await;
        told.map_err(|_| End::Gone("this node is stopping".into()))
    }

    fn send(&self, message: &Message) -> bool {
        message
            .to_frame()
            .is_ok_and(|frame| self.outgoing.push(Queued::Frame(frame.into())))
    }
}
