//! The form that opens a ballot.

use super::form::Fields;
use super::show::typed_lines;
use crate::owner::answers::{ClosesRequest, OpenBallotRequest, RollRequest};
use crate::owner::{Code, Peer, Refused};

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

/// The form that opens a ballot, as it is filled in.
#[derive(Default)]
pub(super) struct Opening {
    pub(super) question: String,
    pub(super) choices: String,
    pub(super) max: String,
    pub(super) roll: String,
    /// Each span, in words, and whether it is chosen.
    pub(super) spans: Vec<(u64, &'static str, bool)>,
    pub(super) blocks: String,
    /// Why it was not taken.
    pub(super) refused: Option<String>,
}

impl Opening {
    pub(super) fn empty() -> Self {
        Self {
            max: "1".to_owned(),
            spans: spans(USUAL_SPAN),
            ..Self::default()
        }
    }

    /// As it was sent, and not taken.
    pub(super) fn again(fields: &Fields, refused: String) -> Self {
        let text = |name| fields.typed(name).unwrap_or_default().to_owned();
        let span = fields.text("span").and_then(|span| span.parse().ok());
        Self {
            question: text("question"),
            choices: text("choices"),
            max: text("max"),
            roll: text("roll"),
            spans: spans(span.unwrap_or(USUAL_SPAN)),
            blocks: text("blocks"),
            refused: Some(refused),
        }
    }
}

fn spans(chosen: u64) -> Vec<(u64, &'static str, bool)> {
    let span = |(ms, words)| (ms, words, ms == chosen);
    SPANS.map(span).to_vec()
}

/// What the filled form asks for.
pub(super) fn opening(peer: &Peer, fields: &Fields) -> Result<OpenBallotRequest, Refused> {
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
