use super::*;
use crate::membership::certificate::CertificateError;
use crate::membership::name::MAX_NAME;
use crate::membership::{Act, DelegationStatement, NotAMember, Statement};
use crate::wire::message::MAX_AGENT;

/// Bob judges what alice says in their channel, after `change`, signed by her as it should be.
fn judged(
    expected: &Expected,
    change: impl FnOnce(&mut Hello, &mut Option<Certificate>),
) -> Result<(), IntroductionError> {
    let [alice, bob] = acquainted();
    let (mut said, mut shown) = (hello(1), Some(certificate(1)));
    change(&mut said, &mut shown);
    let introduction = Introduction::sign(said, &alice.binding, shown, &member(1));
    judge_introduction(&hello(2), &introduction, &bob.binding, expected, NOW)
}

#[test]
fn a_member_of_the_same_network_is_one_to_talk_to() {
    assert_eq!(judged(&expected(), |_, _| ()), Ok(()));
}

#[test]
fn a_key_that_is_only_named_is_unproven() {
    let told = judged(&expected(), |hello, shown| {
        hello.key = key(3);
        *shown = Some(certificate(3));
    });
    assert!(matches!(
        told,
        Err(IntroductionError::Unproven { key: named, .. }) if named == key(3)
    ));
}

#[test]
fn nothing_in_a_hello_can_be_changed_after_it_was_signed() {
    let [alice, bob] = acquainted();
    let honest = Introduction::sign(hello(1), &alice.binding, None, &member(1));
    let changes: [fn(&mut Hello); 10] = [
        |hello| hello.network = BlockId([2; 32]),
        |hello| hello.role = NodeRole::Tracker,
        |hello| hello.key = key(3),
        |hello| hello.nonce += 1,
        |hello| hello.height.0 += 1,
        |hello| hello.address = "127.0.0.1:1".parse().ok(),
        |hello| hello.time.0 += 1,
        |hello| hello.minor += 1,
        |hello| hello.incarnation += 1,
        |hello| hello.agent = CappedText::new("other").unwrap(),
    ];
    assert_eq!(honest.check(&bob.binding), Ok(()));
    for change in changes {
        let mut changed = honest.clone();
        change(&mut changed.hello);
        assert!(changed.check(&bob.binding).is_err());
    }
}

#[test]
fn a_node_recognises_itself_by_key_and_nonce_together() {
    let [alice, bob] = acquainted();
    let judged = |ours: &Hello| {
        let own = Introduction::sign(hello(1), &alice.binding, Some(certificate(1)), &member(1));
        judge_introduction(ours, &own, &bob.binding, &expected(), NOW)
    };
    assert_eq!(judged(&hello(1)), Err(IntroductionError::Ourselves));
    // The same number by chance is not the same node, nor is another start of it.
    let same_nonce = Hello {
        nonce: 1,
        ..hello(2)
    };
    assert_eq!(judged(&same_nonce), Ok(()));
    let restarted = Hello {
        nonce: 7,
        ..hello(1)
    };
    assert_eq!(judged(&restarted), Ok(()));
}

#[test]
fn a_tracker_where_a_peer_belongs_is_refused_and_the_other_way_round() {
    let told = judged(&expected(), |hello, _| hello.role = NodeRole::Tracker);
    assert_eq!(told, Err(IntroductionError::WrongRole(NodeRole::Tracker)));
    let tracker = Expected {
        role: NodeRole::Tracker,
        same_network: false,
        member: false,
        members: None,
    };
    let told = judged(&tracker, |_, _| ());
    assert_eq!(told, Err(IntroductionError::WrongRole(NodeRole::Peer)));
    let told = judged(&tracker, |hello, shown| {
        hello.role = NodeRole::Tracker;
        hello.network = NetworkId::ZERO;
        *shown = None;
    });
    assert_eq!(told, Ok(()));
}

#[test]
fn another_network_is_refused_where_it_matters() {
    let theirs = BlockId([2; 32]);
    let told = judged(&expected(), |hello, _| hello.network = theirs);
    let ours = NETWORK;
    assert_eq!(told, Err(IntroductionError::OtherNetwork { ours, theirs }));
    let anywhere = Expected {
        same_network: false,
        member: false,
        ..expected()
    };
    let told = judged(&anywhere, |hello, _| hello.network = theirs);
    assert_eq!(told, Ok(()));
}

#[test]
fn membership_is_shown_by_ones_own_certificate() {
    let told = judged(&expected(), |_, shown| *shown = None);
    assert_eq!(told, Err(NotAMember::NoCertificate.into()));
    let told = judged(&expected(), |_, shown| *shown = Some(certificate(3)));
    let other = CertificateError::OtherKey(key(3));
    assert_eq!(told, Err(NotAMember::Certificate(other).into()));
    let told = judged(&expected(), |_, shown| {
        let statement = certificate(1).statement;
        *shown = Some(statement.sign(&member(1)));
    });
    assert!(matches!(
        told,
        Err(IntroductionError::NotAMember(NotAMember::Certificate(
            CertificateError::Forged { .. }
        )))
    ));
    let told = judged(&expected(), |_, shown| {
        let statement = CertificateStatement {
            until: NOW,
            ..certificate(1).statement
        };
        *shown = Some(statement.sign(&member(TRACKER)));
    });
    assert!(matches!(
        told,
        Err(IntroductionError::NotAMember(NotAMember::Certificate(
            CertificateError::Expired { .. }
        )))
    ));
}

#[test]
fn the_longest_introduction_fits_the_record_of_a_stranger() {
    let [alice, _] = acquainted();
    let hello = Hello {
        nonce: u64::MAX,
        height: Height(u64::MAX),
        time: Timestamp(u64::MAX),
        minor: u32::MAX,
        incarnation: u64::MAX,
        address: crate::wire::member::longest_addresses().pop(),
        agent: CappedText::new("a".repeat(MAX_AGENT)).unwrap(),
        ..hello(1)
    };
    let delegation = DelegationStatement {
        network: NETWORK,
        admin: key(1),
        delegate: key(2),
        serial: Timestamp(u64::MAX),
        from: Timestamp(u64::MAX),
        until: Timestamp(u64::MAX),
    };
    let delegation = delegation.sign(&member(1));
    let statement = CertificateStatement {
        name: "a".repeat(MAX_NAME).parse().unwrap(),
        delegation: Some(delegation),
        invitation: Some(key(1)),
        serial: Timestamp(u64::MAX),
        from: Timestamp(u64::MAX),
        until: Timestamp(u64::MAX),
        ..certificate(1).statement
    };
    let shown = Some(statement.sign(&member(TRACKER)));
    let longest = Introduction::sign(hello, &alice.binding, shown, &member(1));
    let record = canonical::encode(&longest).len() + RECORD_OVERHEAD;
    assert!(record < HANDSHAKE_RECORD_CAP * 3 / 4, "{record}");
}

/// A clock that is wrong by years finds every certificate over or not begun; that is when its owner has to
/// hear of it. But the word of anybody does not count.
#[test]
fn the_clocks_of_members_and_trackers_alone_are_compared() {
    let [alice, bob] = acquainted();
    let comparable =
        |expected: &Expected, now, change: fn(&mut Hello, &mut Option<Certificate>)| {
            let (mut said, mut shown) = (hello(1), Some(certificate(1)));
            change(&mut said, &mut shown);
            let theirs = Introduction::sign(said, &alice.binding, shown, &member(1));
            let ours = hello(TRACKER);
            let judged = judge_introduction(&ours, &theirs, &bob.binding, expected, now);
            (
                judged.is_ok(),
                is_comparable(&theirs, &judged, expected, now),
            )
        };
    // At a tracker nobody has to be a member; it knows who is.
    let anybody = Expected {
        same_network: false,
        member: false,
        ..expected()
    };
    let forged: fn(&mut Hello, &mut Option<Certificate>) = |_, shown| {
        let statement = certificate(1).statement;
        *shown = Some(statement.sign(&member(1)));
    };
    for expected in [expected(), anybody.clone()] {
        let is_member = expected.member;
        assert_eq!(comparable(&expected, NOW, |_, _| ()), (true, true));
        assert_eq!(
            comparable(&expected, Timestamp(u64::MAX), |_, _| ()),
            (!is_member, true)
        );
        assert_eq!(comparable(&expected, NOW, forged), (!is_member, false));
        assert_eq!(
            comparable(&expected, Timestamp(u64::MAX), forged),
            (!is_member, false)
        );
        assert_eq!(
            comparable(&expected, NOW, |_, shown| *shown = None),
            (!is_member, false)
        );
        let unproven = comparable(&expected, NOW, |hello, _| hello.key = key(3));
        assert_eq!(unproven, (false, false));
    }
    let tracker = Expected {
        role: NodeRole::Tracker,
        ..anybody
    };
    let tracker = comparable(&tracker, NOW, |hello, shown| {
        hello.role = NodeRole::Tracker;
        *shown = None;
    });
    assert_eq!(tracker, (true, true));
}

/// The admin's word of member 1, made at this time.
fn said(number: u64, act: Act) -> Statements {
    let statement = Statement {
        network: NETWORK,
        number: Timestamp(number),
        act,
    };
    let mut members = (*members()).clone();
    let signed = statement.sign(&member(TRACKER));
    members.take(signed, Timestamp(number)).unwrap();
    members
}

#[test]
fn attack_who_is_put_out_is_refused_and_who_came_back_needs_a_later_certificate() {
    let serial = certificate(1).statement.serial.0;
    let by = |members: Statements| Expected {
        members: Some(Arc::new(members)),
        ..expected()
    };
    let expel = || Act::Expel {
        key: key(1),
        reason: CappedText::new("spam").unwrap(),
    };
    let is_out = |told| matches!(told, Err(IntroductionError::NotAMember(NotAMember::Out(_))));
    let readmit = Act::Readmit { key: key(1) };
    // Whatever it shows, and whenever it was issued.
    for number in [serial - 1, serial, serial + 1] {
        let out = by(said(number, expel()));
        assert!(is_out(judged(&out, |_, _| ())));
        assert!(is_out(judged(&out, |_, shown| *shown = None)));
        let back = by(said(number, readmit.clone()));
        let told = judged(&back, |_, _| ());
        match number < serial {
            true => assert_eq!(told, Ok(()), "issued afterwards"),
            false => assert_eq!(told, Err(NotAMember::Void.into())),
        }
    }
    let other = by(said(serial + 1, Act::Readmit { key: key(3) }));
    assert_eq!(judged(&other, |_, _| ()), Ok(()));
}

#[test]
fn a_delegates_certificate_counts_until_its_right_is_taken_back_and_so_does_the_word_of_a_new_admin()
 {
    let (delegate, serial) = (3, certificate(1).statement.serial);
    let delegation = DelegationStatement {
        network: NETWORK,
        admin: key(TRACKER),
        delegate: key(delegate),
        serial,
        from: Timestamp(0),
        until: Timestamp(2 * NOW.0),
    };
    let delegation = delegation.sign(&member(TRACKER));
    let statement = CertificateStatement {
        issuer: key(delegate),
        delegation: Some(delegation),
        ..certificate(1).statement
    };
    let told = |members: &Statements, statement: &CertificateStatement, by: u8| {
        let expected = Expected {
            members: Some(Arc::new(members.clone())),
            ..expected()
        };
        let signed = statement.clone().sign(&member(by));
        judged(&expected, |_, shown| *shown = Some(signed))
    };
    assert_eq!(told(&members(), &statement, delegate), Ok(()));
    let key_of = |number| key(number);
    let revoked = said(
        serial.0,
        Act::Revoke {
            key: key_of(delegate),
        },
    );
    assert!(told(&revoked, &statement, delegate).is_err());
    let succeeded = said(
        serial.0 - 1,
        Act::Succeed {
            key: key_of(delegate),
        },
    );
    let by_new = CertificateStatement {
        issuer: key(delegate),
        ..certificate(1).statement
    };
    assert_eq!(told(&succeeded, &by_new, delegate), Ok(()));
    assert!(told(&succeeded, &certificate(1).statement, TRACKER).is_err());
    assert!(told(&members(), &by_new, delegate).is_err());
}
