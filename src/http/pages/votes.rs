//! Votes: the ballots, opening one, voting, and the count as it grows.

use super::entries::{Mood, Unmined, joined};
use super::form::{Act, Asked};
use super::frame::{Frame, Spot, Standing, html, on_to, page, see, status_of};
use super::opening::{Opening, opening};
use super::refusal::PageRefused;
use super::show::{Moment, Who, count, expected, grouped, told};
use super::won::won;
use crate::chain::BlockId;
use crate::http::api::problem::status_of as code_of;
use crate::owner::answers::{
    BallotState, BallotView, CastRequest, CountedView, PeerStatusView, TransactionState,
    UncountedView, VoterView,
};
use crate::owner::{Code, MissingVote, Peer, Refused};
use crate::readable::visible;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;
use futures_util::StreamExt;
use std::io;

/// Ballots on one page.
const LISTED: usize = 20;

/// Voters on one page.
const VOTERS_LISTED: usize = 500;

/// A ballot in the list.
struct Line {
    id: String,
    question: String,
    opener: Who,
    standing: Standing,
    closes: Closes,
    turnout: String,
    /// What has most votes, once no more of them count.
    won: Option<String>,
    /// Whether the owner's vote is missing.
    missing: bool,
    /// Whether it waits for a block.
    waits: bool,
    voted: bool,
}

impl Line {
    /// A ballot, of which it is known whether the owner's vote is missing where it is among those that have no
    /// vote of the owner in a block.
    fn new(
        peer: &Peer,
        status: &PeerStatusView,
        ballot: &BallotView,
        missing: &[MissingVote],
    ) -> Self {
        let is_missing = missing.iter().any(|one| one.ballot == ballot.ballot);
        let without = ballot.state == BallotState::Open && ballot.may_vote && ballot.own.is_none();
        Self {
            id: ballot.ballot.to_string(),
            question: visible(&ballot.question),
            opener: Who::of(peer, &ballot.opener),
            standing: standing(ballot),
            closes: Closes::of(peer, status, ballot),
            turnout: turnout(ballot),
            won: won(ballot),
            missing: without && is_missing,
            waits: without && !is_missing,
            voted: ballot.own.is_some(),
        }
    }
}

fn turnout(ballot: &BallotView) -> String {
    format!(
        "{} of {} voted",
        grouped(&ballot.voted.to_string()),
        grouped(&ballot.voters.to_string())
    )
}

/// Until when votes count. By time, unless by height alone: then blocks have come to their last height long
/// after that time.
#[derive(Template)]
#[template(
    source = "{% match at %}{% when Some(at) %}Votes count until {{ at|safe }}{% when None %}Votes count up to {{ last }}{% endmatch %}",
    ext = "html"
)]
struct Closes {
    at: Option<Moment>,
    last: String,
}

impl Closes {
    fn of(peer: &Peer, status: &PeerStatusView, ballot: &BallotView) -> Self {
        Self {
            at: ballot.closes_at.map(Moment::new),
            last: expected(peer, status, ballot.last_height),
        }
    }
}

fn standing(ballot: &BallotView) -> Standing {
    match ballot.state {
        BallotState::NotMined => Standing::wait(
            "Its opening waits for a block",
            "One can vote once it is in one.",
        ),
        BallotState::Open => Standing::good("Open", ""),
        BallotState::Closed => Standing::wait(
            "Closed",
            "No more votes count. The result is being recorded.",
        ),
        BallotState::ResultMined => Standing::good(
            "Counted",
            "The result is in a block: every node has judged it by its own count.",
        ),
    }
}

#[derive(Template)]
#[template(path = "votes.html")]
struct VotesPage {
    frame: Frame,
    /// Why there are none; `None` where there are votes.
    without: Option<String>,
    ballots: Vec<Line>,
    next: Option<String>,
    later: bool,
    opening: Opening,
}

async fn votes_page(
    peer: &Peer,
    asked: &Asked,
    opening: Opening,
) -> Result<VotesPage, PageRefused> {
    let status = status_of(peer).await?;
    let mut shown = VotesPage {
        frame: Frame::of_peer(peer, &status, asked, Spot::Votes, "Votes"),
        without: None,
        ballots: Vec::new(),
        next: None,
        later: asked.fields.text("after").is_some(),
        opening,
    };
    match peer.ballots(&asked.page(LISTED)).await {
        Ok(list) => {
            // Those on later pages are old: of them it is not looked at what waits.
            let missing = peer.missing_votes(LISTED).await?;
            let line = |ballot| Line::new(peer, &status, ballot, &missing);
            shown.ballots = list.ballots.iter().map(line).collect();
            shown.next = list.next.map(|next| next.0);
        }
        Err(refused) if refused.code == Code::NoApplication => {
            shown.without = Some(
                "Nobody can vote in this network: it was founded without ballots, and that can't be changed \
                 later. A network that is founded with `applications = [\"vote\"]` in its tracker's settings \
                 has them."
                    .to_owned(),
            );
        }
        Err(refused) if refused.code == Code::NoNetwork => {
            shown.without = Some(told(&refused, peer.place.typed()));
        }
        Err(refused) => return Err(refused.into()),
    }
    Ok(shown)
}

/// The ballots.
pub(super) async fn votes(peer: Data<Peer>, asked: Asked) -> Result<HttpResponse, PageRefused> {
    page(&votes_page(&peer, &asked, Opening::empty()).await?)
}

/// Opens one.
pub(super) async fn open(peer: Data<Peer>, act: Act) -> Result<HttpResponse, PageRefused> {
    let opened = match opening(&peer, &act.fields) {
        Ok(request) => peer.open_ballot(&request, act.once()).await,
        Err(refused) => Err(refused),
    };
    let refused = match opened {
        Ok(opened) => return on_to(&format!("/votes/{}?done=opened", opened.ballot)),
        Err(refused) => refused,
    };
    let form = Opening::again(&act.fields, told(&refused, peer.place.typed()));
    let again = votes_page(&peer, &act.into(), form).await?;
    Ok(html(code_of(refused.code), &again))
}

/// A choice, and how it stands.
struct Choice {
    /// Its place, from 0: forms name it by that.
    at: usize,
    words: String,
    votes: String,
    /// Its share of those who voted, of a hundred.
    share: u64,
    /// Whether the owner's vote is for it.
    own: bool,
}

/// A vote, as it is told.
struct Told {
    choices: String,
    height: String,
    number: u64,
    id: String,
}

impl Told {
    fn new(vote: &CountedView) -> Self {
        Self {
            choices: joined(&vote.choices),
            height: grouped(&vote.height.0.to_string()),
            number: vote.height.0,
            id: vote.id.to_string(),
        }
    }
}

struct Voter {
    who: Who,
    vote: Option<Told>,
    /// Whether it is the owner, whose vote waits for a block.
    waits: bool,
}

impl Voter {
    fn new(peer: &Peer, voter: &VoterView) -> Self {
        Self {
            who: Who::of(peer, &voter.voter),
            vote: voter.vote.as_ref().map(Told::new),
            waits: false,
        }
    }
}

#[derive(Template)]
#[template(path = "ballot.html")]
struct BallotPage {
    frame: Frame,
    id: String,
    question: String,
    opener: Who,
    opened: Option<(u64, String)>,
    standing: Standing,
    closes: Closes,
    turnout: String,
    choices: Vec<Choice>,
    /// How many choices a vote may have.
    max: u8,
    own: Option<Told>,
    /// The block that holds the own vote: whoever knows that this one is on the chain can check a proof.
    trusted: Option<BlockId>,
    /// The vote that waits for a block, and why it may wait for long.
    under_way: Option<(String, String)>,
    /// What the owner's last vote chose, and why it does not count.
    failed: Option<(String, String)>,
    /// That the owner can have it mined, if something waits for a block.
    mood: Option<Unmined>,
    /// Where it is itself.
    back: String,
    /// Whether the owner can vote now; else why not.
    can_vote: Result<(), &'static str>,
    refused: Option<String>,
    /// Who has not voted, and who has.
    not_yet: Vec<Voter>,
    voted: Vec<Voter>,
    next: Option<String>,
    has_audit: bool,
    /// Whether no more votes count.
    is_over: bool,
    result: Option<(String, u64, String)>,
}

async fn ballot_page(
    peer: &Peer,
    id: &str,
    asked: &Asked,
    refused: Option<&Refused>,
) -> Result<BallotPage, PageRefused> {
    let status = status_of(peer).await?;
    let ballot = peer.ballot(id).await?;
    let voters = peer.voters(id, &asked.page(VOTERS_LISTED)).await?;
    let (under_way, failed): (Vec<_>, Vec<_>) = ballot
        .uncounted
        .iter()
        .partition(|vote| vote.state.is_under_way());
    let (under_way, failed) = (under_way.first().copied(), failed.first().copied());
    let waits_for_a_block = ballot.state == BallotState::NotMined || under_way.is_some();
    let (voted, not_yet) = voters
        .voters
        .iter()
        .map(|voter| Voter {
            waits: under_way.is_some() && voter.voter.address == status.address,
            ..Voter::new(peer, voter)
        })
        .partition(|voter| voter.vote.is_some());
    let question = visible(&ballot.question);
    let trusted = match &ballot.own {
        Some(own) => match peer.transaction(&own.id.to_string()).await?.state {
            TransactionState::Mined { block, .. } => Some(block),
            TransactionState::Unknown | TransactionState::Open => None,
        },
        None => None,
    };
    Ok(BallotPage {
        frame: Frame::of_peer(peer, &status, asked, Spot::Votes, question.clone()),
        id: ballot.ballot.to_string(),
        question,
        opener: Who::of(peer, &ballot.opener),
        opened: ballot
            .height
            .map(|height| (height.0, grouped(&height.0.to_string()))),
        standing: standing(&ballot),
        closes: Closes::of(peer, &status, &ballot),
        turnout: turnout(&ballot),
        choices: choices(&ballot, under_way),
        max: ballot.max,
        own: ballot.own.as_ref().map(Told::new),
        trusted,
        under_way: under_way.map(|vote| (joined(&vote.choices), vote.id.to_string())),
        failed: failed.map(|vote| {
            let reason = vote.reason.as_deref().unwrap_or_default();
            (joined(&vote.choices), visible(reason))
        }),
        mood: waits_for_a_block
            .then(|| Mood::of(&status).words())
            .flatten(),
        back: format!("/votes/{}", ballot.ballot),
        can_vote: can_vote(peer, &ballot, status.put_out.is_some()),
        refused: refused.map(|refused| told(refused, peer.place.typed())),
        not_yet,
        voted,
        next: voters.next.map(|next| next.0),
        is_over: matches!(ballot.state, BallotState::Closed | BallotState::ResultMined),
        has_audit: ballot.state != BallotState::NotMined,
        result: ballot.result.as_ref().map(|result| {
            let height = result.height.0;
            (result.id.to_string(), height, grouped(&height.to_string()))
        }),
    })
}

fn choices(ballot: &BallotView, under_way: Option<&UncountedView>) -> Vec<Choice> {
    let counted = ballot.own.as_ref().map(|own| &own.choices);
    let own = under_way.map(|vote| &vote.choices).or(counted);
    let choices = ballot.choices.iter().enumerate();
    choices
        .map(|(at, choice)| Choice {
            at,
            words: visible(&choice.choice),
            votes: count(choice.votes as usize, "vote"),
            share: (choice.votes.saturating_mul(100))
                .checked_div(ballot.voted)
                .unwrap_or_default()
                .min(100),
            own: own.is_some_and(|own| own.contains(&choice.choice)),
        })
        .collect()
}

/// Whether the owner can vote; else why not.
fn can_vote(peer: &Peer, ballot: &BallotView, is_out: bool) -> Result<(), &'static str> {
    let late = ballot
        .closes_at
        .is_some_and(|close| peer.clock.wall() >= close);
    match ballot.state {
        BallotState::NotMined => Err("One can vote here once its opening is in a block."),
        BallotState::Closed | BallotState::ResultMined => Err("The ballot is closed."),
        BallotState::Open if late => Err("Its time is over: it closes with the next block."),
        BallotState::Open if is_out && ballot.own.is_some() => Err(
            "You were put out of this network: it takes no more votes of yours. The one that was counted before \
             counts still.",
        ),
        BallotState::Open if is_out => Err(
            "You were put out of this network: it takes no vote of yours. You can watch the count.",
        ),
        BallotState::Open if !ballot.may_vote => {
            Err("You are not on the list of who may vote here. You can watch the count.")
        }
        BallotState::Open => Ok(()),
    }
}

/// One ballot.
pub(super) async fn ballot(
    peer: Data<Peer>,
    id: Path<String>,
    asked: Asked,
) -> Result<HttpResponse, PageRefused> {
    page(&ballot_page(&peer, &id, &asked, None).await?)
}

/// Votes. Choices come by their places: their words are somebody else's.
pub(super) async fn cast(
    peer: Data<Peer>,
    id: Path<String>,
    act: Act,
) -> Result<HttpResponse, PageRefused> {
    let ballot = peer.ballot(&id).await?;
    let places = act.fields.all("choice");
    let chosen = places.filter_map(|at| ballot.choices.get(at.parse::<usize>().ok()?));
    let request = CastRequest {
        choices: chosen.map(|choice| choice.choice.clone()).collect(),
    };
    let cast = match request.choices.is_empty() {
        true => Err(Refused::new(
            Code::BadChoice,
            "Nothing is chosen yet: choose, and press Vote again.",
        )),
        false => {
            peer.cast(&ballot.ballot.to_string(), &request, act.once())
                .await
        }
    };
    match cast {
        Ok(cast) => on_to(&format!("/votes/{}?done=voted", cast.ballot)),
        Err(refused) => {
            let again = ballot_page(&peer, &id, &act.into(), Some(&refused)).await?;
            Ok(html(code_of(refused.code), &again))
        }
    }
}

/// All that somebody without a node needs to count a ballot again, to keep as a file.
pub(super) async fn audit(
    peer: Data<Peer>,
    id: Path<String>,
    _: Asked,
) -> Result<HttpResponse, PageRefused> {
    let ballot = peer.ballot(&id).await?.ballot;
    let lines = peer.audit(&ballot.to_string()).await?;
    let lines = lines.map(|lines| Ok::<_, io::Error>(Bytes::from(lines?)));
    let name = format!(
        "attachment; filename=\"ballot-{}.audit\"",
        &ballot.to_string()[..16]
    );
    Ok(see(HttpResponse::Ok())
        .content_type("application/x-ndjson")
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(lines))
}
