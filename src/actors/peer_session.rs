//! PeerSession: one connection, from its first byte to its last.

mod opening;
mod writing;

use crate::chain::Timestamp;
use crate::clock::{Clock, Now, SteadyTime};
use crate::entropy::Entropy;
use crate::keys::PublicKey;
use crate::messages::clocks::ClockRead;
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::messages::wallet::SignIntroduction;
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::protocol::clocks::Reading as ClockReading;
use crate::protocol::passed_over::PassedOver;
use crate::shell::Greeting;
use crate::store::Disk;
use crate::wire::Message;
use crate::wire::channel::{Expected, Opener, Side};
use crate::wire::frame::FrameDecoder;
use crate::wire::message::Pong;
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture,
};
use opening::{Failed, Opened, Reader, open};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Instant;
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
    clocks: Recipient<ClockRead>,
    ask_time: broadcast::Sender<()>,
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
    /// Says whether a certificate counts today, and what the others' clocks are compared with.
    pub clock: Arc<dyn Clock>,
    /// Is told what they say.
    pub clocks: Recipient<ClockRead>,
    /// Says when everybody is to be asked again: all sessions, in their order.
    pub ask_time: broadcast::Sender<()>,
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
            clocks: parts.clocks,
            ask_time: parts.ask_time,
            ids: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Somebody known said what time it is, on being asked.
    fn read_clock(&self, from: PublicKey, told: Timestamp, asked: SteadyTime, heard: Now) {
        if let Some(reading) = ClockReading::new(told, asked, heard) {
            // Full or gone: everybody is asked again.
            let _ = self.clocks.try_send(ClockRead { from, reading });
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
    passed_over: PassedOver,
    /// Whose clock is compared with ours by its answers to pings, if it is.
    clock_of: Option<PublicKey>,
    /// Number of the last ping, and when it was sent.
    asked: (u64, SteadyTime),
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
            clock_of,
            is_later,
            reader,
            opener,
            rest,
            mut writer,
        } = opened;
        let reading = Reading {
            reader,
            opener,
            frames: FrameDecoder::new(Message::most).passing_over(is_later),
            passed_over: PassedOver::new(self.context.clock.steady()),
            clock_of,
            asked: (0, SteadyTime::LONG_AGO),
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
    async fn read_all(&self, who: SessionFact, reading: Reading, rest: Vec<u8>) -> End {
        let Err(end) = self.read_on(who, reading, rest).await;
        end
    }

    async fn read_on(
        &self,
        who: SessionFact,
        mut reading: Reading,
        rest: Vec<u8>,
    ) -> Result<Infallible, End> {
        self.tell(who).await?;
        self.take(&mut reading, &rest).await?;
        drop(rest);
        let mut buffer = vec![0; READ_BYTES];
        let mut ask_time = self.context.ask_time.subscribe();
        let mut silence = Silence::new();
        loop {
            let read = tokio::select! {
                biased;
                read = reading.reader.read(&mut buffer) => read,
                () = tokio::time::sleep_until(silence.until) => {
                    if silence.asked {
                        return Err(End::Gone("no sign of life".into()));
                    }
                    silence.ask();
                    self.ping(&mut reading)?;
                    continue;
                }
                () = told(&mut ask_time) => {
                    self.ping(&mut reading)?;
                    continue;
                }
            };
            match read {
                Ok(0) => return Err(End::Gone("the other end closed the connection".into())),
                Ok(read) => {
                    self.take(&mut reading, &buffer[..read]).await?;
                    silence = Silence::new();
                }
                Err(error) => return Err(End::Gone(error.to_string())),
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
                    Message::Pong(pong) => self.heard_pong(reading.clock_of, reading.asked, pong),
                    Message::Ping(number) => {
                        let time = self.context.clock.wall();
                        self.send(&Message::Pong(Pong { number, time }))?;
                    }
                    message => self.tell(SessionFact::Received(message)).await?,
                }
            }
            let dropped = reading.frames.take_dropped();
            let counted = reading
                .passed_over
                .count(dropped, self.context.clock.steady());
            counted.map_err(|e| refused(&e))?;
        }
    }

    /// Asks whether anybody is there, and what time it is.
    fn ping(&self, reading: &mut Reading) -> Result<(), End> {
        reading.asked = (reading.asked.0 + 1, self.context.clock.steady());
        self.send(&Message::Ping(reading.asked.0))
    }

    /// The answer to the last question is a look at the other's clock; one to an earlier one tells nothing.
    fn heard_pong(
        &self,
        clock_of: Option<PublicKey>,
        (number, asked): (u64, SteadyTime),
        pong: Pong,
    ) {
        if let Some(from) = clock_of
            && pong.number == number
        {
            let now = self.context.clock.now();
            self.context.read_clock(from, pong.time, asked, now);
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

    fn send(&self, message: &Message) -> Result<(), End> {
        let queued = message
            .to_frame()
            .is_ok_and(|frame| self.outgoing.push(Queued::Frame(frame.into())));
        match queued {
            true => Ok(()),
            false => Err(End::Gone("the other end reads too slowly".into())),
        }
    }
}

/// How long the line may be silent yet.
struct Silence {
    until: Instant,
    /// Whether the other end was asked since it said something.
    asked: bool,
}

impl Silence {
    /// It said something just now.
    fn new() -> Self {
        Self {
            until: Instant::now() + PING_AFTER,
            asked: false,
        }
    }

    /// It is asked now.
    fn ask(&mut self) {
        self.until = Instant::now() + SILENCE_TIMEOUT;
        self.asked = true;
    }
}

/// Waits until everybody is to be asked the time. Told twice meanwhile is told once.
async fn told(ask_time: &mut broadcast::Receiver<()>) {
    if ask_time.recv().await == Err(RecvError::Closed) {
        std::future::pending().await
    }
}
