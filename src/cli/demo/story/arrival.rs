//! How everybody comes: the tracker, then who is invited, and what all of them have then.

use super::{DemoError, Facts, Outcome, SETTLING_BLOCKS, Story, named};
use crate::chain::genesis::MOTTO;
use crate::cli::demo::files::{PEERS, TRACKER};
use crate::cli::demo::nodes::Nodes;
use crate::cli::demo::view::{Agreed, chain_of, short};
use crate::owner::answers::{BlockView, GenesisView, OpenView, PeerStatusView, TrackerStatusView};
use serde_json::json;
use std::time::Instant;

impl Story {
    pub(super) fn start_tracker(&mut self) -> Outcome<()> {
        let id = self.nodes.start(TRACKER)?;
        let status = self.until("the tracker answers", |nodes| {
            nodes.get::<TrackerStatusView>(TRACKER, "/status")
        })?;
        let text = format!("It is up at {}, as process {id}.", status.endpoint);
        let facts = [("endpoint", json!(status.endpoint)), ("process", json!(id))];
        Ok(((), text, named(facts)))
    }

    pub(super) fn register(&mut self) -> Outcome<()> {
        let (mut addresses, mut took) = (Facts::new(), Facts::new());
        for name in PEERS {
            let begun = Instant::now();
            let joins = !self.nodes.files().has_joined(name);
            if joins {
                let invitation = self.nodes.invite();
                let invitation = invitation
                    .map_err(|found| self.not_true("the tracker makes an invitation", found))?;
                self.nodes.join(name, &invitation)?;
            } else {
                self.nodes.start(name)?;
            }
            let expected = format!("{name} is registered with the tracker, and in sync");
            let status = self.until(&expected, |nodes| in_sync(nodes, name))?;
            addresses.insert(name.to_owned(), json!(status.address));
            self.addresses.push(status.address.clone());
            let (ms, how) = (
                begun.elapsed().as_millis(),
                if joins { "in sync" } else { "back" },
            );
            took.insert(name.to_owned(), json!(ms));
            let line = format!("      {name} is {how} after {ms} ms: {}", status.address);
            self.narrator.say(&line)?;
        }
        let count = PEERS.len();
        let expected = format!("the tracker finds {count} registered peers alive");
        self.until(&expected, |nodes| {
            let status: TrackerStatusView = nodes.get(TRACKER, "/status")?;
            let enough = status.registered >= count && status.live >= count;
            let found = format!("{} registered, {} alive", status.registered, status.live);
            if enough { Ok(()) } else { Err(found) }
        })?;
        let text = "The tracker knows all three, and finds them alive.".to_owned();
        let facts = [("addresses", addresses.into()), ("took_ms", took.into())];
        Ok(((), text, named(facts)))
    }

    pub(super) fn check_genesis(&mut self) -> Outcome<Agreed> {
        let expected = "one genesis block at all three";
        let (id, founder, genesis) = self.until(expected, same_genesis)?;
        if genesis.motto != MOTTO {
            return Err(self.not_true(&format!("the motto {MOTTO}"), genesis.motto));
        }
        if founder != PEERS[0] {
            return Err(self.not_true("made by alice, who registered first", founder));
        }
        let agreed = match self.nodes.files().resumed {
            true => self.settle()?,
            false => self.joins_wait()?,
        };
        let text = format!(
            "\"{}\", block {}, made by {founder}. All three are at height {}.",
            genesis.motto,
            short(&id),
            agreed.tip.height
        );
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([
            ("motto", json!(genesis.motto)),
            ("genesis", json!(id)),
            ("founder", json!(founder)),
        ]));
        Ok((agreed, text, facts))
    }

    /// Waits until everybody has heard that all three want to be members on the ledger.
    fn joins_wait(&mut self) -> Result<Agreed, DemoError> {
        self.until("the joins of all three are open at all three", |nodes| {
            PEERS.iter().try_for_each(|name| {
                let open: OpenView = nodes.get(name, "/open")?;
                let there = open.count == PEERS.len();
                there
                    .then_some(())
                    .ok_or_else(|| format!("{} open at {name}'s", open.count))
            })
        })?;
        self.until("all three agree", |nodes| Agreed::read(nodes, &PEERS))
    }

    /// Mines what an earlier run may have left open, so that from here on the story alone changes
    /// balances.
    fn settle(&mut self) -> Result<Agreed, DemoError> {
        for _ in 0..SETTLING_BLOCKS {
            let agreed = self.until("all three agree", |nodes| Agreed::read(nodes, &PEERS))?;
            let open = self.until("all three name what is open", |nodes| {
                let open = PEERS.map(|name| nodes.get::<OpenView>(name, "/open"));
                open.into_iter()
                    .try_fold(0, |most: usize, open| Ok(most.max(open?.count)))
            })?;
            if open == 0 {
                return Ok(agreed);
            }
            self.mine("alice")?;
        }
        let found = format!("some are still open after {SETTLING_BLOCKS} blocks");
        Err(self.not_true("no open transactions of an earlier run", found))
    }
}

pub(super) fn registered(nodes: &Nodes, name: &str) -> Result<PeerStatusView, String> {
    let status: PeerStatusView = nodes.get(name, "/status")?;
    if status.tracker.registered {
        return Ok(status);
    }
    let trouble = status.tracker.trouble.as_deref().unwrap_or("not yet");
    Err(format!("{name} is not registered: {trouble}"))
}

/// A member that is registered, and whose chain is as long as that of who came first.
fn in_sync(nodes: &Nodes, name: &str) -> Result<PeerStatusView, String> {
    let status = registered(nodes, name)?;
    let (own, first) = (chain_of(nodes, name)?, chain_of(nodes, PEERS[0])?);
    match own.tip == first.tip {
        true => Ok(status),
        false => Err(format!("{name} is at height {}", own.tip.height)),
    }
}

/// The genesis block that all peers have: its id, the name of its founder, and what it says.
fn same_genesis(nodes: &Nodes) -> Result<(String, String, GenesisView), String> {
    let mut found: Option<(String, String, GenesisView)> = None;
    for name in PEERS {
        let block: BlockView = nodes.get(name, "/blocks/0")?;
        let genesis = block.genesis.ok_or(format!("{name} has none"))?;
        let founder = genesis.founder.name.as_ref();
        let founder = founder.ok_or_else(|| {
            let address = &genesis.founder.address;
            format!("{name} does not know {address}, who made it")
        })?;
        let next = (block.id.to_string(), founder.to_string(), genesis);
        if let Some(first) = &found
            && *first != next
        {
            return Err(format!("{first:?}, and {next:?} at {name}"));
        }
        found = Some(next);
    }
    found.ok_or_else(|| "nobody has one".to_owned())
}
