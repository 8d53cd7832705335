use super::*;
use crate::chain::BlockId;
use crate::chain::testing::member;
use crate::membership::{DelegationStatement, Statement};
use proptest::prelude::*;

const ADMIN: u8 = 9;
const RECOVERY: u8 = 8;

fn key(number: u8) -> PublicKey {
    member(number).public_key()
}

fn authority() -> Authority {
    Authority::new(key(ADMIN), Some(key(RECOVERY)))
}

fn said(number: u64, act: Act, by: u8) -> SignedStatement {
    let statement = Statement {
        network: BlockId([1; 32]),
        number: Timestamp(number),
        act,
    };
    statement.sign(&member(by))
}

fn succeed(number: u64, to: u8, by: u8) -> SignedStatement {
    said(number, Act::Succeed { key: key(to) }, by)
}

#[test]
fn the_admin_hands_on_and_has_nothing_to_say_afterwards() {
    let mut authority = authority();
    assert_eq!(authority.admin(), key(ADMIN));
    assert_eq!(authority.take(&succeed(100, 1, ADMIN)), Ok(true));
    assert_eq!(authority.take(&succeed(100, 1, ADMIN)), Ok(false), "known");
    assert_eq!(authority.admin(), key(1));
    let readmit = |number, by| said(number, Act::Readmit { key: key(5) }, by);
    assert_eq!(authority.allows(&readmit(100, ADMIN)), Ok(()));
    assert_eq!(authority.allows(&readmit(101, 1)), Ok(()));
    let (by, admin) = (key(ADMIN), key(1));
    let late = AuthorityError::NotAdmin { by, admin };
    assert_eq!(authority.allows(&readmit(101, ADMIN)), Err(late.clone()));
    assert_eq!(authority.take(&succeed(200, 2, ADMIN)), Err(late));
}

#[test]
fn the_recovery_key_does_nothing_but_put_an_admin_in_place() {
    let mut authority = authority();
    let readmit = said(1, Act::Readmit { key: key(5) }, RECOVERY);
    assert!(authority.allows(&readmit).is_err());
    assert!(authority.allows(&succeed(1, 5, 5)).is_err());
    assert_eq!(authority.take(&succeed(100, 1, RECOVERY)), Ok(true));
    assert_eq!(authority.admin(), key(1));
}

#[test]
fn attack_a_stolen_admin_key_does_not_outrank_the_recovery_key() {
    let mut authority = authority();
    // The thief hands on to itself, far ahead, and at the very number that recovery takes.
    assert_eq!(authority.take(&succeed(1_000_000, 3, ADMIN)), Ok(true));
    assert_eq!(authority.take(&succeed(500, 3, ADMIN)), Ok(true));
    assert_eq!(authority.take(&succeed(500, 1, RECOVERY)), Ok(true));
    assert_eq!(authority.admin(), key(1));
    // Nor by as many changes as are kept.
    let mut crowded = self::authority();
    for number in 0..MAX_SUCCESSIONS as u64 {
        assert_eq!(crowded.take(&succeed(number, ADMIN, ADMIN)), Ok(true));
    }
    let full = crowded.take(&succeed(900, ADMIN, ADMIN));
    assert_eq!(full, Err(AuthorityError::TooManySuccessions));
    assert_eq!(crowded.take(&succeed(900, 1, RECOVERY)), Ok(true));
    assert_eq!(crowded.admin(), key(1));
}

#[test]
fn a_delegate_is_none_any_more_until_it_is_given_the_right_anew() {
    let delegation = |serial: u64| {
        let statement = DelegationStatement {
            network: BlockId([1; 32]),
            admin: key(ADMIN),
            delegate: key(1),
            serial: Timestamp(serial),
            from: Timestamp(0),
            until: Timestamp(1_000),
        };
        statement.sign(&member(ADMIN))
    };
    let mut authority = authority();
    let revoke = |number| said(number, Act::Revoke { key: key(1) }, ADMIN);
    assert_eq!(authority.take(&revoke(10)), Ok(true));
    assert_eq!(authority.take(&revoke(9)), Ok(false), "less than is known");
    assert!(authority.has_revoked(&delegation(10)));
    assert!(!authority.has_revoked(&delegation(11)));
    for number in 0..MAX_REVOKED as u64 + 10 {
        let other = PublicKey(*blake3::hash(&number.to_le_bytes()).as_bytes());
        let revoke = said(20 + number, Act::Revoke { key: other }, ADMIN);
        assert_eq!(authority.take(&revoke), Ok(true));
    }
    assert_eq!(authority.revoked.len(), MAX_REVOKED);
}

proptest! {
    #[test]
    fn whoever_heard_the_same_of_the_recovery_key_and_of_each_admin_agrees(
        recovered in proptest::collection::vec((0..20u64, 1..4u8), 1..6),
        by_first in proptest::collection::vec((0..20u64, 4..7u8), 0..6),
        order in any::<u64>(),
    ) {
        let mut all: Vec<_> = recovered.iter().map(|(n, to)| succeed(*n, *to, RECOVERY)).collect();
        all.extend(by_first.iter().map(|(n, to)| succeed(*n, *to, ADMIN)));
        let heard = |rotated: usize| {
            let mut authority = authority();
            let mut all = all.clone();
            all.rotate_left(rotated);
            if order % 2 == 1 { all.reverse(); }
            // What does not count yet is said again later, as at every handshake.
            for _ in 0..3 {
                for one in &all { let _ = authority.take(one); }
            }
            authority
        };
        let first = heard(0);
        for rotated in 1..all.len() {
            prop_assert_eq!(&heard(rotated), &first);
        }
    }
}
