//! The books of a simulated network, gone through at its end: against a replay by the rules, against a
//! model so simple that it can be seen to be right, and against each other.

use super::ballots::{Polls, recount};
use super::host::Host;
use super::load::{Book, Promise};
use super::members::{self, Roll};
use super::watch::{Broken, honest_peers};
use crate::chain::rows::StateKey;
use crate::chain::verify::{Scratch, VerifyError, verify_chain};
use crate::chain::{Action, Amount, Height, Internal, Rules, StateView, TransactionId};
use crate::keys::PublicKey;
use crate::protocol::delivery::rows;
use crate::store::chain_rows::{ChainRows, stored_genesis};
use crate::store::delivery_rows::DeliveryTable;
use crate::store::{DiskRead, Table, rows_from};
use std::collections::{BTreeMap, BTreeSet};

/// Rows read at a time.
const PAGE: usize = 1_000;
/// Tables that are the same on all hosts of one tip.
const SHARED: [Table; 4] = [Table::Active, Table::State, Table::Mined, Table::History];

/// Goes through the books of all peers, who have one tip; what their ballots came to, and who is a member.
pub fn audit(hosts: &[Host], book: &Book) -> Result<(Polls, Roll), Broken> {
    let (mut polls, mut roll) = (Polls::default(), Roll::default());
    let peers: Vec<_> = honest_peers(hosts).collect();
    for (host, peer) in &peers {
        let (host, disk): (_, &dyn DiskRead) = (*host, &**peer.disk());
        replay(disk).map_err(|how| {
            Broken::new(
                "a ledger is what its blocks lead to",
                format!("host {host}: {how}"),
            )
        })?;
        let model = Model::of(disk).map_err(|how| {
            Broken::new(
                "a ledger is what a simple model says",
                format!("host {host}: {how}"),
            )
        })?;
        model.compare(host, disk)?;
        roll = members::recount(disk).map_err(|how| {
            Broken::new(
                "the list of members is what a naive replay says",
                format!("host {host}: {how}"),
            )
        })?;
        polls = recount(disk).map_err(|how| {
            Broken::new(
                "a ballot is what a naive count says",
                format!("host {host}: {how}"),
            )
        })?;
        let is_missing = |p: &&Promise| !p.lapses && !model.mined.contains(&p.id);
        if let Some(Promise { id, .. }) = book.promises().iter().find(is_missing) {
            return Err(Broken::new(
                "what was promised is mined",
                format!("host {host}: {id}"),
            ));
        }
        let inbox = DeliveryTable::inbox(disk);
        for id in model.received.get(&peer.key()).into_iter().flatten() {
            if !matches!(rows::find(&inbox, id), Ok(Some(_))) {
                return Err(Broken::new(
                    "what was mined for somebody is in the inbox",
                    format!("host {host}: {id}"),
                ));
            }
        }
    }
    compare_tables(&peers)?;
    Ok((polls, roll))
}

fn replay(disk: &dyn DiskRead) -> Result<(), String> {
    let rules = rules(disk)?;
    let verified = verify_chain(&rules, &ChainRows(disk), &mut Held::default(), |_| {});
    verified.map(drop).map_err(|error| error.to_string())
}

fn rules(disk: &dyn DiskRead) -> Result<Rules, String> {
    let genesis = stored_genesis(disk).map_err(|error| error.to_string())?;
    let genesis = genesis.ok_or("there is no genesis block")?;
    Rules::new(genesis, &crate::apps::built_in()).map_err(|error| error.to_string())
}

/// Rows of a replay, in memory.
#[derive(Default)]
struct Held(BTreeMap<StateKey, Option<Vec<u8>>>);

impl Scratch for Held {
    fn read(&self, key: &StateKey) -> Result<Option<Option<Vec<u8>>>, Internal> {
        Ok(self.0.get(key).cloned())
    }

    fn put(&mut self, rows: BTreeMap<StateKey, Option<Vec<u8>>>) -> Result<(), Internal> {
        self.0.extend(rows);
        Ok(())
    }

    fn each(
        &self,
        show: &mut dyn FnMut(StateKey, Option<Vec<u8>>) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError> {
        self.0
            .iter()
            .try_for_each(|(key, value)| show(key.clone(), value.clone()))
    }
}

/// Who has how much, by addition and subtraction alone.
struct Model {
    coins: BTreeMap<PublicKey, u64>,
    made: u64,
    mined: BTreeSet<TransactionId>,
    received: BTreeMap<PublicKey, Vec<TransactionId>>,
}

impl Model {
    fn of(disk: &dyn DiskRead) -> Result<Self, String> {
        let rules = rules(disk)?;
        let mut model = Self {
            coins: BTreeMap::new(),
            made: 0,
            mined: BTreeSet::new(),
            received: BTreeMap::new(),
        };
        for allocation in &rules.params().allocations {
            model.gets(allocation.to, allocation.amount.0);
            model.made += allocation.amount.0;
        }
        let rows = ChainRows(disk);
        let text = |error: Internal| error.to_string();
        let mut height = Height(1);
        while let Some(id) = rows.active(height).map_err(text)? {
            let block = rows.block(&id).map_err(text)?.ok_or("a body is missing")?;
            let mut fees = 0;
            for transaction in block.transactions.iter().rev() {
                if !model.mined.insert(transaction.id()) {
                    return Err(format!("{} is mined twice", transaction.id()));
                }
                let payload = transaction.payload();
                match &payload.action {
                    Action::Reward { to, amount, .. } => {
                        model.gets(*to, amount.0);
                        model.made += amount
                            .0
                            .checked_sub(fees)
                            .ok_or("a reward without the fees")?;
                    }
                    Action::Transfer { to, amount, .. } => {
                        model.gives(payload.sender, amount.0 + payload.fee.0);
                        model.gets(*to, amount.0);
                        let received = model.received.entry(*to).or_default();
                        received.push(transaction.id());
                        fees += payload.fee.0;
                    }
                    Action::Record { .. } => {
                        model.gives(payload.sender, payload.fee.0);
                        fees += payload.fee.0;
                    }
                }
            }
            height = height.next();
        }
        Ok(model)
    }

    fn gets(&mut self, who: PublicKey, amount: u64) {
        *self.coins.entry(who).or_default() += amount;
    }

    /// Everybody has more from the start than is ever spent: the order within a block does not matter.
    fn gives(&mut self, who: PublicKey, amount: u64) {
        let coins = self.coins.entry(who).or_default();
        *coins = coins.saturating_sub(amount);
    }

    fn compare(&self, host: usize, disk: &dyn DiskRead) -> Result<(), Broken> {
        let rows = ChainRows(disk);
        for (owner, coins) in &self.coins {
            let stored = rows.balance(owner).unwrap_or(Amount(u64::MAX));
            if stored != Amount(*coins) {
                let how = format!("host {host}: {owner:?} has {stored:?} and should have {coins}");
                return Err(Broken::new("a ledger is what a simple model says", how));
            }
        }
        let sum: u64 = self.coins.values().sum();
        if sum != self.made {
            let how = format!("host {host}: {sum} coins, of which {} were made", self.made);
            return Err(Broken::new("no coin is made or lost on the way", how));
        }
        Ok(())
    }
}

fn compare_tables(peers: &[(usize, &Host)]) -> Result<(), Broken> {
    let rows = |peer: &Host, table| -> Result<Vec<_>, Broken> {
        let disk: &dyn DiskRead = &**peer.disk();
        let read = rows_from(disk, table, &[], PAGE).collect::<Result<Vec<_>, _>>();
        read.map_err(|error| Broken::new("a disk can be read", error.to_string()))
    };
    for table in SHARED {
        for pair in peers.windows(2) {
            let [(host, peer), (next, other)] = pair else {
                continue;
            };
            if rows(peer, table)? != rows(other, table)? {
                let how = format!("table {} of hosts {host} and {next}", table.name());
                return Err(Broken::new("who has one tip has one ledger", how));
            }
        }
    }
    Ok(())
}
