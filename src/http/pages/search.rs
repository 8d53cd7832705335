//! Search: any name, id, height or address leads to its page.

use super::form::Asked;
use super::frame::{Frame, Spot, on_to, page, status_of};
use super::refusal::PageRefused;
use super::show::{Who, short};
use crate::owner::answers::TransactionState;
use crate::owner::{Page, Peer, PeersPage};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

/// Members that are found by a part of their name.
const FOUND: usize = 30;

/// Longest text that is looked for, in characters: an address has 62, an id 64.
const MAX_TYPED: usize = 100;

/// Something that was found.
struct Hit {
    path: String,
    words: String,
    who: Option<Who>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    typed: String,
    hits: Vec<Hit>,
}

/// Looks for something.
pub(super) async fn search(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let typed: String = asked
        .fields
        .text("q")
        .unwrap_or_default()
        .chars()
        .take(MAX_TYPED)
        .collect();
    let hits = match typed.is_empty() {
        true => Vec::new(),
        false => find(&peer, &typed).await?,
    };
    if let [only] = hits.as_slice() {
        return on_to(&only.path);
    }
    let status = status_of(&peer).await?;
    page(&SearchPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Search, "Search"),
        typed: visible(&typed),
        hits,
    })
}

async fn find(peer: &Peer, typed: &str) -> Result<Vec<Hit>, PageRefused> {
    let mut hits = Vec::new();
    let lower = typed.to_lowercase();
    let members = peer
        .peers(&PeersPage {
            matching: Some(lower.clone()),
            here: None,
            page: Page::first(FOUND),
        })
        .await?;
    let named = members.peers.iter().filter(|member| member.name.is_some());
    hits.extend(named.map(|member| {
        let who = Who::member(member);
        Hit {
            path: format!("/members/{}", who.path()),
            words: "Member".into(),
            who: Some(who),
        }
    }));
    if hits.is_empty() && lower.starts_with("rac1") && peer.balance(Some(&lower)).await.is_ok() {
        hits.push(Hit {
            path: format!("/members/{lower}"),
            words: "Address".into(),
            who: Some(Who::called(None, &lower)),
        });
    }
    let digits = typed.replace([' ', '\u{202f}', '#'], "");
    if let Ok(block) = peer.block(&digits).await {
        hits.push(Hit {
            path: format!("/network/blocks/{}", block.id),
            words: format!("Block {}", block.height.0),
            who: None,
        });
    }
    if let Ok(found) = peer.transaction(&digits).await
        && !matches!(found.state, TransactionState::Unknown)
    {
        hits.push(Hit {
            path: format!("/network/transactions/{}", found.id),
            words: format!("Transaction {}", short(&found.id.to_string())),
            who: None,
        });
    }
    if let Ok(send) = peer.sent(&digits).await
        && send.topic.is_none()
    {
        hits.push(Hit {
            path: format!("/pay/sent/{}", send.id),
            words: "What you sent".into(),
            who: Some(Who::new(&send.to)),
        });
    }
    Ok(hits)
}
