//! The account: what came into blocks for the owner, with the coins that came and went, and what there was then.

use super::entries::Said;
use super::form::Asked;
use super::frame::{Frame, Spot, page, status_of};
use super::refusal::PageRefused;
use super::show::{Moment, Note, Who, coins, grouped};
use crate::chain::Amount;
use crate::owner::answers::{AccountDeed, AccountEntry};
use crate::owner::{Page, Peer, Which};
use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

/// Lines on one page.
const LISTED: usize = 30;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    /// Which of the lists.
    which: &'static str,
    balance: String,
    lines: Vec<Line>,
    next: Option<String>,
    /// Whether these are not the latest.
    later: bool,
    /// Whether something is on its way.
    under_way: bool,
}

/// One thing that came into a block.
struct Line {
    key: String,
    when: Moment,
    height: String,
    number: u64,
    /// What it is, without whom it is with.
    words: String,
    who: Option<Who>,
    note: Option<Note>,
    /// Where it leads, if anywhere but to its block.
    path: Option<String>,
    /// With its sign; empty if no coins came or went.
    change: String,
    fee: Option<String>,
    balance: String,
}

impl Line {
    fn new(peer: &Peer, entry: &AccountEntry) -> Self {
        let id = entry.id.map(|id| id.to_string());
        let ledger = id.as_ref().map(|id| format!("/network/transactions/{id}"));
        let has_coins = entry.came.0 > 0 || entry.went.0 > entry.fee.0;
        let what = |went: bool| match (has_coins, went) {
            (true, true) => "Paid to",
            (true, false) => "Paid by",
            (false, true) => "Written to",
            (false, false) => "Written by",
        };
        let (words, who, note, path) = match &entry.deed {
            AccountDeed::Founded => ("Founded with".to_owned(), None, None, None),
            AccountDeed::Mined => ("Mined the block".to_owned(), None, None, ledger),
            AccountDeed::Sent { to, note } => (
                what(true).to_owned(),
                Some(Who::of(peer, to)),
                note.as_ref().map(Note::new),
                id.as_ref().map(|id| format!("/pay/sent/{id}")),
            ),
            AccountDeed::Received { from, note } => {
                let who = Who::of(peer, from);
                let path = format!("/pay/with/{}", who.path());
                let words = what(false).to_owned();
                (words, Some(who), note.as_ref().map(Note::new), Some(path))
            }
            AccountDeed::Recorded { topic, says } => {
                let said = Said::new(topic, says.as_ref(), id.as_deref().unwrap_or_default());
                let words = format!("{} {}: {}", said.deed, said.what, said.result);
                (words, None, None, said.ballot.or(ledger))
            }
        };
        let change = match (entry.came.0, entry.went.0) {
            (0, 0) => String::new(),
            (0, went) => format!("− {}", coins(Amount(went))),
            (came, _) => format!("+ {}", coins(Amount(came))),
        };
        Self {
            key: id.unwrap_or_default(),
            when: Moment::new(entry.timestamp),
            height: grouped(&entry.height.0.to_string()),
            number: entry.height.0,
            words,
            who,
            note,
            path,
            change,
            fee: (entry.fee.0 > 0).then(|| coins(entry.fee)),
            balance: coins(entry.balance),
        }
    }
}

/// All of it, the latest first.
pub(super) async fn account(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let account = peer.account(&asked.page(LISTED)).await?;
    let under_way = peer.outbox(Which::UnderWay, &Page::first(1)).await?;
    page(&AccountPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Pay, "Account"),
        which: "account",
        balance: coins(account.balance),
        lines: account
            .entries
            .iter()
            .map(|entry| Line::new(&peer, entry))
            .collect(),
        next: account.next.map(|next| next.0),
        later: asked.fields.text("after").is_some(),
        under_way: !under_way.sends.is_empty(),
    })
}
