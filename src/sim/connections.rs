//! Who is connected to whom in a simulated network, and for how long.

use super::host::Host;
use super::watch::{Broken, answer, honest_peers};
use crate::messages::gossip::{GetGossipStatus, GossipStatus};
use std::collections::{BTreeMap, BTreeSet};

/// What the hosts that keep to the protocol say of their sessions, as far as they run.
async fn statuses(hosts: &[Host]) -> Result<BTreeMap<usize, GossipStatus>, Broken> {
    let mut statuses = BTreeMap::new();
    for (index, host) in honest_peers(hosts) {
        let faces = host.faces();
        if let Some(parts) = faces.as_ref().and_then(|faces| faces.parts.get()) {
            let status = answer(index, "gossip", parts.gossip.send(GetGossipStatus)).await?;
            statuses.insert(index, status);
        }
    }
    Ok(statuses)
}

/// Whether two who are both there have no session where everybody has room for everybody, each making so many
/// connections of itself (`None`: others may take them), or else no way from one to the other.
pub(super) async fn somebody_is_apart(
    hosts: &[Host],
    room: Option<usize>,
) -> Result<Option<Broken>, Broken> {
    let is_there = |host: &&Host| !host.is_tracker() && !host.is_gone() && !host.is_out();
    let count = hosts.iter().filter(is_there).count();
    let has_room = room.is_some_and(|outgoing| count <= outgoing + 1);
    let honest: BTreeMap<_, _> = honest_peers(hosts)
        .map(|(index, host)| (host.key(), index))
        .collect();
    let mut connected: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (index, status) in statuses(hosts).await? {
        let others = status.sessions.iter();
        let others = others.filter_map(|session| honest.get(&session.key).copied());
        connected.insert(index, others.collect());
    }
    let all: BTreeSet<usize> = connected.keys().copied().collect();
    for index in &all {
        let reached = match has_room {
            true => connected[index].clone(),
            false => reached_from(*index, &connected),
        };
        if let Some(other) = all.iter().find(|o| *o != index && !reached.contains(o)) {
            let how = format!("host {index} has no session with host {other}, nor a way to it");
            return Ok(Some(Broken::new("everybody is connected", how)));
        }
    }
    Ok(None)
}

/// Whether somebody has more connections than it makes of itself: one that was made for a delivery waits for
/// the answer as long as it waits for that, and its end comes after that of the delivery.
pub(super) async fn beyond_the_places(
    hosts: &[Host],
    outgoing: usize,
) -> Result<Option<Broken>, Broken> {
    for (index, status) in statuses(hosts).await? {
        let made = status.sessions.iter().filter(|session| session.outgoing);
        let made = made.count();
        if made > outgoing {
            let how = format!("host {index} has made {made} connections, {outgoing} of itself");
            return Ok(Some(Broken::new("extra connections end when idle", how)));
        }
    }
    Ok(None)
}

/// Whom somebody reaches over the sessions of others.
fn reached_from(from: usize, connected: &BTreeMap<usize, BTreeSet<usize>>) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        for other in connected.get(&next).into_iter().flatten() {
            if reached.insert(*other) {
                open.push(*other);
            }
        }
    }
    reached
}
