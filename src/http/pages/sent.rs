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
    // What went by way of the network goes on to its recipient all the same.
    let is_going = waits || send.waiting.is_some();
    let is_away = match is_going {
        true => {
            let known = peer.member(&send.to.address).await?;
            known.is_some_and(|known| known.live == Some(false) && known.session.is_none())
        }
        false => false,
    };
    let out = match is_going {
        true => peer.out(&send.to.address)?,
        false => None,
    };
    let can_withdraw = waits && matches!(send.route, RouteView::Direct);
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
            Some(out) => Some(is_put_out(out.reason.as_deref(), can_withdraw)),
            None if is_away => Some(away(
                &entry.who.label(),
                can_withdraw,
                peer.place.by_network_after_ms(),
            )),
            None => send
                .waiting
                .as_ref()
                .and_then(|waiting| waiting.next_try_ms)
                .map(next_try),
        },
        expires: expected(&peer, &status, send.expires_at),
        block: send
            .height
            .map(|height| (height.0, grouped(&height.0.to_string()))),
        can_retry: waits && status.put_out.is_none(),
        back: format!("/pay/sent/{}", send.id),
        can_withdraw,
        entry,
    })
}

/// Why it is handed over to nobody, and what to do.
fn is_put_out(reason: Option<&str>, can_withdraw: bool) -> String {
    let why = reason.map_or_else(String::new, |reason| format!("{} ", given(reason)));
    let withdraw = match can_withdraw {
        true => " You can withdraw it.",
        false => "",
    };
    format!("{why}It is handed over only if the recipient is let back.{withdraw}")
}

/// What becomes of it while its recipient's node is away: it goes by way of the network after so long in company.
fn away(who: &str, can_withdraw: bool, by_network_after_ms: Option<u64>) -> String {
    match (can_withdraw, by_network_after_ms) {
        (false, _) => format!(
            "{who}'s node is away. It went by way of the network, so it can't be withdrawn any more; it also goes to \
             {who}'s node as soon as that is back."
        ),
        (true, Some(ms)) => format!(
            "{who}'s node is away. Nothing needs you: it is handed over as soon as that node is back. After about {} \
             in which other members are connected it goes by way of the network as well; until then you can withdraw \
             it.",
            in_words(ms)
        ),
        (true, None) => format!(
            "{who}'s node is away. Nothing needs you: it is handed over as soon as that node is back."
        ),
    }
}

/// When it is tried next. What is due is not tried every moment: it goes once there is a connection.
fn next_try(ms: u64) -> String {
    match ms {
        0..1_000 => {
            "It is handed over as soon as this node has a connection with the recipient's, which it looks for."
                .to_owned()
        }
        ms => format!("It is tried again in {}.", in_words(ms)),
    }
}

/// The way that a payment goes, as far as it went.
fn steps(send: &SendView) -> Vec<Step> {
    let state = send.state.name();
    let mined = state == "mined";
    let steps = [
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
    ];
    // What came by its block is not delivered any more.
    let is_left = |step: &Step| step.done || !mined;
    steps.into_iter().filter(is_left).collect()
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
        assert!(next_try(0).contains("has a connection"));
        assert_eq!(next_try(15_000), "It is tried again in 15 s.");
    }

    #[test]
    fn while_a_node_is_away_it_is_said_when_the_network_has_it_and_that_it_does() {
        let before = away("bob", true, Some(60_000));
        for part in [
            "bob's node is away",
            "60 s",
            "by way of the network",
            "can withdraw",
        ] {
            assert!(before.contains(part), "{before}");
        }
        let never = away("bob", true, None);
        assert!(
            !never.contains("network") && never.contains("away"),
            "{never}"
        );
        let after = away("bob", false, Some(60_000));
        for part in [
            "It went by way of the network",
            "can't be withdrawn",
            "also goes to bob's",
        ] {
            assert!(after.contains(part), "{after}");
        }
        let out = is_put_out(Some("left us"), false);
        assert!(
            !out.contains("withdraw") && out.contains("“left us”."),
            "{out}"
        );
    }

    #[test]
    fn what_came_by_its_block_is_not_left_to_be_delivered() {
        let words = |state, delivered: Option<&str>| -> Vec<_> {
            let send = sent_view(state, delivered);
            steps(&send)
                .iter()
                .map(|step| (step.words, step.done))
                .collect()
        };
        assert!(words("open", None).contains(&("Delivered", false)));
        assert!(
            !words("mined", None)
                .iter()
                .any(|(words, _)| *words == "Delivered")
        );
        let at = Some("2026-11-26T10:00:00.000Z");
        assert!(words("mined", at).contains(&("Delivered", true)));
    }

    fn sent_view(state: &str, delivered: Option<&str>) -> SendView {
        let address = crate::owner::testing::secret(2).public_key().to_address();
        serde_json::from_value(serde_json::json!({
            "id": "00".repeat(32), "to": { "name": "bob", "address": address }, "topic": null, "says": null,
            "amount": "5", "fee": "0", "note": null, "queued_at": "2026-11-26T10:00:00.000Z",
            "delivered_at": delivered, "state": state, "reason": "", "height": 1, "confirmations": 9,
            "expires_at": 9, "route": "both", "reserved": "5", "waiting": null
        }))
        .unwrap()
    }
}
