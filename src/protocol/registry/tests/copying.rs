//! Two trackers of one network: the admin's, and one that it gave the right to issue.

use super::*;
use crate::keys::PublicKey;
use crate::membership::invitation::sign_invited;
use crate::membership::{Act, Invitation};
use crate::protocol::registry::delegates::MAX_DELEGATES;
use crate::wire::NodeRole;
use crate::wire::message::{FormerName, Invited, MAX_COPIED, RegisterCopy};

/// The delegate's number.
const SECOND: u8 = 8;
/// The session of the two, at both ends.
const LINE: u64 = 900;

/// The admin's tracker, whose network alice founded, and another one.
struct Both {
    first: Tracker,
    second: Tracker,
}

impl Both {
    fn new() -> Self {
        let further = Further {
            founder: key(TRACKER),
            first: vec![crate::protocol::testing::address("first:7000")],
        };
        let mut second = Tracker::new();
        second.registry = Registry::open_further(secret(SECOND), further, params(), 1, []).unwrap();
        let mut both = Self {
            first: founded(),
            second,
        };
        both.first.said();
        both
    }

    fn delegate(&mut self) {
        let order = Order::Delegate {
            key: key(SECOND),
            lasts_ms: 86_400_000,
        };
        let effects = self.first.registry.order(1, order, self.first.now);
        self.first.carry_out(effects);
        self.first.sync();
        assert!(matches!(
            self.first.done.pop(),
            Some((1, Ok(Outcome::Delegated(_))))
        ));
    }

    /// The second dials the first.
    fn connect(&mut self) {
        let session = SessionId(LINE);
        self.second.tick(TICK_MS);
        assert!(self.second.dials_first > 0, "it dials by itself");
        self.second.registry.first_dialled(session);
        for (tracker, other, network) in [
            (&mut self.first, SECOND, NOBODY),
            (&mut self.second, TRACKER, genesis_by(1).id()),
        ] {
            let hello = hello(other, NodeRole::Tracker, network);
            let now = tracker.now;
            let effects = tracker.registry.session_opened(session, hello, None, now);
            tracker.carry_out(effects);
        }
        self.talk();
    }

    fn part(&mut self) {
        self.first.close(LINE);
        self.second.close(LINE);
    }

    /// Hands over all that they say to each other, until they have said all; what they say to others is lost.
    fn talk(&mut self) {
        for _ in 0..20 {
            self.first.tick(TICK_MS);
            self.second.tick(TICK_MS);
            for turn in [true, false] {
                let (from, to) = match turn {
                    true => (&mut self.first, &mut self.second),
                    false => (&mut self.second, &mut self.first),
                };
                from.sync();
                for out in from.said() {
                    if let Out::Sent(SessionId(LINE), message) = out {
                        to.receive(LINE, &message);
                        to.sync();
                    }
                }
            }
        }
    }

    fn names(tracker: &Tracker) -> Vec<String> {
        let members = tracker.registry.members();
        let mut names: Vec<_> = members
            .map(|m| m.record.statement.name.to_string())
            .collect();
        names.sort();
        names
    }
}

fn invitation(by: &mut Tracker, uses: u32) -> Invitation {
    invitation_with(by, key(77), uses)
}

fn invitation_with(by: &mut Tracker, key: PublicKey, uses: u32) -> Invitation {
    match invited(by, key, uses) {
        Ok(Outcome::Invited { invitation, .. }) => invitation,
        other => panic!("{other:?}"),
    }
}

/// What comes of an order to invite, for an hour.
fn invited(by: &mut Tracker, key: PublicKey, uses: u32) -> Result<Outcome, OrderRefused> {
    let order = Order::Invite {
        key,
        uses,
        lasts_ms: 3_600_000,
    };
    let effects = by.registry.order(2, order, by.now);
    by.carry_out(effects);
    by.sync();
    match by.done.pop() {
        Some((2, outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

/// Somebody comes with an invitation; what it is answered.
fn come(tracker: &mut Tracker, session: u64, name: &str, by: &Invitation) -> Vec<Out> {
    let number = u8::try_from(session).unwrap();
    let network = genesis_by(1).id();
    tracker.open(session, number, network);
    tracker.receive(
        session,
        &Message::Invited(Invited {
            invitation: by.clone(),
            signature: sign_invited(&secret(77), &network, &key(number), &name.parse().unwrap()),
        }),
    );
    tracker.receive(session, &Message::Register(record(number, name, 1)));
    tracker.sync();
    let said = tracker.said();
    said.into_iter()
        .filter(|out| matches!(out, Out::Sent(to, Message::Registered(_) | Message::Refused(_)) if *to == SessionId(session)))
        .collect()
}

fn is_refused(said: &[Out]) -> bool {
    matches!(said, [Out::Sent(_, Message::Refused(_))])
}

#[test]
fn a_delegate_copies_the_register_and_admits_while_the_first_is_away() {
    let mut both = Both::new();
    both.connect();
    assert_eq!(
        Both::names(&both.second),
        [""; 0],
        "without the right it is told nothing"
    );
    both.part();
    both.delegate();
    both.second.tick(60_000);
    both.connect();
    assert_eq!(Both::names(&both.second), ["alice"]);
    assert_eq!(both.second.registry.genesis(), Some(&genesis_by(1)));
    let alice = both.first.registry.members().next().unwrap().id;
    assert_eq!(
        both.second.registry.members().next().unwrap().id,
        alice,
        "by her number"
    );

    // Each goes on alone.
    both.part();
    let by_second = invitation(&mut both.second, 1);
    assert!(!is_refused(&come(&mut both.second, 20, "bob", &by_second)));
    let issued = both.second.issued.pop().unwrap().1;
    assert_eq!(issued.statement.issuer, key(SECOND));
    assert!(issued.statement.delegation.is_some());
    let by_first = invitation(&mut both.first, 1);
    assert!(!is_refused(&come(&mut both.first, 21, "carol", &by_first)));
    both.second.tick(60_000);
    both.connect();
    for tracker in [&both.first, &both.second] {
        assert_eq!(Both::names(tracker), ["alice", "bob", "carol"]);
    }
    let ids = |tracker: &Tracker| {
        let members = tracker.registry.members();
        members
            .map(|m| (m.id, m.record.statement.key))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        ids(&both.first),
        ids(&both.second),
        "one number for one member"
    );
    // A use there counts here.
    assert!(is_refused(&come(&mut both.second, 22, "dave", &by_first)));
    assert!(is_refused(&come(&mut both.first, 23, "erin", &by_second)));
    // And all of it is there after a restart.
    let rows = both.second.disk.clone();
    let further = Further {
        founder: key(TRACKER),
        first: Vec::new(),
    };
    both.second.registry =
        Registry::open_further(secret(SECOND), further, params(), 1, rows).unwrap();
    assert_eq!(Both::names(&both.second), ["alice", "bob", "carol"]);
    assert!(is_refused(&come(&mut both.second, 24, "frank", &by_first)));
}

#[test]
fn whoever_leaves_at_one_has_left_at_the_other_and_is_not_brought_back() {
    let mut both = Both::new();
    both.delegate();
    both.first.join(2, "bob");
    both.connect();
    assert_eq!(Both::names(&both.second), ["alice", "bob"]);
    both.part();
    let sequence = both.first.now.wall.0 + 1;
    let leaving = Leaving::sign(key(TRACKER), sequence, &member(2));
    both.first.receive(2, &Message::Leave(leaving));
    both.first.sync();
    assert_eq!(Both::names(&both.first), ["alice"]);
    both.second.tick(60_000);
    both.connect();
    assert_eq!(Both::names(&both.first), ["alice"]);
    assert_eq!(Both::names(&both.second), ["alice"]);
}

/// Whether its session with this tracker was ended, and whether it was certified anew in it.
fn became_of(tracker: &mut Tracker, session: u64) -> (bool, bool) {
    tracker.sync();
    let said = tracker.said();
    let closed = |out: &Out| matches!(out, Out::Closed(id, ..) if *id == SessionId(session));
    let mut issued = std::mem::take(&mut tracker.issued).into_iter();
    let certified = issued.any(|(id, _)| id == SessionId(session));
    (said.iter().any(closed), certified)
}

/// Alice's session at the second, with the certificate that this tracker issues.
fn alice_comes_to_the_second(both: &mut Both, session: u64, by: u8) {
    let right = both
        .second
        .registry
        .certificates
        .office(both.second.now.wall);
    let delegation = right.and_then(|office| office.delegation());
    let (now, network) = (both.first.now.wall, genesis_by(1).id());
    let name = "alice".parse().unwrap();
    let said = crate::membership::CertificateStatement {
        delegation: delegation.clone().filter(|_| by == SECOND),
        until: now.plus_ms(80_000_000),
        ..crate::membership::CertificateStatement::at(now, network, key(1), name, key(by))
    };
    let certificate = said.sign(&secret(by));
    both.second
        .open_showing(session, 1, network, Some(certificate));
    let record = record(1, "alice", 1);
    both.second.receive(session, &Message::Register(record));
    assert!(!became_of(&mut both.second, session).0);
}

#[test]
fn sessions_that_rest_on_a_right_that_was_taken_back_end_at_the_moment_that_is_heard() {
    for (by, ends) in [(SECOND, true), (TRACKER, false)] {
        let mut both = Both::new();
        both.delegate();
        both.connect();
        // Alice founded the network in this session.
        assert!(!became_of(&mut both.first, 1).0);
        alice_comes_to_the_second(&mut both, 50, by);
        let revoke = Order::Say(Act::Revoke { key: key(SECOND) });
        let effects = both.first.registry.order(3, revoke, both.first.now);
        both.first.carry_out(effects);
        let (closed, certified) = became_of(&mut both.first, 1);
        assert!(!closed && certified, "at the admin's she is certified anew");
        let said = both.first.registry.statements.clone().unwrap();
        let said: Vec<_> = said.all().cloned().collect();
        both.second.receive(LINE, &Message::Statements(said));
        assert_eq!(became_of(&mut both.second, 50).0, ends, "certified by {by}");
    }
}

#[test]
fn a_tracker_that_hands_over_ends_the_sessions_of_its_members_and_tells_them_why_first() {
    let mut tracker = founded();
    tracker.said();
    let succeed = Order::Say(Act::Succeed { key: key(SECOND) });
    let effects = tracker.registry.order(3, succeed, tracker.now);
    tracker.carry_out(effects);
    tracker.sync();
    let said = tracker.said();
    let of_alice: Vec<_> = said
        .iter()
        .filter(|out| matches!(out, Out::Sent(id, _) | Out::Closed(id, ..) if *id == SessionId(1)))
        .collect();
    assert!(
        matches!(
            of_alice[..],
            [Out::Sent(_, Message::Statements(_)), .., Out::Closed(..)]
        ),
        "{of_alice:?}"
    );
}

#[test]
fn attack_l2_another_tracker_takes_nobody_off_the_list_without_that_ones_word() {
    let mut both = Both::new();
    both.delegate();
    both.first.join(2, "bob");
    both.connect();
    let by_another = Leaving {
        key: key(2),
        ..Leaving::sign(key(TRACKER), 9, &member(3))
    };
    let old = Leaving::sign(key(TRACKER), 1, &member(2));
    let elsewhere = Leaving::sign(key(SECOND), 9, &member(2));
    let left = vec![by_another.clone(), old, elsewhere];
    let changed = Vec::new();
    both.first.receive(
        LINE,
        &Message::MembersChanged(MembersChanged { changed, left }),
    );
    let former = vec![FormerName {
        name: "bob".parse().unwrap(),
        key: key(2),
        left: Some(both.first.now.wall.plus_ms(9)),
        leaving: Some(by_another),
    }];
    let invitations = Vec::new();
    both.first.receive(
        LINE,
        &Message::RegisterCopy(RegisterCopy {
            former,
            invitations,
        }),
    );
    both.first.sync();
    assert_eq!(Both::names(&both.first), ["alice", "bob"]);
}

#[test]
fn attack_a_delegate_whose_right_was_taken_back_is_cut_off_and_issues_nothing() {
    let mut both = Both::new();
    both.delegate();
    both.connect();
    let revoke = Order::Say(Act::Revoke { key: key(SECOND) });
    let effects = both.first.registry.order(3, revoke, both.first.now);
    both.first.carry_out(effects);
    both.talk();
    assert_eq!(
        invited(&mut both.second, key(77), 1),
        Err(OrderRefused::OnlyIntroduces)
    );
    assert!(both.first.registry.delegates()[0].revoked);
    assert!(!both.first.registry.delegates()[0].copying);
    both.part();
    both.second.tick(60_000);
    both.connect();
    assert!(
        !both.first.registry.delegates()[0].copying,
        "it is not let in again"
    );
}

/// The admin says this while its clock is an hour ahead.
fn say_ahead(both: &mut Both, act: Act) {
    let right = both.first.now;
    both.first.now.wall = right.wall.plus_ms(3_600_000);
    let said = both
        .first
        .registry
        .order(3, Order::Say(act), both.first.now);
    both.first.carry_out(said);
    both.first.now = right;
}

#[test]
fn a_right_that_is_given_again_counts_though_it_was_taken_back_by_a_clock_that_was_ahead() {
    let mut both = Both::new();
    both.delegate();
    say_ahead(&mut both, Act::Revoke { key: key(SECOND) });
    assert!(both.first.registry.delegates()[0].revoked);
    both.delegate();
    assert!(!both.first.registry.delegates()[0].revoked);
}

#[test]
fn whoever_came_into_the_admins_place_by_a_clock_that_was_ahead_can_invite_at_once() {
    let mut both = Both::new();
    both.delegate();
    both.connect();
    say_ahead(&mut both, Act::Succeed { key: key(SECOND) });
    both.talk();
    let invitation = invitation(&mut both.second, 1);
    let statements = both.second.registry.statements.clone().unwrap();
    assert_eq!(statements.authority().admin(), key(SECOND));
    let now = both.second.now.wall;
    let counts = invitation.check(statements.authority(), &genesis_by(1).id(), now);
    assert_eq!(counts, Ok(()));
}

#[test]
fn a_long_register_is_copied_in_messages_that_the_other_can_read() {
    let count = 2 * MAX_COPIED + 3;
    let mut both = Both::new();
    let of = |number: usize| PublicKey(*blake3::hash(&number.to_le_bytes()).as_bytes());
    let name = |number: usize| -> crate::membership::MemberName {
        format!("once-{number}").parse().unwrap()
    };
    for number in 0..count {
        invitation_with(&mut both.first, of(number), 1);
        both.first.registry.members.hand_on(name(number), key(99));
    }
    let invitations = |tracker: &Tracker| tracker.registry.invitations_after(None).count();
    assert_eq!(invitations(&both.first), count);
    // What is handed over goes through the wire: a longer list could not be read.
    both.delegate();
    both.connect();
    assert_eq!(invitations(&both.second), count);
    for number in 0..count {
        let owner = both.second.registry.members.owner(&name(number));
        assert_eq!(owner, Some(key(99)), "{number}");
    }
    // Likewise what changes later, all at once.
    for number in count..2 * count {
        invitation_with(&mut both.first, of(number), 1);
    }
    both.talk();
    assert_eq!(invitations(&both.second), 2 * count);
}

#[test]
fn attack_a_longer_list_of_a_register_is_no_message() {
    let former = FormerName {
        name: "bob".parse().unwrap(),
        key: key(2),
        left: None,
        leaving: None,
    };
    let copy = |count| {
        let copy = RegisterCopy {
            former: vec![former.clone(); count],
            invitations: Vec::new(),
        };
        let bytes = canonical::encode(&copy);
        canonical::decode::<RegisterCopy>(&bytes).is_ok()
    };
    assert!(copy(MAX_COPIED) && !copy(MAX_COPIED + 1));
}

#[test]
fn so_many_get_the_right_to_issue_and_one_that_has_ended_makes_room() {
    let mut tracker = founded();
    let mut delegate = |number: usize, after_ms| {
        tracker.tick(after_ms);
        let key = PublicKey(*blake3::hash(&number.to_le_bytes()).as_bytes());
        let lasts_ms = 86_400_000;
        let effects = tracker
            .registry
            .order(1, Order::Delegate { key, lasts_ms }, tracker.now);
        tracker.carry_out(effects);
        tracker.sync();
        tracker.done.pop().unwrap().1
    };
    for number in 0..MAX_DELEGATES {
        assert!(matches!(delegate(number, 1), Ok(Outcome::Delegated(_))));
    }
    let full = delegate(MAX_DELEGATES, 1);
    assert!(
        matches!(full, Err(OrderRefused::TooManyDelegates)),
        "{full:?}"
    );
    assert!(
        matches!(delegate(0, 1), Ok(Outcome::Delegated(_))),
        "renewed"
    );
    let late = delegate(MAX_DELEGATES, 86_400_000);
    assert!(matches!(late, Ok(Outcome::Delegated(_))), "{late:?}");
}
