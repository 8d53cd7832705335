//! What the admin says at the tracker, and who is told.

use super::*;
use crate::chain::Timestamp;
use crate::membership::statement::{ActKind, ExpulsionReason};
use crate::membership::{Act, SignedStatement, Statement};
use crate::protocol::registry::Named;

fn expel(number: u8) -> Act {
    Act::Expel {
        key: key(number),
        reason: ExpulsionReason::new("took the cheese").unwrap(),
    }
}

fn readmit(number: u8) -> Act {
    Act::Readmit { key: key(number) }
}

fn reassign(name: &str, number: u8) -> Act {
    Act::Reassign {
        name: name.parse().unwrap(),
        key: key(number),
    }
}

/// A network of alice (1), bob (2) and carol (3), all of them connected.
fn founded() -> Tracker {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    tracker.receive(1, &Message::OfferGenesis(genesis_by(1)));
    tracker.join(2, "bob");
    tracker.join(3, "carol");
    tracker.tick(TICK_MS);
    tracker.said();
    tracker
}

/// What was signed, and how many were told.
fn say(tracker: &mut Tracker, act: Act) -> Result<(Vec<SignedStatement>, usize), OrderRefused> {
    let effects = tracker.registry.order(7, Order::Say(act), tracker.now);
    tracker.carry_out(effects);
    assert_eq!(
        tracker.unsynced.is_empty(),
        !tracker.done.is_empty(),
        "not before the disk has it"
    );
    tracker.sync();
    match tracker.done.pop().expect("it is answered") {
        (7, Ok(Outcome::Said { said, told, .. })) => Ok((said, told)),
        (7, Err(refused)) => Err(refused),
        other => panic!("{other:?}"),
    }
}

/// Which sessions were told statements, and which were closed.
fn told(said: &[Out]) -> (Vec<u64>, Vec<u64>) {
    let mut told = Vec::new();
    let mut closed = Vec::new();
    for out in said {
        match out {
            Out::Sent(session, Message::Statements(_)) => told.push(session.0),
            Out::Closed(session, _) => closed.push(session.0),
            Out::Sent(..) => {}
        }
    }
    (told, closed)
}

/// Registers in a new session; what was said.
fn come(tracker: &mut Tracker, member: u8, name: &str, sequence: u64) -> Vec<Out> {
    let session = u64::from(member);
    tracker.close(session);
    tracker.open(session, member, genesis_by(1).id());
    tracker.receive(session, &Message::Register(record(member, name, sequence)));
    tracker.said()
}

fn is_registered(said: &[Out]) -> bool {
    let yes = |out: &Out| matches!(out, Out::Sent(_, Message::Registered(_)));
    said.iter().any(yes)
}

/// The one refusal in what was said, beside statements.
fn no_of(said: Vec<Out>) -> RefusalCode {
    let others = said.into_iter();
    let is_statement = |out: &Out| matches!(out, Out::Sent(_, Message::Statements(_)));
    refusal(others.filter(|out| !is_statement(out)).collect())
}

#[test]
fn who_is_put_out_and_asks_whether_it_could_join_is_told_so_and_not_that_it_may() {
    let mut tracker = founded();
    say(&mut tracker, expel(2)).unwrap();
    tracker.said();
    tracker.close(2);
    for name in ["bob", "robert"] {
        tracker.open(20, 2, genesis_by(1).id());
        tracker.receive(20, &Message::Inquire(record(2, name, 2)));
        assert_eq!(no_of(tracker.said()), RefusalCode::PutOut, "{name}");
        tracker.close(20);
    }
}

#[test]
fn who_is_put_out_is_told_closed_and_refused_also_after_a_restart_and_under_a_new_name() {
    let mut tracker = founded();
    let (said, count) = say(&mut tracker, expel(2)).unwrap();
    assert_eq!((said.len(), count), (1, 2), "alice and carol");
    assert_eq!(said[0].statement.number, tracker.now.wall);
    assert_eq!(told(&tracker.said()), (vec![1, 3, 2], vec![2]));
    assert_eq!(tracker.registry.registered_len(), 2);
    for restarted in [false, true] {
        if restarted {
            tracker.restart();
        }
        for name in ["bob", "robert"] {
            let answer = come(&mut tracker, 2, name, 2);
            assert_eq!(told(&answer).0, [2], "it is told by which statement");
            assert_eq!(no_of(answer), RefusalCode::PutOut);
        }
    }
    assert_eq!(
        no_of(come(&mut tracker, 4, "bob", 1)),
        RefusalCode::NameTaken
    );
    // Whoever comes later is told all of it.
    assert_eq!(told(&come(&mut tracker, 5, "erin", 1)).0, [5]);
}

#[test]
fn nobody_who_has_nobodys_key_is_closed_for_saying_so() {
    let mut tracker = founded();
    say(&mut tracker, expel(2)).unwrap();
    tracker.said();
    // Somebody sends bob's record, which is not its own.
    tracker.open(9, 9, genesis_by(1).id());
    tracker.receive(9, &Message::Register(record(2, "bob", 2)));
    assert_eq!(no_of(tracker.said()), RefusalCode::BadRecord);
}

#[test]
fn who_is_readmitted_comes_back_by_that_word_with_a_later_certificate() {
    let mut tracker = founded();
    let (out, _) = say(&mut tracker, expel(2)).unwrap();
    // The tracker's clock was set back: what is said stays in order.
    tracker.now.wall = Timestamp(tracker.now.wall.0 - 1_000);
    let (back, _) = say(&mut tracker, readmit(2)).unwrap();
    assert!(back[0].statement.number > out[0].statement.number);
    tracker.said();
    tracker.issued.clear();
    assert!(is_registered(&come(&mut tracker, 2, "bob", 2)));
    let certificate = &tracker.issued.last().unwrap().1;
    assert!(certificate.statement.serial > back[0].statement.number);
}

#[test]
fn who_is_readmitted_is_awaited_until_it_comes_and_not_once_it_has_left() {
    let mut tracker = founded();
    let awaited = |tracker: &Tracker| {
        let awaited = tracker.registry.awaited().into_iter();
        awaited
            .map(|(_, name)| name.unwrap().to_string())
            .collect::<Vec<_>>()
    };
    say(&mut tracker, expel(2)).unwrap();
    assert!(awaited(&tracker).is_empty());
    say(&mut tracker, readmit(2)).unwrap();
    assert_eq!(awaited(&tracker), ["bob"]);
    tracker.restart();
    assert_eq!(awaited(&tracker), ["bob"]);
    assert!(is_registered(&come(&mut tracker, 2, "bob", 2)));
    assert!(awaited(&tracker).is_empty());
    tracker.now = tracker.now.plus_ms(1_000);
    let word = Leaving::sign(key(TRACKER), 3, &member(2));
    tracker.receive(2, &Message::Leave(word));
    assert!(awaited(&tracker).is_empty());
}

#[test]
fn a_name_goes_to_another_key_and_the_former_one_is_out() {
    let mut tracker = founded();
    let (said, _) = say(&mut tracker, reassign("bob", 20)).unwrap();
    let acts: Vec<_> = said
        .iter()
        .map(|signed| signed.statement.act.kind())
        .collect();
    assert_eq!(acts, [ActKind::Expel, ActKind::Reassign]);
    assert_eq!(told(&tracker.said()).1, [2]);
    tracker.restart();
    assert_eq!(
        tracker.registry.named(&"bob".parse().unwrap()),
        Named::Key(key(20))
    );
    assert_eq!(no_of(come(&mut tracker, 2, "bob", 2)), RefusalCode::PutOut);
    assert_eq!(
        no_of(come(&mut tracker, 4, "bob", 1)),
        RefusalCode::NameTaken
    );
    assert!(is_registered(&come(&mut tracker, 20, "bob", 1)));
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_said() {
    let mut tracker = Tracker::new();
    tracker.join(1, "alice");
    assert_eq!(say(&mut tracker, expel(1)), Err(OrderRefused::NotFounded));
    let mut tracker = founded();
    let no = |tracker: &mut Tracker, act| say(tracker, act).unwrap_err();
    let nobody = "nobody".parse().unwrap();
    assert_eq!(no(&mut tracker, expel(TRACKER)), OrderRefused::Oneself);
    assert_eq!(no(&mut tracker, readmit(2)), OrderRefused::NotOut);
    let unknown = no(&mut tracker, reassign("nobody", 20));
    assert_eq!(unknown, OrderRefused::UnknownMember(nobody));
    let own = no(&mut tracker, reassign("bob", 2));
    assert_eq!(own, OrderRefused::OwnNameAlready("bob".parse().unwrap()));
    let other = no(&mut tracker, reassign("bob", 3));
    assert_eq!(
        other,
        OrderRefused::NewKeyIsMember(Some("carol".parse().unwrap()))
    );
    assert_eq!(tracker.said(), []);
    say(&mut tracker, expel(2)).unwrap();
    assert_eq!(no(&mut tracker, expel(2)), OrderRefused::AlreadyOut);
    let out = no(&mut tracker, reassign("carol", 2));
    assert_eq!(out, OrderRefused::NewKeyIsOut);
    let near = tracker.registry.named(&"karol".parse().unwrap());
    assert_eq!(near, Named::Nobody(Some("carol".parse().unwrap())));
}

fn signed(by: u8, act: Act) -> SignedStatement {
    let said = Statement {
        network: genesis_by(1).id(),
        number: BEGUN.wall,
        act,
    };
    said.sign(&secret(by))
}

#[test]
fn a_tracker_whose_clock_was_a_month_behind_puts_out_once_it_is_right() {
    let mut tracker = founded();
    let right = tracker.now.wall;
    tracker.now.wall = Timestamp(right.0 - 30 * 86_400_000);
    tracker.receive(1, &Message::Statements(vec![signed(TRACKER, expel(2))]));
    tracker.tick(TICK_MS);
    assert_eq!(told(&tracker.said()), (vec![], vec![]));
    tracker.now.wall = right;
    tracker.tick(TICK_MS);
    assert_eq!(told(&tracker.said()), (vec![1, 3, 2], vec![2]));
    assert_eq!(no_of(come(&mut tracker, 2, "bob", 2)), RefusalCode::PutOut);
}

#[test]
fn what_a_member_heard_elsewhere_is_kept_and_told_on_but_nothing_forged() {
    let mut tracker = founded();
    // By nobody who may: passed over.
    tracker.receive(1, &Message::Statements(vec![signed(3, expel(2))]));
    assert_eq!(told(&tracker.said()), (vec![], vec![]));
    // A tracker that was restored from an old backup hears what it said.
    tracker.receive(1, &Message::Statements(vec![signed(TRACKER, expel(2))]));
    assert_eq!(told(&tracker.said()), (vec![3, 2], vec![2]));
    let mut forged = signed(3, expel(3));
    forged.by = key(TRACKER);
    tracker.receive(1, &Message::Statements(vec![forged]));
    assert_eq!(told(&tracker.said()), (vec![], vec![1]));
    tracker.restart();
    assert_eq!(no_of(come(&mut tracker, 2, "bob", 2)), RefusalCode::PutOut);
}
