//! The shell of a session with both ends of a channel in hand, and both clocks apart.

use super::queue::MAX_QUEUED;
use super::*;
use crate::chain::testing::{START, genesis, member};
use crate::chain::{Block, BlockId, Timestamp};
use crate::messages::session::SessionCommand;
use crate::shell::testing::{HandClock, Outbound};
use crate::wire::channel::{
    Channel, ChannelSecrets, Handshake, RECORD_DATA, RecordKind, SECRETS_LEN, Sealer, Side,
};
use crate::wire::limits::FRAME_CAP;
use futures_util::FutureExt;

/// The channel that two ends make.
fn channels() -> [Channel; 2] {
    let end = |side, seed| Handshake::new(side, ChannelSecrets::from_bytes([seed; SECRETS_LEN]));
    let mut ends = [end(Side::Initiator, 1), end(Side::Responder, 2)].map(Result::unwrap);
    let mut channels = [None, None];
    let mut said = Vec::new();
    for turn in (0..2).cycle().take(8) {
        let (heard, mut out) = (std::mem::take(&mut said), Vec::new());
        if channels[turn].is_none() {
            channels[turn] = ends[turn].advance(&mut heard.as_slice(), &mut out).unwrap();
        }
        said = out;
    }
    channels.map(|channel| channel.expect("the handshake is over"))
}

/// A session, and what the other end has in its hands.
struct Session {
    shell: PeerSessionShell,
    clock: Arc<HandClock>,
    clocks: Outbound<ClockRead>,
    waiting: Waiting,
    there: Sealer,
}

impl Session {
    fn new(clock_of: Option<u8>) -> Self {
        let [here, there] = channels();
        let (mut opener, mut there) = (here.opener, there.sealer);
        let mut out = Vec::new();
        there
            .seal(RecordKind::Introduction, b"hello", &mut out)
            .unwrap();
        assert!(opener.next(&mut out.as_slice()).unwrap().is_some());
        let (clock, clocks) = (HandClock::new(), Outbound::new());
        let (outgoing, waiting) = Outgoing::new();
        let parts = PeerSessionParts {
            session: SessionId(1),
            outgoing,
            clock: clock.clone(),
            clocks: Box::new(clocks.clone()),
            clock_of: clock_of.map(|number| member(number).public_key()),
            is_later: false,
            stage: Stage::Open,
        };
        Self {
            shell: PeerSessionShell::new(opener, parts),
            clock,
            clocks,
            waiting,
            there,
        }
    }

    /// The other end says this, in one record.
    fn hear_bytes(&mut self, frames: &[u8]) -> (Vec<Message>, Result<(), SessionEnd>) {
        let mut out = Vec::new();
        self.there
            .seal(RecordKind::Frames, frames, &mut out)
            .unwrap();
        let (mut bytes, mut messages) = (out.as_slice(), VecDeque::new());
        let result = loop {
            match self.shell.take(&mut bytes, &mut messages) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(end) => break Err(end),
            }
        };
        (messages.into(), result)
    }

    fn hear(&mut self, messages: &[Message]) -> (Vec<Message>, Result<(), SessionEnd>) {
        let frames: Vec<u8> = messages
            .iter()
            .flat_map(|m| m.to_frame().unwrap())
            .collect();
        self.hear_bytes(&frames)
    }

    /// What waits to be written next.
    fn said(&mut self) -> Option<Message> {
        let Queued::Frame(frame) = self.waiting.recv().now_or_never()?? else {
            panic!("a message");
        };
        let mut frames = FrameDecoder::new(Message::most);
        let frame = frames.next(&mut &*frame).unwrap().expect("a whole frame");
        Some(Message::decode(&frame).unwrap())
    }
}

#[test]
fn a_silent_line_is_asked_and_then_given_up_whatever_the_wall_clock_says() {
    let mut session = Session::new(None);
    session.clock.pass(PING_AFTER_MS - 1);
    session.clock.set_wall(Timestamp(u64::MAX));
    assert_eq!(session.shell.may_be_silent_ms(), 1);
    assert_eq!(session.shell.time_passed(), Ok(()));
    assert_eq!(session.said(), None, "a year passed on the wall alone");
    session.clock.pass(1);
    assert_eq!(session.shell.time_passed(), Ok(()));
    assert_eq!(session.said(), Some(Message::Ping(1)));
    assert_eq!(session.shell.may_be_silent_ms(), SILENCE_MS);
    // Half a record is a sign of life.
    session.clock.pass(SILENCE_MS - 1);
    assert_eq!(session.shell.time_passed(), Ok(()));
    let mut half: &[u8] = &[0];
    let taken = session.shell.take(&mut half, &mut VecDeque::new());
    assert_eq!(taken, Ok(false));
    assert_eq!(session.shell.may_be_silent_ms(), PING_AFTER_MS);
    session.clock.pass(PING_AFTER_MS);
    assert_eq!(session.shell.time_passed(), Ok(()));
    assert_eq!(session.said(), Some(Message::Ping(2)));
    session.clock.set_wall(Timestamp(0));
    session.clock.pass(SILENCE_MS - 1);
    assert_eq!(session.shell.time_passed(), Ok(()));
    session.clock.pass(1);
    let gone = SessionEnd::Gone("no sign of life".into());
    assert_eq!(session.shell.time_passed(), Err(gone));
}

#[test]
fn the_answer_to_the_last_ping_is_a_look_at_the_others_clock_and_no_other_is() {
    let pong = |number| {
        Message::Pong(Pong {
            number,
            time: START,
        })
    };
    let mut session = Session::new(Some(7));
    session.shell.ping().unwrap();
    session.clock.pass(100);
    assert_eq!(session.hear(&[pong(1)]), (vec![], Ok(())));
    let read = session.clocks.take().expect("it is the answer");
    assert_eq!(read.from, member(7).public_key());
    // A late answer, one to a question that was never asked, one that took too long.
    session.shell.ping().unwrap();
    assert_eq!(session.hear(&[pong(1), pong(3)]), (vec![], Ok(())));
    assert!(session.clocks.take().is_none());
    let mut stranger = Session::new(None);
    stranger.shell.ping().unwrap();
    assert_eq!(stranger.hear(&[pong(1)]), (vec![], Ok(())));
    assert!(
        stranger.clocks.take().is_none(),
        "whose clock is nobody's to compare"
    );
}

#[test]
fn a_ping_is_answered_by_the_wall_clock_and_is_not_the_owners() {
    let mut session = Session::new(None);
    session.clock.pass(5);
    session.clock.set_wall(Timestamp(77));
    let asked = Message::GetHeaders(vec![BlockId([1; 32])]);
    let heard = session.hear(&[Message::Ping(9), asked.clone()]);
    assert_eq!(heard, (vec![asked], Ok(())));
    let pong = Pong {
        number: 9,
        time: Timestamp(77),
    };
    assert_eq!(session.said(), Some(Message::Pong(pong)));
}

#[test]
fn what_was_said_before_a_broken_rule_is_dealt_with() {
    let mut session = Session::new(None);
    let before = Message::NoBlock(BlockId([1; 32]));
    let mut frames = before.to_frame().unwrap();
    // A frame of two bytes with a code that nobody knows.
    frames.extend([2, 0, 0, 0, 120, 0]);
    frames.extend(Message::NoBlock(BlockId([2; 32])).to_frame().unwrap());
    let (messages, end) = session.hear_bytes(&frames);
    assert_eq!(messages, [before]);
    assert!(matches!(end, Err(SessionEnd::Refused(_))), "{end:?}");
}

#[test]
fn attack_who_asks_and_never_reads_is_let_go_at_the_end_of_the_queue() {
    let mut session = Session::new(None);
    let ping = [Message::Ping(1)];
    for _ in 0..MAX_QUEUED {
        assert_eq!(session.hear(&ping), (vec![], Ok(())));
    }
    let slow = SessionEnd::Gone("the other end reads too slowly".into());
    assert_eq!(session.hear(&ping), (vec![], Err(slow)));
    // One that reads goes on.
    assert!(session.said().is_some());
    assert_eq!(session.hear(&ping), (vec![], Ok(())));
}

#[test]
fn two_of_the_longest_frames_may_wait_and_what_is_written_makes_room() {
    let (outgoing, mut waiting) = Outgoing::new();
    let frame = |bytes: usize| Queued::Frame(vec![0; bytes].into());
    assert!(outgoing.push(frame(FRAME_CAP)) && outgoing.push(frame(FRAME_CAP)));
    assert!(outgoing.push(frame(1)), "two frames wait, and no byte more");
    assert!(!outgoing.push(frame(1)));
    // What is no message has no bytes yet.
    assert!(outgoing.push(Queued::Headers(Vec::new())));
    let (outgoing, mut fresh) = (outgoing, Outgoing::new().1);
    assert!(
        fresh
            .recv()
            .now_or_never()
            .is_some_and(|none| none.is_none())
    );
    let Some(Some(Queued::Frame(first))) = waiting.recv().now_or_never() else {
        panic!("the first frame");
    };
    assert_eq!(waiting.gather(&first).len(), FRAME_CAP, "too long to share");
    assert!(outgoing.push(frame(1)));
}

#[test]
fn messages_that_wait_together_share_a_record_up_to_its_last_byte() {
    let frame = |bytes: usize| Queued::Frame(vec![7; bytes].into());
    for (last, shared) in [(RECORD_DATA - 30, RECORD_DATA), (RECORD_DATA - 29, 30)] {
        let (outgoing, mut waiting) = Outgoing::new();
        for bytes in [10, 20, last] {
            assert!(outgoing.push(frame(bytes)));
        }
        assert!(outgoing.command(SessionCommand::Close("bye".into())));
        let Some(Some(Queued::Frame(first))) = waiting.recv().now_or_never() else {
            panic!("the first frame");
        };
        assert_eq!(waiting.gather(&first).len(), shared);
        if shared == 30 {
            // In its order, and nothing is lost.
            let next = waiting.recv().now_or_never();
            assert_eq!(next, Some(Some(frame(last))));
        }
        let next = waiting.recv().now_or_never();
        assert_eq!(next, Some(Some(Queued::Goodbye("bye".into()))));
    }
}

#[test]
fn attack_a_block_that_nobody_asked_for_is_not_held_and_one_that_was_is_taken_once() {
    let mut session = Session::new(None);
    let header = genesis().header;
    let block = Message::Block(Block {
        header,
        transactions: Vec::new(),
    });
    let frame = block.to_frame().unwrap();
    let (first, rest) = frame.split_at(frame.len() - 1);
    assert_eq!(session.hear_bytes(first), (vec![], Ok(())));
    assert!(session.shell.frames.held() < 8, "the head alone");
    // Asked for while it is under way: that one was not.
    let asked = SessionCommand::Send(Message::GetBlocks(vec![header.id()]));
    assert!(session.shell.parts.outgoing.command(asked));
    assert_eq!(session.hear_bytes(rest), (vec![], Ok(())));
    let heard = session.hear(&[block.clone(), block.clone(), Message::NoBlock(header.id())]);
    let taken = vec![block, Message::NoBlock(header.id())];
    assert_eq!(heard, (taken, Ok(())));
}
