use super::*;
use proptest::prelude::*;
use proptest::sample::Index;

/// A length that is soon reached.
const SMALL: usize = 200;

/// Every code takes what a frame takes.
fn any_length(_: u16) -> Option<usize> {
    Some(FRAME_CAP - CODE_LEN)
}

/// Codes below 8 take little, the others nothing.
fn small(code: u16) -> Option<usize> {
    (code < 8).then_some(SMALL)
}

prop_compose! {
    fn frames()(code: u16, payload in prop::collection::vec(any::<u8>(), 0..200)) -> Frame {
        Frame { code, payload }
    }
}

fn stream_of(frames: &[Frame]) -> Vec<u8> {
    let mut stream = Vec::new();
    for frame in frames {
        encode_frame(frame.code, &frame.payload, &mut stream).unwrap();
    }
    stream
}

/// Hands `piece` to the decoder until it is used up.
fn feed(decoder: &mut FrameDecoder, piece: &[u8]) -> Result<Vec<Frame>, FrameError> {
    let mut rest = piece;
    let mut frames = Vec::new();
    while let Some(frame) = decoder.next(&mut rest)? {
        frames.push(frame);
    }
    assert!(rest.is_empty(), "a decoder that waits has taken everything");
    Ok(frames)
}

/// Bytes of memory that a decoder has reserved.
fn reserved(decoder: &FrameDecoder) -> usize {
    decoder.payload.capacity()
}

proptest! {
    #[test]
    fn any_split_of_the_stream_gives_the_same_frames(
        sent in prop::collection::vec(frames(), 0..8),
        cuts in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        let stream = stream_of(&sent);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut decoder = FrameDecoder::new(any_length);
        let mut received = Vec::new();
        for piece in cuts.windows(2) {
            received.extend(feed(&mut decoder, &stream[piece[0]..piece[1]]).unwrap());
        }
        prop_assert_eq!(received, sent);
        prop_assert_eq!(decoder.held(), 0);
        prop_assert_eq!(reserved(&decoder), 0);
    }

    #[test]
    fn a_cut_off_frame_is_a_state_and_not_an_error(frame in frames(), cut: Index) {
        let stream = stream_of(std::slice::from_ref(&frame));
        let cut = cut.index(stream.len());
        let mut decoder = FrameDecoder::new(any_length);
        prop_assert_eq!(feed(&mut decoder, &stream[..cut]), Ok(vec![]));
        prop_assert_eq!(decoder.held(), cut);
        prop_assert_eq!(feed(&mut decoder, &stream[cut..]), Ok(vec![frame]));
    }

    /// The lengths are kept small half of the time, else hardly any stream gets past its first.
    #[test]
    fn random_bytes_never_panic_nor_hold_more_than_the_cap(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..400),
                (0..400u32, 0..10u16).prop_map(|(length, code)| {
                    [&length.to_le_bytes()[..], &code.to_le_bytes()].concat()
                }),
            ],
            0..20,
        ),
    ) {
        let mut decoder = FrameDecoder::new(small);
        for piece in pieces {
            let mut rest = &piece[..];
            loop {
                let outcome = decoder.next(&mut rest);
                prop_assert!(decoder.held() <= HEAD_LEN + SMALL);
                prop_assert!(reserved(&decoder) <= SMALL);
                match outcome {
                    Ok(Some(frame)) => prop_assert!(frame.payload.len() <= SMALL),
                    Ok(None) => break,
                    Err(error) => {
                        let left = rest.len();
                        prop_assert_eq!(decoder.next(&mut rest), Err(error));
                        prop_assert_eq!(rest.len(), left);
                        break;
                    }
                }
            }
        }
    }
}

/// Lesson of a predecessor that took one `recv` for one message.
#[test]
fn attack_messages_merged_or_cut_are_the_messages_that_were_sent() {
    let sent: Vec<Frame> = (0..5)
        .map(|i| Frame {
            code: i,
            payload: vec![i as u8; 7 * usize::from(i)],
        })
        .collect();
    let stream = stream_of(&sent);
    let merged = feed(&mut FrameDecoder::new(any_length), &stream);
    assert_eq!(merged.as_ref(), Ok(&sent));
    let mut decoder = FrameDecoder::new(any_length);
    let cut: Vec<Frame> = stream
        .chunks(1)
        .flat_map(|byte| feed(&mut decoder, byte).unwrap())
        .collect();
    assert_eq!(cut, sent);
    let nothing = feed(&mut decoder, &[]);
    assert_eq!(nothing, Ok(vec![]), "an empty read changes nothing");
}

#[test]
fn the_bytes_of_a_frame() {
    let mut bytes = vec![0xff];
    encode_frame(0x0102, b"abc", &mut bytes).unwrap();
    assert_eq!(bytes, [0xff, 5, 0, 0, 0, 2, 1, b'a', b'b', b'c']);
}

#[test]
fn a_length_above_the_cap_is_refused_before_anything_is_held_for_it() {
    let mut decoder = FrameDecoder::new(any_length);
    let length = FRAME_CAP + 1;
    let mut head = (length as u32).to_le_bytes().to_vec();
    head.extend([0; 100]);
    let mut rest = &head[..];
    let cap = FRAME_CAP;
    let refused = Err(FrameError::TooLong { length, cap });
    assert_eq!(decoder.next(&mut rest), refused);
    assert_eq!((decoder.held(), reserved(&decoder)), (LENGTH_LEN, 0));
}

/// Lesson of a tracker that held 4 MiB for a ping, before anybody had said anything.
#[test]
fn attack_a_frame_longer_than_its_code_allows_is_refused_before_anything_is_held_for_it() {
    let frame = |code, length| Frame {
        code,
        payload: vec![7; length],
    };
    let longest = frame(7, SMALL);
    let stream = stream_of(std::slice::from_ref(&longest));
    let taken = feed(&mut FrameDecoder::new(small), &stream);
    assert_eq!(taken, Ok(vec![longest]));

    let length = CODE_LEN + SMALL + 1;
    let cap = CODE_LEN + SMALL;
    let too_long = FrameError::TooLong { length, cap };
    for (code, refused) in [(7, too_long), (8, FrameError::UnknownCode(8))] {
        let stream = stream_of(&[frame(code, SMALL + 1)]);
        let mut decoder = FrameDecoder::new(small);
        let mut rest = &stream[..];
        assert_eq!(decoder.next(&mut rest), Err(refused));
        assert_eq!((decoder.held(), reserved(&decoder)), (HEAD_LEN, 0));
        assert_eq!(decoder.next(&mut rest), Err(refused), "and for ever");
    }
}

#[test]
fn a_length_below_that_of_a_code_is_refused() {
    for length in 0..CODE_LEN {
        let mut rest = &(length as u32).to_le_bytes()[..];
        let refused = FrameDecoder::new(any_length).next(&mut rest);
        assert_eq!(refused, Err(FrameError::TooShort { length }));
    }
    let mut empty = Vec::new();
    encode_frame(9, &[], &mut empty).unwrap();
    let frame = FrameDecoder::new(|_| Some(0)).next(&mut &empty[..]);
    assert!(frame.unwrap().unwrap().payload.is_empty());
}

#[test]
fn memory_follows_what_arrived_and_goes_with_the_frame() {
    let mut stream = Vec::new();
    encode_frame(1, &vec![7; FRAME_CAP - CODE_LEN], &mut stream).unwrap();
    let mut decoder = FrameDecoder::new(any_length);
    let announced_only = feed(&mut decoder, &stream[..HEAD_LEN + 1000]);
    assert_eq!(announced_only, Ok(vec![]));
    assert!(reserved(&decoder) <= 2000);
    for piece in stream[HEAD_LEN + 1000..stream.len() - 1].chunks(16 * 1024) {
        feed(&mut decoder, piece).unwrap();
        assert!(reserved(&decoder) <= FRAME_CAP);
        assert!(reserved(&decoder) <= 2 * decoder.held());
    }
    let frames = feed(&mut decoder, &stream[stream.len() - 1..]).unwrap();
    assert_eq!(frames[0].payload.len(), FRAME_CAP - CODE_LEN);
    assert_eq!(reserved(&decoder), 0);
}

#[test]
fn a_payload_that_nobody_would_take_is_not_sent() {
    let mut out = vec![1, 2, 3];
    let refused = encode_frame(1, &vec![0; FRAME_CAP - CODE_LEN + 1], &mut out);
    assert_eq!(
        refused,
        Err(FrameError::TooLong {
            length: FRAME_CAP + 1,
            cap: FRAME_CAP
        })
    );
    assert_eq!(out, [1, 2, 3]);
}

/// A stream with messages of a later minor version between those that are known.
fn with_later_messages(length: usize) -> Vec<u8> {
    let frame = |code, length| Frame {
        code,
        payload: vec![7; length],
    };
    stream_of(&[
        frame(2, 1),
        frame(FIRST_OPTIONAL_CODE, length),
        frame(3, 2),
        frame(u16::MAX, 0),
        frame(FIRST_OPTIONAL_CODE - 1, 3),
    ])
}

proptest! {
    #[test]
    fn what_later_programs_say_is_passed_over_and_never_held(piece in 1..5_000usize) {
        let stream = with_later_messages(OPTIONAL_CAP);
        let mut decoder = FrameDecoder::new(any_length).passing_over(true);
        let mut codes = Vec::new();
        for piece in stream.chunks(piece) {
            codes.extend(feed(&mut decoder, piece).unwrap().into_iter().map(|frame| frame.code));
            prop_assert!(reserved(&decoder) < 16);
        }
        prop_assert_eq!(codes, [2, 3, FIRST_OPTIONAL_CODE - 1]);
        let bytes = OPTIONAL_CAP + 2 * HEAD_LEN;
        prop_assert_eq!(decoder.take_dropped(), Dropped { frames: 2, bytes });
        prop_assert_eq!(decoder.take_dropped(), Dropped::default());
    }
}

#[test]
fn a_later_message_that_is_too_long_is_refused_before_it_is_there() {
    let stream = with_later_messages(OPTIONAL_CAP + 1);
    let mut decoder = FrameDecoder::new(any_length).passing_over(true);
    let refused = Err(FrameError::TooLongToPassOver {
        code: FIRST_OPTIONAL_CODE,
        length: OPTIONAL_CAP + 1,
    });
    let mut rest = &stream[..30];
    assert!(matches!(decoder.next(&mut rest), Ok(Some(frame)) if frame.code == 2));
    assert_eq!(decoder.next(&mut rest), refused);
    assert_eq!(decoder.next(&mut rest), refused);
}

/// Of somebody who speaks our own minor version, or an older one, they are no messages.
#[test]
fn nothing_is_passed_over_of_somebody_who_can_know_no_more_than_we() {
    let mut decoder = FrameDecoder::new(any_length);
    let frames = feed(&mut decoder, &with_later_messages(5)).unwrap();
    let codes: Vec<_> = frames.iter().map(|frame| frame.code).collect();
    assert_eq!(codes, [2, 128, 3, u16::MAX, 127]);
    assert_eq!(decoder.take_dropped(), Dropped::default());
}
