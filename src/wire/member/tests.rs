use super::*;
use crate::chain::testing::member;

fn statement() -> MemberStatement {
    let key = member(1);
    MemberStatement {
        tracker: member(200).public_key(),
        sequence: 7,
        name: "alice".parse().unwrap(),
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: vec!["192.0.2.1:7000".parse().unwrap()],
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
        addresses: (1..=count)
            .map(|n| format!("h:{n}").parse().unwrap())
            .collect(),
        ..statement()
    };
    let decoded = |s: &MemberStatement| canonical::decode::<MemberStatement>(&canonical::encode(s));
    assert_eq!(decoded(&with(MAX_ADDRESSES)), Ok(with(MAX_ADDRESSES)));
    assert!(decoded(&with(MAX_ADDRESSES + 1)).is_err());
}

#[test]
fn attack_p3_an_address_that_stands_there_twice_is_refused() {
    let mut twice = statement();
    twice.addresses.push(twice.addresses[0].clone());
    assert!(canonical::decode::<MemberStatement>(&canonical::encode(&twice)).is_err());
}
