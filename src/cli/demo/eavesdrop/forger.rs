//! Votes that their voters never signed, behind an honest proof of work.

use super::settings_of;
use crate::apps::built_in;
use crate::apps::voting::{BallotId, Ballots, Parcel, Vote, topic};
use crate::archive::OfflineLedger;
use crate::chain::block::root_of;
use crate::chain::ledger::BlockOutcome;
use crate::chain::{Action, Amount, EncodedTransaction, Payload, Rules, Salt, Transaction};
use crate::clock::SystemClock;
use crate::entropy::{Entropy, OsEntropy};
use crate::keys::{PublicKey, SecretKey};
use crate::node::open_offline;
use crate::pow::{NativeEngine, PowEngine, Scan};
use crate::store::chain_rows::{ChainRows, stored_genesis};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// How many votes are forged: as many as one block took in the demonstration that this project descends from.
const VOTES: usize = 50;

/// What to forge.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli::demo) struct Forgery {
    /// In which ballot.
    pub(in crate::cli::demo) ballot: BallotId,
    /// Addresses of those in whose names.
    pub(in crate::cli::demo) voters: Vec<String>,
    /// Settings of the peer that is to take them; it does not run.
    pub(in crate::cli::demo) peer: PathBuf,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli::demo) struct Forged {
    /// How many votes the block had.
    pub(in crate::cli::demo) votes: usize,
    /// Hashes that its proof of work took.
    pub(in crate::cli::demo) hashes: u64,
    /// Why the peer's ledger does not take it; `None` if it does.
    pub(in crate::cli::demo) refused: Option<String>,
    /// Whether the tally is what it was.
    pub(in crate::cli::demo) tally_stays: bool,
}

/// Mines a block of forged votes upon the peer's chain, and puts it before the peer's ledger, as if somebody
/// had sent it.
pub(super) fn forge(forgery: &Forgery) -> Result<Forged, String> {
    let disk = open_offline(&settings_of(&forgery.peer)?).map_err(words)?;
    let genesis = stored_genesis(&disk).map_err(words)?;
    let genesis = genesis.ok_or("the peer is on no network")?;
    let rules = Rules::new(genesis, &built_in()).map_err(words)?;
    let network = rules.network();
    let mut ledger = OfflineLedger::open(&disk, rules, &SystemClock).map_err(words)?;
    let forger = SecretKey::draw(&OsEntropy);
    let mut template = ledger.template(forger.public_key()).map_err(words)?;
    let voters: Result<Vec<_>, _> = forgery
        .voters
        .iter()
        .map(|voter| PublicKey::from_address(voter))
        .collect();
    let voters = voters.map_err(words)?;
    // The reward, then the votes; at the end of the story nothing else is open.
    template.transactions.truncate(1);
    for (number, voter) in (1..).zip(voters.iter().cycle().take(VOTES)) {
        let vote = Parcel::Vote(Vote {
            ballot: forgery.ballot,
            revision: u64::MAX - VOTES as u64 + number,
            choices: vec![0],
        });
        let mut salt = [0; Salt::LEN];
        OsEntropy.fill(&mut salt);
        let payload = Payload {
            network,
            sender: *voter,
            salt: Salt(salt),
            expires_at: template.header.height,
            fee: Amount::ZERO,
            action: Action::Record {
                topic: topic(),
                body: vote.encode().map_err(words)?,
            },
        };
        let signature = payload.clone().sign(&forger).signature;
        let forged = Transaction { payload, signature };
        template.transactions.push(EncodedTransaction::new(forged));
    }
    template.header.transactions_root = root_of(&template.transactions);
    let target = template.header.target.expand().map_err(words)?;
    let (header, target) = (template.header.to_bytes(), target.to_be_bytes());
    let stop = AtomicBool::new(false);
    let scan = NativeEngine::new().scan(&header, &target, 0..u64::MAX, &stop);
    let Scan::Found { nonce, tries } = scan else {
        return Err("no proof of work was found".to_owned());
    };
    let tally = || Ballots(&ChainRows(&disk)).ballot(&forgery.ballot);
    let before = tally().map_err(words)?;
    let outcome = ledger.block(template.solved(nonce)).map_err(words)?;
    ledger.write().map_err(words)?;
    let refused = match outcome {
        BlockOutcome::Fault(fault) => Some(fault.to_string()),
        _ => None,
    };
    Ok(Forged {
        votes: VOTES,
        hashes: tries,
        refused,
        tally_stays: before.is_some() && tally().map_err(words)? == before,
    })
}

fn words(error: impl Display) -> String {
    error.to_string()
}
