//! Examples of the secure channel: a whole handshake, what follows in it, and what is refused.

use crate::example::{self, alice, bob, tracker};
use crate::talk::hello;
use crate::work::{Work, hex};
use raclette::canonical;
use raclette::chain::{BlockId, NetworkId, Timestamp};
use raclette::keys::{PublicKey, SecretKey};
use raclette::membership::certificate::{CERTIFICATE_CONTEXT, Certificate, CertificateStatement};
use raclette::membership::{Authority, Statements};
use raclette::wire::channel::{
    Binding, Channel, ChannelSecrets, Expected, Handshake, Introduction, PROOF_CONTEXT,
    PROTOCOL_NAME, RecordKind, SECRETS_LEN, Side, judge_introduction, preamble,
};
use raclette::wire::message::Pong;
use raclette::wire::version::Version;
use raclette::wire::{Hello, Message, NodeRole};
use std::sync::Arc;

/// A while after genesis.
pub const NOW: Timestamp = Timestamp(example::START.0 + 1_000);

/// The secrets of one side, static first.
fn secrets(work: &mut Work, side: &str) -> ChannelSecrets {
    let mut bytes = [0; SECRETS_LEN];
    let (fixed, ephemeral) = bytes.split_at_mut(SECRETS_LEN / 2);
    for (half, name) in [(fixed, "static"), (ephemeral, "ephemeral")] {
        half.copy_from_slice(&work.array::<32>(&format!("{side}.{name}")));
    }
    ChannelSecrets::from_bytes(bytes)
}

/// What one side does with what it hears: the channel, once it stands, and what it says.
fn advance(handshake: &mut Handshake, mut heard: &[u8]) -> (Option<Channel>, Vec<u8>) {
    let mut said = Vec::new();
    let channel = handshake.advance(&mut heard, &mut said).expect("honest");
    assert!(heard.is_empty());
    (channel, said)
}

/// A record from one end, that the other opens.
fn record(from: &mut Channel, to: &mut Channel, kind: RecordKind, data: &[u8]) -> Vec<u8> {
    let mut record = Vec::new();
    from.sealer.seal(kind, data, &mut record).expect("short");
    let opened = to.opener.next(&mut record.as_slice()).expect("honest");
    assert_eq!(opened.expect("whole").data, data);
    record
}

/// Two ends whose secrets are those of the conversation in the document.
fn conversation() -> (Channel, Channel) {
    let side = |fixed: u8, ephemeral: u8| {
        let mut bytes = [fixed; SECRETS_LEN];
        bytes[SECRETS_LEN / 2..].fill(ephemeral);
        ChannelSecrets::from_bytes(bytes)
    };
    let mut initiator = Handshake::new(Side::Initiator, side(0x11, 0x12)).expect("it begins");
    let mut responder = Handshake::new(Side::Responder, side(0x21, 0x22)).expect("it begins");
    let (_, first) = advance(&mut initiator, &[]);
    let (_, second) = advance(&mut responder, &first);
    let (near, third) = advance(&mut initiator, &second);
    let (far, _) = advance(&mut responder, &third);
    (near.expect("it stands"), far.expect("it stands"))
}

/// When keys change: after so many records, or after one that says so.
pub fn rekey(work: &mut Work) {
    let (mut near, mut far) = conversation();
    record(&mut near, &mut far, RecordKind::Introduction, &[]);
    for _ in 0..work.number("frames") {
        record(&mut near, &mut far, RecordKind::Frames, &[0]);
    }
    for number in 1..=2 {
        let (kind, data) = match work.given(&format!("kind.{number}")) {
            "Frames" => (RecordKind::Frames, &[0][..]),
            "Rekey" => (RecordKind::Rekey, &[][..]),
            other => panic!("no record of kind {other} belongs here"),
        };
        work.found(&format!("number.{number}"), near.sealer.sealed());
        let bytes = record(&mut near, &mut far, kind, data);
        work.found_bytes(&format!("record.{number}"), &bytes);
    }
}

/// Alice dials bob: everything that is on the line, and what it comes from.
pub fn channel(work: &mut Work) {
    let initiator = secrets(work, "initiator");
    let responder = secrets(work, "responder");
    let mut initiator = Handshake::new(Side::Initiator, initiator).expect("it begins");
    let mut responder = Handshake::new(Side::Responder, responder).expect("it begins");
    work.found("protocol", PROTOCOL_NAME);
    let own = preamble(Version::OURS);
    work.found_bytes("prologue", &[own, own].concat());
    let (_, first) = advance(&mut initiator, &[]);
    work.found_bytes("initiator.says.1", &first);
    let (_, second) = advance(&mut responder, &first);
    work.found_bytes("responder.says.1", &second);
    let (alices, third) = advance(&mut initiator, &second);
    work.found_bytes("initiator.says.2", &third);
    let (bobs, nothing) = advance(&mut responder, &third);
    assert!(nothing.is_empty());
    let (mut alices, mut bobs) = (alices.expect("it stands"), bobs.expect("it stands"));
    assert_eq!(alices.binding.hash, bobs.binding.hash);
    work.found_bytes("hash", &alices.binding.hash);
    let ping = |number| Message::Ping(number).to_frame().expect("short");

    let binding = alices.binding;
    let shown = introduction(work, "initiator", hello(), &binding, &alice());
    let introduction_record = |from: &mut Channel, to: &mut Channel, shown: &[u8]| {
        record(from, to, RecordKind::Introduction, shown)
    };
    let bytes = introduction_record(&mut alices, &mut bobs, &shown);
    work.found_bytes("initiator.record.0", &bytes);
    let binding = bobs.binding;
    let shown = introduction(work, "responder", bobs_hello(), &binding, &bob());
    let bytes = introduction_record(&mut bobs, &mut alices, &shown);
    work.found_bytes("responder.record.0", &bytes);

    let both = [ping(7), ping(8)].concat();
    let alices_records = [
        (RecordKind::Frames, both),
        (RecordKind::Rekey, Vec::new()),
        (RecordKind::Frames, ping(9)),
    ];
    for (number, (kind, data)) in (1..).zip(alices_records) {
        work.found(&format!("initiator.holds.{number}"), held(kind, &data));
        let bytes = record(&mut alices, &mut bobs, kind, &data);
        work.found_bytes(&format!("initiator.record.{number}"), &bytes);
    }
    let pong = Message::Pong(Pong {
        number: 7,
        time: NOW,
    });
    let pong = pong.to_frame().expect("short");
    work.found("responder.holds.1", held(RecordKind::Frames, &pong));
    let bytes = record(&mut bobs, &mut alices, RecordKind::Frames, &pong);
    work.found_bytes("responder.record.1", &bytes);
}

/// The kind of a record and its data.
fn held(kind: RecordKind, data: &[u8]) -> String {
    format!("{kind:?} {}", hex(data)).trim_end().to_owned()
}

/// One side's introduction, and what it signs.
fn introduction(
    work: &mut Work,
    side: &str,
    hello: Hello,
    binding: &Binding,
    key: &SecretKey,
) -> Vec<u8> {
    let code = match binding.side {
        Side::Initiator => 1_u8,
        Side::Responder => 2,
    };
    let hash = serde_bytes::Bytes::new(&binding.hash);
    let signed = canonical::encode(&(code, hash, &hello));
    work.found_bytes(&format!("{side}.signed"), &signed);
    let digest = blake3::derive_key(PROOF_CONTEXT, &signed);
    work.found_bytes(&format!("{side}.signed_digest"), &digest);
    let certificate = certificate_for(key.public_key());
    let shown = Introduction::sign(hello, binding, Some(certificate), key);
    assert_eq!(shown.proof, key.sign(&digest));
    let bytes = canonical::encode(&shown);
    work.found_bytes(&format!("{side}.introduction"), &bytes);
    bytes
}

/// Bob, who has just started.
fn bobs_hello() -> Hello {
    Hello {
        key: bob().public_key(),
        nonce: 5,
        address: None,
        time: NOW,
        incarnation: 6,
        ..hello()
    }
}

/// What a certificate of one of the two says.
pub fn statement_for(key: PublicKey) -> CertificateStatement {
    let name = if key == alice().public_key() {
        "alice"
    } else {
        "bob"
    };
    let name = name.parse().expect("a name");
    CertificateStatement::at(NOW, example::network(), key, name, tracker().public_key())
}

/// A certificate of one of the two.
pub fn certificate_for(key: PublicKey) -> Certificate {
    statement_for(key).sign(&tracker())
}

/// Alice's certificate.
pub fn certificate(work: &mut Work) {
    let certificate = certificate_for(alice().public_key());
    let statement = canonical::encode(&certificate.statement);
    work.found_bytes("statement", &statement);
    work.found_bytes(
        "signed_digest",
        &blake3::derive_key(CERTIFICATE_CONTEXT, &statement),
    );
    work.found("signature", certificate.signature);
    work.found_bytes("bytes", &canonical::encode(&certificate));
}

/// Something about an introduction that is not as it should be.
type Change = fn(&mut Hello, &mut Option<Certificate>);

/// What an introduction is refused for, by a peer that expects a member of its network.
pub fn introduction_rules(work: &mut Work) {
    let cases: [(&str, Change); 14] = [
        ("as it is", |_, _| ()),
        ("another's key", |hello, _| {
            hello.key = tracker().public_key()
        }),
        ("our own key and nonce", |hello, _| *hello = bobs_hello()),
        ("our own key, another nonce", |hello, shown| {
            *hello = bobs_hello();
            hello.nonce += 1;
            *shown = Some(certificate_for(bob().public_key()));
        }),
        ("a tracker", |hello, _| hello.role = NodeRole::Tracker),
        ("another network", |hello, _| {
            hello.network = BlockId([7; 32])
        }),
        ("no network yet", |hello, _| hello.network = NetworkId::ZERO),
        ("no certificate", |_, shown| *shown = None),
        ("another's certificate", |_, shown| {
            *shown = Some(certificate_for(bob().public_key()));
        }),
        ("a certificate for another network", |_, shown| {
            *shown = altered(|said| said.network = BlockId([7; 32]));
        }),
        ("a certificate by oneself", |_, shown| {
            *shown = Some(statement_for(alice().public_key()).sign(&alice()));
        }),
        ("a certificate by oneself that says so", |_, shown| {
            let mut own = statement_for(alice().public_key());
            own.issuer = alice().public_key();
            *shown = Some(own.sign(&alice()));
        }),
        ("a certificate that begins later", |_, shown| {
            *shown = altered(|said| said.from = NOW.plus_ms(1));
        }),
        ("a certificate that has ended", |_, shown| {
            *shown = altered(|said| said.until = NOW);
        }),
    ];
    for (name, change) in cases {
        let (mut said, mut shown) = (hello(), Some(certificate_for(alice().public_key())));
        change(&mut said, &mut shown);
        let key = match said.key == bob().public_key() {
            true => bob(),
            false => alice(),
        };
        let hash = [3; 32];
        let side = Side::Initiator;
        let theirs = Introduction::sign(said, &Binding { hash, side }, shown, &key);
        let side = Side::Responder;
        let expected = Expected {
            role: NodeRole::Peer,
            same_network: true,
            member: true,
            members: Some(Arc::new(Statements::on(
                example::network(),
                Authority::new(tracker().public_key(), None),
            ))),
        };
        let ours = bobs_hello();
        let binding = Binding { hash, side };
        let verdict = judge_introduction(&ours, &theirs, &binding, &expected, NOW);
        work.verdict(name, verdict.map_err(|error| plain(&error.to_string())));
    }
}

/// Alice's certificate, changed before it was signed.
fn altered(change: impl FnOnce(&mut CertificateStatement)) -> Option<Certificate> {
    let mut statement = statement_for(alice().public_key());
    change(&mut statement);
    Some(statement.sign(&tracker()))
}

/// Names in the place of keys and ids.
fn plain(text: &str) -> String {
    let names = [
        (alice().public_key().to_string(), "(alice)"),
        (bob().public_key().to_string(), "(bob)"),
        (tracker().public_key().to_string(), "(tracker)"),
        (example::network().to_string(), "(ours)"),
        (BlockId([7; 32]).to_string(), "(theirs)"),
        (NetworkId::ZERO.to_string(), "(zero)"),
    ];
    let replace = |text: String, (long, short): (String, &str)| text.replace(&long, short);
    names.into_iter().fold(text.to_owned(), replace)
}

/// What a preamble is answered with.
pub fn preambles(work: &mut Work) {
    let heard = work.bytes("heard");
    let secrets = ChannelSecrets::from_bytes([7; SECRETS_LEN]);
    let mut bob = Handshake::new(Side::Responder, secrets).expect("it begins");
    let mut said = Vec::new();
    let refusal = bob.advance(&mut heard.as_slice(), &mut said).err();
    work.found_bytes("answer", &said);
    work.found("refused", refusal.expect("it is refused"));
}
