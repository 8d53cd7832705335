//! PeerSession: what lies between the bytes of an open channel and whoever owns the session.

mod queue;
#[cfg(test)]
mod tests;

pub use queue::{Outgoing, Queued, Waiting};

use super::Port;
use crate::clock::{Clock, SteadyTime};
use crate::keys::PublicKey;
use crate::messages::clocks::ClockRead;
use crate::protocol::SessionId;
use crate::protocol::clocks::Reading;
use crate::protocol::passed_over::PassedOver;
use crate::wire::Message;
use crate::wire::channel::Opener;
use crate::wire::frame::FrameDecoder;
use crate::wire::message::Pong;
use crate::wire::stage::Stage;
use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::Arc;

/// How long a line may be silent before it is asked whether anybody is there, in milliseconds.
pub const PING_AFTER_MS: u64 = 15_000;
/// How long after that it may stay silent, in milliseconds: then the other end is gone without a word.
pub const SILENCE_MS: u64 = 20_000;

/// How a session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEnd {
    /// There is nobody to tell, or nothing to say.
    Gone(String),
    /// The other end broke a rule, and is told which.
    Refused(String),
}

impl SessionEnd {
    fn refused(rule: &dyn Display) -> Self {
        Self::Refused(rule.to_string())
    }
}

/// What a session with somebody known begins with.
pub struct PeerSessionParts {
    /// Its number.
    pub session: SessionId,
    /// Takes what is sent to it.
    pub outgoing: Outgoing,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Is told what the other end's clock says; what finds no room is asked for again.
    pub clocks: Box<dyn Port<ClockRead>>,
    /// Whose clock is compared with ours by its answers to pings, if it is.
    pub clock_of: Option<PublicKey>,
    /// Whether it may say what only later programs know.
    pub is_later: bool,
    /// What it may send at first.
    pub stage: Stage,
}

/// The shell of one session: what the other end sends, how far it was understood, and whether it is there.
pub struct PeerSessionShell {
    parts: PeerSessionParts,
    opener: Opener,
    frames: FrameDecoder,
    passed_over: PassedOver,
    /// Number of the last ping, and when it was sent.
    asked: (u64, SteadyTime),
    /// Until when the line may be silent, and whether the other end was asked since it said something.
    silence: (SteadyTime, bool),
}

impl PeerSessionShell {
    /// Nothing was said yet; `opener` opens what will be.
    pub fn new(mut opener: Opener, parts: PeerSessionParts) -> Self {
        let now = parts.clock.steady();
        parts.outgoing.begin(parts.stage);
        opener.set_most(parts.stage.record_cap());
        Self {
            opener,
            frames: FrameDecoder::new(Message::most).passing_over(parts.is_later),
            passed_over: PassedOver::new(now),
            asked: (0, SteadyTime::LONG_AGO),
            silence: (now.plus_ms(PING_AFTER_MS), false),
            parts,
        }
    }

    /// Takes bytes of the other end, up to the end of a record. What is the owner's to deal with goes behind
    /// `messages`. Whether there may be more in the bytes.
    ///
    /// # Errors
    /// Why the session ends. What is in `messages` was sent before.
    pub fn take(
        &mut self,
        bytes: &mut &[u8],
        messages: &mut VecDeque<Message>,
    ) -> Result<bool, SessionEnd> {
        let now = self.parts.clock.steady();
        self.silence = (now.plus_ms(PING_AFTER_MS), false);
        let record = self.opener.next(bytes);
        let Some(record) = record.map_err(|error| SessionEnd::refused(&error))? else {
            return Ok(false);
        };
        let mut data = record.data;
        loop {
            let said = self.parts.outgoing.said();
            self.frames
                .set_terms(said.stage().lengths(), said.unwanted());
            let frame = self.frames.next(&mut data);
            let Some(frame) = frame.map_err(|error| SessionEnd::refused(&error))? else {
                break;
            };
            let message = Message::decode(&frame).map_err(|error| SessionEnd::refused(&error))?;
            tracing::trace!(
                session = self.parts.session.0,
                name = message.name(),
                "message received"
            );
            self.parts.outgoing.note_heard(&message);
            match message {
                Message::Pong(pong) => heard_pong(&mut self.parts, self.asked, pong),
                Message::Ping(number) => {
                    let time = self.parts.clock.wall();
                    send(&self.parts, &Message::Pong(Pong { number, time }))?;
                }
                message => messages.push_back(message),
            }
        }
        let counted = self.passed_over.count(self.frames.take_dropped(), now);
        counted.map_err(|error| SessionEnd::refused(&error))?;
        Ok(true)
    }

    /// Asks whether anybody is there, and what time it is.
    ///
    /// # Errors
    /// The other end reads too slowly.
    pub fn ping(&mut self) -> Result<(), SessionEnd> {
        self.asked = (self.asked.0 + 1, self.parts.clock.steady());
        send(&self.parts, &Message::Ping(self.asked.0))
    }

    /// How long the line may be silent yet, in milliseconds, before [`Self::time_passed`] is to be called.
    pub fn may_be_silent_ms(&self) -> u64 {
        self.silence.0.since(self.parts.clock.steady())
    }

    /// Nothing was heard for a while: asks, or gives up.
    ///
    /// # Errors
    /// Nobody is there.
    pub fn time_passed(&mut self) -> Result<(), SessionEnd> {
        let now = self.parts.clock.steady();
        let (until, was_asked) = self.silence;
        if now < until {
            return Ok(());
        }
        if was_asked {
            return Err(SessionEnd::Gone("no sign of life".into()));
        }
        self.silence = (now.plus_ms(SILENCE_MS), true);
        self.ping()
    }
}

/// The answer to the last question is a look at the other's clock; one to an earlier one tells nothing.
fn heard_pong(parts: &mut PeerSessionParts, (number, asked): (u64, SteadyTime), pong: Pong) {
    if let Some(from) = parts.clock_of
        && pong.number == number
        && let Some(reading) = Reading::new(pong.time, asked, parts.clock.now())
    {
        // Full or gone: everybody is asked again.
        let _ = parts.clocks.offer(ClockRead { from, reading });
    }
}

fn send(parts: &PeerSessionParts, message: &Message) -> Result<(), SessionEnd> {
    let frame = message.to_frame();
    let queued = frame.is_ok_and(|frame| parts.outgoing.push(Queued::Frame(frame.into())));
    match queued {
        true => Ok(()),
        false => Err(SessionEnd::Gone("the other end reads too slowly".into())),
    }
}
