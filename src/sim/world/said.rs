//! What the settings of the hosts say.

use super::name;
use crate::keys::SecretKey;
use crate::settings::{PeerSettings, Settings, TrackerSettings};
use crate::sim::host::{after, secret};
use crate::sim::network::address;
use crate::sim::plan::{ALLOCATION, Plan, TRACKER};
use std::path::Path;

pub(super) fn tracker_settings(plan: &Plan) -> TrackerSettings {
    let own = (1..=plan.peers.len()).map(|host| secret(plan.seed, host));
    // Also under the key that it has after a lost one nothing that it sends fails.
    let next = plan.losing_keys().into_iter();
    let next = next.map(|host| after(&secret(plan.seed, host)));
    let owner = |secret| SecretKey::from_bytes(secret).public_key().to_address();
    let allocation = |secret| {
        format!(
            "{{ address = \"{}\", amount = {ALLOCATION} }}",
            owner(secret)
        )
    };
    let allocations: Vec<_> = own.chain(next).map(allocation).collect();
    let admission = if plan.by_invitation { "invite" } else { "open" };
    let text = format!(
        "role = \"tracker\"\nlisten = \"{}\"\n[network]\nadmission = \"{admission}\"\n\
         block_interval_ms = {}\nstart_work = {}\nallocations = [{}]\n",
        address(TRACKER),
        plan.interval_ms,
        plan.start_work,
        allocations.join(", ")
    );
    match settings(&text) {
        Settings::Tracker(tracker) => tracker,
        Settings::Peer(_) => unreachable!("the text says tracker"),
    }
}

pub(super) fn other_tracker_settings(plan: &Plan, host: usize) -> TrackerSettings {
    let founder = SecretKey::from_bytes(secret(plan.seed, TRACKER)).public_key();
    let text = format!(
        "role = \"tracker\"\nlisten = \"{}\"\nintroduces_for = \"{}\"\nfirst = [\"{}\"]\n",
        address(host),
        founder.to_address(),
        address(TRACKER),
    );
    match settings(&text) {
        Settings::Tracker(tracker) => tracker,
        Settings::Peer(_) => unreachable!("the text says tracker"),
    }
}

pub(super) fn peer_settings(plan: &Plan, host: usize) -> PeerSettings {
    let trackers = [TRACKER].into_iter().chain(plan.other());
    let trackers: Vec<_> = trackers.map(|at| format!("\"{}\"", address(at))).collect();
    let text = format!(
        "role = \"peer\"\nname = \"{}\"\nlisten = \"{}\"\ntrackers = [{}]\n",
        name(host),
        address(host),
        trackers.join(", "),
    );
    match settings(&text) {
        Settings::Peer(mut peer) => {
            peer.mining.mode = plan.peers[host - 1].mode;
            peer.peers.outgoing = plan.outgoing;
            peer.peers.incoming = plan.incoming;
            peer
        }
        Settings::Tracker(_) => unreachable!("the text says peer"),
    }
}

fn settings(text: &str) -> Settings {
    let parsed = Settings::parse(Path::new("simulated.toml"), text, std::iter::empty());
    parsed.expect("the settings of a simulated node are right")
}
