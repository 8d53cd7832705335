//! Two nodes with one wallet.

use super::*;
use crate::protocol::testing::address;
use crate::wire::message::ChallengeAnswer;

/// Alice's other node: another start, and another place.
fn open_rival(tracker: &mut Tracker, session: u64) {
    let mut rival = hello(1, NodeRole::Peer, tracker.registry.network());
    rival.nonce = session;
    rival.address = Some(address(&format!("other.example:{session}")));
    let session = SessionId(session);
    let from = format!("192.0.2.9:{}", session.0);
    tracker.registry.entered(session, &from, tracker.now);
    let effects = tracker
        .registry
        .session_opened(session, rival, None, tracker.now);
    tracker.carry_out(effects);
    tracker.receive(session.0, &Message::Register(record(1, "alice", 1)));
}

/// What was said, with the challenges; nobody answers them.
fn heard(tracker: &mut Tracker) -> Vec<Out> {
    tracker.sync();
    tracker.out.drain(..).collect()
}

fn answer(tracker: &mut Tracker, session: u64, said: &[Out]) {
    for out in said {
        if let Out::Sent(to, Message::Challenge(number)) = out
            && *to == SessionId(session)
        {
            let (number, height) = (*number, Height(0));
            let answer = ChallengeAnswer { number, height };
            tracker.receive(session, &Message::ChallengeAnswer(answer));
        }
    }
}

fn refusals(said: &[Out]) -> Vec<(u64, &str)> {
    let refused = |out| match out {
        &Out::Sent(to, Message::Refused(ref refused)) => {
            assert_eq!(refused.code, RefusalCode::KeyInUse);
            Some((to.0, refused.reason.as_str()))
        }
        _ => None,
    };
    said.iter().filter_map(refused).collect()
}

fn is_registered(said: &[Out], session: u64) -> bool {
    let registered =
        |out: &Out| matches!(out, Out::Sent(to, Message::Registered(_)) if to.0 == session);
    said.iter().any(registered)
}

#[test]
fn two_nodes_with_one_wallet_do_not_alternate_and_both_are_told_where_the_other_is() {
    let mut tracker = founded();
    for (round, rival) in [11, 12, 13].into_iter().enumerate() {
        open_rival(&mut tracker, rival);
        let asked = heard(&mut tracker);
        assert!(!is_registered(&asked, rival) && closed(&asked).is_empty());
        answer(&mut tracker, 1, &asked);
        let said = heard(&mut tracker);
        let [(refused, why), (stays, warned)] = refusals(&said)[..] else {
            panic!("both are told: {said:?}");
        };
        assert_eq!((refused, stays), (rival, 1));
        assert!(
            why.contains("another node with this wallet is running"),
            "{why}"
        );
        let place = format!("192.0.2.9 (listens at other.example:{rival})");
        assert!(warned.contains(&place), "{warned}");
        assert!(closed(&said).is_empty());
        let named = |fact: &&Fact| matches!(fact, Fact::WalletUsedTwice { .. });
        let named = tracker.facts.iter().filter(named).count();
        assert_eq!(named, 1, "once, not in round {round} again");
        tracker.close(rival);
    }
    assert!(tracker.registry.members().all(|m| m.live));
    tracker.receive(1, &Message::GetMembers(()));
    assert!(matches!(
        tracker.said()[..],
        [Out::Sent(SessionId(1), Message::Members(_))]
    ));
}

#[test]
fn a_former_session_that_does_not_answer_makes_way() {
    let mut tracker = founded();
    open_rival(&mut tracker, 11);
    tracker.tick(CONTEST_MS - 1);
    assert!(!is_registered(&heard(&mut tracker), 11));
    tracker.tick(1);
    let said = heard(&mut tracker);
    assert!(is_registered(&said, 11));
    assert_eq!(closed(&said), [1]);
    // It wakes up and comes again: now it is the newcomer, and the other answers.
    tracker.close(1);
    open_rival(&mut tracker, 14);
    let asked = heard(&mut tracker);
    answer(&mut tracker, 11, &asked);
    let said = heard(&mut tracker);
    let told: Vec<_> = refusals(&said).iter().map(|(to, _)| *to).collect();
    assert_eq!(told, [14, 11]);
}

#[test]
fn the_end_of_the_former_session_ends_the_waiting_at_once() {
    let mut tracker = founded();
    open_rival(&mut tracker, 11);
    tracker.close(1);
    assert!(is_registered(&heard(&mut tracker), 11));
    assert!(tracker.registry.members().all(|m| m.live));
}

#[test]
fn whoever_is_gone_meanwhile_takes_nobodys_place() {
    let mut tracker = founded();
    open_rival(&mut tracker, 11);
    tracker.close(11);
    tracker.tick(CONTEST_MS);
    let said = heard(&mut tracker);
    assert!(closed(&said).is_empty() && !is_registered(&said, 11));
    // Nor does the one that leaves for good come back by the one that waits.
    open_rival(&mut tracker, 12);
    tracker.receive(
        1,
        &Message::Leave(Leaving::sign(key(TRACKER), 2, &member(1))),
    );
    heard(&mut tracker);
    tracker.tick(CONTEST_MS);
    assert_eq!(tracker.registry.registered_len(), 0);
}

#[test]
fn a_third_one_is_refused_while_two_contend() {
    let mut tracker = founded();
    open_rival(&mut tracker, 11);
    heard(&mut tracker);
    open_rival(&mut tracker, 12);
    let said = heard(&mut tracker);
    assert_eq!(refusals(&said).len(), 1);
    assert_eq!(refusals(&said)[0].0, 12);
    // The same again from the one that waits asks nobody anything.
    tracker.receive(11, &Message::Register(record(1, "alice", 1)));
    assert_eq!(heard(&mut tracker), []);
}
