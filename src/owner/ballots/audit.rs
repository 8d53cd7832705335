//! All that somebody without a node needs to count a ballot again.

use super::reading::{Found, Reading, parcel_of};
use super::*;
use crate::canonical::{self, to_hex};
use crate::chain::proof::{DEFAULT_TAIL, Subject, prove};
use crate::chain::rows::StateView;
use crate::chain::{BlockId, Internal, NetworkId};
use crate::owner::answers::ChoiceView;
use crate::store::Table;
use crate::store::chain_rows::internal;
use futures_util::Stream;
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
    /// Proofs of the parts of the roll, which lie before the ballot, up to the block that opens it.
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
    /// Votes that this node has open, and that no block holds.
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
        let (id, ballot, view) = {
            let snapshot = disk.snapshot();
            let reading = Reading::begin(self, &*snapshot, &known)?;
            let Found::Mined(id, ballot, tally) = reading.find(id)? else {
                return Err(Refused::new(
                    Code::BallotNotMined,
                    "the record that opens this ballot is in no block yet",
                ));
            };
            let shown = reading.show(Found::Mined(id, ballot.clone(), tally))?;
            (id, ballot, shown)
        };
        let network = self.parts()?.rules.network();
        self.long.exports.start(move |lines| {
            let snapshot = disk.snapshot();
            let chain = lines.watched(ChainRows(&*snapshot));
            let found = Ballots(&chain).ballot(&id).map_err(io::Error::other)?;
            let gone = || io::Error::other("the chain has lost the ballot just now: ask again");
            let (_, tally) = found.ok_or_else(gone)?;
            let result = tally.result;
            let tip = chain.named(&crate::chain::rows::RowKey::Tip).map_err(io::Error::other)?;
            let tip = tip.unwrap_or(network);
            let last = match &result {
                Some(result) => result.place.height,
                None => height_of(&chain, &tip).map_err(io::Error::other)?,
            };
            let counts = tally.counts.iter().zip(&ballot.opening.choices);
            let head = Head {
                raclette_vote_audit: AUDIT_VERSION,
                network,
                ballot: id,
                question: view.question,
                choices: counts
                    .map(|(votes, choice)| ChoiceView {
                        choice: choice.to_string(),
                        votes: *votes,
                    })
                    .collect(),
                voters: tally.voters,
                parts: Vec::new(),
            };
            lines.send(line(&Line::Head(head))?)?;
            let mut end = network;
            for height in ballot.place.height.0..=last.0 {
                let missing = || Internal(format!("the block at height {height} is missing"));
                let block = chain.active(Height(height)).map_err(io::Error::other)?;
                let block = block.ok_or_else(missing).map_err(io::Error::other)?;
                let body = chain.block(&block).map_err(io::Error::other)?;
                let body = body.ok_or_else(missing).map_err(io::Error::other)?;
                let transactions = body.transactions.iter();
                lines.send(line(&Line::Block(BlockLine {
                    header: to_hex(&body.header.to_bytes()),
                    transactions: transactions.map(|one| to_hex(one.bytes())).collect(),
                }))?)?;
                end = block;
            }
            let proof = prove(&chain, Subject::Block(end), DEFAULT_TAIL, None);
            let proof = proof.map_err(io::Error::other)?;
            let open = snapshot.scan(Table::Open, &[], MAX_OPEN_SEEN);
            let open = open.map_err(|error| io::Error::other(internal(error)))?;
            let mut not_mined = Vec::new();
            for (_, value) in open {
                let entry: crate::chain::rows::OpenEntry =
                    canonical::decode(&value).map_err(io::Error::other)?;
                if matches!(parcel_of(&entry.transaction), Some(Parcel::Vote(vote)) if vote.ballot == id) {
                    not_mined.push(to_hex(entry.transaction.bytes()));
                }
            }
            line(&Line::End(End {
                result: result.map(|result| result.id),
                proof: to_hex(&canonical::encode(&proof)),
                not_mined,
            }))
        })
    }
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
