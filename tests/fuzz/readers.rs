//! Readers of what other nodes say. None may panic; what they take, they write back as it was.

use crate::corpus::Corpus;
use raclette::apps;
use raclette::apps::voting::Parcel;
use raclette::canonical;
use raclette::chain::proof::{Proof, ProofJson};
use raclette::chain::transaction::RecordBody;
use raclette::chain::{Block, EncodedTransaction, Genesis, Header, Rules, check_signatures};
use raclette::keys::{PublicKey, SecretKey};
use raclette::membership::{
    Authority, Certificate, Delegation, InvitationString, MemberName, MembersRecord,
    SignedStatement,
};
use raclette::wire::channel::{
    ChannelError, ChannelSecrets, Handshake, Introduction, SECRETS_LEN, Side,
};
use raclette::wire::frame::{Frame, FrameDecoder};
use raclette::wire::{Hello, MemberRecord, Message, Receipt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::LazyLock;

/// The network of the examples.
static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let (genesis, _) = Corpus::read().chain();
    Rules::new(genesis, &apps::built_in()).expect("the examples have rules")
});

/// Reads a value; one that was taken has only this one form.
fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<T> {
    let value = canonical::decode(bytes).ok()?;
    assert_eq!(canonical::encode(&value), bytes, "another form was taken");
    Some(value)
}

pub fn frames(bytes: &[u8]) -> bool {
    // At once, and byte by byte: the same frames.
    let mut whole = FrameDecoder::new(Message::most);
    let (mut rest, mut frames) = (bytes, Vec::new());
    let end = loop {
        match whole.next(&mut rest) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    let mut slow = FrameDecoder::new(Message::most);
    let mut again = Vec::new();
    for byte in bytes {
        let mut one = std::slice::from_ref(byte);
        match slow.next(&mut one) {
            Ok(frame) => again.extend(frame),
            Err(_) => break,
        }
        assert!(slow.held() <= bytes.len());
    }
    assert_eq!(again, frames);
    assert!(!end || rest.is_empty());
    let taken = frames.iter().filter(|frame| decoded(frame));
    taken.count() > 0
}

fn decoded(frame: &Frame) -> bool {
    let message = Message::decode(frame);
    if let Ok(message) = &message {
        let mut bytes = &message.to_frame().expect("what came fits a frame")[..];
        let again = FrameDecoder::new(Message::most).next(&mut bytes);
        assert_eq!(again.as_ref().map(Option::as_ref), Ok(Some(frame)));
        let most = Message::most(frame.code).expect("its code has a length");
        assert!(frame.payload.len() <= most, "longer than its code allows");
    }
    message.is_ok()
}

pub fn message(bytes: &[u8]) -> bool {
    let Some((code, payload)) = bytes.split_first_chunk::<2>() else {
        return false;
    };
    let code = u16::from_be_bytes(*code);
    let payload = payload.to_vec();
    let fits = Message::most(code).is_some_and(|most| payload.len() <= most);
    fits && decoded(&Frame { code, payload })
}

pub fn handshake_as_responder(bytes: &[u8]) -> bool {
    handshake(Side::Responder, bytes)
}

pub fn handshake_as_initiator(bytes: &[u8]) -> bool {
    handshake(Side::Initiator, bytes)
}

/// Whether it was taken for one of ours.
fn handshake(side: Side, bytes: &[u8]) -> bool {
    let secrets = ChannelSecrets::from_bytes([9; SECRETS_LEN]);
    let mut handshake = Handshake::new(side, secrets).expect("the secrets are good");
    let mut out = Vec::new();
    let _ = handshake.advance(&mut &[][..], &mut out);
    for piece in bytes.chunks(7) {
        let mut input = piece;
        while !input.is_empty() {
            let before = input.len();
            match handshake.advance(&mut input, &mut out) {
                Ok(None) => {}
                Ok(Some(_)) => panic!("nobody has the other secrets"),
                Err(error) => return error != ChannelError::NotRaclette,
            }
            assert!(input.len() < before, "nothing was read");
        }
        assert!(out.len() < 4_096);
    }
    !bytes.is_empty()
}

pub fn introduction(bytes: &[u8]) -> bool {
    let is_hello = read::<Introduction>(bytes).is_some() || read::<Hello>(bytes).is_some();
    let certificate = read::<Certificate>(bytes);
    if let Some(certificate) = &certificate {
        let authority = Authority::at_genesis(&RULES.genesis().content);
        let key = certificate.statement.key;
        let _ = certificate.check_form(&RULES.network(), &key);
        let _ = certificate.check_issuer(&authority);
    }
    is_hello || certificate.is_some()
}

pub fn header(bytes: &[u8]) -> bool {
    let header = read::<Header>(bytes);
    if let Some(header) = &header {
        let _ = header.target.expand();
        let _ = header.has_work();
        let history = raclette::chain::history::Peaks::default();
        let _ = RULES.check_header(header, &RULES.genesis_entry(), None, &history);
    }
    header.is_some()
}

fn judge(transaction: &EncodedTransaction) {
    if RULES.check_form(transaction).is_ok() {
        let height = transaction.payload().expires_at;
        let _ = RULES.check_expiry(transaction.payload(), height);
        let _ = RULES.is_in_free_budget(transaction);
    }
    assert_eq!(check_signatures(std::slice::from_ref(transaction)).len(), 1);
}

pub fn transaction(bytes: &[u8]) -> bool {
    let transaction = read::<EncodedTransaction>(bytes);
    transaction.iter().for_each(judge);
    transaction.is_some()
}

pub fn block(bytes: &[u8]) -> bool {
    let block = read::<Block>(bytes);
    if let Some(block) = &block {
        let _ = RULES.check_body(block);
        block.transactions.iter().for_each(judge);
    }
    block.is_some()
}

pub fn genesis(bytes: &[u8]) -> bool {
    let Some(genesis) = read::<Genesis>(bytes) else {
        return false;
    };
    let _ = genesis.check();
    Rules::new(genesis, &apps::built_in()).is_ok()
}

pub fn certificate(bytes: &[u8]) -> bool {
    introduction(bytes) || read::<Delegation>(bytes).is_some()
}

pub fn statement(bytes: &[u8]) -> bool {
    let statement = read::<SignedStatement>(bytes);
    if let Some(statement) = &statement {
        let authority = Authority::at_genesis(&RULES.genesis().content);
        let now = RULES.genesis().header.timestamp;
        let _ = statement.check(&authority, &RULES.network(), now);
    }
    statement.is_some()
}

/// Judges a record as that of somebody.
fn record(topic: &str, bytes: &[u8]) -> bool {
    let Ok(body) = RecordBody::new(bytes.to_vec()) else {
        return false;
    };
    let built_in = apps::built_in();
    let found = built_in.iter().find(|one| one.topic().as_str() == topic);
    let application = found.expect("it comes with the program");
    let _ = application.is_outside_free_budget(&body);
    let sender = RULES.genesis().content.founder;
    application.check(&RULES.network(), &sender, &body).is_ok()
}

pub fn members_record(bytes: &[u8]) -> bool {
    let is_record = read::<MembersRecord>(bytes).is_some();
    read::<MemberRecord>(bytes);
    record("members", bytes);
    is_record
}

pub fn ballot_record(bytes: &[u8]) -> bool {
    let parcel = RecordBody::new(bytes.to_vec()).map(|body| Parcel::decode(&body));
    record("vote", bytes);
    matches!(parcel, Ok(Ok(_)))
}

pub fn receipt(bytes: &[u8]) -> bool {
    let receipt = read::<Receipt>(bytes);
    if let Some(receipt) = &receipt {
        let _ = receipt.check(&RULES.network(), &receipt.statement.recipient);
    }
    receipt.is_some()
}

pub fn invitation_string(bytes: &[u8]) -> bool {
    let string = InvitationString::parse(&String::from_utf8_lossy(bytes));
    if let Ok(string) = &string {
        let again = InvitationString::parse(&string.reveal()).expect("it is its own form");
        assert_eq!(*again.reveal(), *string.reveal());
    }
    string.is_ok()
}

pub fn owner_text(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let key = PublicKey::from_address(&text);
    if let Ok(key) = key {
        assert_eq!(PublicKey::from_address(&key.to_address()), Ok(key));
    }
    if let Ok(name) = text.parse::<MemberName>() {
        assert_eq!(name.to_string(), text);
    }
    let _ = SecretKey::from_words(&text);
    let _ = text.parse::<raclette::chain::mempool::OpenPlace>();
    key.is_ok()
}

pub fn proof(bytes: &[u8]) -> bool {
    let proof = Proof::from_bytes(bytes);
    if let Ok(proof) = &proof {
        assert_eq!(proof.to_bytes(), bytes);
        let _ = proof.check();
        let text = serde_json::to_vec(&ProofJson::from(proof)).expect("it has a text");
        let again: ProofJson = serde_json::from_slice(&text).expect("it is its own form");
        assert_eq!(Proof::try_from(again).as_ref().map_err(drop), Ok(proof));
    }
    proof.is_ok()
}

pub fn proof_text(bytes: &[u8]) -> bool {
    let text = serde_json::from_slice::<ProofJson>(bytes).ok();
    let proof = text.and_then(|text| Proof::try_from(text).ok());
    proof.is_some_and(|proof| proof.check().is_ok())
}
