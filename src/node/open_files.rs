//! How many files and connections the operating system lets this process have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is asked for: every connection a tracker takes at most, and as much again for the rest.
const WANTED: u64 = 8_192;
/// Kept back for what must never fail for want of one: the database (256 table files, its log),
/// the API (128 connections, half of them held twice), the log files, what the runtime needs.
const KEPT_BACK: u64 = 576;

/// Raises this process's own limit towards [`WANTED`], as far as the system lets it, and returns
/// how many connections may be open at a time. The usual limit of 1,024 is one that a stranger
/// can use up; a database that can't open a file ends the node.
pub(super) fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    // `None` is unlimited.
    let most = limit.maximum.map_or(WANTED, |most| most.min(WANTED));
    let now = limit.current.unwrap_or(u64::MAX);
    let current = if now >= most {
        now
    } else {
        let raised = Rlimit {
            current: Some(most),
            ..limit
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => most,
            Err(error) => {
                tracing::debug!(%error, "the limit of open files stays as it is");
                now
            }
        }
    };
    places(current)
}

/// Connections that fit into a limit, at least a few.
fn places(limit: u64) -> usize {
    /// Fewer make no network.
    const LEAST: u64 = 16;
    let places = limit.saturating_sub(KEPT_BACK).max(LEAST);
    usize::try_from(places).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_back_from_connections() {
        assert_eq!(places(WANTED), 7_616);
        assert_eq!(places(1_024), 448);
        assert_eq!(places(0), 16);
        assert_eq!(places(u64::MAX), (u64::MAX - KEPT_BACK) as usize);
    }

    #[test]
    fn the_limit_is_raised() {
        let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        let places_now = connections();
        let now = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        assert!(now >= most.min(WANTED), "{now} of {most}");
        assert_eq!(places_now, places(now));
    }
}
