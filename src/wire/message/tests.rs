use super::*;
use crate::chain::testing::{genesis, member, mine, params, transfer};
use crate::chain::{Timestamp, TransactionsRoot, block::root_of};
use crate::membership::InvitationStatement;
use crate::membership::certificate::CertificateStatement;
use crate::wire::frame::FrameDecoder;
use crate::wire::limits::FRAME_CAP;
use proptest::collection::vec;
use proptest::prelude::*;

fn record(number: u8, sequence: u64, addresses: usize) -> MemberRecord {
    let key = member(number);
    let statement = crate::wire::MemberStatement {
        tracker: member(200).public_key(),
        sequence,
        name: format!("m{number}").parse().unwrap(),
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: (0..addresses)
            .map(|n| format!("192.0.2.1:{}", 7000 + n).parse().unwrap())
            .collect(),
    };
    statement.sign(&key)
}

fn header(salt: u64) -> Header {
    Header {
        nonce: salt,
        transactions_root: TransactionsRoot([salt as u8; 32]),
        ..genesis().header
    }
}

fn block(transactions: u8) -> Block {
    let transactions: Vec<_> = (0..transactions)
        .map(|salt| transfer(1, 2, 1, 1, salt))
        .collect();
    let header = Header {
        transactions_root: root_of(&transactions),
        ..header(0)
    };
    mine(Block {
        header,
        transactions,
    })
}

fn ids<T>(make: fn([u8; 32]) -> T, count: usize) -> Vec<T> {
    let bytes = |n: usize| *blake3::hash(&n.to_le_bytes()).as_bytes();
    (0..count).map(|n| make(bytes(n))).collect()
}

fn member_entry(number: u8, live: bool) -> Member {
    Member {
        id: MemberId(u32::from(number)),
        record: record(number, 3, 1),
        live,
        reachable: live,
        since: Timestamp(5),
    }
}

/// One of every kind, with contents that vary.
fn any_message() -> impl Strategy<Value = Message> {
    let small = 0u8..5;
    (0..28usize, small, any::<u64>(), any::<bool>(), "\\PC{0,40}").prop_map(
        |(kind, n, number, flag, text)| {
            let count = usize::from(n);
            let reason = Goodbye::new(&text).reason;
            match kind {
                0 => Message::CertificateIssued(
                    CertificateStatement {
                        invitation: (number % 2 == 0).then(|| member(n).public_key()),
                        from: Timestamp(number),
                        until: Timestamp(number / 2),
                        ..CertificateStatement::at(
                            Timestamp(number),
                            BlockId([n; 32]),
                            member(n).public_key(),
                            format!("m{n}").parse().unwrap(),
                            member(200).public_key(),
                        )
                    }
                    .sign(&member(200)),
                ),
                1 => Message::Ping(number),
                2 => Message::Pong(Pong {
                    number,
                    time: Timestamp(number / 3),
                }),
                3 => Message::Goodbye(Goodbye { reason }),
                4 => Message::GetHeaders(ids(BlockId, count)),
                5 => Message::Headers((0..u64::from(n)).map(header).collect()),
                6 => Message::AnnounceBlock(header(number)),
                7 => Message::GetBlocks(ids(BlockId, count)),
                8 => Message::Block(block(n)),
                9 => Message::NoBlock(BlockId([n; 32])),
                10 => Message::AnnounceTransactions(ids(TransactionId, count)),
                11 => Message::GetTransactions(ids(TransactionId, count)),
                12 => Message::Transactions(block(n).transactions),
                13 => Message::Register(record(n, number, count)),
                14 => Message::Registered(Registered {
                    id: MemberId(number as u32),
                    genesis: flag.then(genesis),
                    lease: (!flag).then(|| Lease {
                        params: params(),
                        remaining_ms: number,
                    }),
                }),
                15 => Message::Refused(Refused {
                    code: RefusalCode::try_from(n + 1).unwrap(),
                    reason,
                }),
                16 => Message::OfferGenesis(genesis()),
                17 => Message::GenesisKnown(genesis()),
                18 => Message::GetMembers(()),
                19 => Message::Members((0..n).map(|n| member_entry(n, flag)).collect()),
                20 => Message::MembersChanged(MembersChanged {
                    changed: (0..n).map(|n| member_entry(n, flag)).collect(),
                    left: vec![Leaving::sign(member(200).public_key(), number, &member(n)); count],
                }),
                21 => Message::Leave(Leaving::sign(member(200).public_key(), number, &member(n))),
                22 => Message::Left(()),
                23 => Message::Challenge(number),
                24 => Message::Invited(Invited {
                    invitation: InvitationStatement {
                        network: flag.then_some(BlockId([n; 32])),
                        key: member(n).public_key(),
                        issuer: member(200).public_key(),
                        delegation: None,
                        uses: number as u32,
                        serial: Timestamp(number),
                        expires: Timestamp(number / 2),
                    }
                    .sign(&member(200)),
                    signature: member(n).sign(&[n; 32]),
                }),
                25 => Message::Inquire(record(n, number, count)),
                26 => Message::Admissible(Admissible {
                    genesis: flag.then(genesis),
                    reached: (n > 1).then_some(flag),
                }),
                _ => Message::ChallengeAnswer(ChallengeAnswer {
                    number,
                    height: Height(number),
                }),
            }
        },
    )
}

fn frame_of(message: &Message) -> Frame {
    Frame {
        code: message.code(),
        payload: message.payload(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_message_comes_back_as_it_went(message in any_message()) {
        let bytes = message.to_frame().unwrap();
        let mut decoder = FrameDecoder::new(Message::most);
        let frame = decoder.next(&mut bytes.as_slice()).unwrap().unwrap();
        prop_assert_eq!(Message::decode(&frame), Ok(message));
    }

    #[test]
    fn a_message_with_bytes_cut_off_or_added_is_refused(message in any_message(), cut: prop::sample::Index, more: u8) {
        let mut longer = frame_of(&message);
        longer.payload.push(more);
        prop_assert!(Message::decode(&longer).is_err());
        let mut shorter = frame_of(&message);
        shorter.payload.truncate(cut.index(shorter.payload.len()));
        prop_assert!(Message::decode(&shorter).is_err());
    }

    #[test]
    fn no_bytes_decode_to_what_encodes_differently(code in 0u16..83, payload in vec(any::<u8>(), 0..200)) {
        let frame = Frame { code, payload };
        if let Ok(message) = Message::decode(&frame) {
            prop_assert_eq!(frame_of(&message), frame);
        }
    }

    #[test]
    fn a_message_with_one_byte_changed_is_refused_or_another_one(message in any_message(), at: prop::sample::Index, xor in 1u8..) {
        let mut frame = frame_of(&message);
        let at = at.index(frame.payload.len());
        frame.payload[at] ^= xor;
        if let Ok(other) = Message::decode(&frame) {
            prop_assert_ne!(&other, &message);
            prop_assert_eq!(frame_of(&other), frame);
        }
    }
}

#[test]
fn attack_wide_integers_are_refused() {
    let wide = Frame {
        code: 2,
        payload: vec![0xcc, 5],
    };
    let reason = Malformed::NotCanonical;
    assert_eq!(
        Message::decode(&wide),
        Err(MessageError::Malformed { code: 2, reason })
    );
}

#[test]
fn codes_that_nothing_is_sent_under_are_refused() {
    let known: Vec<u16> = (2..=4)
        .chain(16..=21)
        .chain(32..=34)
        .chain(48..=49)
        .chain(64..=84)
        .collect();
    for code in 0..=u16::MAX {
        let frame = Frame {
            code,
            payload: vec![0xc1],
        };
        let unknown = Message::decode(&frame) == Err(MessageError::UnknownCode(code));
        assert_eq!(unknown, !known.contains(&code), "{code}");
    }
}

/// The payload of a list of `count` of the smallest thing there is: none of its items decodes, so
/// that what refuses it must be its length.
fn declared(count: usize) -> Vec<u8> {
    let mut payload = vec![0xdd];
    payload.extend_from_slice(&u32::try_from(count).unwrap().to_be_bytes());
    payload
}

#[test]
fn attack_lists_above_their_caps_are_refused_by_their_declared_length() {
    let caps = [
        (16, MAX_LOCATOR),
        (17, MAX_HEADERS),
        (19, MAX_BLOCKS_ASKED),
        (32, MAX_IDS),
        (33, MAX_IDS),
        (34, MAX_IDS),
        (70, MAX_MEMBERS),
    ];
    for (code, cap) in caps {
        let payload = declared(cap + 1);
        let refused = Message::decode(&Frame { code, payload }).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains(&format!("at most {cap}")), "{text}");
    }
    // Fields of a message: both lists of a change.
    for list in 0..2 {
        let mut payload = vec![0x92];
        payload.extend((0..list).map(|_| 0x90));
        payload.extend(declared(MAX_MEMBERS + 1));
        let refused = Message::decode(&Frame { code: 71, payload }).unwrap_err();
        assert!(refused.to_string().contains("at most 500"), "{refused}");
    }
}

#[test]
fn lists_at_their_caps_pass() {
    let full = [
        Message::GetHeaders(ids(BlockId, MAX_LOCATOR)),
        Message::Headers(vec![header(1); MAX_HEADERS]),
        Message::GetBlocks(ids(BlockId, MAX_BLOCKS_ASKED)),
        Message::AnnounceTransactions(ids(TransactionId, MAX_IDS)),
        Message::GetTransactions(ids(TransactionId, MAX_IDS)),
        Message::Members(vec![member_entry(1, true); MAX_MEMBERS]),
    ];
    for message in full {
        let frame = frame_of(&message);
        assert!(frame.payload.len() < FRAME_CAP / 2, "{}", message.name());
        assert_eq!(Message::decode(&frame), Ok(message));
    }
}

#[test]
fn the_largest_list_of_members_fits_a_frame() {
    let mut record = record(1, u64::MAX, 0);
    record.statement.addresses = crate::wire::member::longest_addresses();
    let entry = Member {
        record,
        ..member_entry(1, true)
    };
    let message = Message::Members(vec![entry; MAX_MEMBERS]);
    assert!(message.to_frame().is_ok());
}

#[test]
fn roles_and_refusals_without_a_meaning_are_refused() {
    for code in [0u8, 3, 255] {
        assert!(NodeRole::try_from(code).is_err());
    }
    for code in [0u8, 18, 255] {
        assert!(RefusalCode::try_from(code).is_err());
    }
    for code in 1..=17 {
        assert_eq!(u8::from(RefusalCode::try_from(code).unwrap()), code);
    }
}

proptest! {
    #[test]
    fn a_reason_is_cut_between_characters(text in "\\PC{0,300}") {
        let cut = Goodbye::new(&text).reason;
        prop_assert!(text.starts_with(cut.as_str()));
        prop_assert!(cut.as_str().len() <= MAX_REASON);
        let next = text[cut.as_str().len()..].chars().next();
        prop_assert!(next.is_none_or(|c| cut.as_str().len() + c.len_utf8() > MAX_REASON));
    }
}

#[test]
fn a_stored_block_is_framed_as_it_is() {
    let block = block(3);
    let stored = block.to_bytes();
    let head = Message::block_head(stored.len()).unwrap();
    let framed = [&head[..], &stored].concat();
    assert_eq!(framed, Message::Block(block).to_frame().unwrap());
}
