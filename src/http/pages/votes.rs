//! Votes: the ballots, opening one, voting, and the count as it grows.

use super::form::{Act, Asked, Fields};
use super::frame::{Frame, Spot, Standing, html, on_to, page, see, status_of};
use super::refusal::PageRefused;
use super::show::{Mood, When, Who, count, grouped, typed_lines};
use crate::http::api::problem::status_of as code_of;
use crate::owner::answers::{
    BallotState, BallotView, CastRequest, ClosesRequest, CountedView, OpenBallotRequest,
    RollRequest, UncountedView, VoterView,
};
use crate::owner::{Code, Peer, Refused};
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

/// How long a ballot can be open: milliseconds, and words.
const SPANS: [(u64, &str); 5] = [
    (600_000, "10 minutes"),
    (3_600_000, "an hour"),
    (86_400_000, "a day"),
    (3 * 86_400_000, "3 days"),
    (7 * 86_400_000, "a week"),
];

/// The one that is chosen if nobody chooses.
const USUAL_SPAN: u64 = 86_400_000;

/// A ballot in the list.
struct Line {
    id: String,
    question: String,
    opener: Who,
    standing: Standing,
    closes: String,
    turnout: String,
    /// Whether the owner's vote is missing.
    missing: bool,
    voted: bool,
}

impl Line {
    fn new(ballot: &BallotView) -> Self {
        Self {
            id: ballot.ballot.to_string(),
            question: visible(&ballot.question),
            opener: Who::new(&ballot.opener),
            standing: standing(ballot, &Mood::default()),
            closes: closes(ballot),
            turnout: turnout(ballot),
            missing: ballot.state == BallotState::Open && ballot.may_vote && ballot.own.is_none(),
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

/// Until when votes count, in words.
fn closes(ballot: &BallotView) -> String {
    let last = grouped(&ballot.last_height.0.to_string());
    match ballot.closes_at {
        Some(at) => {
            let when = When::new(at);
            format!(
                "Votes count until {} ({}), and not after block {last}",
                when.exact, when.ago
            )
        }
        None => format!("Votes count up to block {last}"),
    }
}

fn standing(ballot: &BallotView, mood: &Mood) -> Standing {
    match ballot.state {
        BallotState::NotMined => Standing::wait(
            "Its opening waits for a block",
            format!("One can vote once it is in one. {}", mood.words()),
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

/// The form that opens a ballot, as it is filled in.
#[derive(Default)]
struct Opening {
    question: String,
    choices: String,
    max: String,
    roll: String,
    /// Each span, in words, and whether it is chosen.
    spans: Vec<(u64, &'static str, bool)>,
    blocks: String,
    /// Why it was not taken.
    refused: Option<String>,
}

impl Opening {
    fn empty() -> Self {
        Self {
            max: "1".to_owned(),
            spans: spans(USUAL_SPAN),
            ..Self::default()
        }
    }

    /// As it was sent, and not taken.
    fn again(fields: &Fields, refused: &Refused) -> Self {
        let text = |name| fields.typed(name).unwrap_or_default().to_owned();
        let span = fields.text("span").and_then(|span| span.parse().ok());
        Self {
            question: text("question"),
            choices: text("choices"),
            max: text("max"),
            roll: text("roll"),
            spans: spans(span.unwrap_or(USUAL_SPAN)),
            blocks: text("blocks"),
            refused: Some(visible(&refused.detail)),
        }
    }
}

fn spans(chosen: u64) -> Vec<(u64, &'static str, bool)> {
    let span = |(ms, words)| (ms, words, ms == chosen);
    SPANS.map(span).to_vec()
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
            shown.ballots = list.ballots.iter().map(Line::new).collect();
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
            shown.without = Some(visible(&refused.detail));
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
    let form = Opening::again(&act.fields, &refused);
    let again = votes_page(&peer, &act.into(), form).await?;
    Ok(html(code_of(refused.code), &again))
}

/// What the filled form asks for.
fn opening(peer: &Peer, fields: &Fields) -> Result<OpenBallotRequest, Refused> {
    let no = |detail: &str| Err(Refused::new(Code::BadBallot, detail));
    let question = fields.text("question").unwrap_or_default();
    if question.is_empty() {
        return no("Type what is asked.");
    }
    let choices = typed_lines(fields.typed("choices"));
    if choices.len() < 2 {
        return no("Type the choices, each on a line of its own: there are two at least.");
    }
    let Ok(max) = fields.text("max").unwrap_or("1").parse() else {
        return no("How many choices a vote may have is a number, such as 1.");
    };
    let roll = typed_lines(fields.typed("roll"));
    let blocks = fields.text("blocks").filter(|blocks| !blocks.is_empty());
    let closes = match blocks.map(str::parse) {
        Some(Ok(blocks)) => ClosesRequest::Blocks(blocks),
        Some(Err(_)) => return no("The number of blocks is a number, such as 10."),
        None => {
            let typed = fields.text("span").and_then(|span| span.parse().ok());
            let span = SPANS.iter().find(|(ms, _)| Some(*ms) == typed);
            let span = span.map_or(USUAL_SPAN, |(ms, _)| *ms);
            ClosesRequest::At(peer.clock.wall().plus_ms(span))
        }
    };
    Ok(OpenBallotRequest {
        question: question.to_owned(),
        choices,
        max,
        roll: match roll.is_empty() {
            true => RollRequest::Members,
            false => RollRequest::Keys(roll),
        },
        closes: Some(closes),
    })
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

fn joined(choices: &[String]) -> String {
    let shown: Vec<_> = choices.iter().map(|choice| visible(choice)).collect();
    shown.join(", ")
}

struct Voter {
    who: Who,
    vote: Option<Told>,
}

impl Voter {
    fn new(voter: &VoterView) -> Self {
        Self {
            who: Who::new(&voter.voter),
            vote: voter.vote.as_ref().map(Told::new),
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
    closes: String,
    turnout: String,
    choices: Vec<Choice>,
    /// How many choices a vote may have.
    max: u8,
    own: Option<Told>,
    /// The vote that waits for a block, and why it may wait for long.
    under_way: Option<(String, String)>,
    /// What the owner's last vote chose, and why it does not count.
    failed: Option<(String, String)>,
    mood: String,
    /// Whether the owner can vote now; else why not.
    can_vote: Result<(), &'static str>,
    refused: Option<String>,
    /// Who has not voted, and who has.
    not_yet: Vec<Voter>,
    voted: Vec<Voter>,
    next: Option<String>,
    has_audit: bool,
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
    let mood = Mood::of(&status);
    let (voted, not_yet) = voters
        .voters
        .iter()
        .map(Voter::new)
        .partition(|voter| voter.vote.is_some());
    let question = visible(&ballot.question);
    Ok(BallotPage {
        frame: Frame::of_peer(peer, &status, asked, Spot::Votes, question.clone()),
        id: ballot.ballot.to_string(),
        question,
        opener: Who::new(&ballot.opener),
        opened: ballot
            .height
            .map(|height| (height.0, grouped(&height.0.to_string()))),
        standing: standing(&ballot, &mood),
        closes: closes(&ballot),
        turnout: turnout(&ballot),
        choices: choices(&ballot, under_way),
        max: ballot.max,
        own: ballot.own.as_ref().map(Told::new),
        under_way: under_way.map(|vote| (joined(&vote.choices), vote.id.to_string())),
        failed: failed.map(|vote| {
            let reason = vote.reason.as_deref().unwrap_or_default();
            (joined(&vote.choices), visible(reason))
        }),
        mood: mood.words(),
        can_vote: can_vote(peer, &ballot),
        refused: refused.map(|refused| visible(&refused.detail)),
        not_yet,
        voted,
        next: voters.next.map(|next| next.0),
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
fn can_vote(peer: &Peer, ballot: &BallotView) -> Result<(), &'static str> {
    let late = ballot
        .closes_at
        .is_some_and(|close| peer.clock.wall() >= close);
    match ballot.state {
        BallotState::NotMined => Err("One can vote here once its opening is in a block."),
        BallotState::Closed | BallotState::ResultMined => Err("The ballot is closed."),
        BallotState::Open if late => Err("Its time is over: it closes with the next block."),
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
