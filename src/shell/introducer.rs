//! Introducer: the conversation with a tracker that is not the first of its network.

use super::{Begin, Dial, Greeting, Link, Port, Sessions};
use crate::clock::Clock;
use crate::messages::introducer::{AdminMet, Introduced, IssuedElsewhere, TellIntroducer};
use crate::messages::session::{Dialled, SessionEvent, SessionFact};
use crate::messages::tracker_link::HearStatements;
use crate::protocol::introducer::{Effect, Introducer};
use crate::wire::NodeRole;
use crate::wire::channel::{Expected, Side};
use std::sync::Arc;

/// A tracker that does not know its network yet learns it from us; the machine judges which it is.
const EXPECTED: Expected = Expected {
    role: NodeRole::Tracker,
    same_network: false,
    member: false,
    members: None,
};

/// What an introducer needs of the node.
pub struct IntroducerParts {
    /// Its place in the settings.
    pub tracker: usize,
    /// Where it is, for people.
    pub address: String,
    /// What this node says of itself.
    pub greeting: Arc<Greeting>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Begins sessions.
    pub begin: Box<dyn Begin>,
    /// Dials.
    pub dial: Link<Dial>,
    /// Is told who is introduced.
    pub link: Box<dyn Port<Introduced>>,
    /// Is told what is to be judged.
    pub judge: Link<IssuedElsewhere>,
    /// Talks with the tracker that speaks for the network. What finds no room is told again in the next session.
    pub admin: Box<dyn Port<AdminMet>>,
    /// Keeps what the admin has said. What finds no room is told again in the next session.
    pub statements: Box<dyn Port<HearStatements>>,
}

/// The shell around one introducer.
pub struct IntroducerShell {
    introducer: Introducer,
    sessions: Sessions<()>,
    tracker: usize,
    address: String,
    greeting: Arc<Greeting>,
    clock: Arc<dyn Clock>,
    dial: Link<Dial>,
    link: Box<dyn Port<Introduced>>,
    judge: Link<IssuedElsewhere>,
    admin: Box<dyn Port<AdminMet>>,
    statements: Box<dyn Port<HearStatements>>,
    /// The link has to be told whom we know; as long as it has no room, later.
    news: bool,
}

impl IntroducerShell {
    /// Around a machine that has not begun.
    pub fn new(introducer: Introducer, parts: IntroducerParts) -> Self {
        Self {
            introducer,
            sessions: Sessions::new(parts.begin, EXPECTED),
            tracker: parts.tracker,
            address: parts.address,
            greeting: parts.greeting,
            clock: parts.clock,
            dial: parts.dial,
            link: parts.link,
            judge: parts.judge,
            admin: parts.admin,
            statements: parts.statements,
            news: false,
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Dial { address } => self.dial.send(Dial(address.to_string())),
                Effect::Send { session, message } => self.sessions.send(session, message),
                Effect::Answer { session, number } => {
                    let height = self.greeting.height();
                    self.sessions.answer_challenge(session, number, height);
                }
                Effect::Close { session, reason } => self.sessions.close(session, reason),
                Effect::Hear(heard) => {
                    if self.statements.offer(HearStatements(heard)).is_err() {
                        tracing::debug!("what the admin has said found no room");
                    }
                }
                Effect::Changed => self.news = true,
                Effect::MetAdmin { address, key } => {
                    let tracker = self.tracker;
                    let met = AdminMet {
                        tracker,
                        address,
                        key,
                    };
                    if self.admin.offer(met).is_err() {
                        tracing::debug!("the link has no room to be told of the leading tracker");
                    }
                }
                Effect::Issued(certificate) => self.judge.send(IssuedElsewhere {
                    tracker: self.tracker,
                    certificate: Box::new(certificate),
                }),
                Effect::Trouble { reason } => {
                    let tracker = &self.address;
                    tracing::warn!(%tracker, %reason, "no connection to a tracker that introduces members; trying again");
                }
            }
        }
    }

    /// Tells whom we know, if that is news.
    fn tell(&mut self) {
        if self.news {
            let told = Introduced {
                tracker: self.tracker,
                members: self.introducer.introduced().cloned().collect(),
            };
            self.news = self.link.offer(told).is_err();
        }
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.dial.flush();
        self.judge.flush();
        self.sessions.flush();
        if !self.sessions.are_closing() {
            let effects = self.introducer.tick(self.clock.steady());
            self.carry_out(effects);
            self.tell();
        }
    }

    /// What came of a dial.
    pub fn dialled(&mut self, message: Dialled) {
        match message.result {
            Ok(connection) => {
                self.sessions.begin(connection, Side::Initiator, ());
            }
            Err(error) => {
                let now = self.clock.steady();
                let effects = self.introducer.dial_failed(&error.to_string(), now);
                self.carry_out(effects);
            }
        }
    }

    /// A session tells something.
    pub fn session_told(&mut self, event: SessionEvent) {
        let (session, now) = (event.session, self.clock.steady());
        let effects = match event.what {
            SessionFact::Opened { hello, .. } => {
                self.greeting.know_tracker(hello.key);
                self.introducer.opened(session, &hello, now)
            }
            SessionFact::Received(message) => self.introducer.received(session, message, now),
            // Only members turn others away so; its end follows.
            SessionFact::TurnedAway(_) => Vec::new(),
            SessionFact::Closed(reason) => {
                self.sessions.end(session);
                self.introducer.closed(session, &reason, now)
            }
        };
        if !self.sessions.are_closing() {
            self.carry_out(effects);
        }
    }

    /// The link to the first tracker has learnt something, or the node is stopping.
    pub fn told(&mut self, told: TellIntroducer) {
        let effects = match told {
            TellIntroducer::Record(record) => self.introducer.record_known(record),
            TellIntroducer::Network(genesis) => self.introducer.network_known(genesis),
            TellIntroducer::Renew => self.introducer.renew(),
            TellIntroducer::Statements(known) => self.introducer.statements_known(known),
            TellIntroducer::Leave(leaving) => self.introducer.leave(leaving),
            TellIntroducer::Instead(address) => {
                self.address = address.to_string();
                self.introducer.take_over(address)
            }
            TellIntroducer::Connect(true) => {
                self.introducer.connect();
                Vec::new()
            }
            TellIntroducer::Connect(false) => self.introducer.disconnect(),
            TellIntroducer::Close => return self.sessions.close_all(),
        };
        self.carry_out(effects);
    }

    /// Whether every goodbye was said, after the node began to stop.
    pub fn is_over(&self) -> bool {
        self.sessions.are_over()
    }
}
