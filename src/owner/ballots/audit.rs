//! All that somebody without a node needs to count a ballot again.

use super::reading::{Found, Reading, parcel_of};
use super::*;
use crate::canonical::{self, to_hex};
use crate::chain::proof::{DEFAULT_TAIL, Subject, prove};
use crate::chain::rows::{OpenEntry, RowKey, StateView};
use crate::chain::{BlockId, EncodedTransaction, Internal, NetworkId};
use crate::owner::answers::ChoiceView;
use crate::store::chain_rows::{internal, left_records};
use crate::store::{DiskRead, Table};
use futures_util::Stream;
use std::collections::BTreeMap;
use std::io;

/// Version of the form, which the first line names.
const AUDIT_VERSION: u32 = 1;
/// Open transactions that are looked through for votes that were not mined.
const MAX_OPEN_SEEN: usize = 10_000;

/// A line of an audit. The bytes of blocks, proofs and transactions are their canonical ones, in hexadecimal
/// digits; what stands beside them is for people, and checked against them.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Head(Head),
    Block(BlockLine),
    End(End),
}

#[derive(Serialize)]
struct Head {
    raclette_vote_audit: u32,
    network: NetworkId,
    ballot: TransactionId,
    question: String,
    choices: Vec<ChoiceView>,
    voters: u64,
    /// The lists of keys of a roll in parts, which the ballot names by their hashes.
    parts: Vec<String>,
}

#[derive(Serialize)]
struct BlockLine {
    header: String,
    transactions: Vec<String>,
}

#[derive(Serialize)]
struct End {
    /// Id of the record that says the result; `None` if there is none yet.
    result: Option<TransactionId>,
    /// That the last block is on the chain.
    proof: String,
    /// Votes that this node has or had open, that would count, and that no block holds.
    not_mined: Vec<String>,
}

impl Peer {
    /// Everything from the block that opens a ballot to the one that holds its result, or to the tip if none
    /// does: `scripts/check_vote.py` counts it again without a node. In lines of JSON, as they are read; whoever
    /// drops the stream ends it.
    ///
    /// # Errors
    /// As for [`ballot`](Self::ballot), [`Code::BallotNotMined`], [`Code::AlreadyRunning`].
    pub async fn audit(
        &self,
        id: &str,
    ) -> Result<impl Stream<Item = io::Result<Vec<u8>>> + use<>, Refused> {
        let known = self.known();
        let disk = self.disk()?;
        let id = {
            let snapshot = disk.snapshot();
            let Found::Mined(id, ..) = Reading::begin(self, &*snapshot, &known)?.find(id)? else {
                return Err(Refused::new(
                    Code::BallotNotMined,
                    "the record that opens this ballot is in no block yet",
                ));
            };
            id
        };
        let network = self.parts()?.rules.network();
        self.long.exports.start(move |lines| {
            let snapshot = disk.snapshot();
            let seen = seen(&*snapshot).map_err(io::Error::other)?;
            let chain = lines.watched(ChainRows(&*snapshot));
            write(&chain, network, id, &seen, |line| lines.send(line))
        })
    }
}

/// The records that this node has open, or had until they left without being mined.
fn seen(disk: &dyn DiskRead) -> Result<Vec<EncodedTransaction>, Internal> {
    let mut seen = left_records(disk)?;
    let open = disk
        .scan(Table::Open, &[], MAX_OPEN_SEEN)
        .map_err(internal)?;
    for (_, value) in open {
        let entry: Result<OpenEntry, _> = canonical::decode(&value);
        let damaged = |error| Internal(format!("an open transaction is damaged: {error}"));
        seen.push(entry.map_err(damaged)?.transaction);
    }
    Ok(seen)
}

/// Sends all lines but the last, and returns that. Off one view of a chain; `seen` is what is or was open.
pub(super) fn write(
    chain: &dyn StateView,
    network: NetworkId,
    id: TransactionId,
    seen: &[EncodedTransaction],
    mut send: impl FnMut(Vec<u8>) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let ballots = Ballots(chain);
    let found = ballots.ballot(&id).map_err(io::Error::other)?;
    let gone = || io::Error::other("the chain has lost the ballot just now: ask again");
    let (ballot, tally) = found.ok_or_else(gone)?;
    let tip = chain.named(&RowKey::Tip).map_err(io::Error::other)?;
    let last = match &tally.result {
        Some(result) => result.place.height,
        None => height_of(chain, &tip.unwrap_or(network)).map_err(io::Error::other)?,
    };
    let mut parts = Vec::new();
    for part in &ballot.opening.roll.parts {
        let keys = ballots.in_lists(&[*part]).map_err(io::Error::other)?;
        parts.push(to_hex(&canonical::encode(&keys)));
    }
    let counts = tally.counts.iter().zip(&ballot.opening.choices);
    let head = Head {
        raclette_vote_audit: AUDIT_VERSION,
        network,
        ballot: id,
        question: ballot.opening.question.to_string(),
        choices: counts
            .map(|(votes, choice)| ChoiceView {
                choice: choice.to_string(),
                votes: *votes,
            })
            .collect(),
        voters: tally.voters,
        parts,
    };
    send(line(&Line::Head(head))?)?;
    let mut end = network;
    for height in ballot.place.height.0..=last.0 {
        let missing = || io::Error::other(format!("the block at height {height} is missing"));
        let block = chain.active(Height(height)).map_err(io::Error::other)?;
        let block = block.ok_or_else(missing)?;
        let body = chain.block(&block).map_err(io::Error::other)?;
        let body = body.ok_or_else(missing)?;
        let transactions = body.transactions.iter();
        send(line(&Line::Block(BlockLine {
            header: to_hex(&body.header.to_bytes()),
            transactions: transactions.map(|one| to_hex(&one.bytes())).collect(),
        }))?)?;
        end = block;
    }
    let proof = prove(chain, Subject::Block(end), DEFAULT_TAIL, None);
    let proof = proof.map_err(io::Error::other)?;
    let not_mined = not_mined(chain, &id, seen).map_err(io::Error::other)?;
    line(&Line::End(End {
        result: tally.result.map(|result| result.id),
        proof: to_hex(&canonical::encode(&proof)),
        not_mined,
    }))
}

/// Votes among these that would have changed the tally, had somebody mined them.
fn not_mined(
    chain: &dyn StateView,
    ballot: &TransactionId,
    seen: &[EncodedTransaction],
) -> Result<Vec<String>, Internal> {
    let mut votes = BTreeMap::new();
    for transaction in seen {
        let Some(Parcel::Vote(vote)) = parcel_of(transaction) else {
            continue;
        };
        let voter = transaction.payload().sender;
        if vote.ballot != *ballot || chain.mined(&transaction.id())?.is_some() {
            continue;
        }
        let counted = Ballots(chain).vote_of(ballot, &voter)?;
        if counted.is_none_or(|counted| counted.revision < vote.revision) {
            votes.insert(transaction.id(), to_hex(&transaction.bytes()));
        }
    }
    Ok(votes.into_values().collect())
}

fn height_of(chain: &dyn StateView, id: &BlockId) -> Result<Height, Internal> {
    let missing = || Internal(format!("the header of the block {id} is missing"));
    Ok(chain.header(id)?.ok_or_else(missing)?.header.height)
}

fn line(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}
