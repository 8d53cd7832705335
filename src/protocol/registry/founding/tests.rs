use super::*;
use crate::chain::testing::params;
use crate::clock::{BEGUN, STARTED};
use crate::protocol::testing::{TRACKER, genesis_by, key};

fn here(id: u32, has_network: bool) -> Present {
    Present {
        id: MemberId(id),
        key: key(id as u8),
        has_network,
        is_of_network: has_network,
    }
}

#[test]
fn attack_so_many_are_waited_for_and_no_more() {
    let mut founding = Founding::new(key(TRACKER), true, params());
    let claims = |number: u32| Present {
        id: MemberId(number),
        key: PublicKey(*blake3::hash(&number.to_le_bytes()).as_bytes()),
        has_network: true,
        is_of_network: true,
    };
    let most = MAX_CLAIMS as u32;
    let _ = founding.next_holder((1..=2 * most).map(claims), STARTED);
    assert_eq!(founding.claims.len(), MAX_CLAIMS);
    // Those beyond do not hold up who has none, once the others were waited for.
    let late = STARTED.plus_ms(CLAIM_MS);
    let others = (most + 1..=2 * most).map(claims);
    let all = others.chain([here(9_999, false)]);
    let held = founding.next_holder(all, late).map(|(id, _)| id);
    assert_eq!(held, Some(MemberId(9_999)));
}

fn offer(from: u32, by: u8, has_network: bool) -> Offer {
    Offer {
        from: MemberId(from),
        key: Some(key(by)),
        has_network,
        is_of_network: has_network,
        genesis: genesis_by(by),
    }
}

#[test]
fn the_lease_goes_round_and_only_its_holder_founds() {
    let mut founding = Founding::new(key(TRACKER), true, params());
    let all = [here(1, false), here(2, false)];
    let mut next = |now| founding.next_holder(all.into_iter(), now);
    let ends = STARTED.plus_ms(LEASE_MS);
    assert_eq!(next(STARTED), Some((MemberId(1), ends)));
    assert_eq!(next(STARTED.plus_ms(LEASE_MS - 1)), None);
    let later = ends.plus_ms(LEASE_MS);
    assert_eq!(next(ends), Some((MemberId(2), later)));
    assert_eq!(next(later).map(|(id, _)| id), Some(MemberId(1)));
    let (verdict, rows) = founding.offer(offer(2, 2, false), BEGUN);
    assert_eq!((verdict, rows.len()), (Verdict::TooLate, 0));
    let (verdict, rows) = founding.offer(offer(1, 1, false), BEGUN);
    let founded = Verdict::Accepted {
        adopted: false,
        other_params: false,
    };
    assert_eq!((verdict, rows.len()), (founded, 1));
    let again = founding.offer(offer(2, 2, false), BEGUN);
    assert_eq!(again, (Verdict::Known, Vec::new()));
    assert_eq!(founding.lease_of(MemberId(1), later), None);
}

#[test]
fn a_lease_ends_at_its_last_millisecond() {
    let mut founding = Founding::new(key(TRACKER), true, params());
    founding.next_holder([here(1, false)].into_iter(), STARTED);
    let remaining = |now| founding.lease_of(MemberId(1), now).map(|l| l.remaining_ms);
    assert_eq!(remaining(STARTED), Some(LEASE_MS));
    assert_eq!(remaining(STARTED.plus_ms(LEASE_MS - 1)), Some(1));
    assert_eq!(remaining(STARTED.plus_ms(LEASE_MS)), None);
}

#[test]
fn attack_l3_a_network_is_taken_from_nobody_who_only_names_it_and_waited_for_once_a_key() {
    let mut founding = Founding::new(key(TRACKER), true, params());
    let claim = Offer {
        is_of_network: false,
        ..offer(1, 1, true)
    };
    let (verdict, rows) = founding.offer(claim, BEGUN);
    assert!(
        matches!(verdict, Verdict::Refused(_)) && rows.is_empty(),
        "{verdict:?}"
    );
    // Two who only name one hold nobody up, a member that shows it for its time, once.
    let named = |id| Present {
        is_of_network: false,
        ..here(id, true)
    };
    let waiting = [named(1), named(2), here(3, false)];
    let asked = founding.next_holder(waiting.into_iter(), STARTED);
    assert_eq!(asked.map(|(id, _)| id), Some(MemberId(3)));
    let mut founding = Founding::new(key(TRACKER), true, params());
    let all = [here(1, true), here(3, false)];
    assert_eq!(founding.next_holder(all.into_iter(), STARTED), None);
    let then = STARTED.plus_ms(CLAIM_MS);
    assert!(founding.next_holder(all.into_iter(), then).is_some());
}

#[test]
fn attack_l4_a_genesis_stamped_long_ago_is_refused() {
    for (behind_ms, taken) in [(MAX_BEHIND_MS, true), (MAX_BEHIND_MS + 1, false)] {
        let mut founding = Founding::new(key(TRACKER), true, params());
        founding.next_holder([here(1, false)].into_iter(), STARTED);
        let late = BEGUN.plus_ms(behind_ms);
        let (verdict, _) = founding.offer(offer(1, 1, false), late);
        assert_eq!(
            matches!(verdict, Verdict::Accepted { .. }),
            taken,
            "{verdict:?}"
        );
    }
}

#[test]
fn nobody_is_asked_while_a_member_may_present_its_genesis_nor_where_none_is_founded() {
    let mut founding = Founding::new(key(TRACKER), true, params());
    let all = [here(1, true), here(2, false)];
    for then in [STARTED, STARTED.plus_ms(CLAIM_MS - 1)] {
        assert_eq!(founding.next_holder(all.into_iter(), then), None);
    }
    let then = founding.next_holder(all.into_iter(), STARTED.plus_ms(CLAIM_MS));
    assert_eq!(then.map(|(id, _)| id), Some(MemberId(2)));
    let mut introducing = Founding::new(key(TRACKER), false, params());
    assert_eq!(
        introducing.next_holder(all[1..].iter().copied(), STARTED),
        None
    );
    let (verdict, _) = introducing.offer(offer(2, 2, false), BEGUN);
    assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
    let (verdict, _) = introducing.offer(offer(1, 1, true), BEGUN);
    assert!(matches!(verdict, Verdict::Accepted { adopted: true, .. }));
}
