//! What takes a while and was begun by a form: it goes on while pages are looked at.

use super::blocks::held;
use super::show::{count, grouped, size, told};
use crate::owner::answers::{BackupRequest, VerifyLine};
use crate::owner::{NodePlace, Peer};
use crate::readable::{in_words, visible};
use futures_util::StreamExt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What goes on for the owner's pages.
#[derive(Clone, Default)]
pub(super) struct Background(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    mining: Progress,
    /// Height of the block that the last search found.
    found: Option<u64>,
    verifying: Progress,
    backing_up: Progress,
}

/// How something goes.
#[derive(Clone, Default)]
pub(super) enum Progress {
    /// It was not begun.
    #[default]
    Idle,
    /// It goes on.
    Running { since: Instant, words: String },
    /// It has ended like this.
    Ended { well: bool, words: String },
}

impl Progress {
    pub(super) fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    /// What is to be said of it, if anything is.
    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::Idle => None,
            Self::Running { since, words } => {
                let ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                Some(format!("{words}, for {}", in_words(ms)))
            }
            Self::Ended { words, .. } => Some(words.clone()),
        }
    }

    /// Whether it ended badly.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self, Self::Ended { well: false, .. })
    }
}

impl Background {
    /// How the search for a block goes, or went: what it found is news as long as no other block stands on it.
    pub(super) fn mining(&self, tip: u64) -> Progress {
        let state = self.lock();
        match state.found {
            Some(height) if height < tip && !state.mining.is_running() => Progress::Idle,
            _ => state.mining.clone(),
        }
    }

    pub(super) fn backing_up(&self) -> Progress {
        self.lock().backing_up.clone()
    }

    pub(super) fn verifying(&self) -> Progress {
        self.lock().verifying.clone()
    }

    /// Has one block mined, unless that goes on already.
    pub(super) fn mine(&self, peer: Peer) {
        if !self.begin(|state| &mut state.mining, "Looking for a block") {
            return;
        }
        let background = self.clone();
        actix_web::rt::spawn(async move {
            let mut found = None;
            let (well, words) = match peer.mine().await {
                Ok(mined) => {
                    found = Some(mined.height.0);
                    let height = grouped(&mined.height.0.to_string());
                    let took = in_words(mined.elapsed_ms);
                    let what = held(mined.transactions);
                    (
                        true,
                        format!("Block {height} found after {took}, with {what} in it"),
                    )
                }
                Err(refused) => (false, told(&refused, peer.place.typed())),
            };
            let mut state = background.lock();
            state.mining = Progress::Ended { well, words };
            state.found = found;
        });
    }

    /// Has a backup made, unless one is being made already.
    pub(super) fn back_up(&self, place: &Arc<NodePlace>, wanted: BackupRequest) {
        if !self.begin(|state| &mut state.backing_up, "The backup is being made") {
            return;
        }
        let (background, place) = (self.clone(), place.clone());
        actix_web::rt::spawn(async move {
            let (well, words) = match place.back_up(&wanted).await {
                Ok(made) => (
                    true,
                    format!(
                        "The backup is in {}: {}, {}, read back",
                        visible(&made.dir.display().to_string()),
                        count(made.files as usize, "file"),
                        size(made.bytes)
                    ),
                ),
                Err(refused) => (false, told(&refused, place.typed())),
            };
            background.lock().backing_up = Progress::Ended { well, words };
        });
    }

    /// Has the chain checked, unless that goes on already.
    pub(super) fn verify(&self, peer: Peer) {
        if !self.begin(
            |state| &mut state.verifying,
            "Checking from the first block",
        ) {
            return;
        }
        let background = self.clone();
        actix_web::rt::spawn(async move {
            let ended = background.watch(&peer).await;
            background.lock().verifying = ended;
        });
    }

    async fn watch(&self, peer: &Peer) -> Progress {
        let ended = |well, words: String| Progress::Ended { well, words };
        let lines = match peer.verify_chain().await {
            Ok(lines) => lines,
            Err(refused) => return ended(false, told(&refused, peer.place.typed())),
        };
        let mut lines = pin!(lines);
        while let Some(line) = lines.next().await {
            match line {
                Ok(VerifyLine::Progress { height, of }) => {
                    if let Progress::Running { words, .. } = &mut self.lock().verifying {
                        *words = format!(
                            "Checked {} of {}",
                            grouped(&height.0.to_string()),
                            count(of.0 as usize, "block")
                        );
                    }
                }
                Ok(VerifyLine::Verified {
                    tip,
                    transactions,
                    supply,
                }) => {
                    let blocks = count(tip.height.0 as usize + 1, "block");
                    let all = count(transactions as usize, "transaction");
                    return ended(
                        true,
                        format!(
                            "All is right: {blocks}, {all}, {} in all",
                            super::show::coins(supply)
                        ),
                    );
                }
                Ok(VerifyLine::Error(refused)) => {
                    return ended(false, told(&refused, peer.place.typed()));
                }
                Err(error) => return ended(false, format!("it broke off: {error}")),
            }
        }
        ended(false, "it broke off: the node is stopping".into())
    }

    /// Whether it begins now: it does not while it goes on.
    fn begin(&self, which: impl Fn(&mut State) -> &mut Progress, words: &str) -> bool {
        let mut state = self.lock();
        let progress = which(&mut state);
        if progress.is_running() {
            return false;
        }
        *progress = Progress::Running {
            since: Instant::now(),
            words: words.to_owned(),
        };
        true
    }

    /// A thread that panicked here ends the process.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
