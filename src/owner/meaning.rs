//! What records say that an application of this program reads: votes and ballots, and who joins.

use super::answers::MeaningView;
use crate::apps::voting::{self, Ballots, Opening, Parcel};
use crate::canonical;
use crate::chain::application::MEMBERS_TOPIC;
use crate::chain::rows::StateView;
use crate::chain::{Action, EncodedTransaction, Internal, Rules, TransactionId};
use crate::membership::MembersRecord;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Openings of ballots, as far as this node knows them.
type Openings = BTreeMap<TransactionId, Option<Opening>>;

/// Reads records, off one view of the chain.
pub(super) struct Meanings<'a> {
    rules: &'a Rules,
    view: &'a dyn StateView,
    /// Those that were asked for: a block may be full of votes in one ballot.
    openings: RefCell<Openings>,
}

impl<'a> Meanings<'a> {
    pub(super) fn of(rules: &'a Rules, view: &'a dyn StateView) -> Self {
        Self {
            rules,
            view,
            openings: RefCell::default(),
        }
    }

    /// What an action says; `None` if it is no record, or none of an application of this network that is read
    /// here.
    pub(super) fn read(&self, action: &Action) -> Result<Option<MeaningView>, Internal> {
        let Action::Record { topic, body } = action else {
            return Ok(None);
        };
        if !self.rules.topics().any(|own| own == topic) {
            return Ok(None);
        }
        match topic.as_str() {
            voting::TOPIC => Parcel::decode(body)
                .ok()
                .map(|parcel| self.voting(parcel))
                .transpose(),
            MEMBERS_TOPIC => {
                let record = canonical::decode(body.as_slice()).ok();
                Ok(record.map(|record: MembersRecord| match record {
                    MembersRecord::Join(join) => MeaningView::Join {
                        name: join.name.to_string(),
                    },
                    MembersRecord::Leave(_) => MeaningView::Leave,
                    MembersRecord::Statement(_) => MeaningView::Statement,
                }))
            }
            _ => Ok(None),
        }
    }

    fn voting(&self, parcel: Parcel) -> Result<MeaningView, Internal> {
        Ok(match parcel {
            Parcel::Open(opening) => MeaningView::Ballot {
                question: opening.question.to_string(),
            },
            Parcel::Roll(_) => MeaningView::Roll,
            Parcel::Vote(vote) => {
                let opening = self.opening(&vote.ballot)?;
                let choice = |place: &u8| {
                    let choices = &opening.as_ref()?.choices;
                    choices.get(usize::from(*place)).map(ToString::to_string)
                };
                MeaningView::Vote {
                    ballot: vote.ballot,
                    choices: vote.choices.iter().filter_map(choice).collect(),
                    question: opening.map(|opening| opening.question.to_string()),
                }
            }
            Parcel::Result(outcome) => MeaningView::Result {
                ballot: outcome.ballot,
                question: self
                    .opening(&outcome.ballot)?
                    .map(|opening| opening.question.to_string()),
            },
        })
    }

    /// How a ballot was opened, mined or not.
    fn opening(&self, ballot: &TransactionId) -> Result<Option<Opening>, Internal> {
        if let Some(known) = self.openings.borrow().get(ballot) {
            return Ok(known.clone());
        }
        let found = match Ballots(self.view).ballot(ballot)? {
            Some((row, _)) => Some(row.opening),
            None => {
                let open = self.view.open_transaction(ballot)?;
                open.and_then(|entry| opening_of(&entry.transaction))
            }
        };
        self.openings.borrow_mut().insert(*ballot, found.clone());
        Ok(found)
    }
}

fn opening_of(transaction: &EncodedTransaction) -> Option<Opening> {
    match &transaction.payload().action {
        Action::Record { topic, body } if topic.as_str() == voting::TOPIC => {
            match Parcel::decode(body) {
                Ok(Parcel::Open(opening)) => Some(opening),
                _ => None,
            }
        }
        _ => None,
    }
}
