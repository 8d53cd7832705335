use super::*;
use proptest::prelude::*;
use proptest::sample::Index;

/// What alice seals for bob, each by itself.
fn sealed(alice: &mut Channel, said: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let seal = |data: &Vec<u8>| {
        let mut out = Vec::new();
        let kind = if data.is_empty() {
            RecordKind::Rekey
        } else {
            RecordKind::Frames
        };
        alice.sealer.seal(kind, data, &mut out).unwrap();
        out
    };
    said.iter().map(seal).collect()
}

/// What bob finds in bytes.
fn opened(bob: &mut Channel, mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, ChannelError> {
    let mut found = Vec::new();
    while let Some(record) = bob.opener.next(&mut bytes)? {
        found.push(record.data.to_vec());
    }
    Ok(found)
}

proptest! {
    /// An empty one is a change of the key.
    #[test]
    fn any_split_gives_the_same_records(
        said in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..12),
        cuts in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        let [mut alice, mut bob] = acquainted();
        let stream = sealed(&mut alice, &said).concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut found = Vec::new();
        for piece in cuts.windows(2) {
            found.extend(opened(&mut bob, &stream[piece[0]..piece[1]]).unwrap());
        }
        prop_assert_eq!(found, said);
        prop_assert_eq!(bob.opener.held(), 0);
    }

    #[test]
    fn attack_a_changed_record_does_not_open(data in prop::collection::vec(any::<u8>(), 1..100), at: Index, xor in 1u8..) {
        let [mut alice, mut bob] = acquainted();
        let mut record = sealed(&mut alice, &[data]).concat();
        let at = at.index(record.len());
        record[at] ^= xor;
        let found = opened(&mut bob, &record);
        prop_assert!(found.is_err() || found == Ok(vec![]), "{found:?}");
    }
}

#[test]
fn attack_records_left_out_repeated_moved_or_of_another_direction_do_not_open() {
    let said: Vec<Vec<u8>> = (1..4).map(|n| vec![n; 10]).collect();
    for order in [&[1, 0][..], &[0, 0], &[0, 2], &[0, 1, 1]] {
        let [mut alice, mut bob] = acquainted();
        let records = sealed(&mut alice, &said);
        let stream: Vec<u8> = order.iter().flat_map(|n| records[*n].clone()).collect();
        assert_eq!(opened(&mut bob, &stream), Err(ChannelError::Forged));
    }
    let [mut alice, _] = acquainted();
    let own = sealed(&mut alice, &said).concat();
    assert_eq!(opened(&mut alice, &own), Err(ChannelError::Forged));
}

#[test]
fn both_ends_change_keys_after_the_same_record() {
    let [mut alice, mut bob] = acquainted();
    // The introduction was the first.
    for number in 1..2 * u64::from(REKEY_RECORDS) + 5 {
        assert_eq!(alice.sealer.sealed(), number);
        let record = sealed(&mut alice, &[number.to_le_bytes().to_vec()]).concat();
        let found = opened(&mut bob, &record).unwrap();
        assert_eq!(found, [number.to_le_bytes().to_vec()]);
    }
}

/// Who learns a key can't read what was sealed before it.
#[test]
fn a_changed_key_opens_nothing_of_before_or_after() {
    let said = [vec![1], vec![], vec![2]];
    let [mut alice, mut bob] = acquainted();
    let records = sealed(&mut alice, &said);
    // Without the change, the record after it does not open, though it has the right number.
    let [mut other, _] = acquainted();
    let unchanged = sealed(&mut other, &[vec![1], vec![7], vec![2]]);
    assert_eq!(records[0], unchanged[0]);
    assert_ne!(records[2], unchanged[2]);
    assert_eq!(
        opened(&mut bob, &records[..2].concat()),
        Ok(said[..2].to_vec())
    );
    assert_eq!(opened(&mut bob, &unchanged[2]), Err(ChannelError::Forged));
}

#[test]
fn kinds_have_their_places() {
    // A second introduction.
    let [mut alice, mut bob] = acquainted();
    let mut record = Vec::new();
    let kind = RecordKind::Introduction;
    alice.sealer.seal(kind, b"again", &mut record).unwrap();
    assert_eq!(opened(&mut bob, &record), Err(ChannelError::RecordKind(1)));
    // Frames without anything in them, and a change of keys with something.
    for (kind, data, code) in [
        (RecordKind::Frames, &b""[..], 2),
        (RecordKind::Rekey, b"x", 3),
    ] {
        let [mut alice, mut bob] = acquainted();
        let mut record = Vec::new();
        alice.sealer.seal(kind, data, &mut record).unwrap();
        let refused = Err(ChannelError::RecordKind(code));
        assert_eq!(opened(&mut bob, &record), refused);
    }
    // Anything before the introduction.
    for (kind, code) in [(RecordKind::Frames, 2), (RecordKind::Rekey, 3)] {
        let cipher = || noise::ChaChaPoly::new(&[7; 32]);
        let mut record = Vec::new();
        let data = if code == 2 { &b"x"[..] } else { b"" };
        let mut sealer = Sealer::new(cipher());
        sealer.seal(kind, data, &mut record).unwrap();
        let refused = Opener::new(cipher(), false)
            .next(&mut record.as_slice())
            .err();
        assert_eq!(refused, Some(ChannelError::RecordKind(code)));
    }
}

#[test]
fn a_stranger_may_announce_little_and_a_known_one_more() {
    let announcing = |length: usize| u16::try_from(length).unwrap().to_le_bytes();
    let refused = |length, most| {
        let least = RECORD_OVERHEAD - 2;
        ChannelError::RecordLength {
            length,
            least,
            most,
        }
    };
    let stranger = || {
        let mut ends = strangers();
        carry(&mut ends, |from, start, mut bytes| {
            // Bob's handshake arrives, his introduction does not.
            if from == 1 && start > 0 {
                bytes.clear();
            }
            bytes
        });
        let [alice, _] = ends;
        alice.channel.unwrap()
    };
    let length = HANDSHAKE_RECORD_CAP + 1;
    let told = opened(&mut stranger(), &announcing(length));
    assert_eq!(told, Err(refused(length, HANDSHAKE_RECORD_CAP)));
    let mut held = stranger();
    assert_eq!(opened(&mut held, &announcing(length - 1)), Ok(vec![]));
    assert_eq!(
        opened(&mut held, &[7; HANDSHAKE_RECORD_CAP - 1]),
        Ok(vec![])
    );
    assert_eq!(held.opener.held(), HANDSHAKE_RECORD_CAP + 1);
    let [_, mut bob] = acquainted();
    assert_eq!(opened(&mut bob, &announcing(RECORD_CAP)), Ok(vec![]));
    let [_, mut bob] = acquainted();
    let told = opened(&mut bob, &announcing(16));
    assert_eq!(told, Err(refused(16, RECORD_CAP)));
}

#[test]
fn the_longest_record_goes_through_and_a_longer_one_is_not_sealed() {
    let [mut alice, mut bob] = acquainted();
    let longest = vec![7; RECORD_DATA];
    let record = sealed(&mut alice, std::slice::from_ref(&longest)).concat();
    assert_eq!(record.len(), RECORD_DATA + RECORD_OVERHEAD);
    assert_eq!(opened(&mut bob, &record), Ok(vec![longest]));
    let mut out = vec![1, 2, 3];
    let refused = alice
        .sealer
        .seal(RecordKind::Frames, &[0; RECORD_DATA + 1], &mut out);
    assert!(matches!(refused, Err(ChannelError::RecordLength { .. })));
    assert_eq!(out, [1, 2, 3]);
    assert_eq!(alice.sealer.sealed(), 2);
}
