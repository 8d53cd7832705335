//! Ballots in a simulated network: opened, voted in and concluded as owners do, and counted again at its end by
//! going through every record there is.

use super::deed::Deed;
use super::load::Load;
use crate::apps::voting::{
    BallotId, Ballots, MAX_REVISIONS, Opening, Outcome, Parcel, Vote, topic,
};
use crate::chain::rows::MinedAt;
use crate::chain::{Action, EncodedTransaction, Header, Height, Internal, StateView};
use crate::keys::PublicKey;
use crate::owner::answers::{
    BallotState, CastRequest, ClosesRequest, OpenBallotRequest, RollRequest,
};
use crate::owner::{Page, Peer};
use crate::store::DiskRead;
use crate::store::chain_rows::ChainRows;
use std::collections::BTreeMap;

/// What can be chosen.
const CHOICES: [&str; 3] = ["Rome", "Bern", "Oslo"];

impl Load {
    /// Opens a ballot for these, for so many blocks or milliseconds.
    pub(super) fn open_ballot(
        &self,
        number: usize,
        deed: &Deed,
        roll: Vec<PublicKey>,
        closes: ClosesRequest,
        peer: &Peer,
    ) {
        let (trace, peer, from) = (self.trace.clone(), peer.clone(), deed.from);
        let request = OpenBallotRequest {
            question: format!("Where to, by deed {number}?"),
            choices: CHOICES.map(str::to_owned).to_vec(),
            max: 2,
            roll: RollRequest::Keys(roll.iter().map(PublicKey::to_address).collect()),
            closes: Some(closes),
        };
        tokio::task::spawn_local(async move {
            let said = match peer.open_ballot(&request, None).await {
                Ok(opened) => opened.ballot.to_string(),
                Err(refused) => refused.to_string(),
            };
            trace.event(&format!("deed {number} of host {from}: ballot {said}"));
        });
    }

    /// Votes in one of the ballots that are open, if there is one.
    pub(super) fn vote(&self, number: usize, deed: &Deed, which: usize, peer: &Peer) {
        let (trace, peer, from) = (self.trace.clone(), peer.clone(), deed.from);
        tokio::task::spawn_local(async move {
            let page = Page {
                after: None,
                limit: None,
            };
            let Ok(ballots) = peer.ballots(&page).await else {
                return;
            };
            let open = ballots.ballots.iter();
            let open: Vec<_> = open.filter(|one| one.state == BallotState::Open).collect();
            if open.is_empty() {
                return;
            }
            let ballot = open[which % open.len()].ballot.to_string();
            let mut choices = vec![CHOICES[which % CHOICES.len()].to_owned()];
            if which.is_multiple_of(2) {
                choices.push(CHOICES[(which + 1) % CHOICES.len()].to_owned());
            }
            let request = CastRequest { choices };
            let said = match peer.cast(&ballot, &request, None).await {
                Ok(cast) => format!("{} with revision {}", cast.id, cast.revision),
                Err(refused) => refused.to_string(),
            };
            trace.event(&format!("deed {number} of host {from}: vote {said}"));
        });
    }

    /// Records what ballots came to, as a node does by itself while it runs.
    pub(super) fn results(&self, number: usize, deed: &Deed, peer: &Peer) {
        let (trace, peer, from) = (self.trace.clone(), peer.clone(), deed.from);
        tokio::task::spawn_local(async move {
            let said = match peer.record_due_results().await {
                Ok(recorded) => recorded.to_string(),
                Err(refused) => refused.to_string(),
            };
            trace.event(&format!("deed {number} of host {from}: results {said}"));
        });
    }
}

/// Whether a vote or a result is of a ballot that is neither on this chain nor open: its opening fell out of the
/// chain, and in the meantime it had to be closed. Another branch might hold it, so its sender waits for that up to
/// the last height at which it can be mined, and says so.
pub(super) fn waits_for_ballot(
    rows: &ChainRows<'_>,
    transaction: &EncodedTransaction,
) -> Result<bool, Internal> {
    let parcel = match &transaction.payload().action {
        Action::Record { topic: of, body } if *of == topic() => Parcel::decode(body),
        _ => return Ok(false),
    };
    let ballot = match parcel {
        Ok(Parcel::Vote(vote)) => vote.ballot,
        Ok(Parcel::Result(outcome)) => outcome.ballot,
        _ => return Ok(false),
    };
    let is_known = Ballots(rows).ballot(&ballot)?.is_some();
    Ok(!is_known && rows.open_transaction(&ballot)?.is_none())
}

/// A ballot, by reading alone.
struct Counted {
    opening: Opening,
    /// Revision, choices, and how many votes so far, of each voter.
    votes: BTreeMap<PublicKey, (u64, Vec<u8>, u32)>,
    result: Option<MinedAt>,
}

impl Counted {
    fn tally(&self) -> Vec<u64> {
        let chosen = |place: usize| {
            let votes = self.votes.values();
            let for_it = votes.filter(|(_, choices, _)| choices.contains(&(place as u8)));
            for_it.count() as u64
        };
        (0..self.opening.choices.len()).map(chosen).collect()
    }

    fn is_closed(&self, header: &Header) -> bool {
        let close = self.opening.closes_at;
        header.height > self.opening.last_height
            || close.is_some_and(|close| header.timestamp >= close)
    }

    fn count(&mut self, voter: PublicKey, vote: Vote, header: &Header) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("a vote of {voter:?} in {}: {what}", header.height));
        if self.is_closed(header) {
            return wrong("after the close");
        }
        if !self.opening.roll.keys.contains(&voter) {
            return wrong("not on the roll");
        }
        let (revision, _, number) = self.votes.get(&voter).cloned().unwrap_or_default();
        if vote.revision <= revision && number > 0 {
            return wrong("not above the one before");
        }
        if number >= u32::from(MAX_REVISIONS) {
            return wrong("one too many");
        }
        if vote.choices.is_empty() || vote.choices.len() > usize::from(self.opening.max) {
            return wrong("too many choices, or none");
        }
        self.votes
            .insert(voter, (vote.revision, vote.choices, number + 1));
        Ok(())
    }

    fn conclude(&mut self, outcome: &Outcome, at: MinedAt, header: &Header) -> Result<(), String> {
        let counted = (self.tally(), self.votes.len() as u64);
        if self.result.replace(at).is_some() || !self.is_closed(header) {
            return Err(format!("a result in {}: twice, or early", header.height));
        }
        if (&outcome.counts, outcome.voters) != (&counted.0, counted.1) {
            return Err(format!("a result says {outcome:?} where it is {counted:?}"));
        }
        Ok(())
    }
}

/// What a chain had of ballots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Polls {
    /// How many were opened.
    pub opened: usize,
    /// Votes that count.
    pub votes: usize,
    /// Results that were mined.
    pub results: usize,
}

/// Counts all ballots on a disk's chain again, and compares that with what is kept of them.
pub(super) fn recount(disk: &dyn DiskRead) -> Result<Polls, String> {
    let rows = ChainRows(disk);
    let mut ballots: BTreeMap<BallotId, Counted> = BTreeMap::new();
    let mut height = Height(1);
    while let Some(id) = rows.active(height).map_err(|error| error.to_string())? {
        let block = rows.block(&id).map_err(|error| error.to_string())?;
        let block = block.ok_or("a body is missing")?;
        for (index, transaction) in (0..).zip(&block.transactions) {
            let payload = transaction.payload();
            let parcel = match &payload.action {
                Action::Record { topic: of, body } if *of == topic() => Parcel::decode(body),
                _ => continue,
            };
            let unknown = || "a vote or a result of no ballot".to_owned();
            match parcel.map_err(|error| error.to_string())? {
                Parcel::Open(opening) => {
                    let counted = Counted {
                        opening,
                        votes: BTreeMap::new(),
                        result: None,
                    };
                    ballots.insert(transaction.id(), counted);
                }
                Parcel::Roll(_) => {}
                Parcel::Vote(vote) => {
                    let ballot = ballots.get_mut(&vote.ballot).ok_or_else(unknown)?;
                    ballot.count(payload.sender, vote, &block.header)?;
                }
                Parcel::Result(outcome) => {
                    let ballot = ballots.get_mut(&outcome.ballot).ok_or_else(unknown)?;
                    ballot.conclude(&outcome, MinedAt { height, index }, &block.header)?;
                }
            }
        }
        height = height.next();
    }
    let mut polls = Polls::default();
    for (id, counted) in &ballots {
        let kept = Ballots(&rows)
            .ballot(id)
            .map_err(|error| error.to_string())?;
        let (_, tally) = kept.ok_or_else(|| format!("ballot {id} is not kept"))?;
        let found = (
            tally.counts,
            tally.voters,
            tally.result.map(|result| result.place),
        );
        let right = (counted.tally(), counted.votes.len() as u64, counted.result);
        if found != right {
            return Err(format!(
                "ballot {id} is kept as {found:?} where it is {right:?}"
            ));
        }
        for (voter, (revision, choices, _)) in &counted.votes {
            let vote = Ballots(&rows).vote_of(id, voter);
            let vote = vote.map_err(|error| error.to_string())?;
            if !vote.is_some_and(|vote| vote.revision == *revision && vote.choices == *choices) {
                return Err(format!("the vote of {voter:?} in {id} is not kept"));
            }
        }
        polls.opened += 1;
        polls.votes += counted.votes.len();
        polls.results += usize::from(counted.result.is_some());
    }
    Ok(polls)
}
