//! What a panic does: in the `node` program it ends the process, within another program it ends the node.

use crate::actors::Fatal;
use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    /// The node that works on this thread.
    static NODE: RefCell<Option<Fatal>> = const { RefCell::new(None) };
}

/// This thread works for the node that `fatal` belongs to.
pub(super) fn belongs_to(fatal: &Fatal) {
    let fatal = fatal.clone();
    NODE.with(|node| *node.borrow_mut() = Some(fatal));
}

/// From now on a panic on a thread that works for a node ends that node, once it was reported as every other:
/// an actor that panicked leaves a node that looks alive and is not.
pub(super) fn end_their_node() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            report(info);
            // A thread whose memory is being taken down belongs to no node any more.
            let _ = NODE.try_with(|node| {
                if let Ok(node) = node.try_borrow()
                    && let Some(fatal) = &*node
                {
                    fatal.raise(format!("a panic, please report it: {info}"));
                }
            });
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::fatal_channel;
    use std::thread;

    #[test]
    fn a_panic_ends_the_node_whose_thread_it_was_and_no_other() {
        end_their_node();
        let (mine, mut heard) = fatal_channel();
        let (other, mut unheard) = fatal_channel();
        let panicked = thread::spawn(move || {
            belongs_to(&mine);
            panic!("of this test");
        });
        let nobodys = thread::spawn(|| panic!("of this test, too"));
        let fine = thread::spawn(move || belongs_to(&other));
        assert!(panicked.join().is_err() && nobodys.join().is_err());
        fine.join().unwrap();
        assert!(heard.try_recv().unwrap().contains("of this test"));
        assert!(unheard.try_recv().is_err());
    }
}
