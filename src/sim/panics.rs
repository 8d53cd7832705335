//! Panics of simulated nodes. The runtime swallows them with the actor that panicked; a real node ends.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

thread_local! {
    /// What panicked on this thread, while a simulation runs on it.
    static CAUGHT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Collects the panics of this thread while it lives.
pub struct Caught(());

impl Caught {
    /// Collects from now on.
    pub fn new() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let usual = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let taken = CAUGHT.try_with(|caught| match &mut *caught.borrow_mut() {
                    Some(panics) => {
                        panics.push(info.to_string());
                        true
                    }
                    None => false,
                });
                if taken != Ok(true) {
                    usual(info);
                }
            }));
        });
        CAUGHT.set(Some(Vec::new()));
        Self(())
    }

    /// The first that was caught.
    pub fn first(&self) -> Option<String> {
        CAUGHT.with_borrow(|caught| caught.as_ref()?.first().cloned())
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        CAUGHT.set(None);
    }
}
