//! Introducer: the conversation with a tracker that is not the first of its network.

use super::{SessionContext, TICK};
use crate::clock::Clock;
use crate::messages::introducer::{Introduced, TellIntroducer};
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::net::Transport;
use crate::protocol::SessionId;
use crate::protocol::introducer::{Effect, Introducer};
use crate::shell::SessionHandle;
use crate::wire::channel::{Expected, Side};
use crate::wire::message::ChallengeAnswer;
use crate::wire::{Message, NodeRole};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A tracker that does not know its network yet learns it from us; the machine judges which it is.
const EXPECTED: Expected = Expected {
    role: NodeRole::Tracker,
    same_network: false,
    certified_by: None,
};
/// Messages that may wait here: one for each session, and what the link tells a few times.
const MAILBOX: usize = 64;

/// What an introducer needs of the node.
pub struct IntroducerParts {
    /// Its place in the settings.
    pub tracker: usize,
    /// Where it is, for people.
    pub address: String,
    /// What its sessions share with all others.
    pub context: SessionContext,
    /// Dials.
    pub transport: Arc<dyn Transport>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Is told who is introduced.
    pub link: Recipient<Introduced>,
}

/// The shell around one introducer.
pub struct IntroducerActor {
    introducer: Introducer,
    parts: IntroducerParts,
    sessions: BTreeMap<SessionId, SessionHandle>,
    /// The link has to be told whom we know; as long as its mailbox is full, later.
    news: bool,
    closing: bool,
}

impl IntroducerActor {
    /// Around a machine that has not begun.
    pub fn new(introducer: Introducer, parts: IntroducerParts) -> Self {
        Self {
            introducer,
            parts,
            sessions: BTreeMap::new(),
            news: false,
            closing: false,
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Dial { address } => self.dial(address.to_string(), ctx),
                Effect::Send { session, message } => {
                    self.command(session, SessionCommand::Send(message));
                }
                Effect::Answer { session, number } => {
                    let height = self.parts.context.greeting.height();
                    let answer = Message::ChallengeAnswer(ChallengeAnswer { number, height });
                    self.command(session, SessionCommand::Send(answer));
                }
                Effect::Close { session, reason } => {
                    self.command(session, SessionCommand::Close(reason));
                }
                Effect::Changed => self.news = true,
                Effect::Trouble { reason } => {
                    let tracker = &self.parts.address;
                    tracing::warn!(%tracker, %reason, "no connection to a tracker that introduces members; trying again");
                }
            }
        }
    }

    fn command(&mut self, session: SessionId, command: SessionCommand) {
        if let Some(handle) = self.sessions.get_mut(&session) {
            handle.command(command);
        }
    }

    fn dial(&mut self, address: String, ctx: &mut Context<Self>) {
        let dialling = self.parts.transport.dial(address);
        ctx.spawn(
            dialling
                .into_actor(self)
                .map(|result, actor, ctx| match result {
                    Ok(_) if actor.closing => {}
                    Ok(connection) => {
                        let owner = ctx.address().recipient();
                        let context = &actor.parts.context;
                        let begun = context.begin(connection, Side::Initiator, EXPECTED, owner);
                        let (session, commands) = begun;
                        actor
                            .sessions
                            .insert(session, SessionHandle::new(Box::new(commands)));
                    }
                    Err(error) => {
                        let now = actor.parts.clock.steady();
                        let effects = actor.introducer.dial_failed(&error.to_string(), now);
                        actor.carry_out(effects, ctx);
                    }
                }),
        );
    }

    /// Tells whom we know, if that is news.
    fn tell(&mut self) {
        if !self.news {
            return;
        }
        let told = Introduced {
            tracker: self.parts.tracker,
            records: self.introducer.introduced().cloned().collect(),
        };
        self.news = self.parts.link.try_send(told).is_err();
    }

    fn close(&mut self, ctx: &mut Context<Self>) {
        self.closing = true;
        let sessions: Vec<_> = self.sessions.keys().copied().collect();
        for session in sessions {
            self.command(
                session,
                SessionCommand::Close("this node is stopping".into()),
            );
        }
        self.end_if_closed(ctx);
    }

    fn end_if_closed(&self, ctx: &mut Context<Self>) {
        if self.closing && self.sessions.is_empty() {
            ctx.stop();
        }
    }
}

impl Actor for IntroducerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(TICK, |actor, ctx| {
            actor.sessions.values_mut().for_each(SessionHandle::flush);
            if !actor.closing {
                let effects = actor.introducer.tick(actor.parts.clock.steady());
                actor.carry_out(effects, ctx);
                actor.tell();
            }
        });
    }
}

impl Handler<SessionEvent> for IntroducerActor {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, ctx: &mut Self::Context) {
        let (session, now) = (event.session, self.parts.clock.steady());
        let effects = match event.what {
            SessionFact::Opened { hello, .. } => self.introducer.opened(session, &hello, now),
            SessionFact::Received(message) => self.introducer.received(session, message, now),
            SessionFact::Closed(reason) => {
                self.sessions.remove(&session);
                self.end_if_closed(ctx);
                self.introducer.closed(session, &reason, now)
            }
        };
        if !self.closing {
            self.carry_out(effects, ctx);
        }
    }
}

impl Handler<TellIntroducer> for IntroducerActor {
    type Result = ();

    fn handle(&mut self, told: TellIntroducer, ctx: &mut Self::Context) {
        let effects = match told {
            TellIntroducer::Record(record) => self.introducer.record_known(record),
            TellIntroducer::Network(genesis) => self.introducer.network_known(genesis),
            TellIntroducer::Leave(leaving) => self.introducer.leave(leaving),
            TellIntroducer::Close => return self.close(ctx),
        };
        self.carry_out(effects, ctx);
    }
}
