use super::*;
use crate::canonical;
use crate::chain::BlockId;
use crate::chain::testing::member;
use crate::membership::delegation::MAX_DELEGATION_MS;
use crate::membership::{Act, DelegationStatement, Statement};

const NETWORK: BlockId = BlockId([1; 32]);
const FROM: Timestamp = Timestamp(1_000);
const UNTIL: Timestamp = Timestamp(2_000);

fn certificate() -> Certificate {
    let (alice, tracker) = (member(1).public_key(), member(9).public_key());
    let statement = CertificateStatement {
        from: FROM,
        until: UNTIL,
        ..CertificateStatement::at(FROM, NETWORK, alice, "alice".parse().unwrap(), tracker)
    };
    statement.sign(&member(9))
}

fn authority() -> Authority {
    Authority::new(member(9).public_key(), None)
}

fn judged(certificate: &Certificate, now: u64) -> Result<(), CertificateError> {
    let (tracker, key) = (authority(), member(1).public_key());
    certificate.check(&tracker, &NETWORK, &key, Timestamp(now))
}

#[test]
fn it_counts_from_its_beginning_to_before_its_end() {
    let certificate = certificate();
    assert_eq!(judged(&certificate, 1_000), Ok(()));
    assert_eq!(judged(&certificate, 1_999), Ok(()));
    let (from, until) = (FROM, UNTIL);
    let now = Timestamp(999);
    let early = CertificateError::NotYet { from, now };
    assert_eq!(judged(&certificate, 999), Err(early));
    let now = Timestamp(2_000);
    let late = CertificateError::Expired { until, now };
    assert_eq!(judged(&certificate, 2_000), Err(late));
}

#[test]
fn it_is_for_one_key_on_one_network_by_one_tracker() {
    let certificate = certificate();
    let (tracker, alice) = (authority(), member(1).public_key());
    let bob = member(2).public_key();
    let now = FROM;
    let refused = certificate.check(&tracker, &NETWORK, &bob, now);
    assert_eq!(refused, Err(CertificateError::OtherKey(alice)));
    let other = BlockId([2; 32]);
    let refused = certificate.check(&tracker, &other, &alice, now);
    assert_eq!(refused, Err(CertificateError::OtherNetwork(NETWORK)));
    let other = Authority::new(bob, None);
    let refused = certificate.check(&other, &NETWORK, &alice, now);
    let issuer = member(9).public_key();
    let not_admin = IssuerError::NotAdmin { issuer, admin: bob };
    assert_eq!(refused, Err(CertificateError::Issuer(not_admin)));
    // What a member signs for itself is worth nothing.
    let own = certificate.statement.clone().sign(&member(1));
    let refused = judged(&own, 1_000);
    assert!(matches!(refused, Err(CertificateError::Forged { .. })));
}

#[test]
fn times_are_told_in_units_that_one_grasps() {
    let told = [1, 119_999, 120_000, 7_200_000, 180 * 86_400_000].map(in_words);
    assert_eq!(told, ["1 ms", "119 s", "2 minutes", "2 hours", "180 days"]);
}

/// Carol may issue from 500 to 3,000.
fn delegation() -> DelegationStatement {
    DelegationStatement {
        network: NETWORK,
        admin: member(9).public_key(),
        delegate: member(3).public_key(),
        serial: Timestamp(400),
        from: Timestamp(500),
        until: Timestamp(3_000),
    }
}

/// A certificate by carol, who shows this right to issue it.
fn by_delegate(change: impl FnOnce(&mut DelegationStatement)) -> CertificateStatement {
    let mut delegation = delegation();
    change(&mut delegation);
    CertificateStatement {
        issuer: member(3).public_key(),
        delegation: Some(delegation.sign(&member(9))),
        ..certificate().statement
    }
}

#[test]
fn a_delegate_issues_within_its_time_and_nobody_else_does() {
    let judged = |statement: CertificateStatement| judged(&statement.sign(&member(3)), 1_500);
    let refused = |statement| match judged(statement) {
        Err(CertificateError::Issuer(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(judged(by_delegate(|_| ())), Ok(()));
    let other = BlockId([2; 32]);
    let error = refused(by_delegate(|said| said.network = other));
    assert_eq!(error, IssuerError::OtherNetwork(other));
    let bob = member(2).public_key();
    let error = refused(by_delegate(|said| said.delegate = bob));
    assert_eq!(error, IssuerError::OtherDelegate(bob));
    let error = refused(by_delegate(|said| said.admin = bob));
    assert!(matches!(error, IssuerError::DelegationNotByAdmin { by, .. } if by == bob));
    let too_long = 500 + MAX_DELEGATION_MS + 1;
    let error = refused(by_delegate(|said| said.until = Timestamp(too_long)));
    assert_eq!(error, IssuerError::DelegationTooLong(MAX_DELEGATION_MS + 1));
    let error = refused(by_delegate(|said| said.from = said.until));
    assert_eq!(error, IssuerError::DelegationTooLong(0));
    for change in [
        |said: &mut DelegationStatement| said.from = Timestamp(1_001),
        |said: &mut DelegationStatement| said.until = Timestamp(1_999),
    ] {
        assert_eq!(
            refused(by_delegate(change)),
            IssuerError::OutsideOfDelegation
        );
    }
    // A delegate gives nobody its right.
    let second_hand = DelegationStatement {
        admin: member(3).public_key(),
        delegate: member(4).public_key(),
        ..delegation()
    };
    let statement = CertificateStatement {
        issuer: member(4).public_key(),
        delegation: Some(second_hand.sign(&member(3))),
        ..certificate().statement
    };
    let error = refused(statement);
    assert!(matches!(error, IssuerError::DelegationNotByAdmin { .. }));
    // And what the admin did not sign is no delegation.
    let mut forged = by_delegate(|_| ());
    forged.delegation.as_mut().unwrap().signature = Signature([1; 64]);
    assert!(matches!(
        judged(forged),
        Err(CertificateError::Forged { .. })
    ));
}

#[test]
fn what_a_former_admin_numbers_after_its_time_does_not_count() {
    let mut authority = authority();
    let succeed = Statement {
        network: NETWORK,
        number: Timestamp(1_000),
        act: Act::Succeed {
            key: member(3).public_key(),
        },
    };
    assert_eq!(authority.take(&succeed.sign(&member(9))), Ok(true));
    let judge = |serial: u64, by: u8| {
        let statement = CertificateStatement {
            serial: Timestamp(serial),
            issuer: member(by).public_key(),
            ..certificate().statement
        };
        let (key, now) = (member(1).public_key(), Timestamp(1_500));
        statement
            .sign(&member(by))
            .check(&authority, &NETWORK, &key, now)
    };
    assert_eq!((judge(1_000, 9), judge(1_001, 3)), (Ok(()), Ok(())));
    assert!(judge(1_001, 9).is_err() && judge(1_000, 3).is_err());
}

#[test]
fn nothing_in_it_can_be_changed() {
    let delegated = by_delegate(|_| ()).sign(&member(3));
    for honest in [certificate(), delegated].map(|one| canonical::encode(&one)) {
        for at in 0..honest.len() {
            let mut bytes = honest.clone();
            bytes[at] ^= 1;
            if let Ok(changed) = canonical::decode::<Certificate>(&bytes) {
                assert!(judged(&changed, 1_000).is_err(), "byte {at}");
            }
        }
    }
}
