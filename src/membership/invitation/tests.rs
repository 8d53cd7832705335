use super::*;
use crate::canonical;
use crate::chain::BlockId;
use crate::chain::testing::member;
use crate::keys::verify;
use crate::membership::DelegationStatement;

const NETWORK: BlockId = BlockId([1; 32]);
const NOW: Timestamp = Timestamp(5_000);

pub(super) fn statement() -> InvitationStatement {
    InvitationStatement {
        network: Some(NETWORK),
        key: member(7).public_key(),
        issuer: member(9).public_key(),
        delegation: None,
        uses: 3,
        serial: Timestamp(4_000),
        expires: Timestamp(6_000),
    }
}

fn judged(invitation: &Invitation) -> Result<(), InvitationError> {
    let authority = Authority::new(member(9).public_key(), None);
    invitation.check(&authority, &NETWORK, NOW)
}

fn changed(change: impl FnOnce(&mut InvitationStatement)) -> Result<(), InvitationError> {
    let mut statement = statement();
    change(&mut statement);
    judged(&statement.sign(&member(9)))
}

#[test]
fn it_counts_on_its_network_or_before_there_is_one_until_it_ends() {
    assert_eq!(changed(|_| ()), Ok(()));
    assert_eq!(changed(|said| said.network = None), Ok(()));
    let other = BlockId([2; 32]);
    let refused = changed(|said| said.network = Some(other));
    assert_eq!(refused, Err(InvitationError::OtherNetwork(other)));
    for uses in [0, MAX_USES + 1] {
        assert_eq!(
            changed(|said| said.uses = uses),
            Err(InvitationError::Uses(uses))
        );
    }
    let (expires, now) = (NOW, NOW);
    let refused = changed(|said| said.expires = NOW);
    assert_eq!(refused, Err(InvitationError::Expired { expires, now }));
    let refused = judged(&statement().sign(&member(1)));
    assert!(matches!(refused, Err(InvitationError::Forged { .. })));
    let refused = changed(|said| said.issuer = member(1).public_key());
    assert!(matches!(refused, Err(InvitationError::Issuer(_))));
}

#[test]
fn a_delegate_invites_for_as_long_as_it_may() {
    let delegation = DelegationStatement {
        network: NETWORK,
        admin: member(9).public_key(),
        delegate: member(3).public_key(),
        serial: Timestamp(0),
        from: Timestamp(0),
        until: Timestamp(6_000),
    };
    let mut said = InvitationStatement {
        issuer: member(3).public_key(),
        delegation: Some(delegation.sign(&member(9))),
        ..statement()
    };
    assert_eq!(judged(&said.clone().sign(&member(3))), Ok(()));
    said.expires = Timestamp(6_001);
    let refused = judged(&said.sign(&member(3)));
    assert_eq!(refused, Err(IssuerError::OutsideOfDelegation.into()));
}

#[test]
fn nothing_in_it_can_be_changed() {
    let honest = canonical::encode(&statement().sign(&member(9)));
    for at in 0..honest.len() {
        let mut bytes = honest.clone();
        bytes[at] ^= 1;
        if let Ok(changed) = canonical::decode::<Invitation>(&bytes) {
            assert!(judged(&changed).is_err(), "byte {at}");
        }
    }
}

#[test]
fn attack_what_was_overheard_lets_nobody_else_in() {
    let (alice, eve) = (member(1).public_key(), member(2).public_key());
    let name: MemberName = "alice".parse().unwrap();
    let signature = sign_invited(&member(7), &NETWORK, &alice, &name);
    let holds = |network, member, name: &str| {
        let name = name.parse().unwrap();
        let item = invited_item(
            &self::member(7).public_key(),
            network,
            member,
            &name,
            signature,
        );
        verify(&item.key, &item.message, &item.signature).is_ok()
    };
    assert!(holds(&NETWORK, &alice, "alice"));
    assert!(!holds(&NETWORK, &eve, "alice"));
    assert!(!holds(&NETWORK, &alice, "eve"));
    assert!(!holds(&BlockId([2; 32]), &alice, "alice"));
}
