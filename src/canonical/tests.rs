use super::*;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

byte_newtype! {
    /// A byte string of four, for these tests.
    Four, 4
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sample {
    number: u64,
    bytes: Four,
    text: CappedText<8>,
    blob: CappedBytes<8>,
    #[serde(deserialize_with = "capped_list::<3, _, _>")]
    list: Vec<u16>,
}

prop_compose! {
    fn samples()(
        number: u64,
        bytes: [u8; 4],
        text in "[a-z]{0,8}",
        blob in prop::collection::vec(any::<u8>(), 0..=8),
        list in prop::collection::vec(any::<u16>(), 0..=3),
    ) -> Sample {
        Sample {
            number,
            bytes: Four(bytes),
            text: CappedText::new(text).unwrap(),
            blob: CappedBytes::new(blob).unwrap(),
            list,
        }
    }
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(sample in samples()) {
        prop_assert_eq!(decode::<Sample>(&encode(&sample)), Ok(sample));
    }

    #[test]
    fn every_cut_and_every_tail_is_refused(sample in samples(), tail in 1..4usize) {
        let bytes = encode(&sample);
        for cut in 0..bytes.len() {
            prop_assert!(decode::<Sample>(&bytes[..cut]).is_err());
        }
        let mut longer = bytes;
        longer.extend(std::iter::repeat_n(0, tail));
        prop_assert_eq!(decode::<Sample>(&longer), Err(Malformed::NotCanonical));
    }

    #[test]
    fn any_bytes_that_decode_are_the_encoding(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(sample) = decode::<Sample>(&bytes) {
            prop_assert_eq!(encode(&sample), bytes);
        }
    }
}

/// `[1, bin "abcd", "t", bin "b", [7]]` with one part of it spelled another way.
fn spelled(number: &[u8], bytes: &[u8], list: &[u8]) -> Vec<u8> {
    [
        &[0x95][..],
        number,
        bytes,
        &[0xa1, b't', 0xc4, 1, b'b'],
        list,
    ]
    .concat()
}

const BIN: &[u8] = &[0xc4, 4, b'a', b'b', b'c', b'd'];

#[test]
fn wide_integers_are_refused() {
    assert!(decode::<Sample>(&spelled(&[1], BIN, &[0x91, 7])).is_ok());
    for wide in [
        &[0xcc, 1][..],
        &[0xcd, 0, 1],
        &[0xd3, 0, 0, 0, 0, 0, 0, 0, 1],
    ] {
        let bytes = spelled(wide, BIN, &[0x91, 7]);
        assert_eq!(decode::<Sample>(&bytes), Err(Malformed::NotCanonical));
    }
}

#[test]
fn bytes_spelled_as_text_or_as_a_list_are_refused() {
    let as_text = [0xa4, b'a', b'b', b'c', b'd'];
    let as_list = [0x94, b'a', b'b', b'c', b'd'];
    assert!(decode::<Sample>(&spelled(&[1], &as_text, &[0x91, 7])).is_err());
    assert!(decode::<Sample>(&spelled(&[1], &as_list, &[0x91, 7])).is_err());
}

#[test]
fn a_map_for_a_struct_is_refused() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair {
        a: u8,
        b: u8,
    }
    let map = [0x82, 0xa1, b'a', 1, 0xa1, b'b', 2];
    assert_eq!(decode::<Pair>(&map), Err(Malformed::NotCanonical));
}

#[test]
fn a_list_above_its_cap_is_refused_by_its_declared_length() {
    assert!(decode::<Sample>(&spelled(&[1], BIN, &[0x93, 7, 7, 7])).is_ok());
    assert!(decode::<Sample>(&spelled(&[1], BIN, &[0x94, 7, 7, 7, 7])).is_err());
    let claims_four_thousand_million = [0xdd, 0xff, 0xff, 0xff, 0xff];
    assert!(decode::<Sample>(&spelled(&[1], BIN, &claims_four_thousand_million)).is_err());
}

#[test]
fn deep_nesting_is_refused_without_harm() {
    let bytes = vec![0x91; 100_000];
    assert!(decode::<Sample>(&bytes).is_err());
}

#[test]
fn hexadecimal_goes_both_ways_and_refuses_the_rest() {
    let four = Four([0, 0xab, 9, 0xff]);
    assert_eq!(four.as_bytes().len(), Four::LEN);
    assert_eq!(four.to_string(), "00ab09ff");
    assert_eq!("00ab09ff".parse(), Ok(four));
    assert_eq!(
        "00ab09".parse::<Four>(),
        Err(HexError::Length {
            expected: 8,
            found: 6
        })
    );
    assert_eq!("00AB09FF".parse::<Four>(), Err(HexError::Digit));
    assert_eq!("00äb09f".parse::<Four>(), Err(HexError::Digit));
    assert_eq!(serde_json::to_string(&four).unwrap(), "\"00ab09ff\"");
    assert_eq!(serde_json::from_str::<Four>("\"00ab09ff\"").unwrap(), four);
}
