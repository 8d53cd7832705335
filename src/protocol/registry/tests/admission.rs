//! Who comes onto the list who is not on it.

use super::*;
use crate::chain::Timestamp;
use crate::chain::params::{Admission, Params};
use crate::keys::SecretKey;
use crate::membership::invitation::sign_invited;
use crate::membership::{Certificate, Invitation};
use crate::wire::message::{Admissible, Invited};

const DAY_MS: u64 = 86_400_000;

fn by_invitation() -> Params {
    Params {
        admission: Admission::Invite,
        ..params()
    }
}

fn tracker() -> Tracker {
    let mut tracker = Tracker::new();
    tracker.registry = Registry::open(secret(TRACKER), by_invitation(), 1, []).unwrap();
    tracker
}

fn genesis_of_it() -> Genesis {
    let content = crate::chain::GenesisContent::new(by_invitation(), key(TRACKER), key(1));
    crate::protocol::testing::mine(content.header(START), content)
}

/// The secret behind an invitation.
fn seed(number: u8) -> SecretKey {
    SecretKey::from_bytes([number; 32])
}

fn order(tracker: &mut Tracker, order: Order) -> Result<Outcome, OrderRefused> {
    let effects = tracker.registry.order(7, order, tracker.now);
    tracker.carry_out(effects);
    tracker.sync();
    let (token, outcome) = tracker.done.pop().expect("it is answered");
    assert_eq!(token, 7);
    outcome
}

fn invite(tracker: &mut Tracker, number: u8, uses: u32) -> Invitation {
    let lasts_ms = DAY_MS;
    let key = seed(number).public_key();
    let invited = order(
        tracker,
        Order::Invite {
            key,
            uses,
            lasts_ms,
        },
    );
    match invited {
        Ok(Outcome::Invited { invitation, .. }) => invitation,
        other => panic!("no invitation: {other:?}"),
    }
}

/// What this member, so called, shows of an invitation.
fn shown(invitation: &Invitation, by: u8, member: u8, name: &str, on: NetworkId) -> Message {
    let name = name.parse().unwrap();
    Message::Invited(Invited {
        invitation: invitation.clone(),
        signature: sign_invited(&seed(by), &on, &key(member), &name),
    })
}

/// Registers with what was shown in a session of its own; what was said.
fn join(tracker: &mut Tracker, member: u8, name: &str, shown: Option<Message>) -> Vec<Out> {
    let session = u64::from(member);
    tracker.close(session);
    tracker.open(session, member, NOBODY);
    if let Some(shown) = shown {
        tracker.receive(session, &shown);
    }
    tracker.receive(session, &Message::Register(record(member, name, 1)));
    tracker.said()
}

fn is_registered(said: &[Out]) -> bool {
    let yes = |out: &Out| matches!(out, Out::Sent(_, Message::Registered(_)));
    said.iter().any(yes)
}

/// A network of which member 1 is the founder, by the tracker's invitation 50.
fn founded_by_invitation() -> Tracker {
    let mut tracker = tracker();
    let first = invite(&mut tracker, 50, 1);
    let shown = shown(&first, 50, 1, "alice", NOBODY);
    assert!(is_registered(&join(&mut tracker, 1, "alice", Some(shown))));
    tracker.receive(1, &Message::OfferGenesis(genesis_of_it()));
    tracker.said();
    assert_eq!(tracker.registry.network(), genesis_of_it().id());
    tracker
}

#[test]
fn who_was_invited_joins_stays_and_renews_without() {
    let mut tracker = founded_by_invitation();
    let network = genesis_of_it().id();
    let refused = refusal(join(&mut tracker, 2, "bob", None));
    assert_eq!(refused, RefusalCode::InvitationNeeded);
    let invitation = invite(&mut tracker, 51, 1);
    let bobs = shown(&invitation, 51, 2, "bob", network);
    tracker.issued.clear();
    assert!(is_registered(&join(&mut tracker, 2, "bob", Some(bobs))));
    let certificate = &tracker.issued.last().unwrap().1;
    let by = Some(seed(51).public_key());
    assert_eq!(
        certificate.statement.invitation, by,
        "the certificate names it"
    );
    // Again, and after a restart, and with the invitation revoked.
    assert!(is_registered(&join(&mut tracker, 2, "bob", None)));
    let revoked = order(&mut tracker, Order::RevokeInvitation(InvitationId(2)));
    assert!(matches!(revoked, Ok(Outcome::Revoked { .. })));
    tracker.restart();
    assert!(is_registered(&join(&mut tracker, 2, "bob", None)));
}

#[test]
fn each_no_has_its_code() {
    let mut tracker = founded_by_invitation();
    let network = genesis_of_it().id();
    let invitation = invite(&mut tracker, 51, 1);
    let code = |tracker: &mut Tracker, member, name: &str, what| {
        refusal(join(tracker, member, name, Some(what)))
    };
    // Overheard: without its secret, for another key, for another name, into another network.
    for what in [
        shown(&invitation, 52, 2, "bob", network),
        shown(&invitation, 51, 3, "bob", network),
        shown(&invitation, 51, 2, "robert", network),
        shown(&invitation, 51, 2, "bob", NOBODY),
    ] {
        assert_eq!(
            code(&mut tracker, 2, "bob", what),
            RefusalCode::InvitationWrong
        );
    }
    // By somebody who may not invite.
    let own = crate::membership::InvitationStatement {
        issuer: key(9),
        ..invitation.statement.clone()
    };
    let what = shown(&own.sign(&member(9)), 51, 2, "bob", network);
    assert_eq!(
        code(&mut tracker, 2, "bob", what),
        RefusalCode::InvitationWrong
    );
    let elsewhere = crate::membership::InvitationStatement {
        network: Some(genesis_by(1).id()),
        ..invitation.statement.clone()
    };
    let what = shown(&elsewhere.sign(&member(TRACKER)), 51, 2, "bob", network);
    assert_eq!(
        code(&mut tracker, 2, "bob", what),
        RefusalCode::InvitationElsewhere
    );
    // Used up.
    let bobs = shown(&invitation, 51, 2, "bob", network);
    assert!(is_registered(&join(&mut tracker, 2, "bob", Some(bobs))));
    tracker.restart();
    let carols = shown(&invitation, 51, 3, "carol", network);
    assert_eq!(
        code(&mut tracker, 3, "carol", carols),
        RefusalCode::InvitationUsedUp
    );
    // Revoked, and ended.
    let invitation = invite(&mut tracker, 53, 5);
    let what = shown(&invitation, 53, 3, "carol", network);
    let revoke = Order::RevokeInvitation(InvitationId(3));
    assert!(order(&mut tracker, revoke).is_ok());
    tracker.restart();
    assert_eq!(
        code(&mut tracker, 3, "carol", what),
        RefusalCode::InvitationRevoked
    );
    let invitation = invite(&mut tracker, 54, 5);
    tracker.now = tracker.now.plus_ms(DAY_MS);
    let what = shown(&invitation, 54, 3, "carol", network);
    assert_eq!(
        code(&mut tracker, 3, "carol", what),
        RefusalCode::InvitationExpired
    );
}

#[test]
fn a_refused_name_uses_nothing_up() {
    let mut tracker = founded_by_invitation();
    let network = genesis_of_it().id();
    let invitation = invite(&mut tracker, 51, 1);
    let what = shown(&invitation, 51, 2, "alice", network);
    let code = refusal(join(&mut tracker, 2, "alice", Some(what)));
    assert_eq!(code, RefusalCode::NameTaken);
    let what = shown(&invitation, 51, 2, "bob", network);
    assert!(is_registered(&join(&mut tracker, 2, "bob", Some(what))));
}

/// A register that was restored from a week ago, or lost.
#[test]
fn a_tracker_that_forgot_takes_back_whom_it_certified_and_counts_the_invitation() {
    let mut tracker = founded_by_invitation();
    let network = genesis_of_it().id();
    let invitation = invite(&mut tracker, 51, 1);
    let before = tracker.disk.clone();
    let bobs = shown(&invitation, 51, 2, "bob", network);
    assert!(is_registered(&join(&mut tracker, 2, "bob", Some(bobs))));
    let certificate: Certificate = tracker.issued.last().unwrap().1.clone();
    tracker.disk = before;
    tracker.restart();
    tracker.open_showing(2, 2, network, Some(certificate.clone()));
    tracker.receive(2, &Message::Register(record(2, "bob", 1)));
    assert!(is_registered(&tracker.said()));
    let carols = shown(&invitation, 51, 3, "carol", network);
    let code = refusal(join(&mut tracker, 3, "carol", Some(carols)));
    assert_eq!(code, RefusalCode::InvitationUsedUp);
    // Who left is not taken back by what was certified before.
    let leaving = Leaving::sign(key(TRACKER), 2, &member(2));
    tracker.receive(2, &Message::Leave(leaving));
    tracker.said();
    tracker.restart();
    tracker.open_showing(20, 2, network, Some(certificate));
    tracker.receive(20, &Message::Register(record(2, "bob", 3)));
    assert_eq!(refusal(tracker.said()), RefusalCode::InvitationNeeded);
}

#[test]
fn attack_l_a_tracker_that_takes_in_the_invited_finds_its_network_again_by_a_certificate_alone() {
    let certificate = founded_by_invitation().issued.pop().unwrap().1;
    let network = genesis_of_it().id();
    for knows in [true, false] {
        let mut tracker = tracker();
        if knows {
            tracker.registry.has_founded(network);
        }
        tracker.open_showing(1, 1, network, Some(certificate.clone()));
        tracker.receive(1, &Message::Register(record(1, "alice", 1)));
        assert!(is_registered(&tracker.said()));
        tracker.receive(1, &Message::OfferGenesis(genesis_of_it()));
        tracker.said();
        assert_eq!(tracker.registry.network(), network);
    }
}

#[test]
fn an_order_is_answered_when_the_disk_has_it_and_refused_in_words() {
    let mut tracker = tracker();
    let wish = |uses, lasts_ms| Order::Invite {
        key: seed(50).public_key(),
        uses,
        lasts_ms,
    };
    let effects = tracker.registry.order(1, wish(1, DAY_MS), tracker.now);
    tracker.carry_out(effects);
    assert!(tracker.done.is_empty());
    tracker.sync();
    assert_eq!(tracker.done.len(), 1);
    tracker.done.clear();
    assert_eq!(
        order(&mut tracker, wish(0, DAY_MS)),
        Err(OrderRefused::Uses)
    );
    assert_eq!(order(&mut tracker, wish(1, 0)), Err(OrderRefused::Lasts));
    let unknown = order(&mut tracker, Order::RevokeInvitation(InvitationId(9)));
    assert_eq!(
        unknown,
        Err(OrderRefused::UnknownInvitation(InvitationId(9)))
    );
}

#[test]
fn numbers_of_invitations_are_given_once_and_ended_ones_make_room() {
    let mut invitations = Invitations::default();
    let made = |number: u32, expires| {
        let mut invitation = invite(&mut tracker(), 50, 1);
        invitation.statement.key.0[..4].copy_from_slice(&number.to_be_bytes());
        invitation.statement.expires = Timestamp(expires);
        invitation
    };
    let one = made(0, 0);
    for number in 0..u32::try_from(MAX_INVITATIONS).unwrap() {
        let mut invitation = one.clone();
        invitation.statement.key.0[..4].copy_from_slice(&number.to_be_bytes());
        invitation.statement.expires = Timestamp(if number == 4 { 10 } else { u64::MAX });
        assert!(invitations.keep(invitation, Timestamp(0)).is_some());
    }
    assert_eq!(invitations.keep(made(u32::MAX, 9), Timestamp(9)), None);
    let (id, rows) = invitations.keep(made(u32::MAX, 99), Timestamp(10)).unwrap();
    assert_eq!((id.0 as usize, rows.len()), (MAX_INVITATIONS + 1, 2));
    assert!(invitations.get(InvitationId(5)).is_none());
}

#[test]
fn whoever_asks_is_answered_and_visited_once_and_nothing_comes_of_it() {
    let mut tracker = founded_by_invitation();
    let network = genesis_of_it().id();
    let invitation = invite(&mut tracker, 51, 1);
    tracker.open(2, 2, NOBODY);
    let inquire = |name: &str| Message::Inquire(record(2, name, 1));
    tracker.receive(2, &inquire("bob"));
    assert_eq!(refusal(tracker.said()), RefusalCode::InvitationNeeded);
    tracker.receive(2, &shown(&invitation, 51, 2, "alice", network));
    tracker.receive(2, &inquire("alice"));
    assert_eq!(refusal(tracker.said()), RefusalCode::NameTaken);
    let rows = tracker.disk.clone();
    tracker.close(2);
    tracker.open(2, 2, NOBODY);
    tracker.receive(2, &shown(&invitation, 51, 2, "bob", network));
    tracker.receive(2, &inquire("bob"));
    assert!(tracker.said().is_empty(), "not before the visit");
    let visit = Visited::Inquirer(SessionId(2));
    assert!(tracker.visits.contains(&visit));
    let effects = tracker.registry.dialled_back(visit, true);
    tracker.carry_out(effects);
    let yes = |reached| {
        let genesis = Some(genesis_of_it());
        to(2, Message::Admissible(Admissible { genesis, reached }))
    };
    assert_eq!(tracker.said(), [yes(Some(true))]);
    for _ in 2..=MAX_INQUIRIES {
        tracker.receive(2, &inquire("bob"));
        assert_eq!(tracker.said(), [yes(None)]);
    }
    tracker.receive(2, &inquire("bob"));
    assert_eq!(closed(&tracker.said()), [2]);
    assert_eq!(tracker.disk, rows);
    assert_eq!(tracker.registry.registered_len(), 1);
}

#[test]
fn attack_many_who_ask_whether_they_could_join_are_answered_and_so_many_visited() {
    let mut tracker = founded();
    tracker.said();
    let ask = |tracker: &mut Tracker, number: u8| {
        let session = u64::from(number);
        tracker.open(session, number, NOBODY);
        let inquire = record(number, &format!("m{number}"), 1);
        tracker.receive(session, &Message::Inquire(inquire));
        tracker.said()
    };
    for number in 0..MAX_INQUIRERS_VISITED as u8 {
        assert!(
            ask(&mut tracker, 20 + number).is_empty(),
            "not before the visit"
        );
    }
    let answer = |number: u64, reached| {
        let genesis = Some(genesis_by(1));
        to(number, Message::Admissible(Admissible { genesis, reached }))
    };
    let said = ask(&mut tracker, 90);
    assert_eq!(said, [answer(90, None)], "it is not visited");
    let visit = Visited::Inquirer(SessionId(20));
    let effects = tracker.registry.dialled_back(visit, true);
    tracker.carry_out(effects);
    assert_eq!(tracker.said(), [answer(20, Some(true))]);
    assert!(ask(&mut tracker, 91).is_empty(), "there is a place again");
}
