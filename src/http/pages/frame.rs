//! What stands around every page: who I am, which network, how it stands, where one can go.

use super::assets;
use super::form::Asked;
use super::refusal::PageRefused;
use super::sessions::{Session, draw};
use super::show::{Who, count, given};
use crate::entropy::Entropy;
use crate::owner::answers::PeerStatusView;
use crate::owner::{Peer, Refused};
use crate::readable::{Typed, in_words, visible};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;

/// Only own files, no frames, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Puts the headers of a page onto an answer: it is kept by nobody, framed by nobody, and runs nothing else.
pub(super) fn see(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("content-security-policy", POLICY))
        .insert_header(("x-content-type-options", "nosniff"))
        .insert_header(("x-frame-options", "DENY"))
        .insert_header(("cross-origin-opener-policy", "same-origin"))
        .insert_header(("cross-origin-resource-policy", "same-origin"))
        // Forms need an Origin, which goes with the referrer.
        .insert_header(("referrer-policy", "same-origin"));
    response
}

/// A page.
pub(in crate::http) fn html(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(text) => see(HttpResponse::build(status))
            .content_type("text/html; charset=utf-8")
            .body(text),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            see(HttpResponse::InternalServerError())
                .content_type("text/plain; charset=utf-8")
                .body("This page could not be made; the node's log says why.")
        }
    }
}

/// A page that is well.
pub(super) fn page(page: &impl Template) -> Result<HttpResponse, PageRefused> {
    Ok(html(StatusCode::OK, page))
}

/// On to where the outcome of a form is: loading that again repeats nothing.
pub(super) fn on_to(path: &str) -> Result<HttpResponse, PageRefused> {
    Ok(see(HttpResponse::SeeOther())
        .insert_header((LOCATION, path))
        .finish())
}

/// The places that there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    Home,
    Pay,
    Members,
    Votes,
    Network,
    /// Who I am, which is not in the bar.
    Own,
    /// What is found.
    Search,
}

/// How something stands: never by colour alone.
#[derive(Clone, PartialEq, Eq, Template)]
#[template(
    source = "<span class=\"standing {{ tone }}\"><span class=\"sign\" aria-hidden=\"true\">{{ sign }}</span> {{ words }}</span>",
    ext = "html"
)]
pub(super) struct Standing {
    /// `good`, `wait` or `bad`: the class.
    pub(super) tone: &'static str,
    /// What is seen of it at a glance.
    pub(super) sign: &'static str,
    pub(super) words: String,
    /// More of it, for who wants to know.
    pub(super) more: String,
}

impl Standing {
    pub(super) fn good(words: impl Into<String>, more: impl Into<String>) -> Self {
        Self::new("good", "✓", words, more)
    }

    pub(super) fn wait(words: impl Into<String>, more: impl Into<String>) -> Self {
        Self::new("wait", "◷", words, more)
    }

    pub(super) fn bad(words: impl Into<String>, more: impl Into<String>) -> Self {
        Self::new("bad", "▲", words, more)
    }

    fn new(
        tone: &'static str,
        sign: &'static str,
        words: impl Into<String>,
        more: impl Into<String>,
    ) -> Self {
        Self {
            tone,
            sign,
            words: words.into(),
            more: more.into(),
        }
    }
}

/// The frame of one page.
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) spot: Spot,
    /// Who the node is; `None` as long as it is nobody.
    pub(super) me: Option<Who>,
    pub(super) network: Option<String>,
    pub(super) standing: Standing,
    pub(super) unread: usize,
    /// Whether the admin has put this node out: what would be refused is not offered.
    pub(super) is_out: bool,
    /// If so, why, in the admin's words.
    pub(super) out_reason: String,
    /// Whether its owner has disconnected it: then it tries nothing until it is connected again.
    pub(super) is_apart: bool,
    /// Where the page is, for forms that lead back to it.
    pub(super) path: String,
    /// Whether pages are fetched again and again, since the node tells nothing as it happens.
    pub(super) is_polled: bool,
    /// Whether it is a peer's: others have fewer places.
    pub(super) is_peer: bool,
    /// What each form carries.
    pub(super) token: String,
    /// What makes a repetition of a form of this page known.
    pub(super) once: String,
    /// The last event before the page was made: from there it goes on.
    pub(super) cursor: Option<String>,
    /// That an act was taken.
    pub(super) notice: Option<&'static str>,
    pub(super) version: &'static str,
    typed: Typed,
}

impl Frame {
    /// A frame around a page of a peer that stands like this.
    pub(super) fn of_peer(
        peer: &Peer,
        status: &PeerStatusView,
        asked: &Asked,
        spot: Spot,
        title: impl Into<String>,
    ) -> Self {
        let chain = status.chain.as_ref();
        let typed = peer.place.typed();
        let mut frame = Self::bare((&*peer.entropy, typed), &asked.session, spot, title);
        frame.me = Some(Who::me(status));
        frame.network = chain.map(|chain| visible(&chain.network.name));
        frame.standing = standing(status);
        frame.unread = chain.map_or(0, |chain| chain.delivery.unread);
        frame.is_peer = true;
        frame.is_out = status.put_out.is_some();
        let reason = status
            .put_out
            .as_ref()
            .and_then(|out| out.reason.as_deref());
        frame.out_reason = visible(reason.unwrap_or_default());
        frame.is_apart = status.disconnected;
        frame.cursor.clone_from(&asked.cursor);
        frame.path.clone_from(&asked.path);
        frame.notice = asked.fields.text("done").and_then(notice);
        frame
    }

    /// A frame with nobody in it, of a node whose commands are typed like this.
    pub(super) fn bare(
        (entropy, typed): (&dyn Entropy, &Typed),
        session: &Session,
        spot: Spot,
        title: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            spot,
            me: None,
            network: None,
            standing: Standing::wait("Not started yet", ""),
            unread: 0,
            is_out: false,
            out_reason: String::new(),
            is_apart: false,
            path: "/".to_owned(),
            is_polled: false,
            is_peer: false,
            token: session.form_token(),
            once: draw(entropy)[..32].to_owned(),
            cursor: None,
            notice: None,
            version: assets::version(),
            typed: typed.clone(),
        }
    }

    /// The line that is typed for a command, such as `wallet words`.
    pub(super) fn line(&self, command: &str) -> String {
        visible(&self.typed.line(command))
    }

    /// What starts the node, as it is typed.
    pub(super) fn start(&self) -> String {
        self.line("").trim_end().to_owned()
    }

    /// Whether the page is at this place of the bar.
    pub(super) fn is_at(&self, name: &str) -> bool {
        match self.spot {
            Spot::Home => name == "home",
            Spot::Pay => name == "pay",
            Spot::Members => name == "members",
            Spot::Votes => name == "votes",
            Spot::Network => name == "network",
            Spot::Own => name == "own",
            Spot::Search => name == "search",
        }
    }
}

/// How a peer stands, in a few words.
pub(super) fn standing(status: &PeerStatusView) -> Standing {
    let Some(chain) = &status.chain else {
        let why = status.waiting.clone().unwrap_or_default();
        return Standing::wait("Looking for the network", visible(&why));
    };
    if let Some(out) = &status.put_out {
        let reason = out.reason.as_deref().unwrap_or_default();
        return Standing::bad(
            "Put out",
            format!(
                "The admin of the network has put this node out. {} Ask whoever runs the tracker to let you come back.",
                given(reason)
            ),
        );
    }
    if status.disconnected {
        return Standing::wait(
            "Disconnected, as you wanted",
            "Under Network you can connect it again.",
        );
    }
    if chain.syncing {
        let left = chain
            .best_header
            .height
            .0
            .saturating_sub(chain.tip.height.0);
        let more = match &chain.catching_up {
            Some(how) => format!("about {} left", in_words(how.ms_left)),
            None => String::new(),
        };
        return Standing::wait(
            format!("Catching up: {} to go", count(left as usize, "block")),
            more,
        );
    }
    let trouble = status.tracker.trouble.as_deref().map(visible);
    match (chain.sessions, status.tracker.registered) {
        (0, true) => Standing::wait(
            "Nobody else is here",
            "No other member's node is connected. Payments wait until one is.",
        ),
        (0, false) => Standing::bad(
            "Not connected",
            trouble.unwrap_or_else(|| {
                "Neither the tracker nor a member was reached; it is tried again.".into()
            }),
        ),
        (sessions, registered) => Standing::good(
            format!("Connected to {}", count(sessions, "member")),
            match registered {
                true => String::new(),
                false => trouble.unwrap_or_else(|| {
                    "The tracker is away; members still reach each other.".into()
                }),
            },
        ),
    }
}

/// What is said once an act was taken.
pub(super) fn notice(done: &str) -> Option<&'static str> {
    Some(match done {
        "sent" => "Taken. It is on its way, and you can see here how it goes.",
        "retried" => "Taken. It is being tried again now.",
        "withdrawn" => "Withdrawn. It never left, and its coins are yours to spend.",
        "released" => "Released. Its coins can be spent again.",
        "read" => "Marked as read.",
        "mining" => "Taken. This node looks for one block now.",
        "revoked" => "Taken back. Nobody joins by it any more; whoever has joined stays.",
        "expelled" => {
            "Taken. Everybody who is there was told; the others hear of it when they come."
        }
        "readmitted" => "Taken. Below stands what it waits for. No new invitation is needed.",
        "rekeyed" => "Taken. The name is the new key's, once the others have heard of it.",
        "trying" => "Taken. The tracker is asked now: what comes of it shows here within seconds.",
        "mode" => "Taken. It holds until the node is started again; then its settings say.",
        "connected" => "Taken. The node looks for the others again.",
        "disconnected" => {
            "Taken. The node keeps to itself, until you connect it or start it again."
        }
        "verifying" => "Taken. The chain is being checked from its first block.",
        "syncing" => "Taken. That member's blocks are fetched first from now on.",
        "opened" => "Taken. Votes count once its opening is in a block.",
        "voted" => "Taken. Your vote counts once it is in a block before the ballot closes.",
        "recorded" => "Taken. It stands below once it is in a block.",
        "backup" => "Taken. The backup is being made; below stands what becomes of it.",
        "kept" => "Good. Keep the words where nobody else finds them.",
        _ => return None,
    })
}

/// What was asked of a peer, and how it stands.
pub(super) async fn status_of(peer: &Peer) -> Result<PeerStatusView, Refused> {
    peer.status().await
}
