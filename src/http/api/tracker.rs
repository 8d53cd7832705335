//! What a tracker answers.

use super::asked::Parameters;
use super::paths;
use super::resource;
use crate::owner::answers::{
    DelegateRequest, DelegateView, DelegatesView, ExpelRequest, HandOverRequest, InvitationView,
    InvitationsView, InviteRequest, InvitedView, NoRequest, PeersView, ReadmitRequest,
    RekeyRequest, SaidView, StatementRequest, TrackerStatusView,
};
use crate::owner::{Refused, Tracker};
use actix_web::web::{Data, Json, Path, ServiceConfig};

/// The paths of a tracker.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(&paths::STATUS, status))
        .service(resource(&paths::PEERS, peers))
        .service(resource(&paths::INVITE, invite))
        .service(resource(&paths::INVITATIONS, invitations))
        .service(resource(&paths::REVOKE_INVITATION, revoke_invitation))
        .service(resource(&paths::EXPEL, expel))
        .service(resource(&paths::READMIT, readmit))
        .service(resource(&paths::REKEY, rekey))
        .service(resource(&paths::DELEGATE, delegate))
        .service(resource(&paths::DELEGATES, delegates))
        .service(resource(&paths::REVOKE_DELEGATE, revoke_delegate))
        .service(resource(&paths::HAND_OVER, hand_over))
        .service(resource(&paths::STATEMENTS, hear));
}

async fn status(tracker: Data<Tracker>) -> Result<Json<TrackerStatusView>, Refused> {
    tracker.status().await.map(Json)
}

async fn peers(tracker: Data<Tracker>, asked: Parameters) -> Result<Json<PeersView>, Refused> {
    tracker.peers(&asked.peers()?).await.map(Json)
}

async fn invite(
    tracker: Data<Tracker>,
    request: Json<InviteRequest>,
) -> Result<Json<InvitedView>, Refused> {
    tracker.invite(&request).await.map(Json)
}

async fn invitations(
    tracker: Data<Tracker>,
    asked: Parameters,
) -> Result<Json<InvitationsView>, Refused> {
    tracker.invitations(&asked.page()?).await.map(Json)
}

async fn revoke_invitation(
    tracker: Data<Tracker>,
    id: Path<String>,
    _: Json<NoRequest>,
) -> Result<Json<InvitationView>, Refused> {
    tracker.revoke_invitation(&id).await.map(Json)
}

async fn delegate(
    tracker: Data<Tracker>,
    request: Json<DelegateRequest>,
) -> Result<Json<DelegateView>, Refused> {
    tracker.delegate(&request).await.map(Json)
}

async fn delegates(tracker: Data<Tracker>) -> Result<Json<DelegatesView>, Refused> {
    tracker.delegates().await.map(Json)
}

async fn revoke_delegate(
    tracker: Data<Tracker>,
    address: Path<String>,
    _: Json<NoRequest>,
) -> Result<Json<SaidView>, Refused> {
    tracker.revoke_delegate(&address).await.map(Json)
}

async fn hand_over(
    tracker: Data<Tracker>,
    request: Json<HandOverRequest>,
) -> Result<Json<SaidView>, Refused> {
    tracker.hand_over(&request).await.map(Json)
}

async fn hear(
    tracker: Data<Tracker>,
    request: Json<StatementRequest>,
) -> Result<Json<SaidView>, Refused> {
    tracker.hear(&request).await.map(Json)
}

async fn expel(
    tracker: Data<Tracker>,
    request: Json<ExpelRequest>,
) -> Result<Json<SaidView>, Refused> {
    tracker.expel(&request).await.map(Json)
}

async fn readmit(
    tracker: Data<Tracker>,
    request: Json<ReadmitRequest>,
) -> Result<Json<SaidView>, Refused> {
    tracker.readmit(&request).await.map(Json)
}

async fn rekey(
    tracker: Data<Tracker>,
    request: Json<RekeyRequest>,
) -> Result<Json<SaidView>, Refused> {
    tracker.rekey(&request).await.map(Json)
}
