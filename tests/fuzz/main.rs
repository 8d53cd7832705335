//! What comes from outside, read as it may come: changed, cut, repeated, put together from pieces.
//!
//! As ordinary tests each reader gets what PROTOCOL.md shows, and a fixed number of cases made from that, always
//! the same ones. `make fuzz` gives each as many seconds as it is told, other cases every time:
//! `FUZZ_SECONDS=600 FUZZ_SEED=7 cargo test --test fuzz -- --ignored --test-threads=1`. What is found is
//! printed in hexadecimal, and becomes a test with a name.

mod corpus;
mod files;
mod mutate;
mod readers;

use corpus::Corpus;
use mutate::Mutator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Cases of each reader in an ordinary run, beside the corpus itself.
const CASES: u32 = 3_000;
/// The longest case, in bytes.
const MAX_CASE: usize = 4_096;

/// Reads bytes, and panics if something is wrong with what came of it. Whether they were taken.
type Target = fn(&[u8]) -> bool;

/// Reads the corpus, and then cases made from it: so many, or for so long as the environment says.
fn run(name: &str, seeds: &[Vec<u8>], target: Target, is_long: bool) {
    assert!(!seeds.is_empty(), "{name} has no corpus");
    let taken = seeds.iter().filter(|seed| check(name, seed, target));
    assert!(taken.count() > 0, "{name} takes nothing of its corpus");
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("FUZZ_SEED").filter(|_| is_long).unwrap_or(1);
    let mut mutator = Mutator::new(seed ^ seed_of(name));
    let seconds = number("FUZZ_SECONDS").unwrap_or(60);
    let begun = Instant::now();
    let mut cases = 0_u32;
    loop {
        let is_over = match is_long {
            true => cases.is_multiple_of(64) && begun.elapsed() >= Duration::from_secs(seconds),
            false => cases >= CASES,
        };
        if is_over {
            break;
        }
        check(name, &mutator.case(seeds, MAX_CASE), target);
        cases += 1;
    }
    if is_long {
        println!("{name}: {cases} cases in {:?}", begun.elapsed());
    }
}

fn check(name: &str, case: &[u8], target: Target) -> bool {
    catch_unwind(AssertUnwindSafe(|| target(case))).unwrap_or_else(|_| {
        let hex: String = case.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!("{name} fails on {hex}");
    })
}

/// Each reader its own cases.
fn seed_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// An ordinary test and a long one of the same reader.
macro_rules! targets {
    ($($name:ident: $corpus:expr => $target:path;)*) => {
        mod few {
            use super::*;
            $(#[test]
            fn $name() {
                run(stringify!($name), &$corpus(&Corpus::read()), $target, false);
            })*
        }

        mod long {
            use super::*;
            $(#[test]
            #[ignore = "takes as long as FUZZ_SECONDS says: make fuzz"]
            fn $name() {
                run(stringify!($name), &$corpus(&Corpus::read()), $target, true);
            })*
        }
    };
}

targets! {
    frames: Corpus::frames => readers::frames;
    messages: Corpus::messages => readers::message;
    handshakes_of_a_dialler: Corpus::handshakes => readers::handshake_as_responder;
    handshakes_of_a_listener: Corpus::handshakes => readers::handshake_as_initiator;
    introductions: Corpus::introductions => readers::introduction;
    headers: Corpus::headers => readers::header;
    transactions: Corpus::transactions => readers::transaction;
    blocks: Corpus::blocks => readers::block;
    genesis_blocks: Corpus::blocks => readers::genesis;
    certificates: Corpus::certificates => readers::certificate;
    statements: Corpus::statements => readers::statement;
    records_of_members: Corpus::records => readers::members_record;
    records_of_ballots: Corpus::ballot_records => readers::ballot_record;
    receipts: Corpus::receipts => readers::receipt;
    invitation_strings: Corpus::invitation_strings => readers::invitation_string;
    addresses_names_and_words: Corpus::texts => readers::owner_text;
    proofs: Corpus::proofs => readers::proof;
    proofs_as_text: Corpus::proof_texts => readers::proof_text;
    archives: files::archives => files::archive;
    key_files: Corpus::wallets => files::key_file;
    settings: files::settings_files => files::settings;
    log_lines: files::log_files => files::log_file;
}
