use super::*;
use crate::canonical::CappedText;
use crate::chain::testing::{genesis_with, member, params};
use crate::chain::{BlockId, Params};
use crate::membership::Statement;
use proptest::prelude::*;

const ADMIN: u8 = 200;
const RECOVERY: u8 = 201;
const NOW: Timestamp = Timestamp(1_000);

fn key(number: u8) -> PublicKey {
    member(number).public_key()
}

fn genesis() -> Genesis {
    genesis_with(Params {
        recovery: Some(key(RECOVERY)),
        ..params()
    })
}

fn said(number: u64, act: Act, by: u8) -> SignedStatement {
    let statement = Statement {
        network: genesis().id(),
        number: Timestamp(number),
        act,
    };
    statement.sign(&member(by))
}

fn expel(number: u64, who: u8) -> SignedStatement {
    let reason = CappedText::new("spam").unwrap();
    said(
        number,
        Act::Expel {
            key: key(who),
            reason,
        },
        ADMIN,
    )
}

fn readmit(number: u64, who: u8) -> SignedStatement {
    said(number, Act::Readmit { key: key(who) }, ADMIN)
}

#[test]
fn the_greatest_number_counts_and_at_equal_numbers_out_does() {
    let mut held = Statements::new(&genesis());
    let mut take = |signed: SignedStatement| {
        let rows = held.take(signed, NOW).unwrap().len();
        (rows, held.out(&key(1)).is_some())
    };
    assert_eq!(take(expel(5, 1)), (1, true));
    assert_eq!(take(expel(5, 1)), (0, true), "known");
    assert_eq!(take(readmit(5, 1)), (0, true), "out wins");
    assert_eq!(take(readmit(6, 1)), (1, false));
    assert_eq!(take(expel(5, 1)), (0, false), "an old one, told again");
    assert_eq!(take(expel(6, 1)), (1, true), "out wins");
}

#[test]
fn attack_what_the_admin_did_not_say_is_not_taken() {
    let mut held = Statements::new(&genesis());
    let mut refused = |signed: SignedStatement| held.take(signed, NOW).unwrap_err();
    let reason = CappedText::new("spam").unwrap();
    let by_member = said(
        5,
        Act::Expel {
            key: key(1),
            reason,
        },
        2,
    );
    assert!(
        !refused(by_member).is_fault(),
        "it may be the admin elsewhere"
    );
    let mut forged = expel(5, 1);
    forged.statement.number = Timestamp(6);
    assert!(refused(forged).is_fault());
    let mut foreign = expel(5, 1);
    foreign.statement.network = BlockId([1; 32]);
    assert!(refused(foreign).is_fault());
    let ahead = NOW.0 + crate::membership::MAX_NUMBER_AHEAD_MS + 1;
    assert!(!refused(expel(ahead, 1)).is_fault());
    assert!(held.is_empty());
}

/// Takes what is due at `now`, and says whether there was anything.
fn take_due(held: &mut Statements, now: Timestamp) -> bool {
    let was_due = held.is_due(now);
    let due = held.due(now);
    assert_eq!(was_due, !due.is_empty());
    for signed in due {
        held.take(signed, now).unwrap();
    }
    was_due
}

#[test]
fn what_came_too_early_is_due_when_its_time_has_come_with_what_rests_on_it() {
    let mut held = Statements::new(&genesis());
    let ahead = NOW.plus_ms(crate::membership::MAX_NUMBER_AHEAD_MS + 10).0;
    let recovered = said(ahead, Act::Succeed { key: key(9) }, RECOVERY);
    let by_successor = said(ahead + 1, Act::Readmit { key: key(2) }, 9);
    let far = expel(ahead + 1_000, 3);
    for signed in [expel(ahead - 1, 1), far.clone(), recovered, by_successor] {
        held.take(signed, NOW).unwrap_err();
    }
    assert!(held.is_empty());
    assert!(!take_due(&mut held, NOW.plus_ms(8)));
    assert!(take_due(&mut held, NOW.plus_ms(11)));
    assert_eq!(held.authority().admin(), key(9));
    assert_eq!(held.void_until(&key(2)), Some(Timestamp(ahead + 1)));
    assert!(held.out(&key(1)).is_some());
    assert!(held.out(&key(3)).is_none());
    // Said by who was no admin any more.
    assert!(!take_due(&mut held, NOW.plus_ms(2_000)));
    assert!(held.out(&key(3)).is_none());
}

#[test]
fn attack_what_nobody_may_say_is_not_kept_for_later() {
    let mut held = Statements::new(&genesis());
    let ahead = NOW.plus_ms(crate::membership::MAX_NUMBER_AHEAD_MS + 10).0;
    let mut forged = expel(ahead, 1);
    forged.statement.number.0 += 1;
    let by_member = said(ahead, Act::Readmit { key: key(1) }, 2);
    let mut foreign = expel(ahead, 1);
    foreign.statement.network = BlockId([1; 32]);
    for signed in [forged, by_member, foreign] {
        held.take(signed, NOW).unwrap_err();
        assert!(!held.is_due(Timestamp(u64::MAX)));
    }
}

#[test]
fn rows_lead_back_to_what_was_held_and_a_succession_takes_the_thiefs_word_back() {
    let mut held = Statements::new(&genesis());
    let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let recovered = said(4, Act::Succeed { key: key(9) }, RECOVERY);
    for signed in [expel(3, 1), expel(6, 2), recovered] {
        for (name, value) in held.take(signed, NOW).unwrap() {
            match value {
                Some(value) => rows.insert(name, value),
                None => rows.remove(&name),
            };
        }
    }
    assert!(held.out(&key(1)).is_some(), "said before");
    assert!(
        held.out(&key(2)).is_none(),
        "said by who was no admin any more"
    );
    let mut again = Statements::new(&genesis());
    for value in rows.values() {
        again.open_row(value).unwrap();
    }
    assert_eq!(again, held);
    assert_eq!(again.authority().admin(), key(9));
}

#[test]
fn attack_a_thief_who_fills_everything_neither_keeps_the_admin_key_nor_the_room() {
    let mut held = Statements::new(&genesis());
    let about = |number: u64, who: u64, by: u8| {
        let key = PublicKey(*blake3::hash(&who.to_le_bytes()).as_bytes());
        said(number, Act::Readmit { key }, by)
    };
    let mut rows: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut take = |held: &mut Statements, signed: SignedStatement| {
        for (name, value) in held.take(signed, NOW)? {
            match value {
                Some(_) => rows.insert(name),
                None => rows.remove(&name),
            };
        }
        Ok::<_, NotTaken>(rows.len())
    };
    for who in 0..MAX_STATEMENTS_HELD as u64 {
        take(&mut held, about(10 + who % 3, who, ADMIN)).unwrap();
    }
    let more = take(&mut held, about(20, 1 << 40, ADMIN));
    assert_eq!(more, Err(NotTaken::Full), "not of somebody else");
    take(&mut held, about(21, 7, ADMIN)).expect("again of whom it has said something");
    let recovered = said(30, Act::Succeed { key: key(9) }, RECOVERY);
    take(&mut held, recovered).expect("the recovery key");
    assert_eq!(held.authority().admin(), key(9));
    for who in 1..4 {
        let put_out = said(30 + u64::from(who), expel(0, who).statement.act, 9);
        let kept = take(&mut held, put_out).expect("the new admin");
        assert!(held.out(&key(who)).is_some());
        assert_eq!(kept, MAX_STATEMENTS_HELD + 1, "as many rows as are held");
        assert_eq!(held.all().count(), kept);
    }
    let late = take(&mut held, about(11, 1 << 41, ADMIN));
    assert_eq!(late, Err(NotTaken::Full), "what the former admin said late");
}

proptest! {
    #[test]
    fn whoever_heard_the_same_holds_the_same(
        all in proptest::collection::vec((0..6u64, 1..4u8, any::<bool>()), 1..12),
        rotated in 0..12usize,
    ) {
        let heard = |order: &[(u64, u8, bool)]| {
            let mut held = Statements::new(&genesis());
            for (number, who, out) in order {
                let signed = if *out { expel(*number, *who) } else { readmit(*number, *who) };
                held.take(signed, NOW).unwrap();
            }
            held
        };
        let mut other = all.clone();
        other.rotate_left(rotated % all.len());
        prop_assert_eq!(heard(&all), heard(&other));
    }
}
