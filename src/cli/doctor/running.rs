//! A node that runs: what it says of its network, and what its members say of it.

use super::finding::Finding;
use crate::chain::{Height, Timestamp};
use crate::cli::client::{Client, NodeKind};
use crate::cli::failure::Failure;
use crate::owner::answers::{
    ClockStateView, ClockView, PeerStatusView, PeersView, StatusView, TrackerLinkView,
    TrackerStatusView, WaitingView,
};
use crate::readable::in_words;
use serde::de::IgnoredAny;

/// A certificate that ends sooner than this should have been renewed.
const RENEWAL_MS: u64 = 30 * 24 * 3_600_000;

/// A tip that is older, in intervals of most networks, is worth a word: nobody mines, or nothing comes.
const OLD_TIP_MS: u64 = 3_600_000;

/// A node that has its directory locked, and does not answer.
pub(super) fn silent(failure: &Failure) -> Finding {
    Finding::trouble(
        "node",
        failure.reason().unwrap_or_default(),
        "it has its data directory locked: look into its log (`node logs`); if it hangs, stop its process",
    )
}

/// What a node that runs says.
pub(super) fn findings(client: &Client, now: Timestamp) -> Vec<Finding> {
    let status: Result<StatusView<IgnoredAny>, _> = client.get("/status", &[]);
    if let Ok(StatusView::Waiting(waiting)) = status {
        return vec![waits(&waiting)];
    }
    let asked = match client.kind() {
        NodeKind::Peer => of_peer(client, now),
        NodeKind::Tracker => of_tracker(client),
    };
    asked.unwrap_or_else(|failure| vec![silent(&failure)])
}

/// A node that waits for its wallet.
fn waits(waiting: &WaitingView) -> Finding {
    let remedy = match waiting.locked {
        true => {
            "`node wallet load` asks for the passphrase, and so does its page: `node web`. Forgotten: `node wallet \
                  restore` says how the 24 words bring it back"
        }
        false => {
            "`node wallet new` makes one, `node wallet restore` brings one back from its words; or both in a \
                  browser: `node web`"
        }
    };
    let found = match waiting.locked {
        true => "it runs, and is on no network yet: its wallet is locked",
        false => "it runs, and is on no network yet: it has no wallet",
    };
    Finding::trouble("node", format!("{found} ({})", waiting.file), remedy)
}

fn of_tracker(client: &Client) -> Result<Vec<Finding>, Failure> {
    let status: TrackerStatusView = client.get("/status", &[])?;
    Ok(vec![
        Finding::right("node", format!("version {}", status.version)),
        of_clock(status.clock),
        of_members(status.registered, status.live, status.reachable),
    ])
}

fn of_members(registered: usize, live: usize, reachable: usize) -> Finding {
    let found = format!("{registered} registered, {live} live, {reachable} of them reachable");
    match registered > 0 && live == 0 {
        true => Finding::note(
            "members",
            found,
            "if they should be there: can they reach this machine and port? A firewall, perhaps",
        ),
        false => Finding::right("members", found),
    }
}

fn of_peer(client: &Client, now: Timestamp) -> Result<Vec<Finding>, Failure> {
    let status: PeerStatusView = client.get("/status", &[])?;
    let peers: PeersView = client.get("/peers", &[])?;
    let mut findings = vec![Finding::right(
        "node",
        format!("version {}", status.version),
    )];
    findings.push(of_clock(status.clock));
    findings.push(of_membership(&status.tracker, now));
    if let Some(this) = peers.peers.iter().find(|peer| peer.this_node) {
        findings.extend(of_reachability(this.reachable, &this.endpoints));
    }
    match &status.chain {
        None => findings.push(Finding::trouble(
            "network",
            status.waiting.unwrap_or_default(),
            "see that the tracker runs, and that \"trackers\" in the settings names it; the network comes from there",
        )),
        Some(chain) => {
            findings.push(of_sessions(chain.sessions, status.disconnected));
            findings.push(of_tip(chain.tip.height, chain.tip_age_ms, chain.syncing));
        }
    }
    findings.extend(of_versions(&status.version, &peers));
    Ok(findings)
}

fn of_clock(clock: ClockView) -> Finding {
    let remedy = "set this machine's clock by the network: timedatectl set-ntp true";
    let by = in_words(clock.by_ms);
    match clock.state {
        ClockStateView::Right => Finding::right("clock", "as those of the others".to_owned()),
        ClockStateView::Unknown => {
            Finding::right("clock", "too few others to compare it with".to_owned())
        }
        ClockStateView::Ahead => Finding::trouble("clock", format!("{by} ahead"), remedy),
        ClockStateView::Behind => Finding::trouble("clock", format!("{by} behind"), remedy),
    }
}

fn of_membership(tracker: &TrackerLinkView, now: Timestamp) -> Finding {
    let left = tracker.member_until.map(|until| until.since(now));
    if let Some(trouble) = &tracker.trouble {
        let found = format!("{}: {trouble}", tracker.endpoint);
        // A member goes on without its tracker, as long as its certificate does; another node with this
        // wallet never mends itself.
        let mends = !tracker.registered && left.is_some_and(|left| left > RENEWAL_MS);
        return match mends {
            true => Finding::note("tracker", found, "nothing, if it is down for a while"),
            false => Finding::trouble("tracker", found, "as it says"),
        };
    }
    match (tracker.registered, left) {
        (true, _) => Finding::right("tracker", format!("registered at {}", tracker.endpoint)),
        (false, Some(left)) if left > RENEWAL_MS => Finding::note(
            "tracker",
            format!(
                "{} is away; this node is a member for {}",
                tracker.endpoint,
                in_words(left)
            ),
            "nothing, if it is down for a while",
        ),
        (false, left) => Finding::trouble(
            "tracker",
            format!(
                "not registered at {}, and a member for {}",
                tracker.endpoint,
                left.map_or("no time".to_owned(), in_words)
            ),
            "see that it runs, and that \"trackers\" in the settings says where",
        ),
    }
}

fn of_reachability(reachable: Option<bool>, endpoints: &[String]) -> Option<Finding> {
    let at = endpoints.join(", ");
    match reachable? {
        true => Some(Finding::right(
            "dialled back",
            format!("the tracker reaches it at {at}"),
        )),
        false => Some(Finding::note(
            "dialled back",
            format!("nobody reaches it at {at}"),
            "it dials the others itself; to be reached, let this port through the firewall, and say in \
             \"advertise\" what others dial",
        )),
    }
}

/// What the others run, as they say themselves.
fn of_versions(own: &str, peers: &PeersView) -> Option<Finding> {
    let own = format!("raclette/{own}");
    let connected = peers.peers.iter().filter_map(|peer| {
        let session = peer.session.as_ref()?;
        let name = peer
            .name
            .as_ref()
            .map_or(&peer.address[..], |name| name.as_str());
        Some((name, &session.program))
    });
    let (same, others): (Vec<_>, Vec<_>) = connected.partition(|(_, program)| **program == own);
    if others.is_empty() {
        return (!same.is_empty()).then(|| Finding::right("versions", format!("all have {own}")));
    }
    let others: Vec<_> = others
        .iter()
        .map(|(name, program)| format!("{name} has {program:?}"))
        .collect();
    Some(Finding::note(
        "versions",
        format!("this node has {own}; {}", others.join(", ")),
        "update the older ones when it suits: versions that do not understand each other do not connect",
    ))
}

fn of_sessions(sessions: usize, disconnected: bool) -> Finding {
    match (sessions, disconnected) {
        (0, true) => Finding::trouble(
            "peers",
            "its owner has disconnected it".to_owned(),
            "`node connect`",
        ),
        (0, false) => Finding::trouble(
            "peers",
            "no peer is connected".to_owned(),
            "are the others up, and are their addresses reachable from here? `node peers` lists them",
        ),
        (some, _) => Finding::right("peers", format!("{some} connected")),
    }
}

fn of_tip(height: Height, age_ms: u64, syncing: bool) -> Finding {
    let tip = format!("height {height}, {} old", in_words(age_ms));
    match (syncing, age_ms) {
        (true, _) => Finding::note("chain", format!("{tip}; it is catching up"), "wait"),
        (false, OLD_TIP_MS..) => Finding::note(
            "chain",
            tip,
            "nobody has mined for long: `node mine`, or mode = \"when-pending\" under [mining] somewhere",
        ),
        (false, _) => Finding::right("chain", tip),
    }
}

#[cfg(test)]
mod tests;
