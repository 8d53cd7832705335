//! The one conversation with the tracker in which a newcomer asks whether it could join, while it listens
//! where it will be dialled back.

use super::{Check, Joining, MAX_APART_MS, Means, NotJoined};
use crate::actors::{ClocksActor, SessionContext, SessionParts, WalletActor};
use crate::chain::NetworkId;
use crate::clock::Clock;
use crate::keys::{PublicKey, SecretKey};
use crate::membership::Address;
use crate::membership::invitation::sign_invited;
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::net::{Listener, Transport};
use crate::node::opening::random_u64;
use crate::shell::Greeting;
use crate::store::MemoryDisk;
use crate::verifier::RayonVerifier;
use crate::wire::channel::{Expected, Side};
use crate::wire::message::{Admissible, Invited};
use crate::wire::{Hello, MemberStatement, Message, NodeRole};
use actix::{Actor, Context, Handler, Recipient};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Who is dialled, and who dials back, is a tracker; which one, and of which network, is judged here.
const EXPECTED: Expected = Expected {
    role: NodeRole::Tracker,
    same_network: false,
    member: false,
    members: None,
};
/// How long it may take to dial one address, with the handshake.
const DIAL_PATIENCE: Duration = Duration::from_secs(10);
/// How long the tracker may take to answer: it dials back first.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);
/// What a tracker may say before it is listened to; more is passed over.
const WAITING: usize = 16;

/// What the tracker says.
struct Ear(mpsc::Sender<SessionFact>);

impl Actor for Ear {
    type Context = Context<Self>;
}

impl Handler<SessionEvent> for Ear {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, _: &mut Self::Context) {
        // A tracker that says more than it is asked is not heard.
        let _ = self.0.try_send(event.what);
    }
}

/// A conversation under way. Dropped, it ends.
pub(super) struct Conversation {
    context: SessionContext,
    clock: Arc<dyn Clock>,
    transport: Arc<dyn Transport>,
    secret: Arc<SecretKey>,
    heard: Option<mpsc::Receiver<SessionFact>>,
    commands: Option<Recipient<SessionCommand>>,
    /// Lets whoever dials back in, where somebody may.
    door: Option<JoinHandle<()>>,
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if let Some(door) = &self.door {
            door.abort();
        }
        if let Some(commands) = &self.commands {
            // A session that has ended needs no order.
            let _ = commands.try_send(SessionCommand::Close("that was all to be asked".into()));
        }
    }
}

impl Conversation {
    /// Listens, where it is to be dialled back, and dials nobody yet.
    pub(super) fn begin(
        means: &Means,
        secret: Arc<SecretKey>,
        listener: Option<Box<dyn Listener>>,
    ) -> Self {
        let key = secret.public_key();
        let numbers = (random_u64(&*means.entropy), random_u64(&*means.entropy));
        let (ask_time, _) = broadcast::channel(1);
        let clocks = ClocksActor::new(means.clock.clone(), ask_time.clone()).start();
        let context = SessionContext::new(SessionParts {
            greeting: Arc::new(Greeting::new(NodeRole::Peer, key, numbers, None)),
            disk: Arc::new(MemoryDisk::new()),
            sign: WalletActor::new(
                secret.clone(),
                means.entropy.clone(),
                Arc::new(RayonVerifier::default()),
            )
            .start()
            .recipient(),
            entropy: means.entropy.clone(),
            clock: means.clock.clone(),
            clocks: clocks.recipient(),
            ask_time,
        });
        let door = listener
            .map(|listener| tokio::task::spawn_local(answer_the_door(context.clone(), listener)));
        Self {
            context,
            clock: means.clock.clone(),
            transport: means.transport.clone(),
            secret,
            heard: None,
            commands: None,
            door,
        }
    }

    /// Dials one address after the other until a tracker greets, and tells what can be seen of it: where it
    /// answers, that it has the key `wanted`, how the clocks compare. How it greeted.
    pub(super) async fn meet(
        &mut self,
        addresses: &[Address],
        wanted: Option<PublicKey>,
        tell: &mut impl FnMut(Check),
    ) -> Result<Hello, NotJoined> {
        let (at, hello) = self.reach(addresses).await?;
        tell(Check::TrackerReached { at: at.clone() });
        let shown = hello.key;
        if let Some(wanted) = wanted {
            if shown != wanted {
                return Err(NotJoined::OtherKey { at, shown, wanted });
            }
            let key = shown.to_address();
            tell(Check::KeyRight { key });
        }
        let (now, theirs) = (self.clock.wall(), hello.time);
        let apart_ms = now.since(theirs).max(theirs.since(now));
        tell(Check::Clocks {
            apart_ms,
            behind: now < theirs,
            too_far: apart_ms > MAX_APART_MS,
        });
        Ok(hello)
    }

    /// Dials one address after the other; where a tracker greeted, and how.
    async fn reach(&mut self, addresses: &[Address]) -> Result<(Address, Hello), NotJoined> {
        let mut reasons = Vec::new();
        for address in addresses {
            match timeout(DIAL_PATIENCE, self.greet(address)).await {
                Ok(Ok(hello)) => return Ok((address.clone(), hello)),
                Ok(Err(reason)) => reasons.push(format!("{address}: {reason}")),
                Err(_) => reasons.push(format!("{address}: nobody answers")),
            }
        }
        Err(NotJoined::Unreachable(match reasons.is_empty() {
            true => "the invitation names no address of it".to_owned(),
            false => reasons.join("; "),
        }))
    }

    async fn greet(&mut self, address: &Address) -> Result<Hello, String> {
        let connection = self.transport.dial(address.to_string()).await;
        let connection = connection.map_err(|error| error.to_string())?;
        let (ear, heard) = mpsc::channel(WAITING);
        let owner = Ear(ear).start().recipient();
        let (_, commands) = self
            .context
            .begin(connection, Side::Initiator, EXPECTED, owner);
        let heard = self.heard.insert(heard);
        self.commands = Some(commands);
        match heard.recv().await {
            Some(SessionFact::Opened { hello, .. }) => Ok(*hello),
            Some(SessionFact::Closed(reason)) => Err(reason),
            Some(SessionFact::Received(_) | SessionFact::TurnedAway(_)) | None => {
                Err("it did not greet".to_owned())
            }
        }
    }

    /// Asks whether this key could register, from `own` addresses.
    pub(super) async fn inquire(
        &mut self,
        joining: &Joining,
        tracker: &Hello,
        own: Vec<Address>,
    ) -> Result<Admissible, NotJoined> {
        if tracker.network != NetworkId::ZERO {
            // Whoever dials back wants to find somebody of its network.
            self.context.greeting.set_network(tracker.network);
        }
        let (key, invitation) = (self.secret.public_key(), &joining.invitation);
        let record = MemberStatement {
            tracker: tracker.key,
            sequence: self.clock.wall().0,
            name: joining.name.clone(),
            key,
            sealing_key: self.secret.sealing_key(),
            addresses: own,
        };
        let signed = sign_invited(&invitation.key(), &tracker.network, &key, &joining.name);
        self.say(Message::Invited(Invited {
            invitation: invitation.invitation.clone(),
            signature: signed,
        }))?;
        self.say(Message::Inquire(record.sign(&self.secret)))?;
        match timeout(ANSWER_PATIENCE, self.answer()).await {
            Ok(answer) => answer,
            Err(_) => Err(NotJoined::Cut("it did not answer".to_owned())),
        }
    }

    fn say(&self, message: Message) -> Result<(), NotJoined> {
        let gone = || NotJoined::Cut("the connection ended".to_owned());
        let commands = self.commands.as_ref().ok_or_else(gone)?;
        let said = commands.try_send(SessionCommand::Send(message));
        said.map_err(|_| gone())
    }

    async fn answer(&mut self) -> Result<Admissible, NotJoined> {
        while let Some(heard) = &mut self.heard
            && let Some(fact) = heard.recv().await
        {
            match fact {
                SessionFact::Received(Message::Admissible(admissible)) => return Ok(admissible),
                SessionFact::Received(Message::Refused(refused)) => {
                    return Err(NotJoined::Refused {
                        code: refused.code,
                        reason: refused.reason.to_string(),
                    });
                }
                SessionFact::Received(Message::Goodbye(goodbye)) => {
                    return Err(NotJoined::Cut(goodbye.reason.to_string()));
                }
                SessionFact::Closed(reason) => return Err(NotJoined::Cut(reason)),
                SessionFact::Received(_)
                | SessionFact::TurnedAway(_)
                | SessionFact::Opened { .. } => {}
            }
        }
        Err(NotJoined::Cut("the connection ended".to_owned()))
    }
}

/// Introduces this node to whoever dials it, and hears nothing.
async fn answer_the_door(context: SessionContext, mut listener: Box<dyn Listener>) {
    while let Ok(connection) = listener.accept().await {
        let (ear, _) = mpsc::channel(1);
        let owner = Ear(ear).start().recipient();
        let (_, _commands) = context.begin(connection, Side::Responder, EXPECTED, owner);
    }
}
