use super::*;
use crate::canonical;
use crate::chain::BlockId;
use crate::chain::testing::member;
use crate::keys::verify_batch;
use crate::membership::invitation::sign_invited;
use crate::membership::{Act, CertificateStatement, InvitationStatement, Statement};

const NETWORK: BlockId = BlockId([1; 32]);
const NOW: Timestamp = Timestamp(5_000);

/// Alice joins by an invitation.
fn invited() -> JoinRecord {
    let (alice, tracker) = (member(1), member(9));
    let name: MemberName = "alice".parse().unwrap();
    let key = member(7).public_key();
    let statement = InvitationStatement {
        network: Some(NETWORK),
        key,
        issuer: tracker.public_key(),
        delegation: None,
        uses: 1,
        serial: NOW,
        expires: NOW.plus_ms(1_000),
    };
    let (member_key, issuer) = (alice.public_key(), tracker.public_key());
    let certificate = CertificateStatement {
        invitation: Some(key),
        ..CertificateStatement::at(NOW, NETWORK, member_key, name.clone(), issuer)
    };
    JoinRecord {
        invited: Some(sign_invited(&member(7), &NETWORK, &member_key, &name)),
        name,
        sealing_key: alice.sealing_key(),
        certificate: certificate.sign(&tracker),
        invitation: Some(statement.sign(&tracker)),
    }
}

#[test]
fn records_go_through_their_bytes() {
    let readmit = Statement {
        network: NETWORK,
        number: NOW,
        act: Act::Readmit {
            key: member(1).public_key(),
        },
    };
    for record in [
        MembersRecord::Join(Box::new(invited())),
        MembersRecord::Leave(Leave::sign(NETWORK, NOW, &member(1))),
        MembersRecord::Statement(readmit.sign(&member(9))),
    ] {
        let bytes = canonical::encode(&record);
        assert_eq!(canonical::decode(&bytes), Ok(record));
    }
    for wrong in [(0, ()), (1, ()), (4, ())] {
        let bytes = canonical::encode(&wrong);
        assert!(canonical::decode::<MembersRecord>(&bytes).is_err());
    }
}

#[test]
fn the_parts_of_a_join_belong_together() {
    let alice = member(1).public_key();
    let check = |join: &JoinRecord| join.check_form(&NETWORK, &alice);
    assert_eq!(check(&invited()), Ok(()));
    let bob = member(2).public_key();
    let foreign = invited().check_form(&NETWORK, &bob);
    assert!(matches!(foreign, Err(JoinError::Certificate(_))));
    let mut renamed = invited();
    renamed.name = "eve".parse().unwrap();
    assert!(matches!(check(&renamed), Err(JoinError::OtherName { .. })));
    for change in [
        |join: &mut JoinRecord| join.invitation = None,
        |join: &mut JoinRecord| join.invited = None,
        |join: &mut JoinRecord| (join.invitation, join.invited) = (None, None),
        |join: &mut JoinRecord| join.certificate.statement.invitation = None,
    ] {
        let mut join = invited();
        change(&mut join);
        assert_eq!(check(&join), Err(JoinError::OtherInvitation));
    }
}

#[test]
fn every_signature_in_a_join_is_one_to_check() {
    let items = invited().signature_items();
    assert_eq!(items.len(), 3);
    assert!(verify_batch(&items).iter().all(Result::is_ok));
    let mut forged = invited();
    forged.invited = Some(Signature([1; 64]));
    let wrong = verify_batch(&forged.signature_items());
    assert_eq!(wrong.iter().filter(|verdict| verdict.is_err()).count(), 1);
    let item = Leave::sign(NETWORK, NOW, &member(1)).signature_item();
    assert_eq!(verify_batch(&[item]), [Ok(())]);
}
