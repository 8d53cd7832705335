//! What is read of ballots, off one snapshot of the disk.

use super::rolls::Voters;
use super::*;
use crate::apps::voting::{BallotRow, Counted, TallyRow};
use crate::canonical::{self, from_hex, to_hex};
use crate::chain::rows::StateView;
use crate::chain::{Action, EncodedTransaction, Internal};
use crate::messages::tracker_link::DirectoryStatus;
use crate::owner::answers::{ChoiceView, CountedView, ResultView, TipView, VoterView};
use crate::owner::chain_reads::{tip_of, transaction_like};
use crate::owner::ids::TypedId;
use crate::owner::pages::not_a_cursor;
use crate::owner::people::People;
use crate::store::DiskRead;
use crate::store::chain_rows::application_rows;

/// The beginning of the keys of the rows that list ballots, the latest first.
pub(in crate::owner) const LISTED_ROWS: &[u8] = b"l";
/// Bytes of the rest of such a key: a height and an index.
const PLACE_BYTES: usize = 12;
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
    /// Whether the admin has put this node out.
    is_out: bool,
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
            is_out: (known.statements.as_ref()).is_some_and(|all| all.out(&peer.key).is_some()),
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
        open: Vec<EncodedTransaction>,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<BallotsView, Refused> {
        let mut listed = self.not_mined(&open)?;
        let (ids, next) = self.latest(after, limit)?;
        let mut rolls = Vec::new();
        for id in ids {
            let found = Ballots(&ChainRows(self.disk)).ballot(&id)?;
            let (ballot, tally) = found.ok_or_else(|| missing(&id))?;
            rolls.extend(ballot.roll.members_after);
            listed.push(Found::Mined(id, ballot, tally));
        }
        // All at once: each by itself would read all members.
        self.count_members(&rolls)?;
        let ballots = listed.into_iter().map(|found| self.show(found));
        let ballots = ballots.collect::<Result<_, _>>()?;
        Ok(BallotsView {
            ballots,
            next,
            tip: self.tip.clone(),
        })
    }

    /// Ids of ballots on the chain, the latest first, behind the one that a page ended with, and at most
    /// `limit`; where the next page begins, if there are more.
    pub(super) fn latest(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<TransactionId>, Option<Cursor>), Refused> {
        let after = match after {
            None => None,
            Some(cursor) => Some(place_of(cursor)?),
        };
        let mut rows = application_rows(
            self.disk,
            &topic(),
            LISTED_ROWS,
            after.as_ref().map(|place| &place[..]),
            limit.saturating_add(1),
        )?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more);
        let next = next.map(|(key, _)| Cursor(to_hex(key)));
        let ids = rows.iter().map(|(_, value)| canonical::decode(value));
        let ids: Result<_, _> = ids.collect();
        let damaged = |error| Internal(format!("a row of the ballots is damaged: {error}"));
        Ok((ids.map_err(damaged)?, next))
    }

    /// The ballots that these open, which are in no block.
    fn not_mined(&self, open: &[EncodedTransaction]) -> Result<Vec<Found>, Internal> {
        let view = ChainRows(self.disk);
        let mut found = Vec::new();
        for transaction in open {
            if let Some(opening) = opening_of(transaction)
                && view.mined(&transaction.id())?.is_none()
            {
                found.push(opening);
            }
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
            None => self.voters_to_be(&opening)?,
            Some((ballot, _)) => voters_of(ballot),
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
            voters: self.count(&roll)?,
            voted: row.as_ref().map_or(0, |(_, tally)| tally.voters),
            may_vote: self.has(&roll, &own)?,
            own: vote.map(|vote| counted(&opening, &vote)),
            uncounted: None,
            result: row
                .and_then(|(_, tally)| tally.result)
                .map(|result| ResultView {
                    id: result.id,
                    height: result.place.height,
                }),
            tip: self.tip.clone(),
        })
    }

    /// A ballot by itself: with the vote of this node's owner that waits.
    pub(super) fn show_one(&self, found: Found) -> Result<BallotView, Refused> {
        let opening = match &found {
            Found::NotMined(_, _, opening) => opening.clone(),
            Found::Mined(_, ballot, _) => ballot.opening.clone(),
        };
        let mut view = self.show(found)?;
        let counted = view.own.as_ref().map(|own| own.revision);
        let own = self.own_votes()?;
        let own = own.get(&view.ballot);
        view.uncounted = self.uncounted(own, &opening, view.state, counted)?;
        Ok(view)
    }

    /// Who may vote if it is opened as things stand.
    fn voters_to_be(&self, opening: &Opening) -> Result<Voters, Internal> {
        let roll = &opening.roll;
        if roll.members {
            return Ok(Voters::Members(self.tip.height));
        }
        if !roll.keys.is_empty() {
            return Ok(Voters::Keys(roll.keys.clone()));
        }
        let view = ChainRows(self.disk);
        let mut there = Vec::new();
        for part in &roll.parts {
            if Ballots(&view).has_list(part)? {
                there.push(*part);
            }
        }
        Ok(Voters::Lists(there))
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
        let (id, opening, roll) = match found {
            Found::NotMined(id, _, opening) => {
                let roll = self.voters_to_be(&opening)?;
                (id, opening, roll)
            }
            Found::Mined(id, ballot, _) => {
                let roll = voters_of(&ballot);
                (id, ballot.opening, roll)
            }
        };
        let (keys, next) = self.page(&roll, begin, limit)?;
        let mut voters = Vec::new();
        for key in &keys {
            let vote = Ballots(&view).vote_of(&id, key)?;
            voters.push(VoterView {
                voter: self.people.person(key),
                vote: vote.map(|vote| counted(&opening, &vote)),
            });
        }
        Ok(VotersView {
            voters,
            next: next.map(|at| Cursor(at.to_string())),
            tip: self.tip.clone(),
        })
    }

    /// What ballots came to whose results this node should record now, unless they are open, and up to which height.
    pub(super) fn due_results(&self) -> Result<Vec<(Outcome, Height)>, Refused> {
        if self.is_out {
            // Nobody takes it without a fee, and each try would leave a send that failed.
            return Ok(Vec::new());
        }
        let view = ChainRows(self.disk);
        let (ids, _) = self.latest(None, MAX_DUE_SEEN)?;
        let mut due = Vec::new();
        for id in ids {
            let found = Ballots(&view).ballot(&id)?;
            let (ballot, tally) = found.ok_or_else(|| missing(&id))?;
            if self.state(&ballot, &tally) != BallotState::Closed {
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
}

/// Ballots whose results are among these.
pub(super) fn results_that_wait(open: &[EncodedTransaction]) -> Vec<TransactionId> {
    let parcels = open.iter().filter_map(parcel_of);
    let results = parcels.filter_map(|parcel| match parcel {
        Parcel::Result(outcome) => Some(outcome.ballot),
        _ => None,
    });
    results.collect()
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

/// The row that a page of the ballots ended with, without the beginning that all have.
fn place_of(cursor: &Cursor) -> Result<[u8; PLACE_BYTES], Refused> {
    from_hex(&cursor.0).map_err(|_| not_a_cursor(cursor))
}

pub(super) fn voters_of(ballot: &BallotRow) -> Voters {
    match ballot.roll.members_after {
        Some(after) => Voters::Members(after),
        None => Voters::Lists(ballot.roll.lists.clone()),
    }
}

/// Choices in the words of the ballot.
pub(super) fn choices_of(opening: &Opening, places: &[u8]) -> Vec<String> {
    let names = places.iter().filter_map(|place| {
        let choice = opening.choices.get(usize::from(*place))?;
        Some(choice.to_string())
    });
    names.collect()
}

fn counted(opening: &Opening, vote: &Counted) -> CountedView {
    CountedView {
        id: vote.id,
        height: vote.place.height,
        revision: vote.revision,
        choices: choices_of(opening, &vote.choices),
    }
}

pub(super) fn missing(id: &TransactionId) -> Internal {
    Internal(format!("the ballot {id} is missing"))
}
