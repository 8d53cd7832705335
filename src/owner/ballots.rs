//! Ballots: opened, shown, voted in, counted, and handed out to be counted by anybody.

mod audit;
mod own;
mod reading;
mod rolls;
mod uncounted;

pub(crate) use rolls::RollSizes;

pub use own::MissingVote;

use super::answers::{
    BallotState, BallotView, BallotsView, CastRequest, CastView, ClosesRequest, Cursor,
    OpenBallotRequest, OpenedView, RollRequest, VotersView,
};
use super::chain_reads::tip_of;
use super::codes::Code;
use super::delivery::under;
use super::pages::Page;
use super::records::Outgoing;
use super::{Peer, Refused};
use crate::apps::voting::{
    Ballots, Choice, MAX_ROLL, MAX_SPAN, OPEN_NETWORK_AGE, Opening, Outcome, Parcel, Question,
    Roll, Vote, topic,
};
use crate::chain::params::Admission;
use crate::chain::{Amount, BlockId, EncodedTransaction, Height, TransactionId};
use crate::keys::PublicKey;
use crate::messages::ledger::{GetLedgerStatus, GetOpenRecords};
use crate::messages::tracker_link::DirectoryStatus;
use crate::store::chain_rows::ChainRows;
pub(super) use reading::LISTED_ROWS;
use reading::{Reading, results_that_wait};
use rolls::Voters;
use serde::Serialize;
use std::time::Duration;

/// Ballots in one answer, if it is not said how many.
const LISTED: usize = 20;
/// Ballots in one answer at most.
pub(crate) const MAX_BALLOTS_LISTED: usize = 100;
/// Voters in one answer, if it is not said how many, and at most.
pub(crate) const VOTERS_LISTED: usize = 2_000;
/// How long a ballot is open, if its opener does not say, in milliseconds: a day.
const USUAL_SPAN_MS: u64 = 24 * 3_600_000;
/// Open records that are looked through for openings and results of ballots.
const MAX_OPEN_SEEN: usize = 2_000;
/// How often it is looked for results that are to be recorded.
const LOOK_FOR_RESULTS: Duration = Duration::from_secs(2);
/// Blocks before the close in which a vote may come too late: a change of branch may take it out of a block.
const NEAR_THE_CLOSE: u64 = 12;

impl Peer {
    /// Opens a ballot: everybody on its roll can vote once its record is in a block. Under a `key`, the same
    /// request opens one ballot.
    ///
    /// # Errors
    /// [`Code::BadBallot`], [`Code::UnknownMember`], [`Code::BadAddress`], [`Code::NoApplication`], and as for
    /// [`add_record`](Self::add_record).
    pub async fn open_ballot(
        &self,
        request: &OpenBallotRequest,
        key: Option<&str>,
    ) -> Result<OpenedView, Refused> {
        self.votes()?;
        let under = key.map(|key| under(key, request)).transpose()?;
        let tip = self.parts()?.ledger_status.send(GetLedgerStatus).await?.tip;
        let known = self.known();
        let roll = match &request.roll {
            RollRequest::Members => Roll::members(),
            RollRequest::Keys(typed) => {
                let people = self.people(&known);
                let keys = typed.iter().map(|typed| people.key_of(typed));
                Roll::keys(keys.collect::<Result<Vec<_>, _>>()?)
            }
        };
        if roll.keys.len() > MAX_ROLL {
            return Err(bad_ballot(format!(
                "its roll has {} keys, and {MAX_ROLL} fit in a record",
                roll.keys.len()
            )));
        }
        let (closes_at, last_height) = self.close(request.closes, tip.height())?;
        let choice = |text: &String| {
            Choice::new(text)
                .map_err(|error| bad_ballot(format!("the choice {text:?} has {error}")))
        };
        let opening = Opening {
            question: Question::new(&request.question)
                .map_err(|error| bad_ballot(format!("the question has {error}")))?,
            choices: request
                .choices
                .iter()
                .map(choice)
                .collect::<Result<_, _>>()?,
            max: request.max,
            roll,
            closes_at,
            last_height,
        };
        let (voters, warning) = match opening.roll.members {
            true => self.members_who_may_vote(&known)?,
            false => (opening.roll.keys.len() as u64, None),
        };
        let ballot = self
            .hand_in(Parcel::Open(opening), last_height, under)
            .await?;
        Ok(OpenedView {
            ballot,
            voters,
            warning,
            closes_at,
            last_height,
        })
    }

    /// How many members a ballot of now would be for, and what that is worth.
    fn members_who_may_vote(
        &self,
        known: &DirectoryStatus,
    ) -> Result<(u64, Option<String>), Refused> {
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let reading = Reading::begin(self, &*snapshot, known)?;
        let voters = reading.count(&Voters::Members(reading.tip.height))?;
        let open = self.parts()?.rules.params().admission == Admission::Open;
        if voters == 0 {
            let settled = match open {
                true => format!(
                    " for {OPEN_NETWORK_AGE} blocks, as it must be where anybody is admitted"
                ),
                false => String::new(),
            };
            return Err(bad_ballot(format!(
                "nobody could vote: no member has been on the ledger{settled}. Name who may vote instead: \
                 `--roll FILE`"
            )));
        }
        let warning = format!(
            "anybody is admitted to this network: only who has been a member for {OPEN_NETWORK_AGE} blocks may \
             vote, and whoever came with several names has several votes"
        );
        Ok((voters, open.then_some(warning)))
    }

    /// When it closes: the time, if there is one, and the last height.
    fn close(
        &self,
        closes: Option<ClosesRequest>,
        tip: Height,
    ) -> Result<(Option<crate::chain::Timestamp>, Height), Refused> {
        // A block more than may be open is not left over for the one that opens it.
        let latest = Height(tip.0.saturating_add(MAX_SPAN));
        let usual = || ClosesRequest::At(self.clock.wall().plus_ms(USUAL_SPAN_MS));
        match closes.unwrap_or_else(usual) {
            ClosesRequest::At(time) if time <= self.clock.wall() => {
                Err(bad_ballot("it would close before it opens".to_owned()))
            }
            ClosesRequest::At(time) => Ok((Some(time), latest)),
            ClosesRequest::Height(height) if height > tip && height <= latest => Ok((None, height)),
            ClosesRequest::Blocks(blocks) if (1..=MAX_SPAN).contains(&blocks) => {
                Ok((None, Height(tip.0.saturating_add(blocks))))
            }
            ClosesRequest::Height(_) | ClosesRequest::Blocks(_) => Err(bad_ballot(format!(
                "its last height must be after {tip} and {latest} at most"
            ))),
        }
    }

    /// Refuses where the network has no votes.
    fn votes(&self) -> Result<(), Refused> {
        match self.parts()?.rules.topics().any(|own| *own == topic()) {
            true => Ok(()),
            false => Err(Refused::new(
                Code::NoApplication,
                "this network has no votes: its genesis block does not name the application \"vote\"",
            )),
        }
    }

    async fn hand_in(
        &self,
        parcel: Parcel,
        expires_at: Height,
        request: Option<crate::protocol::delivery::outbox::Request>,
    ) -> Result<TransactionId, Refused> {
        let body = parcel
            .encode()
            .map_err(|error| bad_ballot(error.to_string()))?;
        let outgoing = Outgoing {
            topic: topic(),
            body,
            fee: Amount::ZERO,
            expires_at,
        };
        let (id, _) = self.put_on_ledger(outgoing, request).await?;
        Ok(id)
    }

    /// The ballots on the ledger, the latest first; those whose openings are not mined come before them on the
    /// first page.
    ///
    /// # Errors
    /// [`Code::BadParameter`], [`Code::BadCursor`], [`Code::NoNetwork`], [`Code::Stopping`].
    pub async fn ballots(&self, page: &Page) -> Result<BallotsView, Refused> {
        let limit = page.limit(LISTED, MAX_BALLOTS_LISTED)?;
        self.votes()?;
        // Before the chain is looked at: what is mined meanwhile is listed once.
        let open = match page.after {
            None => self.open_records().await?,
            Some(_) => Vec::new(),
        };
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        Reading::begin(self, &*snapshot, &known)?.list(open, page.after.as_ref(), limit)
    }

    /// The open records among which openings and results of ballots are.
    async fn open_records(&self) -> Result<Vec<EncodedTransaction>, Refused> {
        let open = &self.parts()?.open_records;
        Ok(open.send(GetOpenRecords(MAX_OPEN_SEEN)).await?)
    }

    /// A ballot and how it stands, by its id or the beginning of it.
    ///
    /// # Errors
    /// [`Code::BadId`], [`Code::AmbiguousId`], [`Code::UnknownBallot`], [`Code::NoNetwork`],
    /// [`Code::Stopping`].
    pub async fn ballot(&self, id: &str) -> Result<BallotView, Refused> {
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let reading = Reading::begin(self, &*snapshot, &known)?;
        reading.show_one(reading.find(id)?)
    }

    /// Who may vote in a ballot, and who has.
    ///
    /// # Errors
    /// As for [`ballot`](Self::ballot), [`Code::BadParameter`], [`Code::BadCursor`].
    pub async fn voters(&self, id: &str, page: &Page) -> Result<VotersView, Refused> {
        let limit = page.limit(VOTERS_LISTED, VOTERS_LISTED)?;
        let known = self.known();
        let disk = self.disk()?;
        let snapshot = disk.snapshot();
        let reading = Reading::begin(self, &*snapshot, &known)?;
        reading.voters(reading.find(id)?, page.after.as_ref(), limit)
    }

    /// Votes, signed by this node's key; a later vote takes the place of an earlier one. Under a `key`, the
    /// same request is one vote.
    ///
    /// # Errors
    /// As for [`ballot`](Self::ballot), [`Code::BallotNotMined`], [`Code::BallotClosed`],
    /// [`Code::NotOnRoll`], [`Code::BadChoice`], and as for [`add_record`](Self::add_record).
    pub async fn cast(
        &self,
        id: &str,
        request: &CastRequest,
        key: Option<&str>,
    ) -> Result<CastView, Refused> {
        #[derive(Serialize)]
        struct Asked<'a>(&'a TransactionId, &'a CastRequest);
        let ballot = self.ballot(id).await?;
        let under = key
            .map(|key| under(key, &Asked(&ballot.ballot, request)))
            .transpose()?;
        let now = self.clock.wall();
        self.check_open(&ballot)?;
        let choices = chosen(&ballot, &request.choices).map_err(|refused| match &ballot.own {
            None => refused,
            Some(_) => Refused::new(
                refused.code,
                format!("{}; {}", refused.detail, that_counts(&ballot)),
            ),
        })?;
        // By the clock, so that the later of two votes counts, wherever each was cast.
        let counted = ballot.own.as_ref().map_or(0, |own| own.revision);
        let waits = ballot.uncounted.as_ref().map_or(0, |vote| vote.revision);
        let before = counted.max(waits);
        let revision = now.0.max(before.saturating_add(1));
        let vote = Vote {
            ballot: ballot.ballot,
            revision,
            choices,
        };
        let vote = self
            .hand_in(Parcel::Vote(vote), ballot.last_height, under)
            .await?;
        let left = ballot.last_height.0.saturating_sub(ballot.tip.height.0);
        let interval = self.parts()?.rules.params().interval_ms;
        let ms_left = ballot.closes_at.map_or(u64::MAX, |close| close.since(now));
        let near = left.min(ms_left / interval.max(1)) <= NEAR_THE_CLOSE;
        Ok(CastView {
            ballot: ballot.ballot,
            id: vote,
            choices: request.choices.clone(),
            revision,
            replaces: ballot.own,
            warning: near.then(|| {
                "the ballot closes soon: if this vote is in no block by then, or falls out of one, it \
                 does not count"
                    .to_owned()
            }),
        })
    }

    fn check_open(&self, ballot: &BallotView) -> Result<(), Refused> {
        let counts = that_counts(ballot);
        let late = ballot
            .closes_at
            .is_some_and(|close| self.clock.wall() >= close);
        match ballot.state {
            BallotState::NotMined => Err(Refused::new(
                Code::BallotNotMined,
                "the record that opens this ballot is in no block yet: vote once it is",
            )),
            BallotState::Closed | BallotState::ResultMined => Err(Refused::new(
                Code::BallotClosed,
                format!("this ballot is closed; {counts}"),
            )),
            BallotState::Open if late => Err(Refused::new(
                Code::BallotClosed,
                format!("this ballot closes with the next block; {counts}"),
            )),
            BallotState::Open if !ballot.may_vote => Err(Refused::new(
                Code::NotOnRoll,
                "this node's key is not on the roll of this ballot",
            )),
            BallotState::Open => Ok(()),
        }
    }

    /// Records results as they are due, for as long as the node runs.
    pub(crate) async fn record_results(&self) {
        let mut looked_at = None;
        loop {
            self.pause(LOOK_FOR_RESULTS).await;
            // What is due follows from the chain alone: the same tip has nothing new.
            let tip = self.tip_id();
            if tip.is_some() && tip == looked_at {
                continue;
            }
            // What is refused now is so until the next block, too, and each try leaves a send that failed.
            looked_at = tip;
            match self.record_due_results().await {
                Ok(recorded) if recorded > 0 => {
                    tracing::info!(recorded, "results of ballots recorded");
                }
                Ok(_) => {}
                Err(refused) => tracing::debug!(error = %refused, "no result of a ballot recorded"),
            }
        }
    }

    /// The last block by the disk; `None` where it can't be told.
    fn tip_id(&self) -> Option<BlockId> {
        let parts = self.parts().ok()?;
        let disk = self.disk().ok()?;
        let snapshot = disk.snapshot();
        let tip = tip_of(&parts.rules, &ChainRows(&*snapshot));
        Some(tip.ok()?.id)
    }

    /// Records what ballots came to that are closed and have no result yet: those of this node's owner at once,
    /// those of others if nobody has for a while. How many it recorded.
    ///
    /// # Errors
    /// [`Code::NoNetwork`], [`Code::Stopping`], [`Code::Internal`].
    pub async fn record_due_results(&self) -> Result<usize, Refused> {
        self.votes()?;
        let mut due = {
            let known = self.known();
            let disk = self.disk()?;
            let snapshot = disk.snapshot();
            Reading::begin(self, &*snapshot, &known)?.due_results()?
        };
        if !due.is_empty() {
            let waiting = results_that_wait(&self.open_records().await?);
            due.retain(|(outcome, _)| !waiting.contains(&outcome.ballot));
        }
        let recorded = due.len();
        for (outcome, expires_at) in due {
            self.record_result(outcome, expires_at).await?;
        }
        Ok(recorded)
    }

    async fn record_result(&self, outcome: Outcome, expires_at: Height) -> Result<(), Refused> {
        match self
            .hand_in(Parcel::Result(outcome), expires_at, None)
            .await
        {
            // Somebody else was faster.
            Err(refused) if refused.code == Code::Application => Ok(()),
            other => other.map(drop),
        }
    }
}

/// Which vote of this node's owner counts.
fn that_counts(ballot: &BallotView) -> String {
    match &ballot.own {
        None => "no vote of yours counts in it".to_owned(),
        Some(own) => format!(
            "your vote for {} in the block at height {} counts",
            own.choices.join(", "),
            own.height
        ),
    }
}

/// The places of the choices that were typed, rising.
fn chosen(ballot: &BallotView, typed: &[String]) -> Result<Vec<u8>, Refused> {
    let names: Vec<&str> = ballot
        .choices
        .iter()
        .map(|one| one.choice.as_str())
        .collect();
    let mut places = Vec::new();
    for typed in typed {
        let exact = names.iter().position(|name| name == typed);
        let alike = || {
            let lower = typed.to_lowercase();
            let mut like = names.iter().enumerate();
            like.find(|(_, name)| name.to_lowercase() == lower)
                .map(|(at, _)| at)
        };
        let place = exact.or_else(alike).ok_or_else(|| {
            let near = crate::suggest::nearest(typed, &names);
            let hint = match near {
                Some(name) => format!("did you mean {name:?}?"),
                None => format!("there are {}", names.join(", ")),
            };
            Refused::new(
                Code::BadChoice,
                format!("{typed:?} is no choice of this ballot: {hint}"),
            )
        })?;
        places.push(u8::try_from(place).unwrap_or(u8::MAX));
    }
    places.sort_unstable();
    places.dedup();
    if places.len() != typed.len() || places.is_empty() || places.len() > usize::from(ballot.max) {
        let most = ballot.max;
        return Err(Refused::new(
            Code::BadChoice,
            format!(
                "{} choices, but a vote in this ballot has 1 to {most}, each once",
                typed.len()
            ),
        ));
    }
    Ok(places)
}

fn bad_ballot(detail: String) -> Refused {
    Refused::new(Code::BadBallot, detail)
}

#[cfg(test)]
mod tests;
