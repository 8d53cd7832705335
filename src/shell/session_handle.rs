//! SessionHandle: what the owner of a session has of it.

use super::Port;
use crate::messages::session::SessionCommand;

/// Why a session is closed that has no room for a command: it can't be told what it must be.
const OVERRUN: &str = "too much is to be said to you at once";

/// The owner's end of a session. A command that finds no room is not dropped in silence: nothing is said
/// any more, and the session is closed as soon as it takes the order.
pub(super) struct SessionHandle {
    commands: Box<dyn Port<SessionCommand>>,
    /// Why it is to be closed, as long as it has not taken the order.
    close: Option<String>,
    overrun: bool,
}

impl SessionHandle {
    pub(super) fn new(commands: Box<dyn Port<SessionCommand>>) -> Self {
        Self {
            commands,
            close: None,
            overrun: false,
        }
    }

    /// Gives an order. A session that is gone takes none: its end is told by itself.
    pub(super) fn command(&mut self, command: SessionCommand) {
        if self.overrun {
            return;
        }
        let Err(command) = self.commands.offer(command) else {
            return;
        };
        self.overrun = true;
        self.close = Some(match command {
            SessionCommand::Close(reason) => reason,
            _ => OVERRUN.to_owned(),
        });
    }

    /// Tries again to close it, if it is to be; to be called now and then.
    pub(super) fn flush(&mut self) {
        if let Some(reason) = self.close.take()
            && let Err(SessionCommand::Close(reason)) =
                self.commands.offer(SessionCommand::Close(reason))
        {
            self.close = Some(reason);
        }
    }
}

#[cfg(test)]
mod tests;
