//! Many transfers by one call.

use super::sending::{Draft, form_of, under};
use crate::chain::TransactionId;
use crate::messages::retry_queue::{SignAndSend, SignAndSendMany};
use crate::owner::answers::{
    RefusedLineView, SendManyRequest, SendRequest, SentLineView, SentManyView,
};
use crate::owner::{Code, Peer, PeerParts, Refused};
use crate::protocol::delivery::outbox::{Request, SendError};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::pin::pin;

/// Transfers of one call at most: half a second of work, after which whoever asks hears how it goes.
pub const MAX_TRANSFERS: usize = 1_000;
/// Transfers that go on together, as one batch of rows: so few that whatever else waits for an actor waits for a few
/// milliseconds.
const TOGETHER: usize = 128;
/// How many of these are under way at a time: while one is written, the next is signed.
const UNDER_WAY: usize = 2;

/// Notes of them that are sealed at a time, on all cores.
const SEALED: usize = 16;

/// What became of one transfer.
type Outcome = Result<TransactionId, Refused>;

impl Peer {
    /// Makes all the transfers that the owner asks for, each as [`send`](Self::send) does, and has them sent: the
    /// answer is a promise about every one that is not named as refused. One that is refused takes nothing back
    /// of what was promised for the others.
    ///
    /// Under a `key` each of them has a key of its own, made of this one and its place in the call: the same call
    /// sends each once, however often it is asked for.
    ///
    /// # Errors
    /// [`Code::BadKey`], [`Code::BadParameter`] for none or more than [`MAX_TRANSFERS`], [`Code::NoNetwork`],
    /// [`Code::Stopping`]. What is wrong with single transfers stands in the answer.
    pub async fn send_many(
        &self,
        request: &SendManyRequest,
        key: Option<&str>,
    ) -> Result<SentManyView, Refused> {
        let transfers = &request.transfers;
        if !(1..=MAX_TRANSFERS).contains(&transfers.len()) {
            return Err(Refused::new(
                Code::BadParameter,
                format!(
                    "{} transfers are in this call, but must be from 1 to {MAX_TRANSFERS}",
                    transfers.len()
                ),
            ));
        }
        if let Some(key) = key {
            // One of the caller's that is none is said at once, not a thousand times.
            under(key, request)?;
        }
        let parts = self.parts()?;
        let parts_of_it = (0..).zip(transfers.chunks(TOGETHER));
        let outcomes: Vec<Vec<Outcome>> = stream::iter(parts_of_it)
            .map(|(part, transfers)| {
                let first = part * TOGETHER;
                self.send_together(parts, transfers, key.map(|key| (key, first)))
            })
            .buffered(UNDER_WAY)
            .try_collect()
            .await?;
        let mut answer = SentManyView {
            sent: Vec::with_capacity(transfers.len()),
            refused: Vec::new(),
        };
        for (line, outcome) in (1..).zip(outcomes.into_iter().flatten()) {
            match outcome {
                Ok(id) => answer.sent.push(SentLineView { line, id }),
                Err(Refused { code, detail, .. }) => answer.refused.push(RefusedLineView {
                    line,
                    code,
                    reason: detail,
                }),
            }
        }
        Ok(answer)
    }

    /// Sends some of them as one batch; under a key, of which the first is the so-manieth.
    async fn send_together(
        &self,
        parts: &PeerParts,
        transfers: &[SendRequest],
        key: Option<(&str, usize)>,
    ) -> Result<Vec<Outcome>, Refused> {
        let known = self.known();
        let people = self.people(&known);
        let tip = self.tip_to_send_at(parts)?;
        let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(transfers.len());
        let (mut orders, mut ids) = (Vec::new(), Vec::new());
        let drafts = stream::iter(transfers)
            .map(|transfer| self.draft(parts, &people, tip, transfer))
            .buffered(SEALED);
        let mut drafts = pin!(drafts.enumerate());
        while let Some((place, draft)) = drafts.next().await {
            let request = match (key, transfers.get(place)) {
                (Some((key, first)), Some(transfer)) => {
                    Some(under_one_of(key, first + place, transfer)?)
                }
                _ => None,
            };
            let formed = draft.and_then(|draft| Ok((form_of(parts, &draft.payload)?, draft)));
            match formed {
                Ok((id, Draft { payload, route, .. })) => {
                    ids.push(id);
                    orders.push(SignAndSend {
                        payload,
                        route,
                        request,
                    });
                    outcomes.push(None);
                }
                Err(refused) => outcomes.push(Some(Err(refused))),
            }
        }
        let answers = parts.send_many.send(SignAndSendMany(orders)).await?;
        let answers = answers.into_iter().zip(ids);
        let mut answers = answers.map(|(answer, id)| match answer {
            Ok(()) => Ok(id),
            Err(SendError::Before(id)) => Ok(id),
            Err(error) => Err(error.into()),
        });
        // Fewer answers than questions there are only when the node stops.
        let missing = || Err(Refused::stopping());
        let outcomes = outcomes.into_iter();
        Ok(outcomes
            .map(|outcome| outcome.unwrap_or_else(|| answers.next().unwrap_or_else(missing)))
            .collect())
    }
}

/// What stands for one transfer of a call under a key.
fn under_one_of(key: &str, place: usize, transfer: &SendRequest) -> Result<Request, Refused> {
    let Request { key, asked } = under(key, transfer)?;
    let mut own = blake3::Hasher::new();
    own.update(&key);
    own.update(&(place as u64).to_be_bytes());
    Ok(Request {
        key: own.finalize().into(),
        asked,
    })
}
