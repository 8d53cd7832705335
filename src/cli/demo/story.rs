//! The story: each step brings something about and finds out, from the nodes themselves, that it is so.

mod arrival;
mod ballot;
mod letter;

use super::error::DemoError;
use super::files::{NODES, PEERS};
use super::interrupt::Interrupt;
use super::narrate::{Facts, Narrator};
use super::nodes::Nodes;
use super::view::{Agreed, chain_of, short};
use crate::chain::TransactionId;
use crate::owner::answers::{
    ActionView, BlockView, LedgerMembersView, MinedView, SentView, TransactionState,
    TransactionStateView,
};
use arrival::registered;
use serde_json::json;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

/// How often a fact is looked for that is to come true.
const POLL: Duration = Duration::from_millis(50);
/// How long a fact may take to come true. Each takes a second or so; this is for a machine that has
/// much else to do, and for the pauses between two attempts to connect.
const DEADLINE: Duration = Duration::from_secs(60);
/// Blocks that alice mines first.
const FIRST_BLOCKS: usize = 3;
/// Coins that alice pays to bob.
const PAYMENT: u64 = 5;
/// Blocks that carol misses.
const MISSED_BLOCKS: usize = 5;
/// Most blocks that are mined to close what an earlier run has left open.
const SETTLING_BLOCKS: usize = 10;
/// Those that are left while carol is dead.
const SURVIVORS: [&str; 2] = ["alice", "bob"];

/// What a step ends with: something for the next one, a sentence, and facts.
type Outcome<T> = Result<(T, String, Facts), DemoError>;

/// The story, with its actors.
pub(super) struct Story {
    /// The nodes.
    pub(super) nodes: Nodes,
    /// Ctrl-C.
    pub(super) interrupt: Interrupt,
    /// Who tells it.
    pub(super) narrator: Narrator,
    step: &'static str,
    /// The peers' addresses, once they are there.
    addresses: Vec<String>,
}

/// A block that was mined for the story.
struct Mined {
    view: MinedView,
    /// What its miner got.
    reward: u64,
}

impl Story {
    /// A story that has not begun.
    pub(super) fn new(nodes: Nodes, interrupt: Interrupt, narrator: Narrator) -> Self {
        Self {
            nodes,
            interrupt,
            narrator,
            step: "",
            addresses: Vec::new(),
        }
    }

    /// Plays it, and returns what all peers agree on at its end, when all nodes run.
    pub(super) fn play(&mut self) -> Result<Agreed, DemoError> {
        let starts = "The tracker starts: the place where peers meet.";
        self.tell("tracker", starts, Self::start_tracker)?;
        let comes = if self.nodes.files().resumed {
            "alice, bob and carol start and register with the tracker."
        } else {
            "alice, bob and carol are invited and join. Two commands each: `node invite` at the tracker, and \
             `node join`."
        };
        self.tell("registrations", comes, Self::register)?;
        let begins = if self.nodes.files().resumed {
            "They take up the network where the last run left it."
        } else {
            "The first to register makes the genesis block, and the others take it."
        };
        let agreed = self.tell("genesis", begins, Self::check_genesis)?;
        let mines = format!("alice mines {FIRST_BLOCKS} blocks.");
        let agreed = self.tell("mine", &mines, |story| story.alice_mines(&agreed))?;
        let pays = format!("alice pays bob {PAYMENT}: the payment is open, in no block yet.");
        let payment = self.tell("pay", &pays, Self::alice_pays)?;
        let opens = format!("alice opens a ballot for all members: {}", ballot::asked());
        let ballot = self.tell("ballot", &opens, Self::alice_opens)?;
        let mines = "carol mines a block, and both are in it.";
        let agreed = self.tell("payment-mined", mines, |story| {
            story.carol_mines(&agreed, &payment)
        })?;
        let votes = "alice votes for Rome. bob votes for Rome, thinks again, and votes for Bern.";
        let agreed = self.tell("votes", votes, |story| story.two_vote(&agreed, &ballot))?;
        let parts = "carol is cut off. She votes for Bern and mines that; alice mines two blocks without her.";
        let agreed = self.tell("partition", parts, |story| {
            story.carol_votes_alone(&agreed, &ballot)
        })?;
        let heals =
            "carol is connected again: hers is the side with less work, and its block is undone.";
        let agreed = self.tell("heal", heals, |story| {
            story.carol_is_counted(&agreed, &ballot)
        })?;
        self.tell("kill", "carol is killed with kill -9.", Self::kill_carol)?;
        let writes = "alice writes to carol, who is not there: it waits in alice's outbox.";
        let letter = self.tell("write", writes, Self::alice_writes)?;
        let misses = format!("alice mines {MISSED_BLOCKS} blocks that carol misses.");
        let missed = self.tell("missed", &misses, |story| story.carol_misses(&agreed))?;
        let again = "carol starts again and catches up.";
        let agreed = self.tell("catch-up", again, |story| story.carol_returns(&missed))?;
        let reads = "carol reads what alice wrote, and bob mines it.";
        let agreed = self.tell("read", reads, |story| story.carol_reads(&agreed, &letter))?;
        let stops = "All four stop.";
        self.tell("stop", stops, |story| story.all_stop(&agreed))?;
        let seeks = "A process that is none of them has kept every byte that all four said to each \
                     other, and now reads every row of bob's database.";
        self.tell("sealed", seeks, |story| {
            story.nobody_else_reads(&agreed, &letter)
        })?;
        let forges = "The same process mines a block of votes in the others' names, and puts it before bob's \
                      ledger.";
        self.tell("forged", forges, |story| {
            story.nobody_forges(&agreed, &ballot)
        })?;
        let starts = "All four start again, at the same height with the same balances.";
        let agreed = self.tell("restart", starts, |story| story.all_start(&agreed))?;
        let closes = "The ballot closes with the next block; alice's node records what it came to.";
        let agreed = self.tell("result", closes, |story| {
            story.the_result_is_mined(&agreed, &ballot)
        })?;
        let audits = "bob writes down what anybody needs to count again, and a script does, without this program.";
        self.tell("audit", audits, |story| {
            story.anybody_counts(&agreed, &ballot)
        })?;
        Ok(agreed)
    }

    /// Tells one step.
    fn tell<T>(
        &mut self,
        step: &'static str,
        heading: &str,
        act: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Result<T, DemoError> {
        self.step = step;
        self.narrator.begins(heading)?;
        match act(self) {
            Ok((value, text, facts)) => {
                self.narrator.is_true(step, &text, facts)?;
                Ok(value)
            }
            Err(error) => {
                self.narrator.is_false(step, &error)?;
                Err(error)
            }
        }
    }

    /// Looks until what is `expected` is found, every node that should run still does, and nobody
    /// wants to end the demo. `look` returns what it found instead.
    fn until<T>(
        &mut self,
        expected: &str,
        look: impl Fn(&Nodes) -> Result<T, String>,
    ) -> Result<T, DemoError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.nodes.check_alive()?;
            let found = match look(&self.nodes) {
                Ok(value) => return Ok(value),
                Err(found) => found,
            };
            if Instant::now() >= deadline {
                return Err(self.not_true(expected, found));
            }
            self.interrupt.pause(POLL)?;
        }
    }

    fn not_true(&self, expected: &str, found: String) -> DemoError {
        DemoError::NotTrue {
            step: self.step,
            expected: expected.to_owned(),
            found,
        }
    }

    fn alice_mines(&mut self, before: &Agreed) -> Outcome<Agreed> {
        let mut earned = 0;
        let mut last = before.tip.id;
        for _ in 0..FIRST_BLOCKS {
            let mined = self.mine("alice")?;
            earned += i128::from(mined.reward);
            last = mined.view.id;
        }
        let balances = before.balances_after(&[("alice", earned)]);
        let height = before.tip.height.0 + FIRST_BLOCKS as u64;
        let expected = format!("all three at height {height} with the balances {balances:?}");
        let agreed = self.until(&expected, |nodes| {
            let agreed = Agreed::read(nodes, &PEERS)?;
            let so = agreed.tip.id == last && agreed.balances == balances;
            if so {
                Ok(agreed)
            } else {
                Err(agreed.to_string())
            }
        })?;
        self.until("all three are members on the ledger", |nodes| {
            let there: LedgerMembersView = nodes.get("carol", "/ledger/members")?;
            let names: Vec<_> = there
                .members
                .iter()
                .map(|one| one.name.to_string())
                .collect();
            let so = PEERS.iter().all(|name| names.iter().any(|one| one == name));
            so.then_some(()).ok_or_else(|| names.join(", "))
        })?;
        let text = format!("All three have them, and are members by the ledger: {agreed}.");
        let facts = agreed.facts(&PEERS);
        Ok((agreed, text, facts))
    }

    fn alice_pays(&mut self) -> Outcome<SentView> {
        let body = json!({"to": "bob", "amount": PAYMENT.to_string()});
        let sent: Result<SentView, String> = self.nodes.post("alice", "/transactions", body);
        let sent = sent.map_err(|found| self.not_true("alice's node takes the payment", found))?;
        self.until("the payment is open at all three", |nodes| {
            PEERS
                .iter()
                .try_for_each(|name| is_open(nodes, name, &sent.id))
        })?;
        let text = format!("All three have payment {} open.", short(sent.id));
        let facts = named([("transaction", json!(sent.id)), ("open_at", json!(PEERS))]);
        Ok((sent, text, facts))
    }

    fn carol_mines(&mut self, before: &Agreed, payment: &SentView) -> Outcome<Agreed> {
        let mined = self.mine("carol")?;
        let paid = i128::from(PAYMENT);
        let changes = [
            ("alice", -paid - i128::from(payment.fee.0)),
            ("bob", paid),
            ("carol", mined.reward.into()),
        ];
        let balances = before.balances_after(&changes);
        let expected = format!("the payment mined at all three, with the balances {balances:?}");
        let agreed = self.until(&expected, |nodes| {
            for name in PEERS {
                let seen: TransactionStateView =
                    nodes.get(name, &format!("/transactions/{}", payment.id))?;
                match seen.state {
                    TransactionState::Mined { block, .. } if block == mined.view.id => {}
                    other => return Err(format!("{other:?} at {name}")),
                }
            }
            let agreed = Agreed::read(nodes, &PEERS)?;
            if agreed.balances == balances {
                Ok(agreed)
            } else {
                Err(agreed.to_string())
            }
        })?;
        let text = format!("Mined in block {}: {agreed}.", mined.view.height);
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([("transaction", json!(payment.id))]));
        Ok((agreed, text, facts))
    }

    fn kill_carol(&mut self) -> Outcome<()> {
        let status = self.nodes.kill("carol")?;
        let signal = status.and_then(|status| status.signal());
        if signal != Some(rustix::process::Signal::KILL.as_raw()) {
            let found = status.map_or("no process".to_owned(), |status| status.to_string());
            return Err(self.not_true("carol's process ended by signal 9", found));
        }
        let expected = "carol is gone from the sessions of the others";
        self.until(expected, |nodes| {
            SURVIVORS.iter().try_for_each(|name| {
                let sessions = chain_of(nodes, name)?.sessions;
                let others = SURVIVORS.len() - 1;
                let found = format!("{name} has {sessions} sessions");
                if sessions <= others {
                    Ok(())
                } else {
                    Err(found)
                }
            })
        })?;
        let text = "She had no time to say or save anything.".to_owned();
        Ok(((), text, named([("signal", json!(signal))])))
    }

    fn carol_misses(&mut self, before: &Agreed) -> Outcome<Agreed> {
        let mut last = before.tip.id;
        for _ in 0..MISSED_BLOCKS {
            last = self.mine("alice")?.view.id;
        }
        let height = before.tip.height.0 + MISSED_BLOCKS as u64;
        let expected = format!("alice and bob at height {height}");
        let agreed = self.until(&expected, |nodes| {
            let agreed = Agreed::read(nodes, &SURVIVORS)?;
            let so = agreed.tip.id == last && agreed.tip.height.0 == height;
            if so {
                Ok(agreed)
            } else {
                Err(agreed.to_string())
            }
        })?;
        let text = format!(
            "alice and bob are at height {height}; carol was last seen at {}.",
            before.tip.height
        );
        let mut facts = agreed.facts(&SURVIVORS);
        facts.extend(named([("carol_height", json!(before.tip.height))]));
        Ok((agreed, text, facts))
    }

    fn carol_returns(&mut self, missed: &Agreed) -> Outcome<Agreed> {
        self.nodes.start("carol")?;
        let expected = format!("all three at {missed}");
        let agreed = self.until(&expected, |nodes| same_as(nodes, missed))?;
        let text = format!("carol has the same chain as the others: {agreed}.");
        let facts = agreed.facts(&PEERS);
        Ok((agreed, text, facts))
    }

    fn all_stop(&mut self, agreed: &Agreed) -> Outcome<()> {
        self.nodes.stop()?;
        let text = format!("Saved at height {}.", agreed.tip.height);
        Ok(((), text, agreed.facts(&PEERS)))
    }

    fn all_start(&mut self, before: &Agreed) -> Outcome<Agreed> {
        for name in NODES {
            self.nodes.start(name)?;
        }
        let expected = format!("all three at {before}");
        let agreed = self.until(&expected, |nodes| same_as(nodes, before))?;
        self.until("all three are registered again", |nodes| {
            PEERS
                .iter()
                .try_for_each(|name| registered(nodes, name).map(drop))
        })?;
        let text = format!("The same again: {agreed}.");
        let facts = agreed.facts(&PEERS);
        Ok((agreed, text, facts))
    }

    /// Has a peer mine one block.
    fn mine(&mut self, name: &str) -> Result<Mined, DemoError> {
        let mined: Result<MinedView, String> = self.nodes.post(name, "/mine", json!({}));
        let block = mined.and_then(|view| {
            let block: BlockView = self.nodes.get(name, &format!("/blocks/{}", view.id))?;
            let reward = block.transactions.iter().find_map(|one| match one.action {
                ActionView::Reward { amount, .. } => Some(amount.0),
                _ => None,
            });
            let reward = reward.ok_or_else(|| format!("block {} has no reward", view.id))?;
            Ok(Mined { view, reward })
        });
        // A node that has died explains more than an answer that did not come.
        self.nodes.check_alive()?;
        block.map_err(|found| self.not_true(&format!("{name} mines a block"), found))
    }
}

fn named<const N: usize>(facts: [(&str, serde_json::Value); N]) -> Facts {
    let facts = facts.into_iter();
    facts.map(|(name, fact)| (name.to_owned(), fact)).collect()
}

fn is_open(nodes: &Nodes, name: &str, id: &TransactionId) -> Result<(), String> {
    let seen: TransactionStateView = nodes.get(name, &format!("/transactions/{id}"))?;
    match seen.state {
        TransactionState::Open => Ok(()),
        other => Err(format!("{other:?} at {name}'s")),
    }
}

fn same_as(nodes: &Nodes, before: &Agreed) -> Result<Agreed, String> {
    let agreed = Agreed::read(nodes, &PEERS)?;
    if agreed == *before {
        Ok(agreed)
    } else {
        Err(agreed.to_string())
    }
}
