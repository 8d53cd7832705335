//! Examples of canonical bytes, hashes, keys, signatures and what people copy.

use crate::work::{Work, hex};
use bech32::{Bech32m, Hrp};
use ed25519_dalek::SigningKey;
use raclette::canonical::{self, Malformed};
use raclette::chain::{Salt, Topic};
use raclette::entropy::Entropy;
use raclette::keys::{
    Lock, Passphrase, PublicKey, SecretKey, Signature, SignatureError, SignatureItem, Stored,
    WalletFile, verify, verify_batch,
};
use raclette::membership::Address;
use raclette::membership::MemberName;
use raclette::wire::NodeRole;
use raclette::wire::message::Goodbye;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::os::unix::fs::PermissionsExt;

/// Bytes that are, or are not, the canonical form of a type.
pub fn canonical_bytes(work: &mut Work) {
    let kind = work.given("type");
    let bytes = work.bytes("bytes");
    let verdict = match kind {
        "number" => judge::<u64>(&bytes),
        "salt" => judge::<Salt>(&bytes),
        "topic" => judge::<Topic>(&bytes),
        "name" => judge::<MemberName>(&bytes),
        "role" => judge::<NodeRole>(&bytes),
        "address or nothing" => judge::<Option<Address>>(&bytes),
        "goodbye" => judge::<Goodbye>(&bytes),
        "nothing" => judge::<()>(&bytes),
        "yes or no" => judge::<bool>(&bytes),
        other => panic!("no type is called {other}"),
    };
    work.found("verdict", verdict);
}

fn judge<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> &'static str {
    match canonical::decode::<T>(bytes) {
        Ok(value) => {
            assert_eq!(canonical::encode(&value), bytes);
            "accepted"
        }
        Err(Malformed::NotCanonical) => "refused: not canonical",
        Err(Malformed::Undecodable(_)) => "refused: does not decode",
    }
}

/// A hash under a context, or a plain one.
pub fn hash(work: &mut Work) {
    let context = work.maybe("context");
    let input = work.bytes("input");
    let hash = match context {
        Some(context) => blake3::derive_key(context, &input),
        None => *blake3::hash(&input).as_bytes(),
    };
    work.found_bytes("hash", &hash);
}

/// A root secret and everything derived from it, worked out here a second time.
pub fn key(work: &mut Work) {
    let root = work.array("root");
    let secret = SecretKey::from_bytes(root);
    let seed = blake3::derive_key("raclette 2026-11 signing key", &root);
    work.found_bytes("signing_seed", &seed);
    let public = secret.public_key();
    assert_eq!(
        SigningKey::from_bytes(&seed).verifying_key().to_bytes(),
        public.0
    );
    work.found("public_key", public);
    let scalar = blake3::derive_key("raclette 2026-11 sealing key", &root);
    work.found_bytes("sealing_scalar", &scalar);
    work.found("sealing_key", secret.sealing_key());
    let address = public.to_address();
    assert_eq!(PublicKey::from_address(&address), Ok(public));
    let prefix = Hrp::parse("rac").expect("a prefix");
    assert_eq!(
        bech32::encode::<Bech32m>(prefix, &public.0).as_ref(),
        Ok(&address)
    );
    work.found("address", address);
}

/// A text that is no address, and why.
pub fn address_refused(work: &mut Work) {
    let text = work.given("text");
    let refusal = PublicKey::from_address(text).expect_err("it is refused");
    work.found("refused", refusal);
}

/// What a wallet file holds, if it is open, or opens with the passphrase.
fn secret_in(file: &WalletFile, passphrase: Option<&Passphrase>) -> SecretKey {
    match (file.read().expect("it is a wallet file"), passphrase) {
        (Stored::Open(secret), None) => *secret,
        (Stored::Locked(locked), Some(passphrase)) => {
            locked.unlock(passphrase).expect("the right passphrase")
        }
        (other, _) => panic!("{other:?}"),
    }
}

/// Gives one byte again and again.
struct Same(u8);

impl Entropy for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// A wallet file, open or locked, and that it is read back.
pub fn wallet_file(work: &mut Work) {
    let root: [u8; 32] = work.array("root");
    let passphrase = work.maybe("passphrase").map(|text| {
        let text = zeroize::Zeroizing::new(text.to_owned());
        Passphrase::given(text).expect("short enough")
    });
    let random = work.maybe("random");
    let random = random.map(|byte| Same(byte.parse().expect("a number")));
    let lock = passphrase.as_ref().map(|passphrase| {
        let random = random.as_ref().expect("a lock takes random bytes");
        Lock::new(passphrase, random).expect("long enough")
    });
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key.pem");
    let secret = SecretKey::from_bytes(root);
    let file = WalletFile::new(&path);
    file.create(&secret, lock.as_ref())
        .expect("it can be written");
    let text = std::fs::read_to_string(&path).expect("it can be read");
    for (line, number) in text.lines().zip(1..) {
        work.found(&format!("line.{number}"), line);
    }
    work.found("length", text.len());
    let mode = std::fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    work.found("mode", format!("{:04o}", mode & 0o7777));
    let read = secret_in(&file, passphrase.as_ref());
    assert_eq!(read.public_key(), secret.public_key());
    work.found("public_key", read.public_key());
}

/// The words of a root secret.
pub fn words(work: &mut Work) {
    let secret = SecretKey::from_bytes(work.array("root"));
    let words = secret.words();
    let words: Vec<_> = words.iter().collect();
    for (line, number) in words.chunks(8).zip(1..) {
        work.found(&format!("words.{number}"), line.join(" "));
    }
    let again = SecretKey::from_words(&words.join(" ")).expect("they are right");
    assert_eq!(again.public_key(), secret.public_key());
}

/// A signature and its verdict, alone and in a batch.
pub fn signature(work: &mut Work) {
    let item = SignatureItem {
        key: PublicKey(work.array("key")),
        message: work.array("message"),
        signature: Signature(work.array("signature")),
    };
    let verdict = verify(&item.key, &item.message, &item.signature);
    assert_eq!(verify_batch(&[item; 20]), vec![verdict; 20]);
    let refusal = |error| match error {
        SignatureError::KeyNotCanonical => "refused: key not canonical",
        SignatureError::KeySmallOrder => "refused: key of small order",
        SignatureError::KeyNotAPoint => "refused: key not a point",
        SignatureError::Invalid => "refused: does not fit",
    };
    work.found("verdict", verdict.map_or_else(refusal, |()| "accepted"));
}

/// A member's name.
pub fn name(work: &mut Work) {
    let text = work.given("text");
    work.verdict("verdict", text.parse::<MemberName>().map(drop));
}

/// Whether each text is an address to dial.
pub fn addresses_to_dial(work: &mut Work) {
    for (text, _) in work.all_given() {
        let verdict = match text.parse::<Address>() {
            Ok(_) => "an address",
            Err(_) => "none",
        };
        work.found(text, verdict);
    }
}

/// The encodings of the points of small order.
pub fn small_order(work: &mut Work) {
    for (key, number) in small_order_keys().iter().zip(1..) {
        let refused = PublicKey(*key).check();
        assert_eq!(refused, Err(SignatureError::KeySmallOrder), "{}", hex(key));
        work.found_bytes(&format!("key.{number}"), key);
    }
}

fn small_order_keys() -> [[u8; 32]; 8] {
    curve25519_dalek::constants::EIGHT_TORSION.map(|point| point.compress().0)
}
