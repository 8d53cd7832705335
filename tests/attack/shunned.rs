//! What breaks a rule, and whether the key that did is shunned for it: each row of PROTOCOL.md's table of faults is
//! acted out on a node, and then the same key comes again.

use crate::Target;
use crate::support::{Forge, Heard, RawPeer, now, pong, so, wait_until};
use raclette::canonical::CappedText;
use raclette::chain::{BlockId, EncodedTransaction, Header, Height};
use raclette::keys::{PublicKey, SecretKey, Signature};
use raclette::membership::{Act, Statement};
use raclette::wire::channel::RecordKind;
use raclette::wire::frame::FrameDecoder;
use raclette::wire::{Message, ReceiptCode, ReceiptStatement};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// The longest that a node takes for a fault that is one of time: 15 s for headers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A network, an honest member, and what it takes to break each rule.
struct Ground {
    target: Target,
    forge: Forge,
    /// What was mined honestly, in order.
    headers: Vec<Header>,
    /// One frame of each message, by its code, as PROTOCOL.md shows it.
    frames: BTreeMap<u16, Vec<u8>>,
    /// Each session is somebody else's.
    seeds: AtomicU8,
}

/// How a rule is broken, by whoever has the key of this seed, until the node closes.
type Way = fn(&Ground, u8);

/// Rows of the table, by how they begin, and ways to be at that fault. How many deliveries may be without an answer,
/// only a machine that answers none can show: `attack_p6_a_65th_delivery_without_an_answer_is_shunned`.
const ROWS: &[(&str, &[Way])] = &[
    (
        "before the introductions are judged",
        &[
            other_first_bytes,
            an_introduction_of_another_network,
            an_introduction_without_its_proof,
        ],
    ),
    (
        "a record that does not open",
        &[a_record_that_does_not_open, an_introduction_too_many],
    ),
    (
        "a frame that is too long or too short",
        &[
            a_frame_too_long,
            a_frame_too_short,
            a_code_of_nothing,
            bytes_that_are_not_canonical,
        ],
    ),
    (
        "no answer in time",
        &[no_headers_in_time, pings_that_nobody_reads_the_answers_of],
    ),
    // By the test of all messages below.
    ("a message that belongs between member and tracker", &[]),
    ("a 17th GetHeaders", &[questions_for_headers_without_end]),
    (
        "headers that do not follow each other",
        &[headers_that_do_not_follow, a_header_against_the_rules],
    ),
    (
        "a block that was asked for and is invalid",
        &[an_invalid_block, a_block_with_another_body],
    ),
    (
        "a transaction that was asked for",
        &[a_transaction_that_is_forged],
    ),
    (
        "a Deliver of what is for somebody else",
        &[
            a_delivery_for_another,
            a_delivery_of_anothers,
            a_delivery_that_is_forged,
        ],
    ),
    (
        "a Receipt for what was not delivered",
        &[
            a_receipt_for_nothing,
            a_receipt_twice,
            a_receipt_of_another_network,
            a_receipt_that_is_forged,
        ],
    ),
    (
        "a statement that is not signed",
        &[a_statement_that_is_forged, a_statement_of_another_network],
    ),
];

impl Ground {
    fn new() -> Self {
        let target = Target::start();
        target.alice.mine_blocks(3);
        let mut forge = Forge::new(target.genesis.clone());
        let mut raw = target.attacker(201);
        let headers = wait_until("alice tells all her headers", || {
            let headers = raw.headers(target.network());
            so(headers.len() == 3, headers.len())?;
            Ok(headers)
        });
        forge.follow(&headers);
        Self {
            target,
            forge,
            headers,
            frames: frames(),
            seeds: AtomicU8::new(1),
        }
    }

    /// Somebody who was not here before, and the seed of its key.
    fn somebody(&self) -> u8 {
        self.seeds.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether whoever has this key is shunned: told so right after the introductions.
    fn is_shunned(&self, seed: u8) -> bool {
        let mut raw = self.target.attacker(seed);
        loop {
            match raw.hear(PATIENCE) {
                Heard::Message(Message::GetHeaders(_)) => return false,
                Heard::Message(Message::Goodbye(said)) => {
                    let said = said.reason.as_str();
                    assert!(said.contains("broke a rule"), "{said}");
                    return true;
                }
                Heard::Message(_) => {}
                other => panic!("neither let in nor told why not: {other:?}"),
            }
        }
    }

    fn founder(&self) -> PublicKey {
        self.target.genesis.content.founder
    }
}

/// The rows of the table in PROTOCOL.md, and whether the key is shunned.
fn table() -> Vec<(String, bool)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/PROTOCOL.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("### Faults").unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        match cells[..] {
            [fault, "shunned"] => (fault.to_owned(), true),
            [fault, "ends"] => (fault.to_owned(), false),
            _ => panic!("{line}"),
        }
    })
    .collect()
}

/// The frames that PROTOCOL.md shows, by the codes of their messages.
fn frames() -> BTreeMap<u16, Vec<u8>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/PROTOCOL.md");
    let text = std::fs::read_to_string(path).unwrap();
    let shown = text.split("```vector message\n").skip(1);
    let shown = shown.filter_map(|vector| vector.split_once("```"));
    let frames = shown.filter_map(|(vector, _)| {
        let (_, hex) = vector.split_once("frame = ")?;
        let digits: Vec<_> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Vec<u8> = digits.chunks(2).map(byte).collect::<Option<_>>()?;
        let frame = FrameDecoder::new(Message::most).next(&mut &bytes[..]);
        Some((frame.ok()??.code, bytes))
    });
    frames.collect()
}

/// Whether a message belongs between member and tracker alone, by its code.
fn is_trackers(code: u16) -> bool {
    const STATEMENTS: u16 = 80;
    code >= 64 && code != STATEMENTS
}

#[test]
fn attack_p6_each_fault_that_is_told_is_shunned_or_not_as_it_is_told() {
    let ground = Ground::new();
    let table = table();
    let told: Vec<_> = table.iter().map(|(fault, _)| fault.as_str()).collect();
    assert_eq!(told.len(), ROWS.len(), "{told:#?}");
    std::thread::scope(|scope| {
        for ((fault, is_shunned), (begins, ways)) in table.iter().zip(ROWS) {
            assert!(fault.starts_with(begins), "{fault}");
            for (number, way) in ways.iter().enumerate() {
                let (seed, ground) = (ground.somebody(), &ground);
                scope.spawn(move || {
                    way(ground, seed);
                    let shunned = ground.is_shunned(seed);
                    assert_eq!(shunned, *is_shunned, "way {number} of: {fault}");
                });
            }
        }
    });
}

#[test]
fn attack_p6_each_message_that_belongs_to_a_tracker_is_shunned_between_members_and_no_other() {
    let ground = Ground::new();
    let all: Vec<u16> = (0..=u16::MAX)
        .filter(|code| Message::most(*code).is_some())
        .collect();
    let shown: Vec<u16> = ground.frames.keys().copied().collect();
    assert_eq!(shown, all, "PROTOCOL.md shows one of each");
    for (code, frame) in &ground.frames {
        let seed = ground.somebody();
        let mut raw = ground.target.attacker(seed);
        raw.send_bytes(frame);
        if is_trackers(*code) {
            let said = raw.expect_close(PATIENCE).unwrap_or_default();
            assert!(
                said.contains("does not belong between peers"),
                "{code}: {said}"
            );
        }
        drop(raw);
        // What is about the network of the examples breaks a rule of another row.
        if is_trackers(*code) || *code < 48 {
            assert_eq!(ground.is_shunned(seed), is_trackers(*code), "code {code}");
        }
    }
}

/// The node closes, for nothing but what was done: it is answered meanwhile.
fn closes(mut raw: RawPeer) {
    raw.expect_close_or(PATIENCE, |raw, message| match message {
        Message::GetHeaders(_) => raw.send(&Message::Headers(Vec::new())),
        Message::Ping(number) => raw.send(&Message::Pong(pong(number))),
        _ => {}
    });
}

fn other_first_bytes(ground: &Ground, seed: u8) {
    let mut raw = RawPeer::connect(ground.target.alice.listen, seed);
    raw.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    closes(raw);
}

fn an_introduction_of_another_network(ground: &Ground, seed: u8) {
    let mut raw = ground.target.stranger(seed);
    raw.say_hello(BlockId([7; 32]));
    closes(raw);
}

fn an_introduction_without_its_proof(ground: &Ground, seed: u8) {
    let mut raw = ground.target.stranger(seed);
    let mut hello = raw.hello(ground.target.network());
    hello.key = ground.founder();
    raw.introduce(hello);
    closes(raw);
}

fn a_record_that_does_not_open(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    raw.flipped = Some(raw.sent.len() + 10);
    raw.send(&Message::Ping(1));
    closes(raw);
}

fn an_introduction_too_many(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    raw.say_hello(ground.target.network());
    closes(raw);
}

fn a_frame_too_long(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    raw.send_bytes(&[12, 0, 0, 0, 2, 0]);
    closes(raw);
}

fn a_frame_too_short(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    raw.send_bytes(&[1, 0, 0, 0, 0, 0, 0, 0]);
    closes(raw);
}

fn a_code_of_nothing(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    raw.send_frame(60_000, &[]);
    closes(raw);
}

fn bytes_that_are_not_canonical(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    // 1 as a two-byte integer, where one byte would do.
    raw.send_frame(2, &[0xcc, 1]);
    closes(raw);
}

fn no_headers_in_time(ground: &Ground, seed: u8) {
    ground.target.attacker(seed).expect_close(PATIENCE);
}

fn pings_that_nobody_reads_the_answers_of(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let pings = (0..600).flat_map(|number| Message::Ping(number).to_frame().unwrap());
    raw.send_record(RecordKind::Frames, &pings.collect::<Vec<_>>());
    closes(raw);
}

fn questions_for_headers_without_end(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let question = Message::GetHeaders(vec![ground.target.network()]);
    let questions = (0..100).flat_map(|_| question.to_frame().unwrap());
    raw.send_bytes(&questions.collect::<Vec<_>>());
    closes(raw);
}

fn headers_that_do_not_follow(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let [first, _, third] = ground.headers[..] else {
        panic!("three blocks were mined");
    };
    raw.expect_close_or(PATIENCE, |raw, message| {
        if let Message::GetHeaders(_) = message {
            raw.send(&Message::Headers(vec![first, third]));
        }
    });
}

fn a_header_against_the_rules(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let miner = raw.public_key();
    let block = ground
        .forge
        .block(miner, Vec::new(), |header| header.version += 1);
    raw.send(&Message::AnnounceBlock(block.header));
    closes(raw);
}

fn an_invalid_block(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    // Of the reward there is none.
    raw.offer(&ground.forge.block_with(Vec::new(), |_| {}));
    closes(raw);
}

fn a_block_with_another_body(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let mut block = ground.forge.block(raw.public_key(), Vec::new(), |_| {});
    block.transactions.clear();
    raw.offer(&block);
    closes(raw);
}

/// A payment of no coins to this key, as its sender did not sign it.
fn forged(ground: &Ground, raw: &RawPeer, to: PublicKey) -> EncodedTransaction {
    let mut signed = ground.forge.payload(&raw.key, to, 0, 1).sign(&raw.key);
    signed.signature = Signature([1; 64]);
    EncodedTransaction::new(signed)
}

fn a_transaction_that_is_forged(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let forged = forged(ground, &raw, ground.founder());
    raw.send(&Message::AnnounceTransactions(vec![forged.id()]));
    raw.expect("to be asked", |message| match message {
        Message::GetTransactions(ids) => ids.contains(&forged.id()).then_some(()),
        _ => None,
    });
    raw.send(&Message::Transactions(vec![forged]));
    closes(raw);
}

fn a_delivery_for_another(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let to = SecretKey::from_bytes([99; 32]).public_key();
    raw.send(&Message::Deliver(ground.forge.transfer(&raw.key, to, 1, 1)));
    closes(raw);
}

fn a_delivery_of_anothers(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let other = SecretKey::from_bytes([99; 32]);
    let anothers = ground.forge.transfer(&other, ground.founder(), 1, 1);
    raw.send(&Message::Deliver(anothers));
    closes(raw);
}

fn a_delivery_that_is_forged(ground: &Ground, seed: u8) {
    let (mut raw, _place) = ground.known(seed);
    raw.send(&Message::Deliver(forged(ground, &raw, ground.founder())));
    closes(raw);
}

impl Ground {
    /// Somebody with this key whom the tracker names to alice, and its place at the tracker.
    fn known(&self, seed: u8) -> (RawPeer, RawPeer) {
        let name = format!("m{seed}");
        let (place, _) = RawPeer::register(self.target.lab.tracker.listen, seed, &name);
        self.target.alice.knows(&[&name]);
        (self.target.attacker(seed), place)
    }

    /// The same, to whom alice has delivered something; and the receipt that would be right.
    fn delivered_to(&self, seed: u8) -> (RawPeer, RawPeer, ReceiptStatement) {
        let (mut raw, place) = self.known(seed);
        self.target.alice.write_when_known(&format!("m{seed}"), 5);
        let delivered = raw.expect("a delivery", |message| match message {
            Message::Deliver(transaction) => Some(transaction),
            _ => None,
        });
        let statement = ReceiptStatement {
            network: self.target.network(),
            transaction: delivered.id(),
            recipient: raw.public_key(),
            code: ReceiptCode::Accepted,
            reason: CappedText::default(),
            height: Height(0),
            block: self.target.network(),
        };
        (raw, place, statement)
    }
}

fn a_receipt_for_nothing(ground: &Ground, seed: u8) {
    let (mut raw, _place, mut statement) = ground.delivered_to(seed);
    statement.transaction = forged(ground, &raw, ground.founder()).id();
    raw.send(&Message::Receipt(statement.sign(&raw.key)));
    closes(raw);
}

fn a_receipt_twice(ground: &Ground, seed: u8) {
    let (mut raw, _place, statement) = ground.delivered_to(seed);
    let receipt = statement.sign(&raw.key);
    raw.send(&Message::Receipt(receipt.clone()));
    raw.send(&Message::Receipt(receipt));
    closes(raw);
}

fn a_receipt_of_another_network(ground: &Ground, seed: u8) {
    let (mut raw, _place, mut statement) = ground.delivered_to(seed);
    statement.network = BlockId([7; 32]);
    raw.send(&Message::Receipt(statement.sign(&raw.key)));
    closes(raw);
}

fn a_receipt_that_is_forged(ground: &Ground, seed: u8) {
    let (mut raw, _place, statement) = ground.delivered_to(seed);
    raw.send(&Message::Receipt(
        statement.sign(&SecretKey::from_bytes([9; 32])),
    ));
    closes(raw);
}

fn a_statement_that_is_forged(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let key = SecretKey::from_bytes([99; 32]).public_key();
    let said = Statement {
        network: ground.target.network(),
        number: now(),
        act: Act::Readmit { key },
    };
    let mut said = said.sign(&ground.target.lab.tracker_key());
    said.signature = Signature([1; 64]);
    raw.send(&Message::Statements(vec![said]));
    closes(raw);
}

fn a_statement_of_another_network(ground: &Ground, seed: u8) {
    let mut raw = ground.target.attacker(seed);
    let key = SecretKey::from_bytes([99; 32]).public_key();
    let said = Statement {
        network: BlockId([7; 32]),
        number: now(),
        act: Act::Readmit { key },
    };
    let said = said.sign(&ground.target.lab.tracker_key());
    raw.send(&Message::Statements(vec![said]));
    closes(raw);
}
