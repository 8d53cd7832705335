use super::*;
use crate::wire::version::Version;
use proptest::prelude::*;

/// Everything that both say until they know each other.
fn recording() -> [Vec<u8>; 2] {
    let mut said = [Vec::new(), Vec::new()];
    let mut ends = strangers();
    carry(&mut ends, |from, _, bytes| {
        said[from].extend(&bytes);
        bytes
    });
    assert!(ends.iter().all(End::accepted));
    said
}

#[test]
fn both_ends_come_to_the_same_channel_and_know_each_other() {
    let mut ends = strangers();
    carry(&mut ends, |_, _, bytes| bytes);
    assert!(ends.iter().all(End::accepted));
    let [alice, bob] = ends.map(|end| end.channel.unwrap().binding);
    assert_eq!(alice.hash, bob.hash);
    assert_eq!([alice.side, bob.side], [Side::Initiator, Side::Responder]);
    let [alice, bob] = recording();
    assert_eq!(alice[..4], *b"rclt");
    let fixed = PREAMBLE_LEN + MESSAGE_LENS[0] + MESSAGE_LENS[2];
    assert!(alice.len() > fixed && bob.len() > PREAMBLE_LEN + MESSAGE_LENS[1]);
}

#[test]
fn the_same_randomness_gives_the_same_bytes() {
    assert_eq!(recording(), recording());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Pieces of any length, one byte among them.
    #[test]
    fn however_it_is_cut_the_handshake_is_the_same(most in 1..200usize) {
        let mut ends = strangers();
        let whole = recording();
        let mut said: [Vec<u8>; 2] = Default::default();
        loop {
            let mut quiet = true;
            for from in [0, 1] {
                let bytes = ends[from].said();
                quiet &= bytes.is_empty();
                said[from].extend(&bytes);
                for piece in bytes.chunks(most) {
                    ends[1 - from].hear(piece);
                }
            }
            if quiet {
                break;
            }
        }
        prop_assert!(ends.iter().all(End::accepted));
        prop_assert_eq!(said, whole);
    }
}

/// The attacker who changes a byte on the way: whoever it was meant for takes nobody in, whichever it is.
#[test]
fn attack_every_byte_of_a_recorded_handshake_counts() {
    let lengths = recording().map(|bytes| bytes.len());
    for (from, length) in lengths.into_iter().enumerate() {
        for at in 0..length {
            let mut ends = strangers();
            carry(&mut ends, |sender, start, mut bytes| {
                if sender == from && (start..start + bytes.len()).contains(&at) {
                    bytes[at - start] ^= 1 << (at % 8);
                }
                bytes
            });
            assert!(!ends[1 - from].accepted(), "byte {at} of {from}");
        }
    }
}

#[test]
fn attack_a_handshake_that_stops_anywhere_is_no_handshake() {
    let lengths = recording().map(|bytes| bytes.len());
    for (from, length) in lengths.into_iter().enumerate() {
        for end in 0..length {
            let mut ends = strangers();
            carry(&mut ends, |sender, start, mut bytes| {
                if sender == from {
                    bytes.truncate(end.saturating_sub(start));
                }
                bytes
            });
            assert!(!ends[1 - from].accepted(), "cut at {end} of {from}");
        }
    }
}

/// What was once said to somebody is worth nothing to the next, who draws other keys.
#[test]
fn attack_a_replayed_handshake_is_refused() {
    let [alice, bob] = recording();
    let mut other_bob = End::new(Side::Responder, 2, 33);
    other_bob.hear(&alice);
    assert_eq!(other_bob.error, Some(ChannelError::Handshake));
    let mut other_alice = End::new(Side::Initiator, 1, 33);
    other_alice.hear(&bob);
    assert_eq!(other_alice.error, Some(ChannelError::Handshake));
}

/// The other end sends back what it gets.
#[test]
fn attack_a_reflected_handshake_is_refused() {
    let mut alice = End::new(Side::Initiator, 1, 11);
    for _ in 0..10 {
        let said = alice.said();
        alice.hear(&said);
    }
    assert!(alice.channel.is_none());
    // And who has honestly made a channel, but shows alice her own introduction as his.
    let mut ends = strangers();
    carry(&mut ends, |_, _, bytes| bytes);
    let binding = ends[0].channel.as_ref().unwrap().binding;
    let own = Introduction::sign(hello(1), &binding, Some(certificate(1)), &member(1));
    let mirrored = judge_introduction(&hello(1), &own, &binding, &expected(), NOW);
    assert!(matches!(
        mirrored,
        Err(IntroductionError::Unproven { key: shown, .. }) if shown == key(1)
    ));
}

/// Mallory answers alice and dials bob, and hands each the other's introduction.
#[test]
fn attack_a_relayed_introduction_is_refused() {
    let mut with_alice = [
        End::new(Side::Initiator, 1, 11),
        End::new(Side::Responder, 66, 60),
    ];
    let mut with_bob = [
        End::new(Side::Initiator, 66, 61),
        End::new(Side::Responder, 2, 22),
    ];
    carry(&mut with_alice, |_, _, bytes| bytes);
    carry(&mut with_bob, |_, _, bytes| bytes);
    let binding = |end: &End| end.channel.as_ref().unwrap().binding;
    let [alice, _] = &with_alice;
    let [_, bob] = &with_bob;
    let by_alice = Introduction::sign(hello(1), &binding(alice), Some(certificate(1)), &member(1));
    assert_eq!(by_alice.check(&binding(&with_alice[1])), Ok(()));
    let told = judge_introduction(&hello(2), &by_alice, &binding(bob), &expected(), NOW);
    assert!(matches!(told, Err(IntroductionError::Unproven { .. })));
    let by_bob = Introduction::sign(hello(2), &binding(bob), Some(certificate(2)), &member(2));
    let told = judge_introduction(&hello(1), &by_bob, &binding(alice), &expected(), NOW);
    assert!(matches!(told, Err(IntroductionError::Unproven { .. })));
}

/// Neither another version nor another draft of this one is understood.
#[test]
fn another_version_or_draft_is_refused_in_words_that_name_both_at_both_ends() {
    let ours = Version::OURS;
    let others = [
        Version {
            number: ours.number + 1,
            draft: 0,
        },
        Version {
            number: 3,
            draft: 0,
        },
        Version {
            draft: ours.draft + 1,
            ..ours
        },
        Version { draft: 0, ..ours },
    ];
    for theirs in others {
        let mut bob = End::new(Side::Responder, 2, 22);
        bob.hear(&preamble(theirs));
        let error = ChannelError::Version { ours, theirs };
        let said = error.to_string();
        assert!(said.contains("update the older one"), "{said}");
        assert!(
            said.contains(&theirs.to_string()) && said.contains(&ours.to_string()),
            "{said}"
        );
        assert_eq!(bob.error, Some(error.clone()));
        // Bob says which one he speaks, so that the other can say the same.
        assert_eq!(bob.said(), preamble(ours));
        let mut alice = End::new(Side::Initiator, 1, 11);
        alice.hear(&preamble(theirs));
        assert_eq!(alice.error, Some(error));
    }
}

/// Somebody in between who pretends to both that the other speaks their version changes the handshake:
/// both versions are part of it.
#[test]
fn the_preambles_are_bound_by_the_handshake() {
    let params: snow::params::NoiseParams = PROTOCOL_NAME.parse().unwrap();
    let said = |prologue: &[u8]| {
        let primitives = Box::new(noise::Primitives::new(noise::Key::new([22; 32])));
        let builder = snow::Builder::with_resolver(params.clone(), primitives);
        let builder = builder.prologue(prologue).unwrap();
        let builder = builder.local_private_key(&[22; 32]).unwrap();
        let mut bob = builder.build_responder().unwrap();
        let mut alice = End::new(Side::Initiator, 1, 11);
        let said = alice.said();
        bob.read_message(&said[PREAMBLE_LEN..], &mut []).unwrap();
        let mut answer = [0; 200];
        let length = bob.write_message(&[], &mut answer).unwrap();
        alice.hear(&preamble(Version::OURS));
        alice.hear(&answer[..length]);
        (alice.error.clone(), alice.channel.is_some())
    };
    let both = [preamble(Version::OURS), preamble(Version::OURS)].concat();
    assert_eq!(said(&both), (None, true));
    let other = [
        preamble(Version::OURS),
        preamble(Version {
            number: 9,
            draft: 0,
        }),
    ]
    .concat();
    assert_eq!(said(&other), (Some(ChannelError::Handshake), false));
}

#[test]
fn what_speaks_something_else_is_told_apart_by_its_first_bytes() {
    let mut bob = End::new(Side::Responder, 2, 22);
    bob.hear(b"GET / HTTP/1.1\r\n");
    assert_eq!(bob.error, Some(ChannelError::NotRaclette));
    assert!(
        bob.said().is_empty(),
        "who speaks otherwise is told nothing"
    );
}

proptest! {
    #[test]
    fn random_bytes_make_no_channel(bytes in prop::collection::vec(any::<u8>(), 0..400), honest: bool) {
        for side in [Side::Initiator, Side::Responder] {
            let mut end = End::new(side, 2, 22);
            if honest {
                end.hear(&preamble(Version::OURS));
            }
            end.hear(&bytes);
            prop_assert!(end.channel.is_none());
        }
    }
}
