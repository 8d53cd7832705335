use super::*;
use crate::chain::testing::member;
use proptest::prelude::*;

fn statement() -> MemberStatement {
    let key = member(1);
    MemberStatement {
        tracker: member(200).public_key(),
        sequence: 7,
        name: "alice".parse().unwrap(),
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: vec![CappedText::new("192.0.2.1:7000").unwrap()],
    }
}

#[test]
fn names_are_plain_words() {
    for good in ["a", "alice", "bob-2", "x123", &"a".repeat(MAX_NAME)] {
        assert_eq!(good.parse::<MemberName>().unwrap().as_str(), good);
    }
}

/// What a name must never carry into a table, a page, a file name or a log.
const BAD_NAMES: [&str; 16] = [
    "",
    "alice'; DROP TABLE members;--",
    "' OR '1'='1",
    "<script>alert(1)</script>",
    "a&b",
    "a\"b",
    "../../etc/passwd",
    "a/b",
    "a\0b",
    "a\nb",
    "a b",
    "Alice",
    "2bob",
    "-bob",
    "älice",
    "a\u{202e}b",
];

#[test]
fn attack_names_that_mean_something_elsewhere_are_refused() {
    for bad in BAD_NAMES {
        assert_eq!(bad.parse::<MemberName>(), Err(NotAName), "{bad:?}");
        let bytes = canonical::encode(bad);
        assert!(canonical::decode::<MemberName>(&bytes).is_err(), "{bad:?}");
    }
    assert_eq!(
        "a".repeat(MAX_NAME + 1).parse::<MemberName>(),
        Err(NotAName)
    );
}

proptest! {
    #[test]
    fn whatever_text_is_a_name_is_one_on_the_wire_and_nothing_else(text in "\\PC{0,40}") {
        let bytes = canonical::encode(&text);
        prop_assert_eq!(canonical::decode::<MemberName>(&bytes).ok(), text.parse().ok());
    }
}

#[test]
fn a_record_stands_only_as_it_was_signed() {
    let record = statement().sign(&member(1));
    assert_eq!(record.check(), Ok(()));
    let changes: [fn(&mut MemberStatement); 6] = [
        |s| s.tracker = member(201).public_key(),
        |s| s.sequence += 1,
        |s| s.name = "mallory".parse().unwrap(),
        |s| s.key = member(2).public_key(),
        |s| s.sealing_key = member(2).sealing_key(),
        |s| s.addresses.clear(),
    ];
    for change in changes {
        let mut forged = record.clone();
        change(&mut forged.statement);
        assert!(forged.check().is_err(), "{forged:?}");
    }
    // Signed by somebody else than it names.
    assert!(statement().sign(&member(2)).check().is_err());
}

#[test]
fn leaving_stands_only_as_it_was_signed() {
    let tracker = member(200).public_key();
    let leaving = Leaving::sign(tracker, 8, &member(1));
    assert_eq!(leaving.check(), Ok(()));
    let changes: [fn(&mut Leaving); 3] = [
        |l| l.tracker = member(201).public_key(),
        |l| l.sequence += 1,
        |l| l.key = member(2).public_key(),
    ];
    for change in changes {
        let mut forged = leaving.clone();
        change(&mut forged);
        assert!(forged.check().is_err(), "{forged:?}");
    }
}

#[test]
fn a_record_is_never_taken_for_a_leaving() {
    // Each has a hash of its own: neither signature says what the other does.
    let record = statement().sign(&member(1));
    let leaving = Leaving {
        tracker: record.statement.tracker,
        key: record.statement.key,
        sequence: record.statement.sequence,
        signature: record.signature,
    };
    assert!(leaving.check().is_err());
}

#[test]
fn attack_more_addresses_than_a_member_may_have_are_refused() {
    let with = |count: usize| MemberStatement {
        addresses: vec![CappedText::new("h:1").unwrap(); count],
        ..statement()
    };
    let decoded = |s: &MemberStatement| canonical::decode::<MemberStatement>(&canonical::encode(s));
    assert_eq!(decoded(&with(MAX_ADDRESSES)), Ok(with(MAX_ADDRESSES)));
    assert!(decoded(&with(MAX_ADDRESSES + 1)).is_err());
}

#[test]
fn attack_an_address_longer_than_any_host_is_refused() {
    let bytes = canonical::encode(&"h".repeat(MAX_ADDRESS + 1));
    assert!(canonical::decode::<Address>(&bytes).is_err());
}
