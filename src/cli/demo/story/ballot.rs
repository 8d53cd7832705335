//! A ballot: voted in twice by one, from the losing side of a partition by another, forged by a stranger, and
//! counted again by a script.

use super::{DemoError, Outcome, PEERS, SURVIVORS, Story, is_open, named, short};
use crate::chain::TransactionId;
use crate::cli::demo::eavesdrop::Forgery;
use crate::cli::demo::nodes::Nodes;
use crate::cli::demo::view::{Agreed, chain_of};
use crate::cli::invocation::word;
use crate::cli::votes::{SCRIPT, SCRIPT_NAME};
use crate::owner::answers::{
    BallotState, BallotView, CastView, ConnectedView, NoRequest, OpenView, OpenedView,
};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::process::{Command, Stdio};

/// What alice asks.
const QUESTION: &str = "Where to?";
/// What can be chosen.
const CHOICES: [&str; 2] = ["Rome", "Bern"];
/// Blocks until it closes: those that the story has until all four have been started again, and one.
const BLOCKS: u64 = 12;
/// Blocks that alice mines meanwhile: more than carol does.
const AWAY_BLOCKS: usize = 2;

/// What is asked, with what can be chosen.
pub(super) fn asked() -> String {
    format!("{QUESTION} {}?", CHOICES.join(" or "))
}

/// The tally, for people.
fn counted(votes: [u64; 2]) -> String {
    let each = CHOICES.iter().zip(votes);
    let each: Vec<_> = each
        .map(|(choice, votes)| format!("{choice} {votes}"))
        .collect();
    each.join(", ")
}

/// What a peer's tally has to be.
fn tally_is(
    nodes: &Nodes,
    name: &str,
    ballot: &TransactionId,
    votes: [u64; 2],
) -> Result<BallotView, String> {
    let view: BallotView = nodes.get(name, &format!("/ballots/{ballot}"))?;
    let found: Vec<u64> = view.choices.iter().map(|choice| choice.votes).collect();
    match found == votes && view.voted == votes.iter().sum::<u64>() {
        true => Ok(view),
        false => Err(format!("{found:?} of {} votes at {name}'s", view.voted)),
    }
}

fn tallies_are(
    nodes: &Nodes,
    peers: &[&str],
    ballot: &TransactionId,
    votes: [u64; 2],
) -> Result<(), String> {
    let mut peers = peers.iter();
    peers.try_for_each(|name| tally_is(nodes, name, ballot, votes).map(drop))
}

impl Story {
    pub(super) fn alice_opens(&mut self) -> Outcome<TransactionId> {
        let request = json!({
            "question": QUESTION,
            "choices": CHOICES,
            "roll": "members",
            "closes": {"blocks": BLOCKS},
        });
        let opened: Result<OpenedView, String> = self.nodes.post("alice", "/ballots/open", request);
        let opened =
            opened.map_err(|found| self.not_true("alice's node takes the ballot", found))?;
        if opened.voters != PEERS.len() as u64 {
            return Err(self.not_true("all three may vote", opened.voters.to_string()));
        }
        let ballot = opened.ballot;
        self.until("the ballot is open at all three", |nodes| {
            PEERS
                .iter()
                .try_for_each(|name| is_open(nodes, name, &ballot))
        })?;
        let text = format!(
            "All three have ballot {}, in no block yet. {} may vote, up to block {}.",
            short(ballot),
            opened.voters,
            opened.last_height
        );
        let facts = named([
            ("ballot", json!(ballot)),
            ("last_height", json!(opened.last_height)),
        ]);
        Ok((ballot, text, facts))
    }

    fn casts(
        &mut self,
        name: &str,
        ballot: &TransactionId,
        choice: &str,
    ) -> Result<CastView, DemoError> {
        let path = format!("/ballots/{ballot}/votes");
        let cast: Result<CastView, String> =
            self.nodes.post(name, &path, json!({"choices": [choice]}));
        cast.map_err(|found| self.not_true(&format!("{name} votes for {choice}"), found))
    }

    /// alice votes, and bob twice; of bob's the later counts.
    pub(super) fn two_vote(&mut self, before: &Agreed, ballot: &TransactionId) -> Outcome<Agreed> {
        let alice = self.casts("alice", ballot, "Rome")?;
        let first = self.casts("bob", ballot, "Rome")?;
        let second = self.casts("bob", ballot, "Bern")?;
        self.until("alice has all three votes open", |nodes| {
            let mut votes = [&alice, &first, &second].into_iter();
            votes.try_for_each(|vote| is_open(nodes, "alice", &vote.id))
        })?;
        let mined = self.mine("alice")?;
        let votes = [1, 1];
        let expected = format!(
            "{} at all three, and bob's vote is for Bern",
            counted(votes)
        );
        self.until(&expected, |nodes| {
            tallies_are(nodes, &PEERS, ballot, votes)?;
            let own = tally_is(nodes, "bob", ballot, votes)?.own;
            match own {
                Some(own) if own.id == second.id => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })?;
        let agreed = self.agree(before, &[("alice", mined.reward)])?;
        let text = format!(
            "{} at all three, in block {}: of bob's two votes the one with the later number counts.",
            counted(votes),
            mined.view.height
        );
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([
            ("votes", json!(votes)),
            ("numbers", json!([first.revision, second.revision])),
        ]));
        Ok((agreed, text, facts))
    }

    /// carol votes where nobody hears her. What the others have then.
    pub(super) fn carol_votes_alone(
        &mut self,
        before: &Agreed,
        ballot: &TransactionId,
    ) -> Outcome<Agreed> {
        let cut: Result<ConnectedView, String> =
            self.nodes.post("carol", "/disconnect", NoRequest {});
        cut.map_err(|found| self.not_true("carol is cut off", found))?;
        self.until("carol has no session left", |nodes| {
            let sessions = chain_of(nodes, "carol")?.sessions;
            (sessions == 0)
                .then_some(())
                .ok_or_else(|| format!("{sessions} sessions"))
        })?;
        let vote = self.casts("carol", ballot, "Bern")?;
        let alone = self.mine("carol")?;
        let (hers, theirs) = ([1, 2], [1, 1]);
        self.until("carol counts her own vote", |nodes| {
            tally_is(nodes, "carol", ballot, hers).map(drop)
        })?;
        let mut reward = 0;
        for _ in 0..AWAY_BLOCKS {
            reward += self.mine("alice")?.reward;
        }
        let balances = before.balances_after(&[("alice", reward.into())]);
        let agreed = self.until("alice and bob agree, without carol's vote", |nodes| {
            tallies_are(nodes, &SURVIVORS, ballot, theirs)?;
            let agreed = Agreed::read(nodes, &SURVIVORS)?;
            match agreed.balances == balances {
                true => Ok(agreed),
                false => Err(agreed.to_string()),
            }
        })?;
        let text = format!(
            "In carol's block {} it is {}; alice and bob, at height {}, have {}.",
            alone.view.height,
            counted(hers),
            agreed.tip.height,
            counted(theirs)
        );
        let mut facts = agreed.facts(&SURVIVORS);
        facts.extend(named([
            ("vote", json!(vote.id)),
            ("hers", json!(hers)),
            ("theirs", json!(theirs)),
        ]));
        Ok((agreed, text, facts))
    }

    /// The partition heals, and carol's vote is mined anew.
    pub(super) fn carol_is_counted(
        &mut self,
        before: &Agreed,
        ballot: &TransactionId,
    ) -> Outcome<Agreed> {
        let mended: Result<ConnectedView, String> =
            self.nodes.post("carol", "/connect", NoRequest {});
        mended.map_err(|found| self.not_true("carol is connected", found))?;
        self.until(
            "carol has the others' chain, and all three have her vote open",
            |nodes| {
                let agreed = Agreed::read(nodes, &PEERS)?;
                if agreed != *before {
                    return Err(agreed.to_string());
                }
                PEERS.iter().try_for_each(|name| {
                    let open: OpenView = nodes.get(name, "/open")?;
                    let found = || format!("{} open at {name}'s", open.count);
                    (open.count == 1).then_some(()).ok_or_else(found)
                })
            },
        )?;
        let mined = self.mine("bob")?;
        let votes = [1, 2];
        let expected = format!("{} at all three", counted(votes));
        self.until(&expected, |nodes| tallies_are(nodes, &PEERS, ballot, votes))?;
        let agreed = self.agree(before, &[("bob", mined.reward)])?;
        let text = format!(
            "Her vote was open again, and bob has mined it in block {}: {} at all three.",
            mined.view.height,
            counted(votes)
        );
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([("votes", json!(votes))]));
        Ok((agreed, text, facts))
    }

    /// Votes in the names of others are refused, whatever work is behind them.
    pub(super) fn nobody_forges(&mut self, agreed: &Agreed, ballot: &TransactionId) -> Outcome<()> {
        let forgery = Forgery {
            ballot: *ballot,
            voters: self.addresses.clone(),
            peer: self.nodes.files().config("bob"),
        };
        let forged = self.nodes.eavesdropper().forge(forgery);
        let forged =
            forged.map_err(|error| self.not_true("a block of forged votes is mined", error))?;
        let reason = match &forged.refused {
            Some(reason) if reason.contains("signature") && forged.tally_stays => reason.clone(),
            _ => {
                let expected = "refused for its signatures, and the tally is what it was";
                return Err(self.not_true(expected, format!("{forged:?}")));
            }
        };
        let why = reason.find("bad signature").unwrap_or(0);
        let text = format!(
            "{} forged votes behind {} hashes of honest work, and the block is refused: {}.",
            forged.votes,
            forged.hashes,
            &reason[why..]
        );
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([
            ("votes", json!(forged.votes)),
            ("refused", json!(reason)),
        ]));
        Ok(((), text, facts))
    }

    /// After the close the result is recorded, and judged by everybody.
    pub(super) fn the_result_is_mined(
        &mut self,
        before: &Agreed,
        ballot: &TransactionId,
    ) -> Outcome<Agreed> {
        let mut reward = self.mine("alice")?.reward;
        self.until("alice's node has the result open", |nodes| {
            let open: OpenView = nodes.get("alice", "/open")?;
            (open.count == 1)
                .then_some(())
                .ok_or_else(|| format!("{} open", open.count))
        })?;
        let mined = self.mine("alice")?;
        reward += mined.reward;
        let votes = [1, 2];
        let expected = format!("the result {} in a block at all three", counted(votes));
        self.until(&expected, |nodes| {
            PEERS.iter().try_for_each(|name| {
                let view = tally_is(nodes, name, ballot, votes)?;
                match view.state {
                    BallotState::ResultMined => Ok(()),
                    other => Err(format!("{} at {name}'s", other.name())),
                }
            })
        })?;
        let agreed = self.agree(before, &[("alice", reward)])?;
        let text = format!(
            "{}, in block {}: every node has judged it by its own count.",
            counted(votes),
            mined.view.height
        );
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([("votes", json!(votes))]));
        Ok((agreed, text, facts))
    }

    /// The ballot is counted again by a script that knows no node.
    pub(super) fn anybody_counts(
        &mut self,
        agreed: &Agreed,
        ballot: &TransactionId,
    ) -> Outcome<()> {
        let directory = self.nodes.files().directory();
        let script = directory.join(SCRIPT_NAME);
        let file = directory.join(format!("ballot-{}.audit", short(ballot)));
        fs::write(&script, SCRIPT).map_err(|source| DemoError::Directory {
            path: script.clone(),
            source,
        })?;
        let (id, out) = (ballot.to_string(), file.display().to_string());
        let arguments = ["vote", "audit", &id, "--out", &out];
        let wrote = self.nodes.typed("bob", &arguments);
        let wrote = wrote.map_err(|found| self.not_true("bob's node writes the audit", found))?;
        if !wrote.status.success() {
            let found = String::from_utf8_lossy(&wrote.stderr).into_owned();
            return Err(self.not_true("bob's node writes the audit", found));
        }
        let trusted = agreed.tip.id.to_string();
        let checked = Command::new("python3")
            .arg(&script)
            .arg(&file)
            .args(["--trust", &trusted, "--json"])
            .stdin(Stdio::null())
            .output();
        let typed = format!("python3 {} {}", word(&script), word(&file));
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!(
                    "Written, and not checked: there is no python3 on this machine. Where there is one: {typed}"
                );
                let mut facts = agreed.facts(&PEERS);
                facts.extend(named([("verdict", Value::Null)]));
                return Ok(((), text, facts));
            }
            Err(error) => return Err(DemoError::System(error)),
        };
        let told: Value = serde_json::from_slice(&checked.stdout).unwrap_or_default();
        let votes = CHOICES.iter().zip([1, 2]);
        let votes = votes.map(|(choice, votes)| json!({"choice": choice, "votes": votes}));
        if told["verdict"] != "correct" || told["choices"] != Value::from_iter(votes) {
            let said = String::from_utf8_lossy(&checked.stdout).into_owned()
                + &String::from_utf8_lossy(&checked.stderr);
            return Err(self.not_true("the script finds the same", said));
        }
        let text = format!("Correct: {}. Again: {typed}", counted([1, 2]));
        let mut facts = agreed.facts(&PEERS);
        facts.extend(named([
            ("verdict", told["verdict"].clone()),
            ("file", json!(file)),
        ]));
        Ok(((), text, facts))
    }

    /// Waits until all three agree, with what their miners got since.
    fn agree(
        &mut self,
        before: &Agreed,
        rewards: &[(&'static str, u64)],
    ) -> Result<Agreed, DemoError> {
        let rewards: Vec<_> = rewards
            .iter()
            .map(|(name, reward)| (*name, i128::from(*reward)))
            .collect();
        let balances = before.balances_after(&rewards);
        self.until(&format!("all three agree on {balances:?}"), |nodes| {
            let agreed = Agreed::read(nodes, &PEERS)?;
            match agreed.balances == balances {
                true => Ok(agreed),
                false => Err(agreed.to_string()),
            }
        })
    }
}
