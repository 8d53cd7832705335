use super::*;
use crate::chain::Height;

fn begun(height: u64) -> Event {
    Event::MiningBegun {
        height: Height(height),
    }
}

fn heights(following: &Following) -> Vec<u64> {
    let Following::Events(events, _) = following else {
        panic!("{following:?}");
    };
    let height = |(_, event): &(EventId, Event)| match event {
        Event::MiningBegun { height } => height.0,
        other => panic!("{other:?}"),
    };
    events.iter().map(height).collect()
}

#[test]
fn what_follows_is_told_in_order_and_once() {
    let mut ring = Ring::new(7);
    let start = ring.now();
    for height in 1..=5 {
        ring.push(begun(height));
    }
    let first = ring.following(start, EventKinds::ALL, 2);
    assert_eq!(heights(&first), [1, 2]);
    let Following::Events(_, looked) = first else {
        unreachable!()
    };
    let rest = ring.following(looked, EventKinds::ALL, 10);
    assert_eq!(heights(&rest), [3, 4, 5]);
    assert_eq!(
        ring.following(ring.now(), EventKinds::ALL, 10),
        Following::Events(Vec::new(), ring.now())
    );
}

#[test]
fn other_kinds_are_passed_over_and_left_behind() {
    let mut ring = Ring::new(7);
    let start = ring.now();
    ring.push(begun(1));
    ring.push(Event::MembersChanged);
    let asked = EventKinds::only([EventKind::MembersChanged]);
    let Following::Events(events, looked) = ring.following(start, asked, 10) else {
        panic!("nothing is forgotten");
    };
    assert_eq!(events, [(ring.now(), Event::MembersChanged)]);
    ring.push(begun(2));
    let nothing = Following::Events(Vec::new(), ring.now());
    assert_eq!(ring.following(looked, asked, 10), nothing);
}

#[test]
fn who_is_too_slow_looks_anew_and_goes_on_from_there() {
    let mut ring = Ring::new(7);
    let start = ring.now();
    let most = MAX_EVENTS as u64;
    for height in 1..=most {
        ring.push(begun(height));
    }
    assert_eq!(
        heights(&ring.following(start, EventKinds::ALL, 1)),
        [1],
        "all of them are kept"
    );
    ring.push(begun(most + 1));
    assert_eq!(
        ring.following(start, EventKinds::ALL, 1),
        Following::Reset(ring.now())
    );
    assert!(ring.kept.len() <= MAX_EVENTS);
    // Whatever is asked for: what is forgotten may have been of these kinds.
    let none = EventKinds::only([]);
    assert_eq!(ring.following(start, none, 1), Following::Reset(ring.now()));
}

#[test]
fn another_run_and_an_event_that_never_was_are_reset() {
    let mut ring = Ring::new(7);
    ring.push(begun(1));
    for (start, sequence) in [(8, 0), (8, 1), (7, 2), (7, u64::MAX)] {
        let id = EventId { start, sequence };
        let following = ring.following(id, EventKinds::ALL, 1);
        assert_eq!(following, Following::Reset(ring.now()), "{id}");
    }
}
