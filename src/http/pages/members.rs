//! Who is there.

use super::form::Asked;
use super::frame::{Frame, Spot, page, status_of};
use super::refusal::PageRefused;
use super::sessions_drawn::Drawn;
use super::show::{When, Who, coins, count, grouped};
use crate::membership::MemberName;
use crate::owner::answers::{ActView, Cursor, PeerView, StatementView};
use crate::owner::{Page, Peer, PeersPage};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

/// Members on one page: with its stylesheet and script it stays below 80 kB.
pub(super) const LISTED: usize = 50;

/// What the cursor of a page begins with that goes on among those who are here, and among those who are not.
const HERE: &str = "here";
const AWAY: &str = "away";

/// A member in the list.
pub(super) struct Member {
    pub(super) who: Who,
    pub(super) me: bool,
    pub(super) here: Option<bool>,
    pub(super) reachable: Option<bool>,
    pub(super) since: Option<When>,
    /// Where the connection with this node stands.
    pub(super) session: Option<String>,
    pub(super) endpoints: Vec<String>,
    /// Another member whose name looks like this one's.
    pub(super) like: Option<String>,
    /// Admitted, and not on the ledger yet.
    pub(super) not_yet: bool,
}

impl Member {
    pub(super) fn new(peer: &PeerView) -> Self {
        Self {
            who: Who::member(peer),
            me: peer.this_node,
            here: peer.live,
            reachable: peer.reachable,
            since: peer.since.map(When::new),
            session: peer.session.as_ref().map(|session| {
                let height = grouped(&session.height.0.to_string());
                match session.outgoing {
                    true => format!("connected, at block {height}"),
                    false => format!("connected to us, at block {height}"),
                }
            }),
            endpoints: peer
                .endpoints
                .iter()
                .map(|endpoint| visible(endpoint))
                .collect(),
            like: None,
            not_yet: peer.on_ledger == Some(false),
        }
    }

    /// Whether its node answers, as far as anybody knows.
    pub(super) fn is_here(&self) -> bool {
        self.me || self.here == Some(true) || self.session.is_some()
    }
}

/// Members as a list shows them, with the one whose name each looks like.
pub(super) fn listed(peers: &[PeerView], like: Vec<Option<MemberName>>) -> Vec<Member> {
    let listed = peers.iter().zip(like).map(|(peer, like)| Member {
        like: like.map(|name| visible(name.as_str())),
        ..Member::new(peer)
    });
    listed.collect()
}

#[derive(Template)]
#[template(path = "members.html")]
struct MembersPage {
    frame: Frame,
    members: Vec<Member>,
    /// In what the tracker's word differs from the ledger.
    differs: Vec<String>,
    /// Who is put out, and by what.
    out: Vec<Out>,
    /// Who was let back and has not come since.
    back: Vec<Out>,
    /// A picture of the sessions.
    drawn: Drawn,
    here: String,
    all: String,
    /// Whether there are others at all.
    alone: bool,
    finding: Finding,
    next: Option<String>,
}

/// Somebody whom the admin has put out, or let back.
pub(super) struct Out {
    pub(super) who: Who,
    pub(super) when: When,
    /// In the admin's words.
    pub(super) reason: String,
    /// The block that says it, if one does.
    pub(super) block: Option<(u64, String)>,
}

impl Out {
    pub(super) fn new(said: &StatementView) -> Self {
        Self {
            who: match said.act {
                ActView::Expel => Who::put_out(said),
                _ => Who::let_back(said),
            },
            when: When::new(said.signed),
            reason: visible(said.reason.as_deref().unwrap_or_default()),
            block: said
                .on_ledger
                .map(|height| (height.0, grouped(&height.0.to_string()))),
        }
    }
}

/// The field that looks for members.
pub(super) struct Finding {
    /// Whether there are so many that it is needed.
    pub(super) shown: bool,
    pub(super) typed: String,
}

impl Finding {
    /// For so many members.
    pub(super) fn of(all: usize, asked: &Asked) -> Self {
        let typed = asked.fields.text("matching").unwrap_or_default();
        Self {
            shown: all > LISTED || !typed.is_empty(),
            typed: visible(typed),
        }
    }
}

/// The members.
pub(super) async fn members(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let company = peer.company().await?;
    let (peers, next) = here_first(&peer, &asked).await?;
    let said = peer.all_out()?;
    let like = peer.lookalikes(&peers);
    page(&MembersPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Members, "Members"),
        differs: status
            .differs
            .iter()
            .map(|one| one.detail.clone())
            .collect(),
        out: said.out.iter().map(Out::new).collect(),
        back: said.back.iter().map(Out::new).collect(),
        here: grouped(&company.here.to_string()),
        all: count(company.all, "member"),
        alone: company.all < 2,
        finding: Finding::of(company.all, &asked),
        drawn: Drawn::of(&company),
        members: (listed(&peers, like).into_iter())
            .map(|member| match status.put_out {
                None => member,
                // What it knew of them is what it heard last.
                Some(_) => Member {
                    here: None,
                    reachable: None,
                    session: None,
                    ..member
                },
            })
            .collect(),
        next,
    })
}

/// A part of the members, and where the next one begins: first the owner, then whoever is here, then the others.
async fn here_first(
    peer: &Peer,
    asked: &Asked,
) -> Result<(Vec<PeerView>, Option<String>), PageRefused> {
    let matching = asked
        .fields
        .text("matching")
        .filter(|text| !text.is_empty());
    let part = |here, after, limit| PeersPage {
        matching: matching.map(str::to_owned),
        here: Some(here),
        page: Page {
            after,
            limit: Some(limit),
        },
    };
    let from = asked.fields.text("after");
    let (among, after) = match from.and_then(|from| from.split_once('.')) {
        Some((among, after)) if [HERE, AWAY].contains(&among) => (among, Some(after)),
        // What is no cursor of this list is refused as one.
        _ => (HERE, from.map(|_| "")),
    };
    let mut peers = Vec::new();
    if from.is_none() && matching.is_none() {
        peers.extend(peer.member(&peer.key().to_address()).await?);
    }
    let mut after = after.map(|after| Cursor(after.to_owned()));
    if among == HERE {
        let list = peer.peers(&part(true, after.take(), LISTED)).await?;
        peers.extend(
            list.peers
                .into_iter()
                .filter(|one| !one.this_node || matching.is_some()),
        );
        if let Some(next) = list.next {
            return Ok((peers, Some(format!("{HERE}.{}", next.0))));
        }
    }
    // One at least, so that the cursor tells where they begin.
    let room = LISTED.saturating_sub(peers.len()).max(1);
    let list = peer.peers(&part(false, after, room)).await?;
    peers.extend(list.peers);
    let next = list.next.map(|next| format!("{AWAY}.{}", next.0));
    Ok((peers, next))
}

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    frame: Frame,
    member: Member,
    /// By what it is put out, if it is.
    out: Option<Out>,
    /// By what it was let back, if it was and has not come since.
    back: Option<Out>,
    balance: String,
    code: String,
}

/// One of them, or whoever has an address.
pub(super) async fn member(
    peer: Data<Peer>,
    who: Path<String>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    // Who is put out goes by its name no more, and is found by it here all the same.
    let out = peer.out(&who)?;
    let back = peer.let_back(&who)?;
    let said = out.as_ref().or(back.as_ref());
    let asked_for = said.map_or(who.as_str(), |said| &said.address);
    let balance = peer.balance(Some(asked_for)).await?;
    let known: Vec<PeerView> = peer
        .member(&balance.of.address)
        .await?
        .into_iter()
        .collect();
    let known = listed(&known, peer.lookalikes(&known)).pop();
    let member = known.unwrap_or_else(|| Member {
        who: match &back {
            Some(back) => Who::let_back(back),
            None => Who::of(&peer, &balance.of),
        },
        me: false,
        here: None,
        reachable: None,
        since: None,
        session: None,
        endpoints: Vec::new(),
        like: None,
        not_yet: false,
    });
    page(&MemberPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Members, member.who.label()),
        out: out.as_ref().map(Out::new),
        back: back.as_ref().map(Out::new),
        balance: coins(balance.balance),
        code: super::own::code(super::own::Coded::Address, &member.who.address),
        member,
    })
}
