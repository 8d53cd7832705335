//! Who is there.

use super::form::Asked;
use super::frame::{Frame, Spot, page, status_of};
use super::refusal::PageRefused;
use super::sessions_drawn::Drawn;
use super::show::{When, Who, coins, count, grouped};
use crate::owner::answers::PeerView;
use crate::owner::{Page, Peer};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

/// Members on one page.
const LISTED: usize = 500;

/// Names that differ in so few characters are taken for each other.
const ALIKE: usize = 1;

/// Shorter names are too many to be told apart like that.
const LEAST_ALIKE: usize = 4;

/// A member in the list.
pub(super) struct Member {
    pub(super) who: Who,
    pub(super) me: bool,
    pub(super) here: Option<bool>,
    pub(super) reachable: Option<bool>,
    pub(super) since: Option<When>,
    /// Where the connection with this node stands.
    pub(super) session: Option<String>,
    /// Whether this node called.
    pub(super) outgoing: bool,
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
            outgoing: peer
                .session
                .as_ref()
                .is_some_and(|session| session.outgoing),
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

/// Members as a list shows them: who is there first, and lookalikes marked.
pub(super) fn listed(peers: &[PeerView]) -> Vec<Member> {
    let mut members: Vec<Member> = peers.iter().map(Member::new).collect();
    let names: Vec<(String, Option<When>)> = members
        .iter()
        .filter_map(|member| Some((member.who.name.clone()?, member.since.clone())))
        .collect();
    for member in &mut members {
        let Some(name) = &member.who.name else {
            continue;
        };
        // The newcomer of the two is marked.
        let since = member.since.as_ref().map(|when| when.iso.clone());
        let older = names.iter().find(|(other, their)| {
            let theirs = their.as_ref().map(|when| when.iso.clone());
            other != name && theirs < since && look_alike(other, name)
        });
        member.like = older.map(|(other, _)| other.clone());
    }
    members.sort_by_key(|member| (!member.me, !member.is_here()));
    members
}

fn look_alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        name.replace('0', "o")
            .replace(['1', 'i'], "l")
            .replace('-', "")
    };
    plain(one) == plain(other)
        || one.len().min(other.len()) >= LEAST_ALIKE
            // Most names are told apart by this: the distance itself is slow for hundreds of them.
            && one.len().abs_diff(other.len()) <= ALIKE
            && strsim::osa_distance(one, other) <= ALIKE
}

#[derive(Template)]
#[template(path = "members.html")]
struct MembersPage {
    frame: Frame,
    members: Vec<Member>,
    /// In what the tracker's word differs from the ledger.
    differs: Vec<String>,
    /// A picture of the sessions.
    drawn: Drawn,
    here: String,
    all: String,
    next: Option<String>,
}

/// The members.
pub(super) async fn members(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    let status = status_of(&peer).await?;
    let list = peer.peers(&asked.page(LISTED)).await?;
    let members = listed(&list.peers);
    let here = members.iter().filter(|member| member.is_here()).count();
    page(&MembersPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Members, "Members"),
        differs: status
            .differs
            .iter()
            .map(|one| one.detail.clone())
            .collect(),
        here: grouped(&here.to_string()),
        all: count(members.len(), "member"),
        drawn: Drawn::of(&members),
        members,
        next: list.next.map(|next| next.0),
    })
}

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    frame: Frame,
    member: Member,
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
    let balance = peer.balance(Some(&who)).await?;
    let list = peer.peers(&Page::first(LISTED)).await?;
    let listed = listed(&list.peers);
    let known = listed
        .into_iter()
        .find(|member| member.who.address == balance.of.address);
    let member = known.unwrap_or_else(|| Member {
        who: Who::new(&balance.of),
        me: false,
        here: None,
        reachable: None,
        since: None,
        session: None,
        outgoing: false,
        endpoints: Vec::new(),
        like: None,
        not_yet: false,
    });
    page(&MemberPage {
        frame: Frame::of_peer(&peer, &status, &asked, Spot::Members, member.who.label()),
        balance: coins(balance.balance),
        code: super::own::code(&member.who.address),
        member,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookalikes_are_seen_and_others_are_left_alone() {
        assert!(look_alike("alice", "a1ice"));
        assert!(look_alike("alice", "allice"));
        assert!(look_alike("bob", "b0b"));
        assert!(!look_alike("bob", "rob"));
        assert!(!look_alike("alice", "bob"));
        assert!(!look_alike("node-1", "node-22"));
    }
}
