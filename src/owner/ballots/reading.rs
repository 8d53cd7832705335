//! What is read of ballots, off one snapshot of the disk.

use super::*;
use crate::apps::members::View;
use crate::apps::voting::{BallotRow, Counted, TallyRow, was_voter};
use crate::canonical;
use crate::chain::application::TopicRows;
use crate::chain::rows::StateView;
use crate::chain::{Action, EncodedTransaction, Internal};
use crate::messages::tracker_link::DirectoryStatus;
use crate::owner::answers::{ChoiceView, CountedView, ResultView, TipView, VoterView};
use crate::owner::chain_reads::{tip_of, transaction_like};
use crate::owner::ids::TypedId;
use crate::owner::pages::not_a_cursor;
use crate::owner::people::People;
use crate::store::chain_rows::{application_rows, internal};
use crate::store::{DiskRead, Table};

/// The beginning of the keys of the rows that list ballots in the order of the chain.
pub(in crate::owner) const LISTED_ROWS: &[u8] = b"l";
/// Open transactions that are looked through for openings of ballots.
const MAX_OPEN_SEEN: usize = 2_000;
/// Ballots that are looked through, from the latest back, for results that are due.
const MAX_DUE_SEEN: usize = 1_000;
/// Blocks after the close in which a ballot's opener alone records its result.
const OPENERS_BLOCKS: u64 = 3;
/// Over so many blocks after that, the others come to do it, each at its own height.
const OTHERS_BLOCKS: u64 = 16;
/// Blocks in which a result can be mined.
const RESULT_BLOCKS: u64 = 1_440;

/// A ballot, mined or not.
pub(super) enum Found {
    NotMined(TransactionId, PublicKey, Opening),
    Mined(TransactionId, BallotRow, TallyRow),
}

pub(super) struct Reading<'a> {
    pub(super) peer: &'a Peer,
    pub(super) disk: &'a dyn DiskRead,
    people: People<'a>,
    pub(super) admission: Admission,
    pub(super) tip: TipView,
}

impl<'a> Reading<'a> {
    pub(super) fn begin(
        peer: &'a Peer,
        disk: &'a dyn DiskRead,
        known: &'a DirectoryStatus,
    ) -> Result<Self, Refused> {
        peer.votes()?;
        Ok(Self {
            peer,
            disk,
            people: peer.people(known),
            admission: peer.parts()?.rules.params().admission,
            tip: tip_of(&peer.parts()?.rules, &ChainRows(disk))?,
        })
    }

    pub(super) fn find(&self, typed: &str) -> Result<Found, Refused> {
        let typed = TypedId::parse(typed)?;
        let unknown = || {
            Refused::new(
                Code::UnknownBallot,
                format!(
                    "this node knows no ballot whose id begins with {typed}: `node vote list` shows all"
                ),
            )
        };
        let id = match typed.whole() {
            Some(id) => TransactionId(id),
            None => transaction_like(self.disk, &typed)?.ok_or_else(unknown)?,
        };
        let view = ChainRows(self.disk);
        if let Some((ballot, tally)) = Ballots(&view).ballot(&id)? {
            return Ok(Found::Mined(id, ballot, tally));
        }
        let open = view.open_transaction(&id)?;
        let open = open.and_then(|entry| opening_of(&entry.transaction));
        open.ok_or_else(unknown)
    }

    pub(super) fn list(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<BallotsView, Refused> {
        let before = after
            .map(|cursor| cursor.0.parse().map_err(|_| not_a_cursor(cursor)))
            .transpose()?;
        let mut ballots = Vec::new();
        if before.is_none() {
            for opening in self.not_mined()? {
                ballots.push(self.show(opening)?);
            }
        }
        let (ids, next) = self.latest(before, limit)?;
        for id in ids {
            let found = Ballots(&ChainRows(self.disk)).ballot(&id)?;
            let (ballot, tally) = found.ok_or_else(|| missing(&id))?;
            ballots.push(self.show(Found::Mined(id, ballot, tally))?);
        }
        Ok(BallotsView {
            ballots,
            next: next.map(|at| Cursor(at.to_string())),
            tip: self.tip.clone(),
        })
    }

    /// Ids of ballots on the chain, the latest first: those before the place `before` in their order, at most
    /// `limit`; and the place of the last, if there are more.
    pub(super) fn latest(
        &self,
        before: Option<usize>,
        limit: usize,
    ) -> Result<(Vec<TransactionId>, Option<usize>), Internal> {
        let mut all = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = application_rows(
                self.disk,
                &topic(),
                LISTED_ROWS,
                after.as_deref(),
                MAX_DUE_SEEN,
            )?;
            let Some((last, _)) = rows.last() else {
                break;
            };
            after = Some(last.clone());
            for (_, value) in &rows {
                let id: TransactionId = canonical::decode(value).map_err(|error| {
                    Internal(format!("a row of the ballots is damaged: {error}"))
                })?;
                all.push(id);
            }
        }
        let end = before.unwrap_or(all.len()).min(all.len());
        let begin = end.saturating_sub(limit);
        let ids = all[begin..end].iter().rev().copied().collect();
        Ok((ids, (begin > 0).then_some(begin)))
    }

    fn not_mined(&self) -> Result<Vec<Found>, Internal> {
        let rows = self
            .disk
            .scan(Table::Open, &[], MAX_OPEN_SEEN)
            .map_err(internal)?;
        let mut found = Vec::new();
        for (_, value) in rows {
            let entry: crate::chain::rows::OpenEntry = canonical::decode(&value)
                .map_err(|error| Internal(format!("an open transaction is damaged: {error}")))?;
            found.extend(opening_of(&entry.transaction));
        }
        Ok(found)
    }

    pub(super) fn show(&self, found: Found) -> Result<BallotView, Refused> {
        let view = ChainRows(self.disk);
        let own = self.peer.key;
        let (id, opener, opening, row) = match found {
            Found::NotMined(id, opener, opening) => (id, opener, opening, None),
            Found::Mined(id, ballot, tally) => {
                let opening = ballot.opening.clone();
                (id, ballot.opener, opening, Some((ballot, tally)))
            }
        };
        let counts = row.as_ref().map(|(_, tally)| tally.counts.clone());
        let counts = counts.unwrap_or_else(|| vec![0; opening.choices.len()]);
        let roll = match &row {
            None => self.roll_to_be(&opening)?,
            Some((ballot, _)) => self.roll(ballot)?,
        };
        let vote = match &row {
            None => None,
            Some(_) => Ballots(&view).vote_of(&id, &own)?,
        };
        let choices = opening.choices.iter().zip(counts);
        Ok(BallotView {
            ballot: id,
            opener: self.people.person(&opener),
            question: opening.question.to_string(),
            choices: choices
                .map(|(choice, votes)| ChoiceView {
                    choice: choice.to_string(),
                    votes,
                })
                .collect(),
            max: opening.max,
            state: match &row {
                None => BallotState::NotMined,
                Some((ballot, tally)) => self.state(ballot, tally),
            },
            height: row.as_ref().map(|(ballot, _)| ballot.place.height),
            closes_at: opening.closes_at,
            last_height: opening.last_height,
            voters: roll.len() as u64,
            voted: row.as_ref().map_or(0, |(_, tally)| tally.voters),
            may_vote: roll.binary_search(&own).is_ok(),
            own: vote.map(|vote| counted(&opening, &vote)),
            result: row
                .and_then(|(_, tally)| tally.result)
                .map(|result| ResultView {
                    id: result.id,
                    height: result.place.height,
                }),
            tip: self.tip.clone(),
        })
    }

    /// Who may vote, rising by key.
    fn roll(&self, ballot: &BallotRow) -> Result<Vec<PublicKey>, Internal> {
        match ballot.roll.members_after {
            Some(after) => self.members(after),
            None => Ballots(&ChainRows(self.disk)).listed(&ballot.roll),
        }
    }

    /// Who may vote if it is opened as things stand.
    fn roll_to_be(&self, opening: &Opening) -> Result<Vec<PublicKey>, Internal> {
        match opening.roll.members {
            true => self.members(self.tip.height),
            false => Ballots(&ChainRows(self.disk)).in_lists(&opening.roll),
        }
    }

    /// The members after a height who may vote, rising by key.
    pub(super) fn members(&self, after: Height) -> Result<Vec<PublicKey>, Internal> {
        let chain = ChainRows(self.disk);
        let rows = TopicRows::of_members(&chain);
        let members = View::new(&rows);
        let mut keys = Vec::new();
        for index in 0..members.count()? {
            if let Some(key) = members.listed(index)?
                && was_voter(&members, self.admission, &key, after)?
            {
                keys.push(key);
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    pub(super) fn state(&self, ballot: &BallotRow, tally: &TallyRow) -> BallotState {
        let next = self.tip.height.next();
        match &tally.result {
            Some(_) => BallotState::ResultMined,
            None if ballot.is_closed_at(next, self.tip.timestamp) => BallotState::Closed,
            None => BallotState::Open,
        }
    }

    pub(super) fn voters(
        &self,
        found: Found,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<VotersView, Refused> {
        let begin = after
            .map(|cursor| cursor.0.parse().map_err(|_| not_a_cursor(cursor)))
            .transpose()?
            .unwrap_or(0);
        let view = ChainRows(self.disk);
        let (id, opening, keys) = match found {
            Found::NotMined(id, _, opening) => {
                let keys = self.roll_to_be(&opening)?;
                (id, opening, keys)
            }
            Found::Mined(id, ballot, _) => {
                let keys = self.roll(&ballot)?;
                (id, ballot.opening, keys)
            }
        };
        let mut voters = Vec::new();
        for key in keys.iter().skip(begin).take(limit) {
            let vote = Ballots(&view).vote_of(&id, key)?;
            voters.push(VoterView {
                voter: self.people.person(key),
                vote: vote.map(|vote| counted(&opening, &vote)),
            });
        }
        let end = begin.saturating_add(voters.len());
        Ok(VotersView {
            voters,
            next: (end < keys.len()).then(|| Cursor(end.to_string())),
            tip: self.tip.clone(),
        })
    }

    /// What ballots came to whose results this node should record now, and up to which height.
    pub(super) fn due_results(&self) -> Result<Vec<(Outcome, Height)>, Internal> {
        let view = ChainRows(self.disk);
        let (ids, _) = self.latest(None, MAX_DUE_SEEN)?;
        let waiting = self.results_that_wait()?;
        let mut due = Vec::new();
        for id in ids {
            let found = Ballots(&view).ballot(&id)?;
            let (ballot, tally) = found.ok_or_else(|| missing(&id))?;
            if self.state(&ballot, &tally) != BallotState::Closed || waiting.contains(&id) {
                continue;
            }
            if ballot.opener != self.peer.key && !self.is_overdue(&id, &ballot)? {
                continue;
            }
            let outcome = Outcome {
                ballot: id,
                counts: tally.counts,
                voters: tally.voters,
            };
            due.push((
                outcome,
                Height(self.tip.height.0.saturating_add(RESULT_BLOCKS)),
            ));
        }
        Ok(due)
    }

    /// Whether the opener of a closed ballot had its time, and this node's turn has come.
    fn is_overdue(&self, id: &TransactionId, ballot: &BallotRow) -> Result<bool, Internal> {
        // Each at another height, so that not all do it at once; twice does no harm.
        let own = self
            .peer
            .key
            .0
            .iter()
            .zip(id.0)
            .map(|(a, b)| u64::from(a ^ b));
        let turn = OPENERS_BLOCKS + own.sum::<u64>() % OTHERS_BLOCKS;
        let Some(then) = self.tip.height.0.checked_sub(turn).map(Height) else {
            return Ok(false);
        };
        let view = ChainRows(self.disk);
        let block = view.active(then)?;
        let entry = block
            .map(|block| view.header(&block))
            .transpose()?
            .flatten();
        Ok(entry.is_some_and(|entry| ballot.is_closed_at(then.next(), entry.header.timestamp)))
    }

    /// Ballots whose results are open already.
    fn results_that_wait(&self) -> Result<Vec<TransactionId>, Internal> {
        let rows = self
            .disk
            .scan(Table::Open, &[], MAX_OPEN_SEEN)
            .map_err(internal)?;
        let mut waiting = Vec::new();
        for (_, value) in rows {
            let entry: crate::chain::rows::OpenEntry = canonical::decode(&value)
                .map_err(|error| Internal(format!("an open transaction is damaged: {error}")))?;
            if let Some(Parcel::Result(outcome)) = parcel_of(&entry.transaction) {
                waiting.push(outcome.ballot);
            }
        }
        Ok(waiting)
    }
}

/// What a transaction says about votes.
pub(super) fn parcel_of(transaction: &EncodedTransaction) -> Option<Parcel> {
    match &transaction.payload().action {
        Action::Record { topic: of, body } if *of == topic() => Parcel::decode(body).ok(),
        _ => None,
    }
}

fn opening_of(transaction: &EncodedTransaction) -> Option<Found> {
    match parcel_of(transaction)? {
        Parcel::Open(opening) => Some(Found::NotMined(
            transaction.id(),
            transaction.payload().sender,
            opening,
        )),
        _ => None,
    }
}

fn counted(opening: &Opening, vote: &Counted) -> CountedView {
    let names = vote.choices.iter().filter_map(|place| {
        let choice = opening.choices.get(usize::from(*place))?;
        Some(choice.to_string())
    });
    CountedView {
        id: vote.id,
        height: vote.place.height,
        revision: vote.revision,
        choices: names.collect(),
    }
}

pub(super) fn missing(id: &TransactionId) -> Internal {
    Internal(format!("the ballot {id} is missing"))
}
