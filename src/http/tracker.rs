//! What a tracker answers, and the table of members, which peers answer too.

use super::TrackerApi;
use super::error::Refused;
use super::server::resource;
use super::views::{NetworkView, PeerView, PeersView, SessionView, TrackerStatusView};
use crate::chain::Height;
use crate::keys::PublicKey;
use crate::messages::clocks::GetOwnClock;
use crate::messages::gossip::SessionStatus;
use crate::messages::registry::GetRegistryStatus;
use crate::wire::Member;
use actix_web::web::{self, Data, Json, ServiceConfig};
use std::collections::BTreeMap;

/// The paths of a tracker.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/status", web::get().to(status)))
        .service(resource("/peers", web::get().to(peers)));
}

async fn status(api: Data<TrackerApi>) -> Result<Json<TrackerStatusView>, Refused> {
    let registry = api.registry.send(GetRegistryStatus).await?;
    Ok(Json(TrackerStatusView {
        role: "tracker".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        address: api.key.to_address(),
        endpoint: api.listen.to_string(),
        network: NetworkView {
            name: registry.network_name,
            id: registry.network,
        },
        height: registry.height,
        registered: registry.members.len(),
        live: registry.members.iter().filter(|m| m.live).count(),
        reachable: registry.members.iter().filter(|m| m.reachable).count(),
        sessions: registry.sessions,
        clock: api.own_clock.send(GetOwnClock).await?.into(),
    }))
}

async fn peers(api: Data<TrackerApi>) -> Result<Json<PeersView>, Refused> {
    let registry = api.registry.send(GetRegistryStatus).await?;
    Ok(Json(peers_view(&registry.members, Vec::new(), None)))
}

/// The members, joined with the sessions by key; whoever is connected and no member comes last.
pub(super) fn peers_view(
    members: &[Member],
    sessions: Vec<SessionStatus>,
    own: Option<&PublicKey>,
) -> PeersView {
    let mut sessions: BTreeMap<PublicKey, SessionView> = sessions
        .into_iter()
        .map(|session| {
            let view = SessionView {
                endpoint: session.address,
                outgoing: session.outgoing,
                height: Height(session.height),
            };
            (session.key, view)
        })
        .collect();
    let mut members: Vec<&Member> = members.iter().collect();
    members.sort_by_key(|member| member.id);
    let mut peers: Vec<PeerView> = members
        .into_iter()
        .map(|member| {
            let session = sessions.remove(&member.record.statement.key);
            member_view(member, session, own)
        })
        .collect();
    peers.extend(sessions.into_iter().map(|(key, session)| PeerView {
        id: None,
        name: None,
        address: key.to_address(),
        this_node: own == Some(&key),
        live: None,
        reachable: None,
        since: None,
        endpoints: Vec::new(),
        session: Some(session),
    }));
    PeersView { peers }
}

fn member_view(member: &Member, session: Option<SessionView>, own: Option<&PublicKey>) -> PeerView {
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
    }
}
