//! Waiting for a node: never without a word, and not for one that hangs.

use super::super::failure::Failure;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// After how long it is said that there is no answer yet: nearly all come within a second.
const SAID_AFTER: Duration = Duration::from_secs(3);

/// How often it is looked whether the node still lives while it owes an answer.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long to wait.
#[derive(Debug, Clone, Copy, Default)]
pub struct Patience {
    /// So long at most; `None`: as long as the node lives.
    pub most: Option<Duration>,
}

impl Patience {
    /// For what is a matter of milliseconds, a busy disk included.
    pub const FOR_READING: Self = Self {
        most: Some(Duration::from_secs(60)),
    };
}

/// What a thread finds out, piece by piece.
pub struct Waiting<T> {
    pieces: Receiver<T>,
}

impl<T: Send + 'static> Waiting<T> {
    /// Starts the thread, which may be `ahead` pieces ahead of whoever takes them.
    ///
    /// # Errors
    /// What the operating system says if it has no room for a thread.
    pub fn begin(
        ahead: usize,
        work: impl FnOnce(&SyncSender<T>) + Send + 'static,
    ) -> io::Result<Self> {
        let (tell, pieces) = sync_channel(ahead);
        thread::Builder::new().spawn(move || work(&tell))?;
        Ok(Self { pieces })
    }

    /// The next piece if it comes within this time, `None` else; of that, `None` after the last.
    pub fn within(&self, most: Duration) -> Option<Option<T>> {
        match self.pieces.recv_timeout(most) {
            Ok(piece) => Some(Some(piece)),
            Err(RecvTimeoutError::Disconnected) => Some(None),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }

    /// The next piece; `None` after the last. While there is none, says once that it waits, and has
    /// `look` see again and again whether there is hope.
    ///
    /// # Errors
    /// What `look` says, and [`Failure::NoAnswer`] once patience is at its end.
    pub fn next(
        &self,
        patience: &Patience,
        look: impl Fn() -> Result<(), Failure>,
    ) -> Result<Option<T>, Failure> {
        let begun = Instant::now();
        let mut said = false;
        let mut looked = begun;
        loop {
            let step = if said { LOOK_EVERY } else { SAID_AFTER };
            let left = patience
                .most
                .map(|most| most.saturating_sub(begun.elapsed()));
            match self
                .pieces
                .recv_timeout(left.map_or(step, |left| left.min(step)))
            {
                Ok(piece) => return Ok(Some(piece)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if patience.most.is_some_and(|most| begun.elapsed() >= most) {
                return Err(Failure::NoAnswer(format!(
                    "the node has not answered for {} s, though it lives: what was asked may be done \
                     or not. Its log says more; the same sent again is recognised",
                    begun.elapsed().as_secs()
                )));
            }
            if !said {
                said = true;
                // Whoever has closed standard error does not want to know.
                let _ = writeln!(
                    io::stderr(),
                    "no answer for {} s; still waiting (Ctrl-C ends the waiting)",
                    SAID_AFTER.as_secs()
                );
            } else if looked.elapsed() >= LOOK_EVERY {
                let seen = look();
                looked = Instant::now();
                if let Err(gone) = seen {
                    // It may have answered with its last breath.
                    return self.pieces.try_recv().map(Some).map_err(|_| gone);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Patience = Patience {
        most: Some(Duration::from_millis(20)),
    };

    #[test]
    fn pieces_come_in_order_until_the_last() {
        let waiting = Waiting::begin(1, |tell| {
            for piece in 0..3 {
                tell.send(piece).unwrap();
            }
        })
        .unwrap();
        let next = || waiting.next(&Patience::default(), || Ok(())).unwrap();
        assert_eq!(
            [next(), next(), next(), next()],
            [Some(0), Some(1), Some(2), None]
        );
    }

    #[test]
    fn patience_ends_with_words() {
        let (hold, held) = sync_channel::<()>(1);
        let waiting = Waiting::<()>::begin(1, move |_| {
            let _ = held.recv();
        })
        .unwrap();
        match waiting.next(&SHORT, || Ok(())) {
            Err(Failure::NoAnswer(reason)) => assert!(reason.contains("done or not"), "{reason}"),
            other => panic!("{other:?}"),
        }
        drop(hold);
    }
}
