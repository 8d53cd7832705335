use super::*;
use crate::chain::testing::member;
use proptest::prelude::*;

fn key(bytes: [u8; 32]) -> PublicKey {
    PublicKey(bytes)
}

fn action() -> impl Strategy<Value = Action> {
    let bytes = |most| prop::collection::vec(any::<u8>(), 0..most);
    prop_oneof![
        (any::<[u8; 32]>(), any::<u64>(), bytes(400)).prop_map(|(to, amount, note)| {
            Action::Transfer {
                to: key(to),
                amount: Amount(amount),
                note: Note::new(note).unwrap(),
            }
        }),
        ("\\PC{0,8}", bytes(400)).prop_map(|(topic, body)| Action::Record {
            topic: Topic::new(topic).unwrap(),
            body: RecordBody::new(body).unwrap(),
        }),
        (any::<[u8; 32]>(), any::<u64>(), any::<u64>()).prop_map(|(to, height, amount)| {
            Action::Reward {
                to: key(to),
                height: Height(height),
                amount: Amount(amount),
            }
        }),
    ]
}

prop_compose! {
    fn transactions()(
        network: [u8; 32],
        sender: [u8; 32],
        salt: [u8; 16],
        expires_at: u64,
        fee: u64,
        action in action(),
        signature: [u8; 64],
    ) -> Transaction {
        Transaction {
            payload: Payload {
                network: crate::chain::BlockId(network),
                sender: key(sender),
                salt: Salt(salt),
                expires_at: Height(expires_at),
                fee: Amount(fee),
                action,
            },
            signature: Signature(signature),
        }
    }
}

proptest! {
    #[test]
    fn every_transaction_goes_through_its_bytes(transaction in transactions()) {
        let encoded = EncodedTransaction::new(transaction.clone());
        let decoded = EncodedTransaction::decode(&encoded.bytes()).unwrap();
        prop_assert_eq!(decoded.transaction(), &transaction);
        prop_assert_eq!(decoded.id(), encoded.id());
        prop_assert_eq!(decoded.witness(), encoded.witness());
        prop_assert_eq!(decoded.signature_item(), encoded.signature_item());
        // What is signed are the payload's own bytes, wherever they are taken from.
        let payload = canonical::encode(&transaction.payload);
        let bytes = encoded.bytes();
        prop_assert_eq!(payload_bytes(&bytes), payload.as_slice());
    }

    #[test]
    fn the_signature_is_in_the_witness_and_not_in_the_id(
        transaction in transactions(),
        bit in 0..512usize,
    ) {
        let mut other = transaction.clone();
        other.signature.0[bit / 8] ^= 1 << (bit % 8);
        let (one, other) = (EncodedTransaction::new(transaction), EncodedTransaction::new(other));
        prop_assert_eq!(one.id(), other.id());
        prop_assert_eq!(one.signature_item().message, other.signature_item().message);
        prop_assert_ne!(one.witness(), other.witness());
        prop_assert_ne!(one, other);
    }

    #[test]
    fn cuts_and_tails_are_refused(transaction in transactions(), tail in 1..4usize) {
        let bytes = EncodedTransaction::new(transaction).bytes();
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            prop_assert!(EncodedTransaction::decode(&bytes[..cut]).is_err());
        }
        let longer = [bytes, vec![0xc0; tail]].concat();
        prop_assert_eq!(EncodedTransaction::decode(&longer), Err(Malformed::NotCanonical));
    }

    #[test]
    fn a_changed_bit_gives_another_transaction_or_none(
        transaction in transactions(),
        at in any::<prop::sample::Index>(),
        bit in 0..8u32,
    ) {
        let encoded = EncodedTransaction::new(transaction);
        let mut bytes = encoded.bytes();
        *at.get_mut(&mut bytes) ^= 1u8 << bit;
        if let Ok(other) = EncodedTransaction::decode(&bytes) {
            prop_assert_ne!(other.witness(), encoded.witness());
            prop_assert_eq!(other.bytes(), bytes);
        }
    }
}

/// The parts of a transaction as they are spelled in MessagePack, none of them by the encoder.
struct Spelled {
    array_of_two: Vec<u8>,
    array_of_six: Vec<u8>,
    expires_at: Vec<u8>,
    fee: Vec<u8>,
    action: Vec<u8>,
    after: Vec<u8>,
}

fn bin(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    [&[0xc4, length][..], bytes].concat()
}

fn transfer_action(head: u8, code: &[u8], amount: &[u8], note: &[u8]) -> Vec<u8> {
    [&[head][..], code, &bin(&[0x33; 32]), amount, note].concat()
}

impl Spelled {
    fn transfer() -> Self {
        Self {
            array_of_two: vec![0x92],
            array_of_six: vec![0x96],
            expires_at: vec![0xcd, 0x03, 0xe8],
            fee: vec![2],
            action: transfer_action(0x94, &[1], &[0x7f], &bin(b"sealed")),
            after: Vec::new(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        [
            self.array_of_two.clone(),
            self.array_of_six.clone(),
            bin(&[0x11; 32]),
            bin(&[0x22; 32]),
            bin(&[0x55; 16]),
            self.expires_at.clone(),
            self.fee.clone(),
            self.action.clone(),
            bin(&[0x44; 64]),
            self.after.clone(),
        ]
        .concat()
    }

    fn with_action(action: Vec<u8>) -> Vec<u8> {
        let plain = Self::transfer();
        Self { action, ..plain }.bytes()
    }
}

fn refused(bytes: &[u8]) -> bool {
    EncodedTransaction::decode(bytes).is_err()
}

#[test]
fn a_transfer_has_these_bytes_and_this_id() {
    let transaction = Transaction {
        payload: Payload {
            network: crate::chain::BlockId([0x11; 32]),
            sender: key([0x22; 32]),
            salt: Salt([0x55; 16]),
            expires_at: Height(1_000),
            fee: Amount(2),
            action: Action::Transfer {
                to: key([0x33; 32]),
                amount: Amount(127),
                note: Note::new(b"sealed".to_vec()).unwrap(),
            },
        },
        signature: Signature([0x44; 64]),
    };
    let encoded = EncodedTransaction::new(transaction);
    assert_eq!(encoded.bytes(), Spelled::transfer().bytes());
    let payload = &Spelled::transfer().bytes()[1..];
    let payload = &payload[..payload.len() - 66];
    let derived = blake3::derive_key("raclette 2026-11 transaction id", payload);
    assert_eq!(encoded.id().0, derived);
    assert_eq!(
        encoded.id().to_string(),
        "b9bd81bf9ae17e124b9cd7b72a918c783a7cc4d91847496ee883e3c5c3594e35"
    );
    let leaf = [&[0][..], &derived, &[0x44; 64]].concat();
    assert_eq!(encoded.witness().0, *blake3::hash(&leaf).as_bytes());
    let signed = blake3::derive_key("raclette 2026-11 transaction signature", payload);
    assert_eq!(encoded.signature_item().message, signed);
    assert_ne!(signed, derived);
}

#[test]
fn a_record_and_a_reward_have_these_bytes() {
    let record = Action::Record {
        topic: Topic::new("vote").unwrap(),
        body: RecordBody::new(vec![9, 8]).unwrap(),
    };
    let spelled = [&[0x93, 2, 0xa4][..], b"vote", &bin(&[9, 8])].concat();
    assert_eq!(canonical::encode(&record), spelled);
    let reward = Action::Reward {
        to: key([0x33; 32]),
        height: Height(128),
        amount: Amount(65_536),
    };
    let spelled = [
        &[0x94, 3][..],
        &bin(&[0x33; 32]),
        &[0xcc, 0x80],
        &[0xce, 0, 1, 0, 0],
    ];
    assert_eq!(canonical::encode(&reward), spelled.concat());
}

#[test]
fn wide_integers_are_refused() {
    let plain = Spelled::transfer;
    for fee in [
        vec![0xcc, 2],
        vec![0xcd, 0, 2],
        vec![0xd0, 2],
        vec![0xcf, 0, 0, 0, 0, 0, 0, 0, 2],
    ] {
        assert!(refused(&Spelled { fee, ..plain() }.bytes()));
    }
    let expires_at = vec![0xce, 0, 0, 0x03, 0xe8];
    assert!(refused(
        &Spelled {
            expires_at,
            ..plain()
        }
        .bytes()
    ));
    let note = bin(b"sealed");
    for code in [&[0xcc, 1][..], &[0xd0, 1]] {
        let action = transfer_action(0x94, code, &[0x7f], &note);
        assert!(refused(&Spelled::with_action(action)));
    }
}

#[test]
fn numbers_that_are_no_amount_are_refused() {
    let note = bin(b"sealed");
    for amount in [
        &[0xff][..],                        // -1
        &[0xd1, 0xfc, 0x18],                // -1000
        &[0xcb, 0x40, 0, 0, 0, 0, 0, 0, 0], // 2.0
        &[0xc0],                            // nil
        &[0xa1, b'5'],                      // "5"
    ] {
        let action = transfer_action(0x94, &[1], amount, &note);
        assert!(refused(&Spelled::with_action(action)), "{amount:x?}");
    }
}

#[test]
fn other_codes_and_other_counts_of_parts_are_refused() {
    let note = bin(b"sealed");
    for code in [0, 4, 0x7f, 0xe0] {
        let action = transfer_action(0x94, &[code], &[0x7f], &note);
        assert!(refused(&Spelled::with_action(action)));
    }
    // A record's code before a transfer's parts.
    let action = transfer_action(0x94, &[2], &[0x7f], &note);
    assert!(refused(&Spelled::with_action(action)));
    let longer = [transfer_action(0x95, &[1], &[0x7f], &note), vec![0]].concat();
    assert!(refused(&Spelled::with_action(longer)));
    let shorter = transfer_action(0x93, &[1], &[0x7f], &[]);
    assert!(refused(&Spelled::with_action(shorter)));
    let wide_head = [
        &[0xdc, 0, 4][..],
        &transfer_action(0x94, &[1], &[0x7f], &note)[1..],
    ];
    assert!(refused(&Spelled::with_action(wide_head.concat())));
    let after = vec![0xc0];
    let array_of_two = vec![0x93];
    let three = Spelled {
        array_of_two,
        after,
        ..Spelled::transfer()
    };
    assert!(refused(&three.bytes()));
    let array_of_six = vec![0x97];
    let seven = Spelled {
        array_of_six,
        ..Spelled::transfer()
    };
    assert!(refused(&seven.bytes()));
}

#[test]
fn maps_and_texts_in_place_of_arrays_and_bytes_are_refused() {
    let named = [
        &[0x84, 0xa4][..],
        b"code",
        &[1, 0xa2],
        b"to",
        &bin(&[0x33; 32]),
        &[0xa6],
        b"amount",
        &[0x7f, 0xa4],
        b"note",
        &bin(b"sealed"),
    ];
    assert!(refused(&Spelled::with_action(named.concat())));
    let text = [&[0xa6][..], b"sealed"].concat();
    let action = transfer_action(0x94, &[1], &[0x7f], &text);
    assert!(refused(&Spelled::with_action(action)));
    let wide_bin = [&[0xc5, 0, 6][..], b"sealed"].concat();
    let action = transfer_action(0x94, &[1], &[0x7f], &wide_bin);
    assert!(refused(&Spelled::with_action(action)));
}

fn long_bin(length: usize) -> Vec<u8> {
    let mut bytes = match u16::try_from(length) {
        Ok(short) => [&[0xc5][..], &short.to_be_bytes()].concat(),
        Err(_) => [&[0xc6][..], &(length as u32).to_be_bytes()].concat(),
    };
    bytes.resize(bytes.len() + length, 0);
    bytes
}

#[test]
fn notes_topics_and_bodies_above_their_caps_are_refused() {
    let note = |length| {
        let action = transfer_action(0x94, &[1], &[0x7f], &long_bin(length));
        Spelled::with_action(action)
    };
    assert!(!refused(&note(MAX_NOTE)));
    assert!(refused(&note(MAX_NOTE + 1)));
    let record = |topic: usize, body: usize| {
        let head = match topic {
            0..32 => vec![0xa0 | topic as u8],
            _ => vec![0xd9, topic as u8],
        };
        Spelled::with_action([&[0x93, 2][..], &head, &vec![b'a'; topic], &long_bin(body)].concat())
    };
    assert!(!refused(&record(MAX_TOPIC, MAX_RECORD)));
    assert!(refused(&record(MAX_TOPIC + 1, MAX_RECORD)));
    assert!(refused(&record(MAX_TOPIC, MAX_RECORD + 1)));
}

#[test]
fn what_is_signed_verifies_and_binds_every_field() {
    let payload = Payload {
        network: crate::chain::BlockId([1; 32]),
        sender: member(1).public_key(),
        salt: Salt([0; 16]),
        expires_at: Height(10),
        fee: Amount(1),
        action: Action::Transfer {
            to: member(2).public_key(),
            amount: Amount(5),
            note: Note::default(),
        },
    };
    let signed = payload.clone().sign(&member(1));
    let verifies = |payload: Payload| {
        let transaction = Transaction {
            payload,
            signature: signed.signature,
        };
        let item = EncodedTransaction::new(transaction).signature_item();
        crate::keys::verify(&item.key, &item.message, &item.signature).is_ok()
    };
    assert!(verifies(payload.clone()));
    let to = |n: u8, amount| Action::Transfer {
        to: member(n).public_key(),
        amount: Amount(amount),
        note: Note::default(),
    };
    let p = || payload.clone();
    for changed in [
        Payload {
            network: crate::chain::BlockId([2; 32]),
            ..p()
        },
        Payload {
            sender: member(3).public_key(),
            ..p()
        },
        Payload {
            salt: Salt([1; 16]),
            ..p()
        },
        Payload {
            expires_at: Height(11),
            ..p()
        },
        Payload {
            fee: Amount(2),
            ..p()
        },
        Payload {
            action: to(3, 5),
            ..p()
        },
        Payload {
            action: to(2, 6),
            ..p()
        },
    ] {
        assert!(!verifies(changed));
    }
}
