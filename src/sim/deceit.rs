//! A tracker that lies: what the real one says is changed on its way out.

use crate::canonical::CappedText;
use crate::chain::Genesis;
use crate::keys::{PublicKey, SecretKey};
use crate::membership::MemberName;
use crate::messages::session::SessionCommand;
use crate::net::Connection;
use crate::protocol::SessionId;
use crate::shell::{Begin, Port};
use crate::wire::channel::{Expected, Side};
use crate::wire::frame::FrameDecoder;
use crate::wire::member::Leaving;
use crate::wire::message::{MAX_MEMBERS, MembersChanged, RefusalCode, Refused};
use crate::wire::{Member, MemberId, MemberStatement, Message};
use std::sync::{Arc, Mutex, PoisonError};

/// How many members it invents.
const INVENTED: u32 = 5;
/// Numbers that invented members have, unless they have those of others.
const INVENTED_FROM: u32 = 1_000_000;

/// Which lie a tracker tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deceit {
    /// That every name is taken.
    TakesNames,
    /// That everybody has left, in words that are not theirs.
    TellsOfLeaving,
    /// It names one member of all.
    NamesFew,
    /// Who is there is away, and who is away is there, the other way round with each piece of news.
    Flaps,
    /// The first block of another network.
    ForeignGenesis,
    /// Members that do not exist, at addresses of those who do.
    Invents,
    /// The same, under the numbers of those who do.
    Renumbers,
    /// Another key under a name that is somebody's, beside that one.
    NamesTwice,
    /// Another key in place of somebody's.
    ChangesKeys,
}

impl Deceit {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::TakesNames,
        Self::TellsOfLeaving,
        Self::NamesFew,
        Self::Flaps,
        Self::ForeignGenesis,
        Self::Invents,
        Self::Renumbers,
        Self::NamesTwice,
        Self::ChangesKeys,
    ];
}

/// What a tracker says at present in place of the truth, if it does not keep to that.
#[derive(Clone, Default)]
pub struct Tongue(Arc<Mutex<Speech>>);

#[derive(Default)]
struct Speech {
    lie: Option<Deceit>,
    /// How often it was told.
    told: u64,
}

impl Tongue {
    /// From now on it tells this lie, or the truth.
    pub fn tell(&self, lie: Option<Deceit>) {
        self.speech().lie = lie;
    }

    /// Whether it lies.
    pub fn lies(&self) -> bool {
        self.speech().lie.is_some()
    }

    /// What begins the sessions of a tracker that speaks so.
    pub fn begin(&self, begin: Box<dyn Begin>) -> Box<dyn Begin> {
        let tongue = self.clone();
        Box::new(Speaking { tongue, begin })
    }

    /// What is said in place of this.
    fn changed(&self, message: Message) -> Message {
        let mut speech = self.speech();
        let Some(lie) = speech.lie else {
            return message;
        };
        speech.told += 1;
        match message {
            Message::Registered(_) if lie == Deceit::TakesNames => {
                let reason = CappedText::cut("another key has this name");
                Message::Refused(Refused {
                    code: RefusalCode::NameTaken,
                    reason,
                })
            }
            Message::Registered(mut registered) if lie == Deceit::ForeignGenesis => {
                registered.genesis = registered.genesis.map(foreign);
                Message::Registered(registered)
            }
            Message::GenesisKnown(genesis) if lie == Deceit::ForeignGenesis => {
                Message::GenesisKnown(foreign(genesis))
            }
            Message::MembersChanged(told) => {
                Message::MembersChanged(retold(told, lie, speech.told))
            }
            Message::Members(changed) => {
                let left = Vec::new();
                let told = retold(MembersChanged { changed, left }, lie, speech.told);
                Message::Members(told.changed)
            }
            other => other,
        }
    }

    /// A panic ends the simulation anyway.
    fn speech(&self) -> std::sync::MutexGuard<'_, Speech> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Speaking {
    tongue: Tongue,
    begin: Box<dyn Begin>,
}

impl Begin for Speaking {
    fn begin(
        &mut self,
        connection: Connection,
        side: Side,
        expected: Expected,
    ) -> (SessionId, Box<dyn Port<SessionCommand>>) {
        let (session, port) = self.begin.begin(connection, side, expected);
        let tongue = self.tongue.clone();
        (session, Box::new(Mouth { tongue, port }))
    }
}

struct Mouth {
    tongue: Tongue,
    port: Box<dyn Port<SessionCommand>>,
}

impl Port<SessionCommand> for Mouth {
    fn offer(&mut self, command: SessionCommand) -> Result<(), SessionCommand> {
        let message = match command {
            SessionCommand::Send(message) => message,
            SessionCommand::SendFrame(frame) if self.tongue.lies() => {
                let mut frames = FrameDecoder::new(Message::most);
                let frame = frames.next(&mut &frame[..]).ok().flatten();
                let message = frame.and_then(|frame| Message::decode(&frame).ok());
                message.expect("a frame that a tracker sends is one")
            }
            other => return self.port.offer(other),
        };
        // What finds no room is offered again, and changed once more: it is a lie in any case.
        self.port
            .offer(SessionCommand::Send(self.tongue.changed(message)))
    }
}

/// The first block of another network by the same tracker.
fn foreign(mut genesis: Genesis) -> Genesis {
    genesis.header.nonce = genesis.header.nonce.wrapping_add(1);
    genesis
}

fn retold(mut told: MembersChanged, lie: Deceit, time: u64) -> MembersChanged {
    let first = told.changed.first().cloned();
    match lie {
        Deceit::TellsOfLeaving => {
            let words = told.changed.drain(..).map(|member| {
                let said = member.record.statement;
                let word = Leaving::sign(said.tracker, said.sequence + 1, &invented(0));
                Leaving {
                    key: said.key,
                    ..word
                }
            });
            told.left = words.collect();
        }
        Deceit::NamesFew => told.changed.truncate(1),
        Deceit::Flaps => {
            for member in &mut told.changed {
                member.live = time.is_multiple_of(2);
                member.reachable = member.live;
            }
        }
        Deceit::Invents | Deceit::Renumbers => {
            let true_ones = told.changed.clone();
            for (number, member) in (0..INVENTED).zip(true_ones.iter().cycle()) {
                let name = format!("nobody-{number}");
                let id = match lie {
                    Deceit::Renumbers => member.id,
                    _ => MemberId(INVENTED_FROM + number),
                };
                let name = name.parse().expect("it is a name");
                told.changed.push(another(member, id, name, number));
            }
        }
        Deceit::NamesTwice => told.changed.extend(first.map(|member| {
            let name = member.record.statement.name.clone();
            another(
                &member,
                MemberId(INVENTED_FROM),
                name,
                INVENTED + member.id.0,
            )
        })),
        Deceit::ChangesKeys => {
            for member in &mut told.changed {
                let name = member.record.statement.name.clone();
                *member = another(member, member.id, name, INVENTED + member.id.0);
            }
        }
        Deceit::TakesNames | Deceit::ForeignGenesis => {}
    }
    told.changed.truncate(MAX_MEMBERS);
    told
}

fn invented(number: u32) -> SecretKey {
    let mut bytes = [0xEE; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_bytes(bytes)
}

/// A member with a key of the tracker's own making, at the addresses of this one.
fn another(member: &Member, id: MemberId, name: MemberName, number: u32) -> Member {
    let key = invented(number);
    let said = &member.record.statement;
    let tracker: PublicKey = said.tracker;
    let statement = MemberStatement {
        tracker,
        sequence: said.sequence,
        name,
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: said.addresses.clone(),
    };
    Member {
        id,
        record: statement.sign(&key),
        live: true,
        reachable: true,
        since: member.since,
    }
}
