//! Looking again and again: right for what nobody tells of, such as the end of another process, a node that starts
//! anew, or a file that grows. What a running node does is told by its events ([`Client::news`](super::client::Client::news)).

use std::thread;
use std::time::{Duration, Instant};

/// How often: so soon that nobody notices, and so seldom that it costs nothing.
const LOOK: Duration = Duration::from_millis(50);

/// Lets as much time pass as between two looks.
pub(super) fn pause() {
    thread::sleep(LOOK);
}

/// Looks until it is so, for so long at most: whether it came to be so.
pub(super) fn until(most: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + most;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        pause();
    }
}
