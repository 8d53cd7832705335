//! One send: how it goes, and what can be done about it.

use super::entries::{Entry, Mood};
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, on_to, page, status_of};
use super::refusal::{PageRefused, nothing_here};
use super::show::{When, coins, expected, given, grouped};
use crate::owner::answers::{RouteView, SendView};
use crate::owner::{Code, Peer};
use crate::readable::in_words;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

#[derive(Template)]
#[template(path = "sent.html")]
struct SentPage {
    frame: Frame,
    id: String,
    entry: Entry,
    fee: Option<String>,
    steps: Vec<Step>,
    route: &'static str,
    next_try: Option<String>,
    expires: String,
    /// The block that holds it.
    block: Option<(u64, String)>,
    can_retry: bool,
    can_withdraw: bool,
    /// Where it is itself.
    back: String,
}

/// A step on the way.
struct Step {
    words: &'static str,
    done: bool,
    when: Option<When>,
}

/// One send.
pub(super) async fn sent(
    peer: Data<Peer>,
    id: Path<String>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let send = peer.sent(&id).await?;
    let mood = Mood::of(&status);
    let entry = Entry::sent(&peer, &send, &mood);
    let title = format!("To {}", entry.who.label());
    let waits = send.state.name() == "queued";
    let is_away = match waits {
        true => {
            let known = peer.member(&send.to.address).await?;
            known.is_some_and(|known| known.live == Some(false) && known.session.is_none())
        }
        false => false,
    };
    let out = match waits {
        true => peer.out(&send.to.address)?,
        false => None,
    };
    let mut frame = Frame::of_peer(&peer, &status, &asked, Spot::Pay, title);
    if entry.failed || send.state.name() == "mined" {
        // It is on its way no more: what came of it stands there.
        frame.notice = frame
            .notice
            .filter(|_| asked.fields.text("done") != Some("sent"));
    }
    page(&SentPage {
        frame,
        id: send.id.to_string(),
        fee: (send.fee.0 > 0).then(|| coins(send.fee)),
        steps: steps(&send),
        route: match send.route {
            RouteView::Direct => "Straight to its recipient.",
            RouteView::Both => {
                "Straight to its recipient, and by way of the network: everybody there sees from whom, to whom and how much. What you wrote stays sealed."
            }
            RouteView::Network => {
                "By way of the network: everybody there sees from whom, to whom and how much. What you wrote stays sealed."
            }
        },
        next_try: match out {
            // What holds it is said where it stands.
            _ if status.put_out.is_some() => None,
            Some(out) => Some(is_put_out(out.reason.as_deref())),
            None => send
                .waiting
                .as_ref()
                .and_then(|waiting| waiting.next_try_ms)
                .map(|ms| next_try(ms, is_away)),
        },
        expires: expected(&peer, &status, send.expires_at),
        block: send
            .height
            .map(|height| (height.0, grouped(&height.0.to_string()))),
        can_retry: waits && status.put_out.is_none(),
        back: format!("/pay/sent/{}", send.id),
        can_withdraw: waits && matches!(send.route, RouteView::Direct),
        entry,
    })
}

/// Why it is handed over to nobody, and what to do.
fn is_put_out(reason: Option<&str>) -> String {
    let why = reason.map_or_else(String::new, |reason| format!("{} ", given(reason)));
    format!("{why}It is handed over only if the recipient is let back. You can withdraw it.")
}

/// What it waits for, and when it is tried next. What is due is not tried every moment: it goes once there is a
/// connection.
fn next_try(ms: u64, is_away: bool) -> String {
    match (ms, is_away) {
        (_, true) => "The recipient's node is away. Nothing needs you: it is handed over as soon as that node is back."
            .to_owned(),
        (0..1_000, false) => {
            "It is handed over as soon as this node has a connection with the recipient's, which it looks for."
                .to_owned()
        }
        (ms, false) => format!("It is tried again in {}.", in_words(ms)),
    }
}

/// The way that a payment goes, as far as it went.
fn steps(send: &SendView) -> Vec<Step> {
    let state = send.state.name();
    let mined = state == "mined";
    vec![
        Step {
            words: "Taken",
            done: true,
            when: Some(When::new(send.queued_at)),
        },
        Step {
            words: "Delivered",
            done: send.delivered_at.is_some(),
            when: send.delivered_at.map(When::new),
        },
        Step {
            words: "Known to the network",
            done: mined || state == "open",
            when: None,
        },
        Step {
            words: "In a block",
            done: mined,
            when: None,
        },
    ]
}

/// Does something about a send.
pub(super) async fn order(
    peer: Data<Peer>,
    path: Path<(String, String)>,
    _: Act,
) -> Result<HttpResponse, PageRefused> {
    let (id, order) = path.into_inner();
    let (done, came) = match order.as_str() {
        "retry" => ("retried", peer.retry(&id).await),
        "withdraw" => ("withdrawn", peer.withdraw(&id).await),
        "release" => ("released", peer.release(&id).await),
        _ => return nothing_here().await,
    };
    match came {
        Ok(send) => on_to(&format!("/pay/sent/{}?done={done}", send.id)),
        // It has gone on meanwhile: its page shows how it stands.
        Err(refused) if refused.code == Code::NotWaiting => {
            let send = peer.sent(&id).await?;
            on_to(&format!("/pay/sent/{}", send.id))
        }
        Err(refused) => Err(refused.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_not_said_to_be_tried_now_but_what_it_waits_for() {
        let away = next_try(0, true);
        assert!(
            away.contains("node is away") && !away.contains("now"),
            "{away}"
        );
        assert_eq!(next_try(90_000, true), away);
        assert!(next_try(0, false).contains("has a connection"));
        assert_eq!(next_try(15_000, false), "It is tried again in 15 s.");
    }
}
