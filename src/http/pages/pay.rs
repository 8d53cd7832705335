//! Pay and write: a time line a member, the form, what is on its way, what came.

use super::entries::{Entry, Mood, entries};
use super::form::{Act, Asked, Fields};
use super::frame::{Frame, Spot, html, on_to, page, see, status_of};
use super::home::under_way;
use super::members::Out;
use super::refusal::PageRefused;
use super::show::{Who, coins, told};
use crate::chain::Amount;
use crate::http::api::problem::status_of as code_of;
use crate::owner::answers::{
    HistoryEntry, HistoryView, NetworkView, PeerStatusView, PeerView, SendRequest,
};
use crate::owner::{Code, InboxPage, Order, Page, Peer, PeersPage, Refused, Which};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use std::collections::BTreeMap;

/// Entries on one page.
const LISTED: usize = 30;

/// Members that are listed beside: those with whom something went, and then whoever is here.
const BESIDE: usize = 20;

/// Names that are offered for what was typed.
const OFFERED: usize = 12;

/// Unread messages that are counted by their sender.
const COUNTED: usize = 200;

/// Messages that are marked as read by one form.
const MARKED: usize = 200;

/// The form that pays and writes, as it is filled in.
#[derive(Default)]
pub(super) struct Sending {
    pub(super) to: String,
    pub(super) amount: String,
    pub(super) note: String,
    pub(super) fee: String,
    pub(super) broadcast: bool,
    /// Why it was not taken.
    pub(super) refused: Option<String>,
    /// Where the recipient is fixed, who it is.
    pub(super) fixed: Option<Who>,
    pub(super) names: Vec<String>,
    pub(super) spendable: String,
    pub(super) network: String,
}

impl Sending {
    /// As it was sent, and not taken.
    fn again(fields: &Fields, refused: String) -> Self {
        let text = |name| fields.typed(name).unwrap_or_default().to_owned();
        Self {
            to: text("to"),
            amount: text("amount"),
            note: text("note"),
            fee: text("fee"),
            broadcast: fields.text("broadcast").is_some(),
            refused: Some(refused),
            ..Self::default()
        }
    }
}

/// Somebody in the list beside.
pub(super) struct Contact {
    pub(super) who: Who,
    pub(super) here: bool,
    pub(super) unread: usize,
}

#[derive(Template)]
#[template(path = "pay.html")]
struct PayPage {
    frame: Frame,
    sending: Sending,
    contacts: Vec<Contact>,
    /// Members beside the owner.
    all: usize,
    under_way: Vec<Entry>,
    latest: Vec<Entry>,
}

/// Who is listed beside: who has written what was not read, with whom something went of late, who is here.
async fn contacts(peer: &Peer, own: &str, history: &HistoryView) -> Result<Vec<Contact>, Refused> {
    let wanted = InboxPage {
        unread: true,
        order: Order::Latest,
        page: Page::first(COUNTED),
    };
    let unread = peer.inbox(&wanted).await?.messages;
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for message in &unread {
        *counted.entry(&message.from.address).or_default() += 1;
    }
    let writers = unread.iter().map(|message| &message.from);
    let latest = history.entries.iter().map(|entry| match entry {
        HistoryEntry::Sent(send) => &send.to,
        HistoryEntry::Received(message) => &message.from,
    });
    let mut people: Vec<Contact> = Vec::new();
    for person in writers.chain(latest) {
        let known =
            person.address == own || people.iter().any(|one| one.who.address == person.address);
        if known || people.len() >= BESIDE || person.name.is_none() {
            continue;
        }
        let member = peer.member(&person.address).await?;
        people.push(Contact {
            who: Who::of(peer, person),
            here: member.is_some_and(|member| is_here(&member)),
            unread: counted
                .get(person.address.as_str())
                .copied()
                .unwrap_or_default(),
        });
    }
    for here in [true, false] {
        // The owner, and whoever is listed already, may be among them.
        let wanted = PeersPage {
            matching: None,
            here: Some(here),
            page: Page::first(2 * BESIDE + 1),
        };
        for member in peer.peers(&wanted).await?.peers {
            let known = people.iter().any(|one| one.who.address == member.address);
            if !known && !member.this_node && member.name.is_some() && people.len() < BESIDE {
                people.push(Contact {
                    who: Who::member(&member),
                    here,
                    unread: 0,
                });
            }
        }
    }
    people.sort_by_key(|contact| (contact.unread == 0, !contact.here));
    Ok(people)
}

fn is_here(member: &PeerView) -> bool {
    member.live == Some(true) || member.session.is_some()
}

/// Fills in what the form offers.
async fn offer(peer: &Peer, status: &PeerStatusView, sending: &mut Sending) -> Result<(), Refused> {
    sending.spendable = coins(peer.balance(None).await?.spendable);
    let network: Option<&NetworkView> = status.chain.as_ref().map(|chain| &chain.network);
    sending.network = network
        .map(|network| visible(&network.name))
        .unwrap_or_default();
    Ok(())
}

async fn pay_page(
    peer: &Peer,
    asked: &Asked,
    mut sending: Sending,
) -> Result<PayPage, PageRefused> {
    let status = status_of(peer).await?;
    let mood = Mood::of(&status);
    offer(peer, &status, &mut sending).await?;
    let history = peer.history(&Page::first(LISTED)).await?;
    let contacts = contacts(peer, &status.address, &history).await?;
    // A name that nothing is sent to any more is not offered.
    let names = contacts
        .iter()
        .filter(|contact| !contact.who.out)
        .filter_map(|contact| contact.who.name.clone());
    sending.names = names.collect();
    Ok(PayPage {
        frame: Frame::of_peer(peer, &status, asked, Spot::Pay, "Pay & write"),
        sending,
        all: peer.company().await?.all.saturating_sub(1),
        contacts,
        under_way: under_way(peer, &mood).await?,
        latest: entries(peer, &history, &mood),
    })
}

/// The names that have in them what was typed, for the script that offers them.
pub(super) async fn names(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let wanted = PeersPage {
        matching: asked.fields.text("typed").map(str::to_owned),
        here: None,
        page: Page::first(OFFERED),
    };
    let members = peer.peers(&wanted).await?.peers;
    let others = members.iter().filter(|member| !member.this_node);
    let names: Vec<_> = others.filter_map(|member| member.name.as_ref()).collect();
    Ok(see(HttpResponse::Ok()).json(names))
}

/// Pay and write.
pub(super) async fn pay(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let sending = Sending {
        to: asked.fields.text("to").unwrap_or_default().to_owned(),
        ..Sending::default()
    };
    page(&pay_page(&peer, &asked, sending).await?)
}

/// Takes the form.
pub(super) async fn send(peer: Data<Peer>, act: Act) -> Result<HttpResponse, PageRefused> {
    let sent = match request(&act.fields) {
        Ok(request) => peer.send(&request, act.once()).await,
        Err(refused) => Err(refused),
    };
    let refused = match sent {
        Ok(sent) => return on_to(&format!("/pay/sent/{}?done=sent", sent.id)),
        // The same form again: what came of the first.
        Err(Refused {
            about: Some(id),
            code: Code::AlreadySent | Code::KeyTaken,
            ..
        }) => return on_to(&format!("/pay/sent/{id}?done=sent")),
        Err(refused) => explained(&peer, &act.fields, refused).await?,
    };
    let sending = Sending::again(&act.fields, told(&refused, peer.place.typed()));
    let asked = Asked::from(act);
    let again = pay_page(&peer, &asked, sending).await?;
    Ok(html(code_of(refused.code), &again))
}

/// The same "no", in words that say what there is and what is needed.
async fn explained(peer: &Peer, fields: &Fields, refused: Refused) -> Result<Refused, Refused> {
    if refused.code != Code::InsufficientFunds {
        return Ok(refused);
    }
    let balance = peer.balance(None).await?;
    let typed = |name, what| whole(fields.text(name), what).map(|amount| amount.0);
    let cost = typed("amount", "The amount")?.saturating_add(typed("fee", "The fee")?);
    let more = match peer.status().await?.put_out {
        // The others would not take what it mines.
        Some(_) => "You have more once somebody pays you.",
        None => {
            "You have more once somebody pays you, or you mine a block, which is done under Network."
        }
    };
    let detail = format!(
        "You have too few coins: this takes {} with its fee, and you can spend {}.{} {more}",
        coins(Amount(cost)),
        coins(balance.spendable),
        match balance.promised.0 {
            0 => String::new(),
            _ => format!(
                " You have {}, of which {} are on their way.",
                coins(balance.balance),
                coins(balance.promised)
            ),
        }
    );
    Ok(Refused { detail, ..refused })
}

/// What a filled form asks for.
fn request(fields: &Fields) -> Result<SendRequest, Refused> {
    let note = fields
        .typed("note")
        .unwrap_or_default()
        .replace("\r\n", "\n");
    let note = Some(note).filter(|note| !note.trim().is_empty());
    let to = fields.text("to").filter(|to| !to.is_empty());
    let to = to.ok_or_else(|| {
        Refused::new(
            Code::UnknownMember,
            "To whom? Type a member's name, or paste an address.",
        )
    })?;
    let amount = whole(fields.text("amount"), "The amount")?;
    if amount.0 == 0 && note.is_none() {
        return Err(Refused::new(
            Code::Meaningless,
            "There is nothing to send yet: type an amount, a message, or both.",
        ));
    }
    Ok(SendRequest {
        to: to.to_owned(),
        amount,
        fee: whole(fields.text("fee"), "The fee")?,
        expires_in_blocks: None,
        note,
        broadcast: fields.text("broadcast").is_some(),
    })
}

/// Whole coins; none if nothing is typed. Spaces may stand where these pages write them, before each three digits.
fn whole(typed: Option<&str>, what: &str) -> Result<Amount, Refused> {
    let groups: Vec<&str> = typed.unwrap_or_default().split_whitespace().collect();
    let typed = groups.concat();
    if typed.is_empty() {
        return Ok(Amount::ZERO);
    }
    let in_threes = groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3);
    let digits =
        typed.bytes().all(|byte| byte.is_ascii_digit()) && (groups.len() == 1 || in_threes);
    let number = typed.parse().ok().filter(|_| digits);
    number.map(Amount).ok_or_else(|| {
        let why = match digits {
            true => "that is more than all coins there can be",
            false if typed.contains(',') => {
                "there is a comma in it. Coins are counted in whole numbers, such as 5 or 1000"
            }
            false if typed.contains('.') => {
                "there is a point in it. Coins are counted in whole numbers, such as 5 or 1000"
            }
            false => "coins are counted in whole numbers, such as 5",
        };
        Refused::new(Code::BadParameter, format!("{what}: {why}."))
    })
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct TimelinePage {
    frame: Frame,
    sending: Sending,
    who: Who,
    here: Option<bool>,
    /// By what they are put out, if they are: nothing can be sent to them.
    out: Option<Out>,
    /// By what they were let back, if they were and have not come since.
    back_since: Option<Out>,
    entries: Vec<Entry>,
    next: Option<String>,
    /// Numbers of what was not read of what is shown.
    unread: Vec<u64>,
    /// Where it is itself.
    back: String,
}

/// What went between the owner and one other.
pub(super) async fn timeline(
    peer: Data<Peer>,
    who: Path<String>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let mood = Mood::of(&status);
    // The name of whoever is put out leads to nobody any more; what went between the two stays.
    let out = peer.out(&who)?;
    let let_back = peer.let_back(&who)?;
    let said = out.as_ref().or(let_back.as_ref());
    let asked_for = said.map_or(who.as_str(), |said| &said.address);
    let history = peer.history_with(asked_for, &asked.page(LISTED)).await?;
    let of = peer.balance(Some(asked_for)).await?.of;
    let member = peer.member(&of.address).await?;
    let member = member.filter(|member| !member.this_node);
    let who = match &let_back {
        Some(back) => Who::let_back(back),
        None => Who::of(&peer, &of),
    };
    let mut sending = Sending {
        to: who.path().to_owned(),
        fixed: Some(who.clone()),
        ..Sending::default()
    };
    offer(&peer, &status, &mut sending).await?;
    let entries = entries(&peer, &history, &mood).into_iter();
    let entries: Vec<_> = entries.map(Entry::in_talk).collect();
    page(&TimelinePage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Pay, who.label()),
        sending,
        here: member.as_ref().map(is_here),
        out: out.as_ref().map(Out::new),
        back_since: let_back.as_ref().map(Out::new),
        back: format!("/pay/with/{}", who.path()),
        who,
        unread: unread_of(&entries),
        entries,
        next: history.next.map(|next| next.0),
    })
}

pub(super) fn unread_of(entries: &[Entry]) -> Vec<u64> {
    let unread = entries.iter().filter(|entry| entry.unread);
    unread.filter_map(|entry| entry.number).collect()
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    frame: Frame,
    /// Which of the lists.
    which: &'static str,
    entries: Vec<Entry>,
    next: Option<String>,
    unread: Vec<u64>,
    empty: &'static str,
}

/// What came.
pub(super) async fn inbox(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let wanted = InboxPage {
        unread: asked.fields.text("unread").is_some(),
        order: Order::Latest,
        page: asked.page(LISTED),
    };
    let inbox = peer.inbox(&wanted).await?;
    let mood = Mood::of(&status);
    let came = inbox.messages.iter();
    let entries: Vec<_> = came.map(|one| Entry::received(&peer, one, &mood)).collect();
    page(&ListPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Pay, "Inbox"),
        which: "inbox",
        unread: unread_of(&entries),
        entries,
        next: inbox.next.map(|next| next.0),
        empty: "Here stands what others pay and write to you. Tell them your name, or your address.",
    })
}

/// What is on its way, that is in no block yet, or did not get through.
pub(super) async fn outbox(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let mood = Mood::of(&status);
    let failed = asked.fields.text("failed").is_some();
    let (which, title, empty) = match failed {
        false => (
            Which::UnderWay,
            "On its way",
            "Nothing is on its way: what you send and record stands here until it is in a block.",
        ),
        true => (
            Which::Failed,
            "Did not get through",
            "Nothing: here stands what was refused, expired or withdrawn.",
        ),
    };
    let outbox = peer.outbox(which, &asked.page(LISTED)).await?;
    page(&ListPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Pay, title),
        which: if failed { "failed" } else { "outbox" },
        entries: outbox
            .sends
            .iter()
            .map(|send| Entry::sent(&peer, send, &mood))
            .collect(),
        next: outbox.next.map(|next| next.0),
        unread: Vec::new(),
        empty,
    })
}

/// The owner was shown these.
pub(super) async fn read(peer: Data<Peer>, act: Act) -> Result<HttpResponse, PageRefused> {
    let numbers = act
        .fields
        .all("number")
        .filter_map(|number| number.parse().ok());
    let numbers: Vec<u64> = numbers.take(MARKED).collect();
    peer.mark_read(&numbers).await?;
    match act.fields.text("quietly") {
        Some(_) => Ok(see(HttpResponse::build(StatusCode::NO_CONTENT)).finish()),
        None => on_to(&format!("{}?done=read", act.back().unwrap_or("/pay/inbox"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_threes_or_together_and_what_may_be_a_slip_is_no_amount() {
        let read = |typed| whole(Some(typed), "The amount").map(|amount| amount.0);
        for (typed, meant) in [
            ("", 0),
            (" 7 ", 7),
            ("1000", 1_000),
            ("4 194 304", 4_194_304),
            ("4\u{202f}194\u{202f}304", 4_194_304),
        ] {
            assert_eq!(read(typed), Ok(meant), "{typed}");
        }
        for slip in [
            "12 5", "1 0", "1000 000", "1 2345", "1,000", "1.5", "-3", "5 x",
        ] {
            assert_eq!(read(slip).unwrap_err().code, Code::BadParameter, "{slip}");
        }
        for (slip, named) in [("1,5", "a comma in it"), ("1.5", "a point in it")] {
            let why = read(slip).unwrap_err().detail;
            assert!(why.contains(named) && why.contains("whole"), "{why}");
        }
    }
}
