//! What is said over a line, and when it arrives.

use super::*;

#[expect(clippy::large_enum_variant, reason = "most are messages")]
pub(super) enum Packet {
    Message(Message),
    Closed,
}

pub(super) struct Line {
    pub(super) ends: [usize; 2],
    pub(super) open: [bool; 2],
    /// What is on its way to each end, and when it arrives.
    pub(super) to: [VecDeque<(SteadyTime, Packet)>; 2],
    pub(super) pace_ms: u64,
    /// Bodies asked for and not there yet, by end.
    pub(super) outstanding: [usize; 2],
    /// Bodies asked for so far, by end.
    pub(super) asked: [usize; 2],
    /// What each end waits for before it reads on.
    pub(super) parked: [Option<oneshot::Receiver<()>>; 2],
}

impl World {
    pub(super) fn send(&mut self, at: usize, session: SessionId, packet: Packet) {
        let Some(side) = self.side(session, at) else {
            return;
        };
        let Some(line) = self.lines.get_mut(&session) else {
            return;
        };
        let delay = self.random.up_to(line.pace_ms);
        let queue = &mut line.to[1 - side];
        let is_slow = |packet: &Packet| matches!(packet, Packet::Message(Message::Block(_)));
        let quick = queue.iter().rev().find(|(_, packet)| !is_slow(packet));
        let before = match self.peers[at].kind {
            Kind::Dripper | Kind::Late | Kind::Slow => quick.map_or(self.now, |(due, _)| *due),
            _ => queue.back().map_or(self.now, |(due, _)| *due),
        };
        let due = before.max(self.now.plus_ms(delay));
        let place = queue.partition_point(|(other, _)| *other <= due);
        queue.insert(place, (due, packet));
    }

    /// Sends a body when others are long done: a dripper one after the other, the last one never.
    pub(super) fn send_late(&mut self, at: usize, session: SessionId, block: Block) {
        let kind = self.peers[at].kind;
        if kind == Kind::Dripper && block.id() == self.tip(at) {
            return;
        }
        let Some(side) = self.side(session, at) else {
            return;
        };
        let Some(line) = self.lines.get_mut(&session) else {
            return;
        };
        let queue = &mut line.to[1 - side];
        let last = queue.iter().rev().find_map(|(due, packet)| {
            matches!(packet, Packet::Message(Message::Block(_))).then_some(*due)
        });
        let due = match kind {
            Kind::Dripper => last.unwrap_or(self.now).plus_ms(1_900),
            Kind::Slow => last.map_or(self.now.plus_ms(1_500), |last| last.plus_ms(240)),
            _ => self.now.plus_ms(2_400),
        };
        let place = queue.partition_point(|(other, _)| *other <= due);
        queue.insert(place, (due, Packet::Message(Message::Block(block))));
    }

    pub(super) fn send_message(&mut self, at: usize, session: SessionId, message: Message) {
        self.count(at, session, &message);
        self.send(at, session, Packet::Message(message));
    }

    /// Keeps the books of what is asked, and holds the machine to its bounds.
    pub(super) fn count(&mut self, at: usize, session: SessionId, message: &Message) {
        let Some(side) = self.side(session, at) else {
            return;
        };
        let Some(line) = self.lines.get_mut(&session) else {
            return;
        };
        match message {
            Message::GetBlocks(ids) => {
                assert!(!ids.is_empty() && ids.len() <= 16);
                line.outstanding[side] += ids.len();
                line.asked[side] += ids.len();
                let honest = line
                    .ends
                    .iter()
                    .all(|n| self.peers[*n].kind == Kind::Honest);
                assert!(!honest || self.slow_ledgers || line.outstanding[side] <= 16);
                for id in ids {
                    *self.peers[at].asked_blocks.entry(*id).or_default() += 1;
                }
            }
            Message::Block(_) | Message::NoBlock(_) => line.outstanding[1 - side] -= 1,
            _ => {}
        }
        let status = self.peers[at].own.shell.status(GetGossipStatus);
        assert!(status.blocks_in_flight <= 128);
    }

    pub(super) fn deliver(&mut self) {
        let sessions: Vec<_> = self.lines.keys().copied().collect();
        let first = usize::try_from(self.random.up_to(1_000)).unwrap();
        for n in 0..sessions.len() {
            let session = sessions[(first + n) % sessions.len()];
            for side in 0..2 {
                while let Some(line) = self.lines.get_mut(&session)
                    && !is_parked(&mut line.parked[side])
                    && line.to[side]
                        .front()
                        .is_some_and(|(due, _)| *due <= self.now)
                    && let Some((_, packet)) = line.to[side].pop_front()
                {
                    let at = line.ends[side];
                    if !line.open[side] {
                        continue;
                    }
                    match packet {
                        Packet::Closed => self.end(session, side),
                        Packet::Message(message) => self.hear(at, session, message),
                    }
                }
            }
        }
    }

    pub(super) fn hear(&mut self, at: usize, session: SessionId, message: Message) {
        let peer = &mut self.peers[at];
        if peer.kind == Kind::Mute && matches!(message, Message::GetTransactions(_)) {
            return;
        }
        let parked = peer.own.received(session, message);
        self.park(at, session, parked);
    }
}
