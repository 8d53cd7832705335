//! The trackers of a node that does not run: dialled by a stranger, as somebody who joins dials them.

use super::finding::Finding;
use super::machine::OwnNetwork;
use crate::chain::NetworkId;
use crate::clock::SystemClock;
use crate::entropy::OsEntropy;
use crate::keys::PublicKey;
use crate::membership::Address;
use crate::net::TcpTransport;
use crate::node::joining::{Check, Means, NotJoined, look_at_tracker};
use crate::readable::in_words;
use crate::settings::{Endpoint, Settings};
use std::sync::Arc;

/// What the trackers of a peer show of themselves. `own` is the network of its chain.
pub(super) fn findings(settings: &Settings, own: Option<OwnNetwork>) -> Vec<Finding> {
    let Settings::Peer(peer) = settings else {
        return Vec::new();
    };
    // A mistyped one is told as a mistake in the settings.
    let named = PublicKey::from_address(&peer.tracker_key).ok();
    let mut findings = Vec::new();
    for (at, tracker) in peer.trackers.iter().enumerate() {
        let address = tracker.to_string();
        // Only the first one has the key that genesis names.
        let wanted = named.or(own.map(|own| own.tracker)).filter(|_| at == 0);
        let looked = look(tracker, wanted, |check| {
            findings.extend(seen(&address, check));
        });
        match looked {
            Ok(theirs) => findings.extend(own.map(|own| of_network(&address, own.id, theirs))),
            Err(error) => findings.push(not_seen(&address, at == 0, error)),
        }
    }
    findings
}

fn look(
    tracker: &Endpoint,
    wanted: Option<PublicKey>,
    tell: impl FnMut(Check),
) -> Result<Option<NetworkId>, NotJoined> {
    let means = Means {
        transport: Arc::new(TcpTransport),
        entropy: Arc::new(OsEntropy),
        clock: Arc::new(SystemClock),
    };
    look_at_tracker(&means, &[Address::from(tracker)], wanted, tell)
}

fn seen(address: &str, check: Check) -> Option<Finding> {
    match check {
        Check::TrackerReached { .. } => {
            Some(Finding::right("tracker", format!("{address} answers")))
        }
        Check::KeyRight { key } => Some(Finding::right("tracker key", key)),
        Check::Clocks {
            apart_ms,
            behind,
            too_far,
        } => Some(of_clocks(apart_ms, behind, too_far)),
        _ => None,
    }
}

/// Whether a tracker is of the network that the chain is of.
fn of_network(address: &str, own: NetworkId, theirs: Option<NetworkId>) -> Finding {
    match theirs {
        Some(theirs) if theirs == own => Finding::right("network", own.to_string()),
        Some(theirs) => Finding::trouble(
            "network",
            format!("{address} is of the network {theirs}, and the chain here of {own}"),
            "see that \"trackers\" in the settings names the right one. If the network was founded anew, join that \
             with a data directory of its own, and keep this one: wallet and chain are in it",
        ),
        None => Finding::note(
            "network",
            format!("{address} has no network yet, or has forgotten it"),
            "start this node: it brings the tracker its network",
        ),
    }
}

fn of_clocks(apart_ms: u64, behind: bool, too_far: bool) -> Finding {
    let side = if behind { "behind" } else { "ahead of" };
    let found = format!("{} {side} the tracker's", in_words(apart_ms));
    match too_far {
        false => Finding::right("clock", found),
        true => Finding::trouble(
            "clock",
            found,
            "if it is this machine's that is wrong, set it by the network: timedatectl set-ntp true",
        ),
    }
}

fn not_seen(address: &str, first: bool, error: NotJoined) -> Finding {
    match error {
        NotJoined::OtherKey { shown, wanted, .. } => Finding::trouble(
            "tracker key",
            format!(
                "{address} is answered by {}, and this node knows its tracker as {}",
                shown.to_address(),
                wanted.to_address()
            ),
            "if nobody set the tracker up anew, somebody stands in for it: leave it; its owner brings its key \
             back with `node wallet restore`. A key mistyped in \"tracker_key\" is put right there",
        ),
        NotJoined::Unreachable(why) if first => Finding::trouble(
            "tracker",
            format!("it is not reached: {why}"),
            "see that it runs, and that \"trackers\" in the settings says where; a member goes on without it \
             for a while",
        ),
        error => Finding::note(
            "tracker",
            match error {
                NotJoined::Unreachable(why) => format!("it is not reached: {why}"),
                other => other.to_string(),
            },
            "it only introduces; the first one decides",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::BlockId;
    use crate::cli::doctor::finding::Verdict;
    use crate::keys::SecretKey;

    #[test]
    fn a_tracker_with_another_key_network_or_clock_needs_the_owner() {
        let key = |seed| SecretKey::from_bytes([seed; 32]).public_key();
        let other = NotJoined::OtherKey {
            at: "127.0.0.1:7000".parse().unwrap(),
            shown: key(1),
            wanted: key(2),
        };
        let told = not_seen("127.0.0.1:7000", true, other);
        assert_eq!(told.what, "tracker key");
        assert!(
            told.tells(Verdict::Trouble, "`node wallet restore`"),
            "{told:?}"
        );
        assert!(told.found.contains(&key(1).to_address()), "{told:?}");
        let network = |byte| BlockId([byte; 32]);
        let seen = |theirs| of_network("a:1", network(1), theirs);
        assert_eq!(seen(Some(network(1))).verdict, Verdict::Right);
        let told = seen(Some(network(2)));
        assert!(told.tells(Verdict::Trouble, "\"trackers\""), "{told:?}");
        assert!(seen(None).tells(Verdict::Note, "start this node"));
        assert!(of_clocks(90_000, true, true).tells(Verdict::Trouble, "timedatectl"));
        assert_eq!(of_clocks(900, true, false).verdict, Verdict::Right);
        let gone = |first| not_seen("a:1", first, NotJoined::Unreachable("gone".into()));
        assert!(gone(true).tells(Verdict::Trouble, "\"trackers\""));
        assert!(gone(false).tells(Verdict::Note, "the first one decides"));
    }
}
