use super::*;
use crate::canonical::from_hex;
use snow::{Builder, HandshakeState};

/// One of the vectors that implementations of Noise check each other with (John Galt's).
const STATIC: [&str; 2] = [
    "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
    "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
];
const EPHEMERAL: [&str; 2] = [
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
];
const HASH: &str = "6c4c56cf71612f72d05ceb96c0155e6f4ea54a26b504c93de632a2db4a49d200";
const SAID: [(&str, &str); 5] = [
    (
        "Ludwig von Mises",
        "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d\
         69736573",
    ),
    (
        "Murray Rothbard",
        "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088437c365eb362a1c991b0557fe8\
         a7fb187d99346765d93ec63db6c1b01504ebeec55a2298d2dbff80eff034d20595153f63a196a6cead1e11b2\
         bb13e336fa13616dd3e8b0a070c882ed3f1a78c7c06c93",
    ),
    (
        "F. A. Hayek",
        "46c3307de83b014258717d97781c1f50936d8b7d50c0722a1739654d10392d415b670c114f79b9a4f8054157\
         0f77ce88802efa4220cff733e7b5668ba38059ec904b4b8eef9448085faf51",
    ),
    (
        "Carl Menger",
        "d5e83adfaac5dc324a68f1862df54549e56d209fba707205f328b2",
    ),
    (
        "Jean-Baptiste Say",
        "d102c9029b1f55c788f561ba7737afbccef9c9f1bf2f238167fd40ba9c1c134867",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| from_hex::<1>(std::str::from_utf8(pair).unwrap()).unwrap()[0])
        .collect()
}

fn party(side: usize) -> HandshakeState {
    let key = |text| Key::new(from_hex(text).unwrap());
    let params = "Noise_XX_25519_ChaChaPoly_BLAKE2s".parse().unwrap();
    let primitives = Box::new(Primitives::new(key(EPHEMERAL[side])));
    let secret = key(STATIC[side]);
    let builder = Builder::with_resolver(params, primitives);
    let builder = builder.prologue(b"John Galt").unwrap();
    let builder = builder.local_private_key(&*secret).unwrap();
    match side {
        0 => builder.build_initiator().unwrap(),
        _ => builder.build_responder().unwrap(),
    }
}

#[test]
fn the_published_handshake_comes_out_byte_for_byte() {
    let mut parties = [party(0), party(1)];
    let mut buffer = [0; 1_000];
    for (turn, (said, sealed)) in SAID[..3].iter().enumerate() {
        let [speaker, listener] = [turn % 2, 1 - turn % 2];
        let length = parties[speaker]
            .write_message(said.as_bytes(), &mut buffer)
            .unwrap();
        assert_eq!(buffer[..length], bytes(sealed), "message {turn}");
        let mut heard = [0; 1_000];
        let length = parties[listener]
            .read_message(&buffer[..length], &mut heard)
            .unwrap();
        assert_eq!(&heard[..length], said.as_bytes());
    }
    for party in &mut parties {
        assert_eq!(party.get_handshake_hash(), bytes(HASH));
        // The two directions: the responder's word comes next, then the initiator's.
        let (initiator, responder) = party.dangerously_get_raw_split();
        for (key, (said, sealed)) in [responder, initiator].into_iter().zip(&SAID[3..]) {
            let cipher = ChaChaPoly::new(&key);
            let mut data = said.as_bytes().to_vec();
            let tag = cipher.seal(0, &[], &mut data);
            data.extend(tag);
            assert_eq!(data, bytes(sealed));
            assert_eq!(cipher.open(0, &[], &mut data), Some(said.as_bytes()));
        }
    }
}

#[test]
fn what_is_changed_or_numbered_otherwise_does_not_open() {
    let cipher = ChaChaPoly::new(&[7; 32]);
    let mut sealed = b"five coins".to_vec();
    let tag = cipher.seal(3, b"with", &mut sealed);
    sealed.extend(tag);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(cipher.open(3, b"with", &mut changed), None, "byte {at}");
    }
    assert_eq!(cipher.open(4, b"with", &mut sealed.clone()), None);
    assert_eq!(cipher.open(3, b"", &mut sealed.clone()), None);
    assert_eq!(cipher.open(3, b"with", &mut [0; 15]), None);
    let mut other = ChaChaPoly::new(&[7; 32]);
    other.rekey();
    assert_eq!(other.open(3, b"with", &mut sealed.clone()), None);
    assert!(cipher.open(3, b"with", &mut sealed).is_some());
}

/// Section 4.2 of the Noise specification, as its implementation has it.
#[test]
fn the_next_key_is_that_of_noise() {
    let mut ours = ChaChaPoly::new(&[7; 32]);
    let mut next = [0; KEY_LEN + TAG_LEN];
    ours.encrypt(u64::MAX, &[], &[0; KEY_LEN], &mut next);
    ours.rekey();
    let theirs = ChaChaPoly::new(next.first_chunk().unwrap());
    let [mut one, mut other] = [[1; 40]; 2];
    assert_eq!(ours.seal(5, &[], &mut one), theirs.seal(5, &[], &mut other));
    assert_eq!(one, other);
}

/// Such a key would make the secret foreseeable for a third.
#[test]
fn a_public_key_of_small_order_makes_no_secret() {
    let mut own = X25519::default();
    own.set(&[7; 32]);
    for public in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        assert!(own.dh(&public, &mut [0; 56]).is_err());
    }
    let mut other = X25519::default();
    other.set(&[8; 32]);
    let (mut here, mut there) = ([0; 56], [0; 56]);
    own.dh(&other.public, &mut here).unwrap();
    other.dh(&own.public, &mut there).unwrap();
    assert_eq!(here, there);
}

#[test]
fn there_is_randomness_for_one_key_alone() {
    let mut drawn = Drawn(Some(Key::new([5; 32])));
    let mut bytes = [0; 32];
    drawn.try_fill_bytes(&mut bytes).unwrap();
    assert_eq!(bytes, [5; 32]);
    assert!(drawn.try_fill_bytes(&mut bytes).is_err());
    assert!(Drawn(None).try_fill_bytes(&mut [0; 31]).is_err());
}
