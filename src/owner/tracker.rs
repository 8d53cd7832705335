//! What a tracker does for its owner, and how members are shown, which peers do, too.

use super::answers::{
    Cursor, NetworkView, OverruledView, PeerView, PeersView, SessionView, TrackerStatusView,
};
use super::company::{PeersPage, lookalikes, matches};
use super::pages::Page;
use super::{Refused, Tracker};
use crate::chain::Height;
use crate::keys::PublicKey;
use crate::membership::MemberName;
use crate::messages::clocks::GetOwnClock;
use crate::messages::gossip::SessionStatus;
use crate::messages::registry::{GetMembers, GetRegistryStatus};
use crate::wire::{Member, MemberId};

/// Members in one answer, if it is not said how many, and at most: about half a megabyte of JSON.
pub(crate) const MAX_PEERS_LISTED: usize = 1_000;

impl Tracker {
    /// How the tracker stands.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn status(&self) -> Result<TrackerStatusView, Refused> {
        let registry = self.registry.send(GetRegistryStatus).await?;
        Ok(TrackerStatusView {
            role: "tracker".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            address: self.key.to_address(),
            endpoint: self.listen.to_string(),
            network: NetworkView {
                name: registry.network_name,
                id: registry.network,
            },
            height: registry.height,
            registered: registry.registered,
            live: registry.live,
            reachable: registry.reachable,
            sessions: registry.sessions,
            clock: self.own_clock.send(GetOwnClock).await?.into(),
            overruled: registry
                .overruled
                .into_iter()
                .map(|difference| OverruledView {
                    key: difference.key.to_owned(),
                    given: difference.given,
                    holds: difference.holds,
                })
                .collect(),
        })
    }

    /// The members that are asked for, by number. The cursor is the number that the page before ended with.
    ///
    /// # Errors
    /// [`Code::BadParameter`](super::Code::BadParameter), [`Code::BadCursor`](super::Code::BadCursor),
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn peers(&self, wanted: &PeersPage) -> Result<PeersView, Refused> {
        let limit = wanted.page.limit(MAX_PEERS_LISTED, MAX_PEERS_LISTED)?;
        let mut after = after_member(&wanted.page)?;
        let looked_for = wanted.looked_for();
        let is_taken = |member: &&Member| {
            wanted.here.is_none_or(|here| here == member.live)
                && matches(member, looked_for.as_deref())
        };
        // One more shows whether there are more.
        let mut peers = Vec::new();
        while peers.len() <= limit {
            let some = self.members_behind(after).await?;
            let Some(last) = some.last() else { break };
            after = Some(last.id);
            let taken = some.iter().filter(is_taken);
            peers.extend(taken.map(|member| member_view(member, None, None)));
        }
        let more = peers.len() > limit;
        peers.truncate(limit);
        let last = peers.last().and_then(|peer| peer.id).filter(|_| more);
        Ok(PeersView {
            peers,
            next: last.map(|id| Cursor(id.0.to_string())),
        })
    }

    /// For each of these, whose name it looks like who was a member before.
    ///
    /// # Errors
    /// [`Code::Stopping`](super::Code::Stopping).
    pub async fn lookalikes(&self, peers: &[PeerView]) -> Result<Vec<Option<MemberName>>, Refused> {
        let mut all = Vec::new();
        loop {
            let some = self
                .members_behind(all.last().map(|last: &Member| last.id))
                .await?;
            if some.is_empty() {
                return Ok(lookalikes(peers, all.iter()));
            }
            all.extend(some);
        }
    }

    async fn members_behind(&self, after: Option<MemberId>) -> Result<Vec<Member>, Refused> {
        let asked = GetMembers {
            after,
            limit: MAX_PEERS_LISTED,
        };
        Ok(self.members.send(asked).await?)
    }
}

/// The number of the member that the page before ended with.
pub(super) fn after_member(page: &Page) -> Result<Option<MemberId>, Refused> {
    let number = page.after_number()?;
    // A number beyond those that are given is behind all of them.
    Ok(number.map(|number| MemberId(u32::try_from(number).unwrap_or(u32::MAX))))
}

/// A connection as it is shown.
pub(super) fn session_view(session: SessionStatus) -> SessionView {
    SessionView {
        endpoint: session.address,
        program: session.program,
        outgoing: session.outgoing,
        height: Height(session.height),
    }
}

/// A member as it is shown.
pub(super) fn member_view(
    member: &Member,
    session: Option<SessionView>,
    own: Option<&PublicKey>,
) -> PeerView {
    let statement = &member.record.statement;
    PeerView {
        id: Some(member.id),
        name: Some(statement.name.clone()),
        address: statement.key.to_address(),
        this_node: own == Some(&statement.key),
        live: Some(member.live),
        reachable: Some(member.reachable),
        since: Some(member.since),
        endpoints: statement
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect(),
        session,
        on_ledger: None,
    }
}
