//! What can be typed, and what the API has for it.

use super::*;
use crate::http::{BASE, PATHS};
use clap::CommandFactory;
use std::collections::BTreeSet;

/// Every command, with the paths that do the same. What has none needs no running node: it reads, makes or checks
/// files, or starts a node.
const COMMANDS: &[(&str, &[&str])] = &[
    ("status", &["/status"]),
    ("peers", &["/peers"]),
    ("members", &["/ledger/members"]),
    ("invite", &["/invite"]),
    ("invite list", &["/invitations"]),
    ("invite revoke", &["/invitations/{id}/revoke"]),
    ("expel", &["/expel", "/statements"]),
    ("readmit", &["/readmit", "/statements"]),
    ("rekey", &["/rekey", "/statements"]),
    ("tracker delegate", &["/delegate", "/statements"]),
    ("tracker list", &["/delegates"]),
    ("tracker revoke", &["/delegates/{address}/revoke"]),
    ("tracker hand-over", &["/hand-over", "/statements"]),
    ("balance", &["/balance"]),
    ("mine", &["/mine"]),
    ("sync", &["/sync"]),
    ("send", &["/transactions", "/outbox/{id}"]),
    ("send-many", &["/transactions/batch"]),
    ("outbox", &["/outbox"]),
    ("outbox retry", &["/outbox/{id}/retry"]),
    ("outbox withdraw", &["/outbox/{id}/withdraw"]),
    ("outbox release", &["/outbox/{id}/release"]),
    (
        "inbox",
        &["/inbox", "/inbox/{number}", "/inbox/read", "/events"],
    ),
    ("history", &["/history"]),
    ("account", &["/account"]),
    ("tx", &["/transactions/{id}"]),
    ("block", &["/blocks/{block}"]),
    ("open", &["/open"]),
    ("vote", &["/ballots", "/ballots/{ballot}"]),
    ("vote open", &["/ballots/open"]),
    ("vote list", &["/ballots"]),
    (
        "vote show",
        &["/ballots/{ballot}", "/ballots/{ballot}/voters"],
    ),
    ("vote cast", &["/ballots/{ballot}/votes"]),
    ("vote tally", &["/ballots/{ballot}"]),
    ("vote audit", &["/ballots/{ballot}/audit"]),
    ("record add", &["/records"]),
    ("record list", &["/records/{topic}", "/topics"]),
    ("record follow", &["/records/{topic}"]),
    ("prove", &["/proofs/{id}"]),
    ("disconnect", &["/disconnect"]),
    ("connect", &["/connect"]),
    ("leave", &["/leave"]),
    ("chain show", &["/chain", "/blocks"]),
    ("chain verify", &["/chain/verify", "/blocks/{block}/verify"]),
    ("export", &["/chain/export"]),
    ("logs", &["/log"]),
    ("logs level", &["/log-level"]),
    ("explain", &["/codes", "/codes/{code}"]),
    ("wallet load", &["/wallet"]),
    ("web", &["/link"]),
    ("stop", &["/stop"]),
    ("doctor", &["/status", "/ready"]),
    ("backup", &["/checkpoint"]),
    ("config show", &["/settings"]),
    ("init tracker", &[]),
    ("init peer", &[]),
    ("init network", &[]),
    ("init recovery", &[]),
    ("join", &[]),
    ("demo", &[]),
    ("eavesdrop", &[]),
    ("import", &[]),
    ("table", &[]),
    ("verify", &[]),
    ("bench", &[]),
    ("wallet new", &[]),
    ("wallet show", &[]),
    ("wallet words", &[]),
    ("wallet restore", &[]),
    ("wallet lock", &[]),
    ("wallet unlock", &[]),
    ("wallet address", &[]),
    ("sim", &[]),
    ("restore", &[]),
    ("config check", &[]),
    ("config default", &[]),
    ("completions", &[]),
    ("man", &[]),
];

/// What only programs and pages ask.
const PROGRAMS: &[&str] = &[
    "/paths",
    "/openapi.json",
    "/docs",
    "/proof",
    "/metrics",
    "/healthy",
    "/blocks/{block}/data",
    "/mining",
    "/mining/mode",
    // `node backup` asks for a checkpoint, and puts the rest beside it by itself.
    "/backup",
];

/// Whatever can be typed, alone or with an order behind it.
fn typed(command: &clap::Command, before: &str, found: &mut BTreeSet<String>) {
    for below in command
        .get_subcommands()
        .filter(|one| one.get_name() != "help")
    {
        let name = format!("{before} {}", below.get_name()).trim().to_owned();
        if !below.is_subcommand_required_set() {
            found.insert(name.clone());
        }
        typed(below, &name, found);
    }
}

#[test]
fn every_command_has_its_path_in_the_api_and_every_path_its_command_or_a_reason() {
    let mut commands = BTreeSet::new();
    typed(&Cli::command(), "", &mut commands);
    let named: BTreeSet<String> = COMMANDS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(named, commands);
    let paths = PATHS.iter().map(|line| line.path.trim_start_matches(BASE));
    let paths: BTreeSet<&str> = paths.collect();
    let asked = COMMANDS.iter().flat_map(|(_, paths)| paths.iter());
    let asked: BTreeSet<&str> = asked.chain(PROGRAMS).copied().collect();
    assert_eq!(asked, paths);
}
