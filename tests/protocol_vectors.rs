//! Executes PROTOCOL.md: works every example out anew and holds the tables against the code.
//!
//! After a change of a format, `cargo test --release --test protocol_vectors -- --ignored` writes
//! the right values into the document; read the difference before you keep it.

#[path = "protocol_vectors/chain.rs"]
mod chain;
#[path = "protocol_vectors/channel.rs"]
mod channel;
#[path = "protocol_vectors/document.rs"]
mod document;
#[path = "protocol_vectors/example.rs"]
mod example;
#[path = "protocol_vectors/formats.rs"]
mod formats;
#[path = "protocol_vectors/limits.rs"]
mod limits;
#[path = "protocol_vectors/membership.rs"]
mod membership;
#[path = "protocol_vectors/notes.rs"]
mod notes;
#[path = "protocol_vectors/numbers.rs"]
mod numbers;
#[path = "protocol_vectors/proofs.rs"]
mod proofs;
#[path = "protocol_vectors/talk.rs"]
mod talk;
#[path = "protocol_vectors/tracker.rs"]
mod tracker;
#[path = "protocol_vectors/votes.rs"]
mod votes;
#[path = "protocol_vectors/work.rs"]
mod work;

use document::{Document, lines};
use raclette::wire::frame::Frame;
use raclette::wire::message::{MessageError, RefusalCode};
use raclette::wire::{Message, ReceiptCode};
use std::collections::BTreeSet;
use work::Work;

/// Works out a vector block from its given lines.
type Handler = fn(&mut Work);

/// Every kind of example, with what works it out. The document has at least one of each.
const KINDS: &[(&str, Handler)] = &[
    ("canonical", formats::canonical_bytes),
    ("hash", formats::hash),
    ("key", formats::key),
    ("address-refused", formats::address_refused),
    ("wallet-file", formats::wallet_file),
    ("words", formats::words),
    ("signature", formats::signature),
    ("small-order", formats::small_order),
    ("name", formats::name),
    ("sealed-note", notes::sealed_note),
    ("note-opened", notes::note_opened),
    ("header", chain::header),
    ("header-rules", chain::header_rules),
    ("transactions-root", chain::transactions_root_of),
    ("history-root", chain::history_root_of),
    ("transaction", chain::transaction),
    ("layout", chain::layout),
    ("transaction-rules", chain::transaction_rules),
    ("expiry", chain::expiry),
    ("target", numbers::target),
    ("compact", numbers::compact),
    ("expected-hashes", numbers::expected_hashes),
    ("difficulty", numbers::difficulty),
    ("time", numbers::time),
    ("genesis", chain::genesis),
    ("genesis-rules", chain::genesis_rules),
    ("subsidy", numbers::subsidy),
    ("least-fee", numbers::least_fee),
    ("block", chain::block),
    ("block-rules", chain::block_rules),
    ("proof", proofs::proof),
    ("archive", proofs::archive),
    ("locator", chain::locator_of),
    ("stream", talk::stream),
    ("hello", talk::hello_fields),
    ("preamble", channel::preambles),
    ("channel", channel::channel),
    ("rekey", channel::rekey),
    ("registration-work", tracker::registration_work),
    ("introduction-rules", channel::introduction_rules),
    ("addresses-to-dial", formats::addresses_to_dial),
    ("certificate", channel::certificate),
    ("delegation", membership::delegation),
    ("invitation", membership::invitation),
    ("invitation-refused", membership::invitation_refused),
    ("statement", membership::statement),
    ("members-record", membership::members_record),
    ("vote-record", votes::vote_record),
    ("vote-record-refused", votes::vote_record_refused),
    ("member-record", talk::member_record),
    ("leaving", talk::leaving),
    ("sealing-key", notes::sealing_key),
    ("register-rules", tracker::register_rules),
    ("receipt", talk::receipt),
    ("message", talk::message),
];

/// The lines that a vector should have.
fn worked_out(vector: &document::Vector) -> String {
    let (_, work_out) = KINDS
        .iter()
        .find(|(kind, _)| *kind == vector.kind)
        .unwrap_or_else(|| panic!("line {}: no vector is a `{}`", vector.line, vector.kind));
    let mut work = Work::new(vector);
    work_out(&mut work);
    lines(&work.lines)
}

#[test]
fn every_example_of_the_document_is_what_the_program_does() {
    let document = Document::read();
    let mut wrong = Vec::new();
    for vector in &document.vectors {
        let right = worked_out(vector);
        if lines(&vector.entries) != right {
            let (kind, line) = (&vector.kind, vector.line);
            wrong.push(format!("the {kind} on line {line} should be\n{right}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_document_has_an_example_of_each_kind() {
    let document = Document::read();
    let shown: BTreeSet<_> = document.vectors.iter().map(|v| v.kind.as_str()).collect();
    let missing: Vec<_> = KINDS
        .iter()
        .filter(|(kind, _)| !shown.contains(kind))
        .collect();
    assert!(missing.is_empty(), "without an example: {missing:?}");
}

/// The name under which a code is decoded, if any message has it.
fn is_code(code: u16) -> bool {
    let payload = Vec::new();
    let refusal = Message::decode(&Frame { code, payload });
    refusal != Err(MessageError::UnknownCode(code))
}

#[test]
fn the_table_of_messages_is_the_codes_names_and_lengths_of_the_program() {
    let document = Document::read();
    let rows = document.table("messages");
    let told: Vec<u16> = rows
        .iter()
        .map(|row| row[0].parse().expect("a code"))
        .collect();
    let known: Vec<u16> = (0..=u16::MAX).filter(|code| is_code(*code)).collect();
    assert_eq!(told, known);
    for row in rows {
        let example = document.vectors.iter().find(|v| {
            v.kind == "message" && v.entries.contains(&("name".to_owned(), row[1].clone()))
        });
        let example = example.unwrap_or_else(|| panic!("no example of {}", row[1]));
        let code = ("code".to_owned(), row[0].clone());
        assert!(
            example.entries.contains(&code),
            "{} has another code",
            row[1]
        );
        // As the length field of a frame counts, with the two bytes of the code.
        let most = Message::most(row[0].parse().expect("a code")).expect("it is known") + 2;
        let told = row[3].replace(',', "");
        assert_eq!(told, most.to_string(), "the length of {}", row[1]);
    }
}

#[test]
fn the_table_of_receipt_codes_is_the_codes_and_names_of_the_program() {
    let rows = Document::read().table("receipt codes");
    let documented: Vec<_> = rows
        .iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let codes = (0..=u8::MAX).filter_map(|code| {
        let named = ReceiptCode::try_from(code).ok()?;
        Some((code.to_string(), format!("{named:?}")))
    });
    assert_eq!(documented, codes.collect::<Vec<_>>());
}

#[test]
fn the_table_of_refusals_is_the_codes_and_names_of_the_program() {
    let rows = Document::read().table("refusals");
    let told: Vec<_> = rows
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let known: Vec<_> = (0..=u8::MAX)
        .filter_map(|code| {
            let name = RefusalCode::try_from(code).ok()?;
            Some((code.to_string(), format!("{name:?}")))
        })
        .collect();
    assert_eq!(told, known);
}

#[test]
#[ignore = "writes PROTOCOL.md"]
fn write_the_examples_anew() {
    let document = Document::read();
    let mut text = document.text.clone();
    for vector in document.vectors.iter().rev() {
        text.replace_range(vector.place.clone(), &worked_out(vector));
    }
    std::fs::write(document::path(), text).expect("PROTOCOL.md can be written");
}
