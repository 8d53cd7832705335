use super::*;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

fn alice() -> SecretKey {
    SecretKey::from_bytes([1; 32])
}

fn bob() -> SecretKey {
    SecretKey::from_bytes([2; 32])
}

fn about() -> NoteContext {
    NoteContext {
        network: [7; 32],
        sender: alice().public_key(),
        recipient: bob().public_key(),
        salt: [8; 16],
    }
}

fn text(text: &str) -> NoteText {
    NoteText::new(text).unwrap()
}

fn filled(byte: u8) -> NoteSeed {
    let mut seed = NoteSeed::default();
    seed.as_mut().fill(byte);
    seed
}

fn sealed_as(text: &NoteText, seed: u8) -> Vec<u8> {
    let note = alice().seal_note(&bob().sealing_key(), &about(), text, &filled(seed));
    note.unwrap()
}

fn sealed(said: &str) -> Vec<u8> {
    sealed_as(&text(said), 9)
}

/// What only a faulty or hostile program would make: any bytes in place of the filled-up text.
fn sealed_body(body: &[u8]) -> Vec<u8> {
    let own = KeyPair::from_scalar(alice().sealing_scalar());
    let (key, seed) = (Key::new([3; 32]), filled(4));
    let mut random = draws(&key, &seed, &own.public(), &[], &[]);
    let mut note = vec![FORM];
    note.extend_from_slice(&own.public().0);
    let associated = about().associated_data();
    let sealed_for = (INFO.as_bytes(), &associated[..]);
    own.seal(
        &bob().sealing_key(),
        sealed_for,
        &*key,
        &mut random,
        &mut note,
    )
    .unwrap();
    note.extend_from_slice(&senders_copy(&own.public(), &key, &associated).unwrap());
    let mut body = body.to_vec();
    let data = InOutBuf::from(body.as_mut_slice());
    let tag = cipher(&key).encrypt_inout_detached(&Nonce::default(), &note, data);
    [note, body, tag.unwrap().to_vec()].concat()
}

#[test]
fn both_read_it_and_nobody_else_does() {
    let note = sealed("see you at eight");
    for reader in [alice(), bob()] {
        let opened = reader.open_note(&about(), &note).unwrap();
        assert_eq!(opened.as_str(), "see you at eight");
    }
    let carol = SecretKey::from_bytes([3; 32]);
    assert_eq!(carol.open_note(&about(), &note), Err(OpenError::NotOurs));
    let mut as_if = about();
    as_if.recipient = carol.public_key();
    assert_eq!(carol.open_note(&as_if, &note), Err(OpenError::Refused));
    as_if = about();
    as_if.sender = carol.public_key();
    assert_eq!(carol.open_note(&as_if, &note), Err(OpenError::Refused));
}

#[test]
fn attack_a_note_of_another_transaction_is_refused() {
    let note = sealed("see you at eight");
    let changes: [fn(&mut NoteContext); 4] = [
        |about| about.network[31] ^= 1,
        |about| about.salt[0] ^= 1,
        |about| about.sender = SecretKey::from_bytes([3; 32]).public_key(),
        |about| about.recipient = SecretKey::from_bytes([3; 32]).public_key(),
    ];
    let mut refused = Vec::new();
    for change in changes {
        let mut about = about();
        change(&mut about);
        for reader in [alice(), bob()] {
            refused.push(reader.open_note(&about, &note).unwrap_err());
        }
    }
    use OpenError::{NotOurs, Refused};
    assert_eq!(
        refused,
        // Network, salt; then who is sender, or recipient, no more, is not even asked.
        [
            Refused, Refused, Refused, Refused, NotOurs, Refused, Refused, NotOurs
        ]
    );
    let turned = NoteContext {
        sender: about().recipient,
        recipient: about().sender,
        ..about()
    };
    for reader in [alice(), bob()] {
        assert_eq!(reader.open_note(&turned, &note), Err(Refused));
    }
}

#[test]
fn attack_a_note_can_not_be_passed_off_as_another_members() {
    // Mallory signs a transaction to bob and puts alice's note, or alice's key, into it.
    let mallory = SecretKey::from_bytes([3; 32]);
    let stolen = sealed("see you at eight");
    let mut about = about();
    about.sender = mallory.public_key();
    assert_eq!(bob().open_note(&about, &stolen), Err(OpenError::Refused));
    let seed = filled(9);
    let note = mallory.seal_note(&bob().sealing_key(), &about, &text("hi"), &seed);
    let mut note = note.unwrap();
    assert_eq!(bob().open_note(&about, &note).unwrap().as_str(), "hi");
    note[SENDER_AT..FOR_RECIPIENT_AT].copy_from_slice(&alice().sealing_key().0);
    assert_eq!(bob().open_note(&about, &note), Err(OpenError::Refused));
    // Nor can a note be sealed in alice's name.
    about.sender = alice().public_key();
    assert_eq!(
        mallory.seal_note(&bob().sealing_key(), &about, &text("hi"), &seed),
        Err(SealError::NotTheSender)
    );
}

#[test]
fn attack_every_flipped_bit_is_noticed_by_both_readers() {
    let note = sealed("see you at eight");
    for bit in 0..note.len() * 8 {
        let mut note = note.clone();
        note[bit / 8] ^= 1 << (bit % 8);
        for reader in [alice(), bob()] {
            let refused = reader.open_note(&about(), &note).unwrap_err();
            let in_copy = (FOR_SENDER_AT..TEXT_AT).contains(&(bit / 8));
            let expected = match bit / 8 {
                0 => OpenError::UnknownForm(note[0]),
                _ if in_copy && reader.public_key() == about().recipient => OpenError::TwoTexts,
                _ => OpenError::Refused,
            };
            assert_eq!(refused, expected, "bit {bit}");
        }
    }
}

/// A note of alice's whose two copies hold these keys, and whose text stands under the first of them.
fn note_with_two_keys(for_bob: u8, for_alice: u8) -> Vec<u8> {
    let own = KeyPair::from_scalar(alice().sealing_scalar());
    let [for_bob, for_alice] = [for_bob, for_alice].map(|byte| Key::new([byte; 32]));
    let associated = about().associated_data();
    let mut random = draws(&for_bob, &filled(4), &own.public(), &[], &[]);
    let mut note = vec![FORM];
    note.extend_from_slice(&own.public().0);
    let sealed_for = (INFO.as_bytes(), &associated[..]);
    let to = bob().sealing_key();
    own.seal(&to, sealed_for, &*for_bob, &mut random, &mut note)
        .unwrap();
    note.extend_from_slice(&senders_copy(&own.public(), &for_alice, &associated).unwrap());
    let mut body = [&[2, 0][..], b"hi", &[0; 62]].concat();
    let data = InOutBuf::from(body.as_mut_slice());
    let tag = cipher(&for_bob).encrypt_inout_detached(&Nonce::default(), &note, data);
    [note, body, tag.unwrap().to_vec()].concat()
}

#[test]
fn attack_a_note_that_its_two_readers_would_read_differently_is_opened_by_neither() {
    let note = note_with_two_keys(3, 3);
    for reader in [alice(), bob()] {
        assert_eq!(reader.open_note(&about(), &note), Ok(text("hi")));
    }
    // Bob could read this one, and what alice shows as her copy would be under another key.
    let note = note_with_two_keys(3, 4);
    assert_eq!(bob().open_note(&about(), &note), Err(OpenError::TwoTexts));
    assert_eq!(alice().open_note(&about(), &note), Err(OpenError::Refused));
}

#[test]
fn attack_a_senders_copy_that_only_its_sender_could_have_drawn_is_opened_by_neither() {
    // The right key, but sealed with other random numbers: nothing binds it to the recipient's copy.
    let mut note = note_with_two_keys(3, 3);
    let associated = about().associated_data();
    let mut random = draws(
        &Key::new([9; 32]),
        &filled(4),
        &alice().sealing_key(),
        &[],
        &[],
    );
    let mut copy = Vec::new();
    let sealed_for = (INFO.as_bytes(), &associated[..]);
    seal_for(
        &alice().sealing_key(),
        sealed_for,
        &[3; 32],
        &mut random,
        &mut copy,
    )
    .unwrap();
    note[FOR_SENDER_AT..TEXT_AT].copy_from_slice(&copy);
    for reader in [alice(), bob()] {
        assert_eq!(reader.open_note(&about(), &note), Err(OpenError::TwoTexts));
    }
}

#[test]
fn attack_a_sender_can_not_disown_its_copy_by_another_sealing_key() {
    // Sealed with a key that is not the one of alice's wallet: she could never read it.
    let mut as_alice = about();
    let carol = SecretKey::from_bytes([3; 32]);
    as_alice.sender = carol.public_key();
    let note = carol.seal_note(&bob().sealing_key(), &as_alice, &text("hi"), &filled(9));
    assert_eq!(
        alice().open_note(&about(), &note.unwrap()),
        Err(OpenError::Refused)
    );
}

#[test]
fn attack_copies_that_change_places_are_noticed() {
    let mut note = sealed("see you at eight");
    note[FOR_RECIPIENT_AT..TEXT_AT].rotate_left(SEALED_KEY_LEN);
    for reader in [alice(), bob()] {
        assert_eq!(reader.open_note(&about(), &note), Err(OpenError::Refused));
    }
}

#[test]
fn what_is_no_sealed_note_is_refused_by_its_length_or_form() {
    let note = sealed("see you at eight");
    let open = |note: &[u8]| bob().open_note(&about(), note).unwrap_err();
    assert_eq!(open(&[]), OpenError::Length(0));
    assert_eq!(open(b"hello"), OpenError::UnknownForm(b'h'));
    for length in 1..note.len() {
        assert_eq!(open(&note[..length]), OpenError::Length(length));
    }
    let longer = [&note[..], &[0]].concat();
    assert_eq!(open(&longer), OpenError::Length(note.len() + 1));
}

#[test]
fn a_text_that_is_not_filled_up_as_it_should_be_is_refused() {
    let body = |length: u16, text: &[u8], class: usize| {
        let mut body = length.to_le_bytes().to_vec();
        body.extend_from_slice(text);
        body.resize(LENGTH_LEN + class, 0);
        body
    };
    let open = |body: Vec<u8>| {
        let note = sealed_body(&body);
        let [one, other] = [alice(), bob()].map(|reader| reader.open_note(&about(), &note));
        assert_eq!(one, other);
        one
    };
    assert_eq!(open(body(2, b"hi", 64)), Ok(text("hi")));
    let mut filled_with_ones = body(2, b"hi", 64);
    *filled_with_ones.last_mut().unwrap() = 1;
    let wrong = [
        filled_with_ones,
        body(2, b"hi", 256),
        body(1, b"hi", 64),
        body(65, b"hi", 64),
        body(u16::MAX, b"hi", 8192),
        body(0, b"", 64),
        body(2, b"\xc3\x28", 64),
    ];
    for body in wrong {
        assert_eq!(open(body), Err(OpenError::BadText));
    }
}

#[test]
fn the_length_tells_only_the_class() {
    let length = |bytes: usize| sealed(&"x".repeat(bytes)).len();
    let mut last = 0;
    for class in NOTE_CLASSES {
        assert_eq!(length(last + 1), length(class));
        assert_eq!(length(class), sealed_len(class));
        last = class;
    }
    assert_eq!(length(MAX_NOTE_TEXT), MAX_SEALED_NOTE);
    assert_eq!(MAX_SEALED_NOTE, 8_403);
}

#[test]
fn texts_have_their_bounds() {
    assert_eq!(NoteText::new(""), Err(NoteTextError::Empty));
    let found = MAX_NOTE_TEXT + 1;
    assert_eq!(
        NoteText::new("x".repeat(found)),
        Err(NoteTextError::TooLong { found })
    );
    assert_eq!(format!("{:?}", text("secret")), "NoteText(6 bytes)");
}

#[test]
fn attack_a_key_under_which_nothing_is_secret_is_refused() {
    for point in curve25519_dalek::constants::EIGHT_TORSION {
        let to = SealingKey(point.to_montgomery().to_bytes());
        let seed = filled(9);
        assert_eq!(
            alice().seal_note(&to, &about(), &text("hi"), &seed),
            Err(SealError::RecipientKey)
        );
    }
}

#[test]
fn one_seed_never_gives_two_texts_the_same_key() {
    assert_eq!(sealed("yes"), sealed("yes"));
    let [yes, no] = [sealed("yes"), sealed("not")];
    // The public keys of both copies follow from the draws.
    for at in [FOR_RECIPIENT_AT, FOR_SENDER_AT] {
        assert_ne!(part::<32>(&yes, at), part::<32>(&no, at));
    }
    // As one stream of bits under one key they would differ in two letters only.
    let differ = |a: &[u8], b: &[u8]| a.iter().zip(b).filter(|(a, b)| a != b).count();
    assert!(differ(&yes[TEXT_AT..], &no[TEXT_AT..]) > 60);
    let text = text("yes");
    assert_ne!(sealed_as(&text, 1), sealed_as(&text, 2));
}

#[test]
fn any_text_comes_out_as_it_went_in() {
    let texts = prop_oneof!["\\PC{1,80}", "[a-zäß€😀\\x00-\\x1f]{1,900}"];
    TestRunner::new(ProptestConfig::with_cases(64))
        .run(&(texts, any::<u8>()), |(said, seed)| {
            let note = sealed_as(&text(&said), seed);
            for reader in [alice(), bob()] {
                let opened = reader.open_note(&about(), &note).unwrap();
                prop_assert_eq!(opened.as_str(), &said);
            }
            Ok(())
        })
        .unwrap();
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_harm(mut note in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(bob().open_note(&about(), &note).is_err());
        note.resize(sealed_len(64), 1);
        note[0] = FORM;
        prop_assert_eq!(bob().open_note(&about(), &note), Err(OpenError::Refused));
    }
}
