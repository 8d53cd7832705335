//! The tables of limits: what the document says, and what the program's constants are.

use crate::document::Document;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Names and values of constants, by module.
macro_rules! constants {
    ($($module:path: $($name:ident)*;)*) => {{
        let mut all = BTreeMap::new();
        $({
            use $module as module;
            $(all.insert(stringify!($name), u64::try_from(module::$name).expect("a size"));)*
        })*
        all
    }};
}

/// Every limit of the formats and rules.
fn limits() -> BTreeMap<&'static str, u64> {
    constants! {
        raclette::canonical: MAX_DEPTH;
        raclette::keys: MAX_NOTE_TEXT MAX_SEALED_NOTE;
        raclette::chain::block: MAX_TRANSACTIONS SMALLEST_TRANSACTION EMPTY_BLOCK;
        raclette::chain::transaction: MAX_NOTE MAX_RECORD MAX_TOPIC;
        raclette::chain::application: MAX_BLOCK_CHECKS MAX_APPLICATION_KEY MAX_APPLICATION_VALUE;
        raclette::chain::params: MAX_NETWORK_NAME MAX_ALLOCATIONS MAX_APPLICATIONS MIN_INTERVAL_MS
            MAX_INTERVAL_MS MIN_BLOCK_BYTES MAX_BLOCK_BYTES MAX_WINDOW
            MAX_REWARD MAX_EXPIRY;
        raclette::chain::difficulty: MIN_WINDOW DEFAULT_WINDOW MAX_FUTURE_INTERVALS
            SOLVE_TIME_CLAMP_INTERVALS EASING_START_INTERVALS EASING_STEP_INTERVALS
            MAX_EASING_DOUBLINGS;
        raclette::chain::header: HEADER_VERSION;
        raclette::chain::merkle: MAX_MERKLE_STEPS;
        raclette::chain::history: MAX_HISTORY_PATH;
        raclette::chain::proof: PROOF_VERSION MAX_TAIL MAX_PROOF_BYTES MAX_PROOF_JSON_BYTES;
        raclette::archive: ARCHIVE_VERSION MAX_ENTRY_BYTES;
        raclette::chain::locator: MAX_LOCATOR MAX_HEADERS;
        raclette::wire::limits: FRAME_CAP RECORD_CAP HANDSHAKE_RECORD_CAP TO_TRACKER_CAP OPTIONAL_CAP;
        raclette::wire::lengths: MAX_TRANSACTION_BYTES;
        raclette::wire::version: PROTOCOL_VERSION PROTOCOL_DRAFT MINOR_VERSION FIRST_OPTIONAL_CODE;
        raclette::wire::channel: REKEY_RECORDS;
        raclette::apps::members: MAX_UNINVITED RENAME_BLOCKS;
        raclette::membership: MAX_NUMBER_AHEAD_MS;
        raclette::membership::authority: MAX_SUCCESSIONS MAX_REVOKED;
        raclette::membership::certificate: CERTIFICATE_MS RENEW_BEFORE_MS BACKDATED_MS;
        raclette::membership::delegation: MAX_DELEGATION_MS;
        raclette::membership::invitation: MAX_USES;
        raclette::membership::invitation::string: MAX_INVITATION_CHARACTERS MAX_INVITATION_ADDRESSES;
        raclette::membership::address: MAX_ADDRESS;
        raclette::membership::name: MAX_NAME;
        raclette::membership::statement: MAX_EXPULSION_REASON;
        raclette::wire::member: MAX_ADDRESSES;
        raclette::wire::message: MAGIC MAX_BLOCKS_ASKED MAX_IDS
            MAX_TRANSACTIONS_BYTES MAX_MEMBERS MAX_STATEMENTS MAX_STATEMENTS_TO_TRACKER MAX_REASON MAX_AGENT;
        raclette::wire::work: WORK_VALID_MS MAX_WORK;
        raclette::protocol::retry: MAX_UNANSWERED FIRST_RETRY_MS LONGEST_RETRY_MS;
        raclette::protocol::delivery::outbox: MAX_WAITING MAX_WAITING_BYTES PASS_ON_WITHIN_MS;
        raclette::protocol::registry: MAX_MEMBERS_REGISTERED MAX_MEMBERS_LISTED LEASE_MS CLAIM_MS
            REGISTER_WITHIN_MS CONTEST_MS;
        raclette::protocol::liveness: ROUND_MS MAX_MISSES SHORTEST_PAUSE_MS LONGEST_PAUSE_MS
            MAX_DIALS;
        raclette::protocol::doorstep: MAX_STRANGERS MAX_STRANGERS_OF_ADDRESS STRANGER_PATIENCE_MS
            HANDSHAKE_PATIENCE_MS MAX_SESSIONS_OF_ADDRESS;
        raclette::protocol::introducer: MAX_INTRODUCED;
        raclette::protocol::directory: MAX_NAMES;
        raclette::membership::statements: MAX_STATEMENTS_HELD;
        raclette::protocol::mining: REST_MS REFRESH_MS;
        raclette::protocol::tracker_link: MIN_BACK_OFF_MS MAX_BACK_OFF_MS SEQUENCE_STEP;
    }
}

/// A number as the document writes it, or how it differs.
fn check(name: &str, told: &str, is: u64) -> Result<(), String> {
    if told.replace(',', "") == is.to_string() {
        Ok(())
    } else {
        Err(format!("{name} is {is}, PROTOCOL.md says {told}"))
    }
}

/// The table of limits holds all of them, each with its value.
#[test]
fn every_limit_in_the_document_equals_its_constant() {
    let mut limits = limits();
    let mut wrong = Vec::new();
    for row in Document::read().table("limits") {
        match limits.remove(row[0].as_str()) {
            Some(is) => wrong.extend(check(&row[0], &row[1], is).err()),
            None => wrong.push(format!("there is no limit {}, or it is told twice", row[0])),
        }
    }
    wrong.extend(limits.keys().map(|name| format!("{name} is not told")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a program decides for itself has private constants: they are read from its source.
#[test]
fn every_habit_in_the_document_equals_its_constant() {
    let mut wrong = Vec::new();
    let rows = Document::read().table("habits");
    assert!(!rows.is_empty());
    for row in rows {
        let source = std::fs::read_to_string(root().join(&row[2]));
        let source = source.unwrap_or_else(|error| panic!("{}: {error}", row[2]));
        match constant(&source, &row[0]) {
            Some(is) => wrong.extend(check(&row[0], &row[1], is).err()),
            None => wrong.push(format!("{} has no constant {}", row[2], row[0])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The value of `const NAME: T = a * b;`, each factor a number, a number of seconds, or a constant
/// that the document names among the limits.
fn constant(source: &str, name: &str) -> Option<u64> {
    let (_, rest) = source.split_once(&format!("const {name}:"))?;
    let (_, rest) = rest.split_once('=')?;
    let (expression, _) = rest.split_once(';')?;
    let limits = limits();
    expression
        .split('*')
        .map(str::trim)
        .try_fold(1, |product, factor| {
            let seconds = factor
                .strip_prefix("Duration::from_secs(")
                .and_then(|f| f.strip_suffix(')'));
            let number = seconds.unwrap_or(factor).replace('_', "");
            let value = number.parse().ok();
            let value = value.or_else(|| limits.get(factor).copied())?;
            Some(product * value)
        })
}

/// The contexts in the document are those in the source, all of them.
#[test]
fn the_contexts_in_the_document_are_those_of_the_program() {
    let mut told: Vec<_> = Document::read()
        .table("contexts")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    told.sort();
    let mut used = Vec::new();
    collect_contexts(&root().join("src"), &mut used);
    used.sort();
    used.dedup();
    assert_eq!(told, used);
}

/// Every text in the source that begins as a context does.
fn collect_contexts(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).expect("the source can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect_contexts(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let source = std::fs::read_to_string(&path).expect("the source can be read");
            let texts = source.split("\"raclette 2026-").skip(1);
            found.extend(texts.filter_map(|rest| {
                let (text, _) = rest.split_once('"')?;
                Some(format!("raclette 2026-{text}"))
            }));
        }
    }
}
