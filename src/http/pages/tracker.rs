//! The pages of a tracker: how it stands, and who is there.

use super::acts::Background;
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, Standing, html, on_to, page};
use super::members::{Finding, LISTED, Member, Out, listed};
use super::own::{Coded, code};
use super::refusal::PageRefused;
use super::sessions::Browsers;
use super::show::{Moment, When, Who, count, told};
use crate::http::api::problem::status_of as code_of;
use crate::owner::answers::{
    ExpelRequest, InvitationState, InvitationView, InviteRequest, ReadmitRequest, RekeyRequest,
    TrackerStatusView,
};
use crate::owner::{Code, Page, PeersPage, Refused, Tracker};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use askama::Template;

/// Invitations on one page.
const INVITATIONS: usize = 20;

/// The paths of a tracker.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(home))
        .route("/members", web::get().to(home))
        .route("/network/node", web::get().to(node))
        .route("/network/backup", web::post().to(super::node::back_up))
        .route("/network/log", web::get().to(log))
        .route("/members/invite", web::post().to(invite))
        .route("/members/revoke/{id}", web::post().to(revoke))
        .route("/members/expel", web::post().to(expel))
        .route("/members/readmit", web::post().to(readmit))
        .route("/members/rekey", web::post().to(rekey));
}

#[derive(Template)]
#[template(path = "tracker.html")]
struct TrackerPage {
    frame: Frame,
    who: Who,
    endpoint: String,
    /// Whether nobody on another machine can join.
    is_alone: bool,
    founded: bool,
    registered: String,
    live: String,
    members: Vec<Member>,
    finding: Finding,
    next: Option<String>,
    invitations: Vec<Invitation>,
    /// Who is put out.
    out: Vec<Out>,
    /// Who was let back and has not come since.
    back: Vec<Out>,
    order: Ordering,
    /// That an order about a member was taken: said where the browser is then.
    taken: Option<&'static str>,
}

/// What was typed about a member, and not taken.
#[derive(Default)]
struct Ordering {
    who: String,
    reason: String,
    /// Whose name was to go to another key, and the key's address.
    name: String,
    address: String,
    refused: Option<String>,
}

/// An invitation in the list.
struct Invitation {
    id: u32,
    standing: Standing,
    left: String,
    /// Until when it can be used, or could be; nothing where it is not time that ended it.
    expires: Option<When>,
    open: bool,
}

impl Invitation {
    fn new(view: &InvitationView) -> Self {
        let open = view.state == InvitationState::Open;
        Self {
            id: view.id,
            standing: match view.state {
                InvitationState::Open => Standing::good("Open", ""),
                InvitationState::UsedUp => Standing::wait("Used up", ""),
                InvitationState::Expired => Standing::wait("Over", ""),
                InvitationState::Revoked => Standing::bad("Taken back", ""),
            },
            left: format!("{} of {}", view.uses_left, view.uses),
            expires: matches!(view.state, InvitationState::Open | InvitationState::Expired)
                .then(|| When::new(view.expires)),
            open,
        }
    }
}

async fn home(tracker: Data<Tracker>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    page(&tracker_page(&tracker, &asked, Ordering::default()).await?)
}

/// The tracker as a node: its files and its settings.
async fn node(
    tracker: Data<Tracker>,
    background: Data<Background>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = tracker.status().await?;
    let frame = frame(&tracker, &status, &asked, Spot::Network, "This node");
    super::node::of_tracker(&tracker, &status, &background, frame).await
}

/// What it wrote down.
async fn log(tracker: Data<Tracker>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = tracker.status().await?;
    let frame = frame(&tracker, &status, &asked, Spot::Network, "Log");
    super::log::log_page(&tracker.place, frame, &asked).await
}

/// The frame of a page of a tracker that stands like this.
fn frame(
    tracker: &Tracker,
    status: &TrackerStatusView,
    asked: &Asked,
    spot: Spot,
    title: &str,
) -> Frame {
    let of = (&*tracker.entropy, tracker.place.typed());
    let mut frame = Frame::bare(of, &asked.session, spot, title);
    frame.network = Some(visible(&status.network.name));
    frame.me = Some(Who::called(Some("tracker"), &status.address));
    frame.standing = match status.sessions {
        0 => Standing::wait("Nobody is connected", "Members come by themselves."),
        sessions => Standing::good(format!("{} connected", count(sessions, "member")), ""),
    };
    // A tracker tells nothing as it happens: its pages look again and again.
    frame.cursor = Some(String::new());
    frame.is_polled = true;
    frame.notice = asked.fields.text("done").and_then(super::frame::notice);
    frame
}

async fn tracker_page(
    tracker: &Tracker,
    asked: &Asked,
    order: Ordering,
) -> Result<TrackerPage, PageRefused> {
    let status = tracker.status().await?;
    let matching = asked
        .fields
        .text("matching")
        .filter(|text| !text.is_empty());
    let wanted = PeersPage {
        matching: matching.map(str::to_owned),
        here: None,
        page: asked.page(LISTED),
    };
    let list = tracker.peers(&wanted).await?;
    let said = tracker.all_out().await?;
    let like = tracker.lookalikes(&list.peers).await?;
    let invitations = tracker.invitations(&Page::default()).await?;
    let mut invitations: Vec<_> = invitations
        .invitations
        .iter()
        .map(Invitation::new)
        .collect();
    // What can be used comes first, the latest before the others.
    invitations.sort_by_key(|one| (!one.open, std::cmp::Reverse(one.id)));
    invitations.truncate(INVITATIONS);
    let mut frame = frame(tracker, &status, asked, Spot::Members, "Tracker");
    let taken = match asked.fields.text("done") {
        Some("expelled" | "readmitted" | "rekeyed") => frame.notice.take(),
        _ => None,
    };
    Ok(TrackerPage {
        order,
        taken,
        invitations,
        frame,
        who: Who::called(None, &status.address),
        endpoint: visible(&status.endpoint),
        is_alone: tracker.invites_here_alone(),
        founded: status.network.id.is_some(),
        registered: count(status.registered, "member"),
        live: count(status.live, "member"),
        members: listed(&list.peers, like),
        out: said.out.iter().map(Out::new).collect(),
        back: said.back.iter().map(Out::new).collect(),
        finding: Finding::of(status.registered, asked),
        next: list.next.map(|next| next.0),
    })
}

#[derive(Template)]
#[template(path = "invited.html")]
struct InvitedPage {
    frame: Frame,
    invitation: String,
    code: String,
    uses: String,
    expires: Moment,
}

/// Makes an invitation, and shows it on this one page: nobody keeps it.
async fn invite(
    tracker: Data<Tracker>,
    browsers: Data<Browsers>,
    act: Act,
) -> Result<HttpResponse, PageRefused> {
    if act.once().is_some_and(|once| !browsers.take_once(once)) {
        // The page was loaded again: one invitation was made, and its secret is shown once.
        return on_to("/");
    }
    let uses = act.fields.text("uses").unwrap_or("1").parse();
    let uses = uses.map_err(|_| {
        Refused::new(
            Code::BadParameter,
            "For how many? A whole number, such as 1.",
        )
    })?;
    let request = InviteRequest {
        uses: Some(uses),
        lasts_ms: None,
    };
    let invited = tracker.invite(&request).await?;
    let of = (&*tracker.entropy, tracker.place.typed());
    let mut frame = Frame::bare(of, &act.session, Spot::Members, "Invitation");
    frame.standing = Standing::good("Made", "");
    page(&InvitedPage {
        frame,
        code: code(Coded::Invitation, &invited.invitation),
        uses: count(invited.uses as usize, "member"),
        expires: Moment::new(invited.expires),
        invitation: invited.invitation,
    })
}

/// Takes an invitation back.
async fn revoke(
    tracker: Data<Tracker>,
    id: Path<String>,
    _: Act,
) -> Result<HttpResponse, PageRefused> {
    tracker.revoke_invitation(&id).await?;
    on_to("/?done=revoked")
}

#[derive(Template)]
#[template(path = "putting-out.html")]
struct PuttingOutPage {
    frame: Frame,
    who: String,
    reason: String,
}

/// Puts a member out, once its owner has read what follows: the first press asks.
async fn expel(tracker: Data<Tracker>, act: Act) -> Result<HttpResponse, PageRefused> {
    let typed = |name| act.fields.text(name).unwrap_or_default().to_owned();
    let request = ExpelRequest {
        who: typed("who"),
        reason: typed("reason"),
    };
    if act.fields.text("sure").is_none() {
        if let Err(refused) = tracker.check_expulsion(&request).await {
            return again(&tracker, act, &refused).await;
        }
        let status = tracker.status().await?;
        let asked = Asked::from(act);
        return page(&PuttingOutPage {
            frame: frame(&tracker, &status, &asked, Spot::Members, "Put out?"),
            who: visible(&request.who),
            reason: visible(&request.reason),
        });
    }
    match tracker.expel(&request).await {
        Ok(_) => on_to("/?done=expelled#out"),
        Err(refused) => again(&tracker, act, &refused).await,
    }
}

/// Lets somebody come back who was put out.
async fn readmit(tracker: Data<Tracker>, act: Act) -> Result<HttpResponse, PageRefused> {
    let who = act.fields.text("who").unwrap_or_default().to_owned();
    match tracker.readmit(&ReadmitRequest { who }).await {
        Ok(_) => on_to("/?done=readmitted#out"),
        Err(refused) => again(&tracker, act, &refused).await,
    }
}

/// Gives a name to another key.
async fn rekey(tracker: Data<Tracker>, act: Act) -> Result<HttpResponse, PageRefused> {
    let typed = |name| act.fields.text(name).unwrap_or_default().to_owned();
    let request = typed("name").parse().map(|name| RekeyRequest {
        name,
        address: typed("address"),
    });
    let said = match request {
        Ok(request) => tracker.rekey(&request).await,
        Err(_) => {
            let detail = "Which name? As it stands in the list of members, in small letters.";
            Err(Refused::new(Code::BadParameter, detail))
        }
    };
    match said {
        Ok(_) => on_to("/?done=rekeyed#out"),
        Err(refused) => again(&tracker, act, &refused).await,
    }
}

/// The page with what was typed, and why it was not taken.
async fn again(
    tracker: &Tracker,
    act: Act,
    refused: &Refused,
) -> Result<HttpResponse, PageRefused> {
    let typed = |name| act.fields.typed(name).unwrap_or_default().to_owned();
    let order = Ordering {
        who: typed("who"),
        reason: typed("reason"),
        name: typed("name"),
        address: typed("address"),
        refused: Some(told(refused, tracker.place.typed())),
    };
    let again = tracker_page(tracker, &act.into(), order).await?;
    Ok(html(code_of(refused.code), &again))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Timestamp;

    #[test]
    fn an_invitation_says_until_when_only_where_time_matters() {
        let says = |state, uses_left| {
            let view = InvitationView {
                id: 1,
                uses: 1,
                uses_left,
                made: Timestamp(0),
                revoked: None,
                expires: Timestamp(0),
                state,
            };
            Invitation::new(&view).expires.is_some()
        };
        assert!(says(InvitationState::Open, 1) && says(InvitationState::Expired, 1));
        assert!(!says(InvitationState::UsedUp, 0) && !says(InvitationState::Revoked, 1));
    }
}
