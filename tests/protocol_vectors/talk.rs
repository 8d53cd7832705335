//! Examples of what nodes say to each other.

use crate::channel::{NOW, certificate_for};
use crate::example::{self, alice, bob, tracker};
use crate::membership;
use crate::work::{Work, hex, unhex};
use raclette::canonical::{self, CappedText};
use raclette::chain::{Height, TransactionId};
use raclette::wire::frame::{Frame, FrameDecoder, encode_frame};
use raclette::wire::member::{LEAVE_CONTEXT, Leaving, RECORD_CONTEXT};
use raclette::wire::message::{
    Admissible, ChallengeAnswer, FormerName, Goodbye, InvitationUse, Lease, MembersChanged, Pong,
    RefusalCode, Refused, RegisterCopy, Registered,
};
use raclette::wire::receipt::RECEIPT_CONTEXT;
use raclette::wire::version::MINOR_VERSION;
use raclette::wire::{
    Hello, Member, MemberId, MemberRecord, Message, NodeRole, Receipt, ReceiptCode,
    ReceiptStatement,
};

/// Bytes as they arrive, piece by piece, and the frames they hold.
pub fn stream(work: &mut Work) {
    let arrivals: Vec<_> = work
        .all_given()
        .filter(|(k, _)| k.starts_with("arrives"))
        .collect();
    let minor = work.maybe("sender_minor").map(str::parse);
    let minor = minor.map_or(0, |minor| minor.expect("a number"));
    let passes_over = minor > MINOR_VERSION;
    let mut decoder = FrameDecoder::new(Message::most).passing_over(passes_over);
    let mut found = Vec::new();
    for (key, value) in arrivals {
        work.given(key);
        let bytes = unhex(value);
        let mut rest = bytes.as_slice();
        loop {
            match decoder.next(&mut rest) {
                Ok(None) => break,
                Ok(Some(frame)) => found.push(shown(&frame)),
                Err(refusal) => {
                    found.push(format!("refused: {refusal}"));
                    break;
                }
            }
        }
    }
    for (frame, number) in found.iter().zip(1..) {
        work.found(&format!("frame.{number}"), frame);
    }
    work.found("held", decoder.held());
    if passes_over {
        work.found("passed_over", decoder.take_dropped().frames);
    }
}

fn shown(frame: &Frame) -> String {
    let payload = hex(&frame.payload);
    let mut again = Vec::new();
    encode_frame(frame.code, &frame.payload, &mut again).expect("it was a frame");
    format!("code {} payload {payload}", frame.code)
}

/// Alice's hello.
pub fn hello() -> Hello {
    Hello {
        network: example::network(),
        role: NodeRole::Peer,
        key: alice().public_key(),
        nonce: 0x0102_0304_0506_0708,
        height: Height(1),
        address: "127.0.0.1:7001".parse().ok(),
        time: example::START,
        minor: 0,
        incarnation: 0x1112_1314_1516_1718,
        agent: CappedText::new("raclette/0.1.0").expect("short"),
    }
}

/// The hello, field by field.
pub fn hello_fields(work: &mut Work) {
    let hello = hello();
    work.found_bytes("network", &canonical::encode(&hello.network));
    work.found_bytes("role", &canonical::encode(&hello.role));
    work.found_bytes("key", &canonical::encode(&hello.key));
    work.found_bytes("nonce", &canonical::encode(&hello.nonce));
    work.found_bytes("height", &canonical::encode(&hello.height));
    work.found_bytes("address", &canonical::encode(&hello.address));
    work.found_bytes("time", &canonical::encode(&hello.time));
    work.found_bytes("minor", &canonical::encode(&hello.minor));
    work.found_bytes("incarnation", &canonical::encode(&hello.incarnation));
    work.found_bytes("agent", &canonical::encode(&hello.agent));
    work.found_bytes("bytes", &canonical::encode(&hello));
}

/// Alice's record.
pub fn member_record(work: &mut Work) {
    let record = example::member_record();
    let statement = canonical::encode(&record.statement);
    work.found_bytes("statement", &statement);
    work.found_bytes(
        "signed_digest",
        &blake3::derive_key(RECORD_CONTEXT, &statement),
    );
    work.found("signature", record.signature);
    let bytes = canonical::encode(&record);
    let read = canonical::decode::<MemberRecord>(&bytes).expect("canonical");
    assert_eq!(read.check(), Ok(()));
    work.found_bytes("bytes", &bytes);
}

fn alice_leaves() -> Leaving {
    let sequence = example::statement().sequence + 1;
    Leaving::sign(tracker().public_key(), sequence, &alice())
}

/// Alice's word that she leaves.
pub fn leaving(work: &mut Work) {
    let leaving = alice_leaves();
    assert_eq!(leaving.check(), Ok(()));
    let signed = canonical::encode(&(leaving.tracker, leaving.key, leaving.sequence));
    work.found_bytes("signed", &signed);
    work.found_bytes("signed_digest", &blake3::derive_key(LEAVE_CONTEXT, &signed));
    work.found("signature", leaving.signature);
    work.found_bytes("bytes", &canonical::encode(&leaving));
}

/// What bob says of alice's transfer.
fn bobs_receipt(code: ReceiptCode, reason: &str) -> Receipt {
    let block = example::block();
    let statement = ReceiptStatement {
        network: example::network(),
        transaction: block.transactions[1].id(),
        recipient: bob().public_key(),
        code,
        reason: CappedText::new(reason).expect("short"),
        height: block.header.height,
        block: block.id(),
    };
    statement.sign(&bob())
}

/// A receipt.
pub fn receipt(work: &mut Work) {
    let code: u8 = work.given("code").parse().expect("a number");
    let code = ReceiptCode::try_from(code).expect("a code");
    let receipt = bobs_receipt(code, work.given("reason"));
    let recipient = bob().public_key();
    assert_eq!(receipt.check(&example::network(), &recipient), Ok(()));
    let statement = canonical::encode(&receipt.statement);
    work.found_bytes("statement", &statement);
    work.found_bytes(
        "signed_digest",
        &blake3::derive_key(RECEIPT_CONTEXT, &statement),
    );
    work.found("signature", receipt.signature);
    let bytes = canonical::encode(&receipt);
    assert_eq!(canonical::decode(&bytes), Ok(receipt));
    work.found_bytes("bytes", &bytes);
}

fn member() -> Member {
    Member {
        id: MemberId(1),
        record: example::member_record(),
        live: true,
        reachable: true,
        since: example::START,
    }
}

fn example_of(name: &str) -> Message {
    let block = example::block();
    let ids: Vec<TransactionId> = block.transactions.iter().skip(1).map(|t| t.id()).collect();
    match name {
        "Ping" => Message::Ping(7),
        "Pong" => Message::Pong(Pong {
            number: 7,
            time: example::START,
        }),
        "Goodbye" => Message::Goodbye(Goodbye::new("connected already")),
        "GetHeaders" => Message::GetHeaders(vec![example::network()]),
        "Headers" => Message::Headers(vec![block.header]),
        "AnnounceBlock" => Message::AnnounceBlock(block.header),
        "GetBlocks" => Message::GetBlocks(vec![block.id()]),
        "Block" => Message::Block(block),
        "NoBlock" => Message::NoBlock(block.id()),
        "AnnounceTransactions" => Message::AnnounceTransactions(ids),
        "GetTransactions" => Message::GetTransactions(ids),
        "Transactions" => Message::Transactions(block.transactions[1..].to_vec()),
        "Deliver" => Message::Deliver(block.transactions[1].clone()),
        "Receipt" => Message::Receipt(bobs_receipt(ReceiptCode::Accepted, "")),
        "Register" => Message::Register(example::member_record()),
        "Registered" => Message::Registered(Registered {
            id: MemberId(1),
            genesis: None,
            lease: Some(Lease {
                params: example::params(),
                remaining_ms: 60_000,
            }),
        }),
        "Refused" => Message::Refused(Refused {
            code: RefusalCode::NotRegistered,
            reason: CappedText::new("register first").expect("short"),
        }),
        "OfferGenesis" => Message::OfferGenesis(example::genesis()),
        "GenesisKnown" => Message::GenesisKnown(example::genesis()),
        "GetMembers" => Message::GetMembers(()),
        "Members" => Message::Members(vec![member()]),
        "MembersChanged" => Message::MembersChanged(MembersChanged {
            changed: vec![member()],
            left: vec![alice_leaves()],
        }),
        "Leave" => Message::Leave(alice_leaves()),
        "Left" => Message::Left(()),
        "Invited" => Message::Invited(membership::shown()),
        "WorkAsked" => Message::WorkAsked(crate::tracker::work_asked()),
        "WorkDone" => Message::WorkDone(crate::tracker::work_done()),
        "Inquire" => Message::Inquire(example::member_record()),
        "Admissible" => Message::Admissible(Admissible {
            genesis: Some(example::genesis()),
            reached: Some(true),
        }),
        "Challenge" => Message::Challenge(7),
        "ChallengeAnswer" => Message::ChallengeAnswer(ChallengeAnswer {
            number: 7,
            height: Height(1),
        }),
        "Statements" => Message::Statements(vec![membership::said("expel")]),
        "Delegated" => Message::Delegated(membership::bob_may_issue()),
        "RegisterCopy" => Message::RegisterCopy(RegisterCopy {
            former: vec![FormerName {
                name: "carol".parse().expect("a name"),
                key: bob().public_key(),
                left: Some(NOW),
                leaving: None,
            }],
            invitations: vec![InvitationUse {
                invitation: membership::shown().invitation,
                used: 1,
                revoked: None,
            }],
        }),
        "CertificateIssued" => Message::CertificateIssued(certificate_for(alice().public_key())),
        other => panic!("no message is called {other}"),
    }
}

/// A message as a frame.
pub fn message(work: &mut Work) {
    let name = work.given("name");
    let message = example_of(name);
    assert_eq!(message.name(), name);
    work.found("code", message.code());
    let bytes = message.to_frame().expect("within the cap");
    let mut rest = bytes.as_slice();
    let frame = FrameDecoder::new(Message::most).next(&mut rest);
    let frame = frame.expect("a frame").expect("a whole one");
    assert_eq!(Message::decode(&frame), Ok(message));
    work.found_bytes("frame", &bytes);
}
