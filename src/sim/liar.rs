//! A member that does not keep to the protocol: admitted and certified like everybody, and then it
//! stalls, denies, forges, invents, or keeps the blocks that it mines to itself.

use super::network::address;
use super::search::SimSearch;
use super::withheld::Withheld;
use crate::actors::{Order, Search, SessionContext};
use crate::chain::locator::MAX_HEADERS;
use crate::chain::{Block, BlockId, Header, TransactionId};
use crate::clock::Clock;
use crate::membership::Statements;
use crate::messages::gossip::ConnectionAccepted;
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::net::{Connection, Transport};
use crate::protocol::SessionId;
use crate::protocol::mining::Part;
use crate::wire::channel::{Expected, Side};
use crate::wire::{Message, NodeRole};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message as ActorMessage, Recipient,
    WrapFuture,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How often it dials whom it has no session with.
const DIAL_EVERY: Duration = Duration::from_secs(5);
/// The same of each of a crowd that one owner has invented.
const SYBILS_DIAL_EVERY: Duration = Duration::from_secs(20);
/// Blocks that it keeps to forge.
const KEPT: usize = 200;

/// How often one that drips sends a body: just before others would be asked for it.
const DRIP_EVERY: Duration = Duration::from_millis(1_900);
/// Bodies that it still owes, of all sessions together.
const OWED: usize = 1_000;
/// How often one that floods does, and how much at a time.
const FLOOD_EVERY: Duration = Duration::from_millis(250);
const FLOOD: u64 = 20;

/// How often it begins to search anew, as miners do.
const SEARCH_EVERY: Duration = Duration::from_secs(1);

/// What it does when it is asked for a block that it has shown the header of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing, nor does it answer anything else.
    Stalls,
    /// It says that it has none.
    Denies,
    /// It sends one with a transaction less, or one that is another's.
    Forges,
    /// It shows every header there is, and sends one body every 1.9 s, however many it was asked for.
    Drips,
    /// It asks for headers and tells of transactions, far more than anybody can use.
    Floods,
    /// It shows headers without work, and ids of transactions that do not exist.
    Invents,
    /// It has invented so many members more, who take places and say nothing.
    Sybils(usize),
    /// It mines, and shows what it finds when it is so many blocks ahead, or about to be overtaken; never,
    /// if nothing is said.
    Withholds(Option<u64>),
}

/// What it needs of its node.
pub struct LiarParts {
    /// Which lie.
    pub lie: Lie,
    /// Which host it is, of how many.
    pub host: usize,
    /// How many hosts there are.
    pub hosts: usize,
    /// What its sessions share.
    pub context: SessionContext,
    /// Who is a member.
    pub members: Arc<Statements>,
    /// The network's first block.
    pub genesis: BlockId,
    /// Dials.
    pub transport: Arc<dyn Transport>,
    /// What it mines with, and what it keeps, if it withholds.
    pub miner: Option<(SimSearch, Withheld)>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
}

/// It, in place of Gossip and everything above.
pub struct Liar {
    parts: LiarParts,
    sessions: BTreeMap<SessionId, (Recipient<SessionCommand>, Option<usize>)>,
    dialling: BTreeSet<usize>,
    blocks: BTreeMap<BlockId, Block>,
    /// What it searches a nonce for.
    job: Option<Block>,
    /// What it passed on: two liars would tell each other for ever.
    seen: BTreeSet<[u8; 32]>,
    told: u64,
    /// Bodies that it was asked for and has not sent.
    owed: VecDeque<(SessionId, BlockId)>,
    /// The headers that it was shown, if it is one that drips, and the highest of them.
    shown: BTreeMap<BlockId, Header>,
    highest: Option<Header>,
}

impl Liar {
    /// One that lies from now on.
    pub fn new(parts: LiarParts) -> Self {
        Self {
            parts,
            sessions: BTreeMap::new(),
            dialling: BTreeSet::new(),
            blocks: BTreeMap::new(),
            job: None,
            seen: BTreeSet::new(),
            told: 0,
            owed: VecDeque::new(),
            shown: BTreeMap::new(),
            highest: None,
        }
    }

    /// One that drips has all headers to show.
    fn keep(&mut self, header: Header) {
        if self.parts.lie == Lie::Drips {
            self.shown.insert(header.id(), header);
            self.highest = self
                .highest
                .filter(|highest| highest.height >= header.height)
                .or(Some(header));
        }
    }

    /// What follows the locator on the way to the highest header.
    fn headers_after(&self, locator: &[BlockId]) -> Vec<Header> {
        let before = |header: &Header| self.shown.get(&header.previous).copied();
        let way_back = std::iter::successors(self.highest, before);
        let after = way_back.take_while(|header| !locator.contains(&header.id()));
        let mut headers: Vec<_> = after.collect();
        headers.reverse();
        headers.truncate(MAX_HEADERS);
        headers
    }

    fn drip(&mut self, _: &mut Context<Self>) {
        if let Some((session, id)) = self.owed.pop_front() {
            let block = self.blocks.get(&id).cloned();
            let answer = block.map_or(Message::NoBlock(id), Message::Block);
            self.send(session, answer);
        }
    }

    fn flood(&mut self, _: &mut Context<Self>) {
        for session in self.sessions.keys() {
            self.send(*session, Message::GetHeaders(vec![self.parts.genesis]));
        }
        for _ in 0..FLOOD {
            let ids = self.invent_ids();
            for session in self.sessions.keys() {
                self.send(*session, Message::AnnounceTransactions(ids.clone()));
            }
        }
    }

    /// Ids of transactions that do not exist.
    fn invent_ids(&mut self) -> Vec<TransactionId> {
        let mut ids = Vec::new();
        for _ in 0..FLOOD {
            self.told += 1;
            let mut id = TransactionId([0xEE; 32]);
            id.0[..8].copy_from_slice(&self.told.to_le_bytes());
            ids.push(id);
        }
        ids
    }

    fn dial(&mut self, ctx: &mut Context<Self>) {
        let connected: BTreeSet<_> = self
            .sessions
            .values()
            .filter_map(|(_, host)| *host)
            .collect();
        for host in (1..self.parts.hosts).filter(|host| *host != self.parts.host) {
            if connected.contains(&host) || !self.dialling.insert(host) {
                continue;
            }
            let dialling = self.parts.transport.dial(address(host).to_string());
            ctx.spawn(dialling.into_actor(self).map(move |dialled, liar, ctx| {
                liar.dialling.remove(&host);
                if let Ok(connection) = dialled {
                    liar.begin(connection, Side::Initiator, Some(host), ctx);
                }
            }));
        }
    }

    fn begin(
        &mut self,
        connection: Connection,
        side: Side,
        host: Option<usize>,
        ctx: &mut Context<Self>,
    ) {
        let expected = Expected {
            role: NodeRole::Peer,
            same_network: true,
            member: true,
            members: Some(self.parts.members.clone()),
        };
        let owner = ctx.address().recipient();
        let (session, commands) = self.parts.context.begin(connection, side, expected, owner);
        self.sessions.insert(session, (commands, host));
    }

    fn send(&self, session: SessionId, message: Message) {
        if let Some((commands, _)) = self.sessions.get(&session) {
            // What finds no room is not missed.
            let _ = commands.try_send(SessionCommand::Send(message));
        }
    }

    fn send_others(&self, session: SessionId, message: &Message) {
        for other in self.sessions.keys().filter(|other| **other != session) {
            self.send(*other, message.clone());
        }
    }

    fn received(&mut self, session: SessionId, message: Message, ctx: &mut Context<Self>) {
        if self.parts.miner.is_some() {
            return self.withholds(session, message, ctx);
        }
        if matches!(self.parts.lie, Lie::Sybils(_)) {
            if let Message::GetHeaders(_) = message {
                self.send(session, Message::Headers(Vec::new()));
            }
            return;
        }
        match message {
            Message::AnnounceBlock(header) => self.saw(session, header),
            Message::Headers(headers) => {
                headers.iter().for_each(|header| self.keep(*header));
                if let Some(last) = headers.last() {
                    self.saw(session, *last);
                }
            }
            Message::Block(block) => {
                if self.blocks.len() == KEPT {
                    self.blocks.pop_first();
                }
                self.blocks.insert(block.id(), block);
            }
            Message::AnnounceTransactions(mut ids) => {
                ids.retain(|id| self.seen.insert(id.0));
                if !ids.is_empty() {
                    self.send_others(session, &Message::AnnounceTransactions(ids));
                }
            }
            Message::GetBlocks(ids) => self.asked(session, ids),
            Message::GetHeaders(locator) if self.parts.lie != Lie::Stalls => {
                let headers = self.headers_after(&locator);
                self.send(session, Message::Headers(headers));
            }
            _ => {}
        }
    }

    /// Passes it on as if it had it.
    fn saw(&mut self, session: SessionId, header: Header) {
        if !self.seen.insert(header.id().0) {
            return;
        }
        self.keep(header);
        self.send_others(session, &Message::AnnounceBlock(header));
        match self.parts.lie {
            Lie::Forges | Lie::Drips => {
                self.send(session, Message::GetBlocks(vec![header.id()]));
            }
            Lie::Invents => {
                self.told += 1;
                let child = Header {
                    previous: header.id(),
                    height: header.height.next(),
                    nonce: self.told,
                    ..header
                };
                self.send(session, Message::AnnounceBlock(child));
                let mut id = TransactionId([0xEE; 32]);
                id.0[..8].copy_from_slice(&self.told.to_le_bytes());
                self.send(session, Message::AnnounceTransactions(vec![id]));
            }
            Lie::Stalls | Lie::Denies | Lie::Floods | Lie::Sybils(_) | Lie::Withholds(_) => {}
        }
    }

    /// What a miner hears that keeps its blocks to itself.
    fn withholds(&mut self, session: SessionId, message: Message, ctx: &mut Context<Self>) {
        let Some((_, withheld)) = &mut self.parts.miner else {
            return;
        };
        let headers = match message {
            Message::AnnounceBlock(header) => vec![header],
            Message::Headers(headers) => headers,
            Message::GetHeaders(locator) => {
                let headers = withheld.headers_after(&locator);
                return self.send(session, Message::Headers(headers));
            }
            Message::GetBlocks(ids) => {
                let block = |id: &BlockId| withheld.block(id).cloned();
                let answer = |id| block(&id).map_or(Message::NoBlock(id), Message::Block);
                let answers: Vec<_> = ids.into_iter().map(answer).collect();
                return answers
                    .into_iter()
                    .for_each(|answer| self.send(session, answer));
            }
            _ => return,
        };
        let before = withheld.seen();
        if !headers.iter().all(|header| withheld.shown(header)) {
            let locator = vec![withheld.seen(), self.parts.genesis];
            self.send(session, Message::GetHeaders(locator));
        } else if withheld.seen() != before {
            self.search(ctx);
        }
    }

    /// Shows what is to be shown, and searches on.
    fn search(&mut self, ctx: &mut Context<Self>) {
        let Some((search, withheld)) = &mut self.parts.miner else {
            return;
        };
        let shown = withheld.show();
        self.job = withheld.job(self.parts.clock.wall());
        if let Some(job) = &self.job
            && let Ok(target) = job.header.target.expand()
        {
            let to = ctx.address().recipient();
            search.begin(Order {
                header: job.header.to_bytes(),
                target: target.to_be_bytes(),
                part: Part(0),
                done: Arc::new(move |nonce| {
                    // Gone only when the node stops.
                    let _ = to.try_send(Found(nonce));
                }),
            });
        }
        for session in self.sessions.keys() {
            if let Some(header) = shown {
                self.send(*session, Message::AnnounceBlock(header));
            }
        }
    }

    fn asked(&mut self, session: SessionId, ids: Vec<BlockId>) {
        for id in ids {
            match self.parts.lie {
                Lie::Stalls | Lie::Invents | Lie::Floods | Lie::Sybils(_) | Lie::Withholds(_) => {}
                Lie::Drips if self.owed.len() < OWED => self.owed.push_back((session, id)),
                Lie::Drips => {}
                Lie::Denies => self.send(session, Message::NoBlock(id)),
                Lie::Forges => {
                    let Some(mut block) = self.blocks.get(&id).cloned() else {
                        continue;
                    };
                    if block.transactions.len() > 1 {
                        block.transactions.pop();
                    } else if let Some(other) = self.blocks.values().find(|other| other.id() != id)
                    {
                        block.transactions.clone_from(&other.transactions);
                    }
                    self.send(session, Message::Block(block));
                }
            }
        }
    }
}

impl Actor for Liar {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.dial(ctx);
        let dial_every = match self.parts.lie {
            Lie::Sybils(_) => SYBILS_DIAL_EVERY,
            _ => DIAL_EVERY,
        };
        ctx.run_interval(dial_every, Self::dial);
        ctx.run_interval(SEARCH_EVERY, Self::search);
        match self.parts.lie {
            Lie::Drips => drop(ctx.run_interval(DRIP_EVERY, Self::drip)),
            Lie::Floods => drop(ctx.run_interval(FLOOD_EVERY, Self::flood)),
            _ => {}
        }
    }
}

/// The end of a search.
#[derive(ActorMessage)]
#[rtype(result = "()")]
struct Found(Option<u64>);

impl Handler<Found> for Liar {
    type Result = ();

    fn handle(&mut self, message: Found, ctx: &mut Self::Context) {
        if let (Some((_, withheld)), Some(mut block), Some(nonce)) =
            (&mut self.parts.miner, self.job.take(), message.0)
        {
            block.header.nonce = nonce;
            withheld.found(block);
            self.search(ctx);
        }
    }
}

impl Handler<ConnectionAccepted> for Liar {
    type Result = ();

    fn handle(&mut self, message: ConnectionAccepted, ctx: &mut Self::Context) {
        self.begin(message.0, Side::Responder, None, ctx);
    }
}

impl Handler<SessionEvent> for Liar {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, ctx: &mut Self::Context) {
        match event.what {
            SessionFact::Opened { .. } => {
                let locator = vec![self.parts.genesis];
                self.send(event.session, Message::GetHeaders(locator));
            }
            SessionFact::Received(message) => self.received(event.session, message, ctx),
            SessionFact::TurnedAway(_) => {}
            SessionFact::Closed(_) => {
                self.sessions.remove(&event.session);
            }
        }
    }
}
