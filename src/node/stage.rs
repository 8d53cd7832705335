//! How far a node has come: who speaks for it, whether it is ready, whether it has ended.

use crate::owner::Owned;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Default)]
struct State {
    owned: Option<Owned>,
    ready: bool,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The node's end: it tells. Dropped, it tells that the node has ended.
pub(super) struct Stage(Arc<Shared>);

/// The end at which it is heard.
pub(super) struct Staged(Arc<Shared>);

impl Stage {
    /// Both ends.
    pub(super) fn begin() -> (Self, Staged) {
        let shared = Arc::<Shared>::default();
        (Self(shared.clone()), Staged(shared))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock());
        self.0.changed.notify_all();
    }

    /// From now on this speaks for the node.
    pub(super) fn speaks(&self, owned: Owned) {
        self.change(|state| state.owned = Some(owned));
    }

    /// Everything can be asked of it.
    pub(super) fn is_ready(&self) {
        self.change(|state| state.ready = true);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.change(|state| {
            *state = State {
                ended: true,
                ..State::default()
            }
        });
    }
}

impl Staged {
    /// Who speaks for the node, as soon as somebody does; `None` if it has ended.
    pub(super) fn first(&self) -> Option<Owned> {
        let state = self.0.lock();
        let waits = |state: &mut State| state.owned.is_none() && !state.ended;
        let state = self.0.changed.wait_while(state, waits);
        state.unwrap_or_else(PoisonError::into_inner).owned.clone()
    }

    /// Who speaks for the node now; `None` if it has ended.
    pub(super) fn now(&self) -> Option<Owned> {
        self.0.lock().owned.clone()
    }

    /// Whether everything can be asked of the node, at the end of the patience at the latest.
    pub(super) fn ready_within(&self, patience: Duration) -> bool {
        let state = self.0.lock();
        let waits = |state: &mut State| !state.ready && !state.ended;
        let waited = self.0.changed.wait_timeout_while(state, patience, waits);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.ready
    }
}
