//! Search: any name, id, height or address leads to its page, and words such as "backup" to where that is done.

use super::form::Asked;
use super::frame::{Frame, Spot, on_to, page, status_of};
use super::refusal::PageRefused;
use super::show::{Who, grouped, short};
use crate::owner::answers::TransactionState;
use crate::owner::{Code, Page, Peer, PeersPage};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

/// Members that are found by a part of their name.
const FOUND: usize = 30;

/// Ballots that are looked through, the latest first.
const BALLOTS: usize = 100;

/// Digits of an id from which on it may be meant by them.
const LEAST_ID: usize = 6;

/// What people write before a number or an id.
const BEFORE_DIGITS: [&str; 3] = ["block ", "height ", "transaction "];

/// Longest text that is looked for, in characters: an address has 62, an id 64.
const MAX_TYPED: usize = 100;

/// What people look for by a word: what the word begins like, where it is, and how it is called.
const PLACES: &[(&[&str], &str, &str)] = &[
    (&["backup", "restore"], "/me#backup", "Backups"),
    (&["words", "seed", "recovery"], "/me#words", "The 24 words"),
    (
        &["lock", "unlock", "passphrase", "password"],
        "/me#passphrase",
        "The passphrase",
    ),
    (&["address", "qr", "name"], "/me", "My name and address"),
    (&["mine", "mining"], "/network", "Mining"),
    (&["block", "chain"], "/network/blocks", "Blocks"),
    (&["inbox", "message", "mail"], "/pay/inbox", "Inbox"),
    (
        &["history", "account", "balance"],
        "/pay/account",
        "Account",
    ),
    (&["outbox", "waiting"], "/pay/outbox", "On its way"),
    (&["vote", "ballot"], "/votes", "Votes"),
    (&["record", "topic"], "/votes/records", "Records"),
    (&["log"], "/network/log", "The node's log"),
    (
        &["settings", "version", "disk"],
        "/network/node",
        "This node",
    ),
];

/// Letters of a word from which on it may be meant by them.
const LEAST: usize = 3;

/// The places that a word may mean.
fn places(lower: &str) -> impl Iterator<Item = Hit> + use<'_> {
    let is_meant = move |word: &str| {
        let enough = lower.len() >= LEAST.min(word.len());
        enough && (word.starts_with(lower) || lower == format!("{word}s"))
    };
    let meant = PLACES
        .iter()
        .filter(move |(words, ..)| words.iter().any(|word| is_meant(word)));
    meant.map(|(_, path, called)| Hit {
        path: (*path).to_owned(),
        words: (*called).to_owned(),
        who: None,
    })
}

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
    /// What is known of what was typed, where that is no page.
    known: Option<String>,
}

/// How an invitation begins.
const INVITATION: &str = "join1";

/// What an invitation is and where it is used. What it lets in by is not repeated.
const IS_INVITATION: &str = "This is an invitation into a network. It is a secret, and is not shown here again: whoever \
     has it can join by it. It is used where somebody joins: on the first page of a new node, which node web opens, \
     or with node join in a terminal.";

/// Looks for something.
pub(super) async fn search(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let typed: String = asked
        .fields
        .text("q")
        .unwrap_or_default()
        .chars()
        .take(MAX_TYPED)
        .collect();
    let is_invitation = typed.to_lowercase().starts_with(INVITATION);
    let typed = match is_invitation {
        true => String::new(),
        false => typed,
    };
    let hits = match typed.is_empty() {
        true => Vec::new(),
        false => find(&peer, &typed).await?,
    };
    if let [only] = hits.as_slice() {
        return on_to(&only.path);
    }
    let status = status_of(&peer).await?;
    let tip = status.chain.as_ref().map(|chain| chain.tip.height.0);
    page(&SearchPage {
        known: match is_invitation {
            true => Some(IS_INVITATION.to_owned()),
            false => tip.and_then(|tip| beyond(&typed, tip)),
        },
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Search, "Search"),
        typed: visible(&typed),
        hits,
    })
}

/// Ballots whose question has this within it, or whose id begins with it: of the latest.
async fn ballots(peer: &Peer, lower: &str) -> Result<Vec<Hit>, PageRefused> {
    let list = match peer.ballots(&Page::first(BALLOTS)).await {
        Ok(list) => list,
        Err(refused) if matches!(refused.code, Code::NoApplication | Code::NoNetwork) => {
            return Ok(Vec::new());
        }
        Err(refused) => return Err(refused.into()),
    };
    let is_meant = |question: &str, id: &str| {
        question.to_lowercase().contains(lower) || lower.len() >= LEAST_ID && id.starts_with(lower)
    };
    let found = list.ballots.iter().map(|one| (one.ballot.to_string(), one));
    let found = found.filter(|(id, one)| is_meant(&one.question, id));
    Ok(found
        .map(|(id, one)| Hit {
            path: format!("/votes/{id}"),
            words: format!("Ballot: {}", visible(&one.question)),
            who: None,
        })
        .collect())
}

/// That a height is above the tip, if it is.
fn beyond(typed: &str, tip: u64) -> Option<String> {
    let height: u64 = digits(typed).parse().ok().filter(|height| *height > tip)?;
    Some(format!(
        "The chain goes up to block {}. Block {} is not there yet.",
        grouped(&tip.to_string()),
        grouped(&height.to_string())
    ))
}

/// A number or an id without what is written between its digits, or before them: "block 5".
fn digits(typed: &str) -> String {
    let lower = typed.to_lowercase();
    let bare = BEFORE_DIGITS
        .iter()
        .find_map(|word| lower.strip_prefix(word));
    bare.unwrap_or(typed).replace([' ', '\u{202f}', '#'], "")
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
    // Who is no member any more, or not again, is found by the name that it had.
    let said = match peer.out(&lower)? {
        Some(out) => Some((Who::put_out(&out), "Put out of this network")),
        None => (peer.let_back(&lower)?)
            .map(|back| (Who::let_back(&back), "Let back, and not here yet")),
    };
    hits.extend(said.map(|(who, words)| Hit {
        path: format!("/members/{}", who.path()),
        words: words.into(),
        who: Some(who),
    }));
    if hits.is_empty() && lower.starts_with("rac1") && peer.balance(Some(&lower)).await.is_ok() {
        hits.push(Hit {
            path: format!("/members/{lower}"),
            words: "Address".into(),
            who: Some(Who::called(None, &lower)),
        });
    }
    hits.extend(places(&lower));
    hits.extend(ballots(peer, &lower).await?);
    let digits = digits(typed);
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
            who: Some(Who::of(peer, &send.to)),
        });
    }
    Ok(hits)
}
