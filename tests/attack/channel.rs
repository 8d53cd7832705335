//! Strangers, impostors, listeners and go-betweens on the connections of real nodes.

use super::strangers::STRANGERS_TIME;
use super::{SOON, Target};
use crate::support::{Heard, Lab, Proxy, RawPeer, free_address, secret_in, so, wait_until};
use raclette::canonical;
use raclette::chain::{Action, BlockId, NetworkId, Timestamp};
use raclette::keys::SecretKey;
use raclette::membership::Certificate;
use raclette::membership::certificate::CertificateStatement;
use raclette::wire::channel::{Introduction, PREAMBLE_LEN, RecordKind, Side, preamble};
use raclette::wire::version::Version;
use raclette::wire::{Hello, Message, NodeRole};
use std::net::TcpListener;

impl Target {
    /// A stranger with a channel to alice, not introduced.
    pub fn stranger(&self, seed: u8) -> RawPeer {
        let mut raw = RawPeer::connect(self.alice.listen, seed);
        raw.shake_hands();
        raw
    }

    /// Introduces somebody to alice with the certificate of a member, changed, and expects the no.
    fn refused(&self, seed: u8, why: &str, change: impl FnOnce(&mut Hello, &mut RawPeer)) {
        let mut raw = self.stranger(seed);
        let statement =
            raw.statement_of_membership(self.network(), self.lab.tracker_key().public_key());
        raw.certificate = Some(statement.sign(&self.lab.tracker_key()));
        let mut hello = raw.hello(self.network());
        change(&mut hello, &mut raw);
        raw.introduce(hello);
        // Whatever else it says is not answered.
        raw.send(&Message::Ping(9));
        let reason = raw.expect_close_or(SOON, |_, message| {
            assert!(!matches!(message, Message::Pong(_)), "it was answered");
        });
        let reason = reason.expect("it is told why");
        assert!(reason.contains(why), "{why}: {reason}");
    }

    fn certified(
        &self,
        raw: &RawPeer,
        change: impl FnOnce(&mut CertificateStatement),
    ) -> Certificate {
        let mut statement =
            raw.statement_of_membership(self.network(), self.lab.tracker_key().public_key());
        change(&mut statement);
        statement.sign(&self.lab.tracker_key())
    }
}

#[test]
fn attack_nobody_is_answered_without_having_proven_who_it_is() {
    let target = Target::start();
    // Without a channel: messages as they are.
    let mut raw = RawPeer::connect(target.alice.listen, 1);
    raw.send(&Message::Ping(u64::MAX));
    assert_eq!(raw.expect_close(SOON), None);
    assert!(raw.received().is_empty());
    // In a channel, without an introduction.
    let mut raw = target.stranger(2);
    raw.send(&Message::Ping(1));
    raw.expect_close_or(SOON, |_, message| panic!("answered: {message:?}"));
    // With somebody else's key.
    let mut raw = target.stranger(3);
    let mut hello = raw.hello(target.network());
    hello.key = target.genesis.content.founder;
    raw.introduce(hello);
    let reason = raw.expect_close(SOON);
    assert!(reason.is_some_and(|reason| reason.contains("prove")));
    target.has_sessions(0);
    target.assert_well();
}

/// Key, name and certificate of a member are not for whoever dials it.
#[test]
fn attack_l6_a_member_says_who_it_is_to_nobody_who_has_not_said_so_first() {
    let target = Target::start();
    let silent = |mut raw: RawPeer, what: &str| {
        let reason = raw.expect_close(STRANGERS_TIME);
        assert!(raw.introduction.is_none(), "{what} was told: {reason:?}");
    };
    // Who says nothing, somebody without a certificate, a member of another network, a tracker of one's own.
    silent(target.stranger(1), "who says nothing");
    let mut raw = target.stranger(2);
    raw.say_hello(target.network());
    silent(raw, "a stranger");
    let mut raw = target.stranger(3);
    raw.say_hello(BlockId([7; 32]));
    silent(raw, "one of another network");
    let mut raw = target.stranger(4);
    let mut hello = raw.hello(target.network());
    hello.role = NodeRole::Tracker;
    raw.introduce(hello);
    silent(raw, "a tracker that nobody knows");
    // A member is told, and the network's tracker sees that she is there, but no certificate.
    assert!(target.attacker(5).introduction.is_some());
    let mut visitor = target.stranger(6);
    visitor.key = target.lab.tracker_key();
    let mut hello = visitor.hello(target.network());
    hello.role = NodeRole::Tracker;
    visitor.introduce(hello);
    let told = visitor.hear_introduction().expect("she is there");
    assert_eq!(told.certificate, None);
    visitor.expect_close(SOON);
    target.assert_well();
}

#[test]
fn attack_another_network_role_or_version_and_oneself_are_refused_in_plain_words() {
    let target = Target::start();
    target.refused(1, "network", |hello, raw| {
        hello.network = BlockId([7; 32]);
        let statement =
            raw.statement_of_membership(hello.network, target.lab.tracker_key().public_key());
        raw.certificate = Some(statement.sign(&target.lab.tracker_key()));
    });
    target.refused(2, "Tracker", |hello, _| hello.role = NodeRole::Tracker);
    // To the tracker another tracker is as wrong, unless it was given the right to issue.
    let mut raw = RawPeer::connect(target.lab.tracker.listen, 3);
    raw.shake_hands();
    let mut hello = raw.hello(NetworkId::ZERO);
    hello.role = NodeRole::Tracker;
    raw.introduce(hello);
    let reason = raw.expect_close(SOON);
    let reason = reason.expect("it says why");
    assert!(reason.contains("the right to issue"), "{reason}");
    // Another version is told ours.
    let newer = Version {
        number: Version::OURS.number + 1,
        draft: 0,
    };
    let mut raw = RawPeer::connect(target.alice.listen, 4);
    raw.send_plain(&preamble(newer));
    assert_eq!(raw.received(), preamble(Version::OURS));
    raw.expect_close(SOON);
    // Alice, who dials herself.
    let own = target.attacker(5).other.take().unwrap();
    let mut raw = target.stranger(6);
    raw.introduce(own);
    raw.expect_close(SOON);
    target.assert_well();
}

#[test]
fn attack_certificates_that_are_forged_expired_or_foreign_open_nothing() {
    let target = Target::start();
    target.refused(1, "no certificate", |_, raw| raw.certificate = None);
    target.refused(2, "not signed by the tracker", |_, raw| {
        let statement =
            raw.statement_of_membership(target.network(), target.lab.tracker_key().public_key());
        raw.certificate = Some(statement.sign(&raw.key));
    });
    target.refused(3, "not signed by the tracker", |_, raw| {
        // The tracker's, with one word changed.
        let mut forged = target.certified(raw, |_| ());
        forged.statement.until = forged.statement.until.plus_ms(1);
        raw.certificate = Some(forged);
    });
    target.refused(4, "ended", |_, raw| {
        let old = target.certified(raw, |said| {
            said.from = Timestamp(0);
            said.until = Timestamp(1_000);
        });
        raw.certificate = Some(old);
    });
    target.refused(5, "begins in", |_, raw| {
        let early = target.certified(raw, |said| said.from = said.until);
        raw.certificate = Some(early);
    });
    target.refused(6, "not of who shows it", |_, raw| {
        let other = SecretKey::from_bytes([77; 32]).public_key();
        raw.certificate = Some(target.certified(raw, |said| said.key = other));
    });
    target.refused(7, "for network", |_, raw| {
        let elsewhere = target.certified(raw, |said| said.network = BlockId([7; 32]));
        raw.certificate = Some(elsewhere);
    });
    target.has_sessions(0);
    // The real one, as the tracker issues it.
    let tracker = target.lab.tracker.listen;
    let (mut member, _) = RawPeer::register(tracker, 8, "honest");
    let issued = member.certificate.take().expect("it was issued");
    let mut raw = target.stranger(8);
    raw.certificate = Some(issued);
    raw.say_hello(target.network());
    raw.hear_hello();
    target.has_sessions(1);
    target.assert_well();
}

#[test]
fn attack_a_replayed_handshake_is_refused() {
    let target = Target::start();
    let mut honest = target.attacker(1);
    honest.send(&Message::Ping(1));
    honest.expect("a pong", |message| {
        matches!(message, Message::Pong(pong) if pong.number == 1).then_some(())
    });
    let recorded = honest.sent.clone();
    drop(honest);
    target.has_sessions(0);
    let mut replay = RawPeer::connect(target.alice.listen, 2);
    replay.send_plain(&recorded);
    replay.expect_close(SOON);
    target.has_sessions(0);
    target.assert_well();
}

/// Somebody whom alice dials, because the tracker names him.
struct Trap {
    listener: TcpListener,
    _registered: RawPeer,
}

impl Trap {
    fn set(target: &Target, seed: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tracker = target.lab.tracker.listen;
        let (registered, _) = RawPeer::register_at(tracker, seed, "trap", &[address]);
        let trap = Self {
            listener,
            _registered: registered,
        };
        trap.is_visited(target, seed);
        trap
    }

    /// The tracker dials him back, as it does with whoever registers; then it leaves him alone for long.
    fn is_visited(&self, target: &Target, seed: u8) {
        loop {
            let mut visitor = self.dialled(seed);
            if !visitor.try_to_shake_hands(Side::Responder) {
                continue;
            }
            visitor.say_hello(target.network());
            let theirs = visitor.hear_introduction();
            if theirs.is_some_and(|theirs| theirs.hello.role == NodeRole::Tracker) {
                // It has heard who we are when it says goodbye.
                visitor.expect_close(SOON);
                return;
            }
            // Alice was faster. She has no session with who shows no certificate, and dials again.
        }
    }

    /// Alice dials.
    fn dialled(&self, seed: u8) -> RawPeer {
        let (stream, _) = self.listener.accept().unwrap();
        RawPeer::over(stream, seed)
    }
}

#[test]
fn attack_a_reflected_handshake_is_refused() {
    let target = Target::start();
    let trap = Trap::set(&target, 90);
    // Byte for byte.
    let mut mirror = trap.dialled(90);
    let said = mirror.received();
    assert!(said.len() > PREAMBLE_LEN);
    mirror.send_plain(&said);
    mirror.expect_close(SOON);
    // And within an honest channel, her own introduction as ours.
    let mut mirror = trap.dialled(90);
    assert!(mirror.try_to_shake_hands(Side::Responder));
    let own = mirror.hear_introduction().expect("alice says who she is");
    assert_eq!(own.check(&mirror.binding()), Ok(()));
    mirror.say_introduction(&own);
    let reason = mirror.expect_close(SOON);
    assert!(reason.is_some_and(|reason| reason.contains("prove")));
    target.has_sessions(0);
}

/// Mallory, a member, has alice dial him and dials bob, and hands each the other's introduction.
#[test]
fn attack_who_stands_in_between_is_believed_by_neither() {
    let target = Target::start();
    let bob = target.lab.peer("bob");
    bob.has_sessions(1);
    let trap = Trap::set(&target, 91);
    let mut with_alice = trap.dialled(91);
    assert!(with_alice.try_to_shake_hands(Side::Responder));
    let mut with_bob = RawPeer::connect(bob.listen, 92);
    with_bob.shake_hands();
    let by_alice = with_alice.hear_introduction().expect("alice's");
    with_bob.say_introduction(&by_alice);
    // Bob does not even say who he is.
    let reason = with_bob.expect_close_or(SOON, |_, message| panic!("heard {message:?}"));
    assert!(reason.is_some_and(|reason| reason.contains("prove")));
    // What he says to a member is no use with alice, either.
    let mut with_bob = RawPeer::member(bob.listen, 93, target.network(), &target.lab.tracker_key());
    let by_bob = with_bob.introduction.take().expect("bob's");
    with_alice.say_introduction(&by_bob);
    let reason = with_alice.expect_close(SOON);
    assert!(reason.is_some_and(|reason| reason.contains("prove")));
    drop(with_bob);
    target.has_sessions(1);
    bob.has_sessions(1);
}

/// An honest handshake, of which one byte is changed on the way to alice.
#[test]
fn attack_every_byte_of_a_handshake_counts() {
    let target = Target::start();
    let tracker = target.lab.tracker_key();
    let attempt = |at: Option<usize>| {
        let mut raw = RawPeer::connect(target.alice.listen, 7);
        let statement =
            raw.statement_of_membership(target.network(), target.lab.tracker_key().public_key());
        raw.certificate = Some(statement.sign(&tracker));
        raw.flipped = at;
        if raw.try_to_shake_hands(Side::Initiator) {
            raw.say_hello(target.network());
        }
        let length = raw.sent.len();
        // Where it waits for more, there is none.
        raw.close_sending();
        let mut reason = None;
        while let Heard::Message(message) = raw.hear(SOON) {
            match message {
                Message::Goodbye(goodbye) => reason = Some(goodbye.reason.as_str().to_owned()),
                // What a member is asked at once.
                Message::GetHeaders(_) => return (length, true, reason),
                _ => {}
            }
        }
        (length, false, reason)
    };
    let (length, taken, _) = attempt(None);
    assert!(taken, "unchanged, it is taken");
    for at in 0..length {
        let (_, taken, reason) = attempt(Some(at));
        assert!(!taken, "byte {at} was changed: {reason:?}");
    }
    target.has_sessions(0);
    target.assert_well();
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|part| part == needle)
}

#[test]
fn attack_a_listener_learns_nothing_of_a_payment() {
    let lab = Lab::start();
    let line = Proxy::start();
    // Bob is reached over the line alone, and alice not at all.
    let over_the_line = format!("advertise = [\"{}\"]\n", line.listen);
    let dead = format!("advertise = [\"{}\"]\n", free_address());
    let alice = lab.peer_with("alice", &dead);
    let bob = lab.prepare_peer_with("bob", &over_the_line);
    line.lead_to(bob.listen);
    let mut bob = bob;
    bob.start().joins();
    alice.has_sessions(1);
    alice.mine_blocks(2);
    let id = alice.send("bob", 11);
    wait_until("bob has the payment", || {
        let open = bob.open();
        so(open.contains(&id), format!("{open:?}"))
    });
    let mined = alice.mine();
    bob.reaches(&mined.id.to_string());
    let heard = line.passed();
    assert!(heard.len() > 1_000, "it went over the line");
    // As anybody who is a member reads it.
    let genesis = RawPeer::learn_genesis(lab.tracker.listen, 200, "reader");
    let mut reader = RawPeer::member(bob.listen, 201, genesis.id(), &lab.tracker_key());
    reader.send(&Message::GetBlocks(vec![mined.id]));
    let block = reader.expect("the block", |message| match message {
        Message::Block(block) => Some(block),
        _ => None,
    });
    let payment = &block.transactions[1];
    assert_eq!(payment.id().to_string(), id);
    let payload = payment.payload();
    let Action::Transfer { to, amount, .. } = &payload.action else {
        panic!("a payment");
    };
    let clear = Message::Transactions(vec![payment.clone()])
        .to_frame()
        .unwrap();
    let amount = canonical::encode(&(to, amount));
    let fields: [(&str, &[u8]); 8] = [
        ("network", &payload.network.0),
        ("sender", &payload.sender.0),
        ("salt", &payload.salt.0),
        ("recipient", &to.0),
        ("amount", &amount[1..]),
        ("signature", &payment.transaction().signature.0),
        ("id", &payment.id().0),
        ("block", &mined.id.0),
    ];
    for (name, field) in fields {
        let said = holds(&clear, field) || ["id", "block"].contains(&name);
        assert!(said, "{name} is what one would look for");
        assert!(!holds(&heard, field), "{name} is there to be read");
        assert!(!holds(&heard, &field[..8]), "a part of {name} is there");
    }
    for word in ["alice", "bob", "raclette ", "127.0.0.1"] {
        assert!(
            !holds(&heard, word.as_bytes()),
            "{word} is there to be read"
        );
    }
}

#[test]
fn attack_a_tracker_with_another_key_is_refused_with_both_shown() {
    let target = Target::start();
    let former = target.lab.tracker_key().public_key().to_address();
    let mut tracker = target.lab.tracker;
    tracker.stop();
    std::fs::remove_dir_all(&tracker.data_dir).unwrap();
    tracker.start();
    let shown = secret_in(&tracker.data_dir.join("key.pem"));
    let shown = shown.public_key().to_address();
    assert_ne!(former, shown);
    wait_until("alice tells of both keys", || {
        let output = target.alice.output();
        so(output.contains(&former) && output.contains(&shown), output)
    });
    assert!(!target.alice.status().tracker.registered);
    assert_eq!(tracker.tracker_status().registered, 0);
    target.alice.mine();
}

/// Members that know each other need no tracker to prove what they are, not even after a restart.
#[test]
fn attack_without_the_tracker_members_prove_themselves_by_what_they_keep() {
    let lab = Lab::start();
    let [mut alice, mut bob] = lab.peers(["alice", "bob"]);
    let mut tracker = lab.tracker;
    tracker.kill();
    for peer in [&mut alice, &mut bob] {
        peer.stop();
        peer.start();
    }
    alice.has_sessions(1);
    let mined = alice.mine().id.to_string();
    bob.reaches(&mined);
}

/// What was introduced before must not be taken for the word of another connection.
#[test]
fn attack_an_introduction_of_another_connection_is_refused() {
    let target = Target::start();
    let first = target.attacker(1);
    let hello = first.hello(target.network());
    let certificate = first.certificate.clone();
    let stolen = Introduction::sign(hello, &first.binding(), certificate, &first.key);
    let mut second = target.stranger(2);
    second.send_record(RecordKind::Introduction, &canonical::encode(&stolen));
    let reason = second.expect_close(SOON);
    assert!(reason.is_some_and(|reason| reason.contains("prove")));
    target.has_sessions(1);
}
