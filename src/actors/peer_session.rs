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
use crate::protocol::clocks::Reading;
use crate::shell::{
    Greeting, Outgoing, PeerSessionParts, PeerSessionShell, Queued, SessionEnd, Waiting,
};
use crate::store::Disk;
use crate::wire::NodeRole;
use crate::wire::channel::{Expected, Side};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture,
};
use opening::{Failed, Opened, Reader, open};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::sync::broadcast::{self, error::RecvError};

/// How long it may take until both ends are proven: a slow line needs one, a stranger must not hold a
/// place for longer.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long it may take to tell a refused end why: a stranger must not hold a place for longer.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes read at a time of somebody known.
const READ_BYTES: usize = 16 * 1024;
/// The same at a tracker, which has thousands of sessions, in each of which little is said to it.
const TRACKER_READ_BYTES: usize = 2 * 1024;
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

    /// Somebody known said what time it is in its introduction.
    fn read_clock(&self, from: PublicKey, told: Timestamp, asked: SteadyTime, heard: Now) {
        if let Some(reading) = Reading::new(told, asked, heard) {
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
        if !self.outgoing.command(command) {
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
            Ok(Err(Failed::TurnedAway(signed))) => {
                let reason = signed.statement.act.to_string();
                // An owner that is gone has stopped with the node.
                let _ = self.tell(SessionFact::TurnedAway(signed)).await;
                return notice.reason = format!("the other said: {reason}");
            }
            Ok(Err(Failed::Refused(reason, out, mut writer))) => {
                // Told or not, it is closed now.
                let said = writer.turn_away(out, &reason);
                let _ = tokio::time::timeout(GOODBYE_TIMEOUT, said).await;
                return notice.reason = reason;
            }
            Ok(Ok(opened)) => opened,
        };
        let Opened {
            who,
            clock_of,
            is_later,
            stage,
            reader,
            opener,
            rest,
            mut writer,
        } = opened;
        let shell = PeerSessionShell::new(
            opener,
            PeerSessionParts {
                session: self.session,
                outgoing: self.outgoing.clone(),
                clock: self.context.clock.clone(),
                clocks: Box::new(self.context.clocks.clone()),
                clock_of,
                is_later,
                stage,
            },
        );
        let writing = writer.write_all(&mut waiting, self.context.disk.clone());
        tokio::pin!(writing);
        notice.reason = tokio::select! {
            biased;
            reason = &mut writing => reason,
            end = self.read_all(who, shell, reader, rest) => match end {
                SessionEnd::Gone(reason) => reason,
                SessionEnd::Refused(reason) => {
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
        who: SessionFact,
        shell: PeerSessionShell,
        reader: Reader,
        rest: Vec<u8>,
    ) -> SessionEnd {
        let Err(end) = self.read_on(who, shell, reader, rest).await;
        end
    }

    async fn read_on(
        &self,
        who: SessionFact,
        mut shell: PeerSessionShell,
        mut reader: Reader,
        rest: Vec<u8>,
    ) -> Result<Infallible, SessionEnd> {
        self.tell(who).await?;
        self.take(&mut shell, &rest).await?;
        drop(rest);
        let room = match self.context.greeting.role() {
            NodeRole::Peer => READ_BYTES,
            NodeRole::Tracker => TRACKER_READ_BYTES,
        };
        let mut buffer = vec![0; room];
        let mut ask_time = self.context.ask_time.subscribe();
        loop {
            let patience = Duration::from_millis(shell.may_be_silent_ms());
            let read = tokio::select! {
                biased;
                read = reader.read(&mut buffer) => read,
                () = tokio::time::sleep(patience) => {
                    shell.time_passed()?;
                    continue;
                }
                () = told(&mut ask_time) => {
                    shell.ping()?;
                    continue;
                }
            };
            match read {
                Ok(0) => {
                    let closed = "the other end closed the connection";
                    return Err(SessionEnd::Gone(closed.into()));
                }
                Ok(read) => self.take(&mut shell, &buffer[..read]).await?,
                Err(error) => return Err(SessionEnd::Gone(error.to_string())),
            }
        }
    }

    /// Has the owner deal with every message that these bytes complete.
    async fn take(&self, shell: &mut PeerSessionShell, mut bytes: &[u8]) -> Result<(), SessionEnd> {
        let mut messages = VecDeque::new();
        loop {
            let taken = shell.take(&mut bytes, &mut messages);
            for message in messages.drain(..) {
                self.tell(SessionFact::Received(message)).await?;
            }
            if !taken? {
                return Ok(());
            }
        }
    }

    /// Tells the owner, and waits until it has dealt with it: a sender is never faster than that.
    async fn tell(&self, what: SessionFact) -> Result<(), SessionEnd> {
        let event = SessionEvent {
            session: self.session,
            what,
        };
        let told = self.owner.send(event).await;
        told.map_err(|_| SessionEnd::Gone("this node is stopping".into()))
    }
}

/// Waits until everybody is to be asked the time. Told twice meanwhile is told once.
async fn told(ask_time: &mut broadcast::Receiver<()>) {
    if ask_time.recv().await == Err(RecvError::Closed) {
        std::future::pending().await
    }
}
