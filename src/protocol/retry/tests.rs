use super::*;
use crate::clock::STARTED;
use proptest::prelude::*;

const LIMITS: RetryLimits = RetryLimits {
    entries: 100,
    bytes: 10_000,
};
const NEVER: SteadyTime = SteadyTime::after_beginning(u64::MAX);

fn queue() -> RetryQueue<u8> {
    RetryQueue::new(LIMITS, 7)
}

fn at(ms: u64) -> SteadyTime {
    STARTED.plus_ms(ms)
}

#[test]
fn each_receiver_gets_its_own_in_order() {
    let mut queue = queue();
    for number in 1..=6 {
        queue.push(number, (number % 2) as u8, 10, NEVER);
    }
    assert_eq!(queue.calls(at(0)), [0, 1]);
    assert_eq!(queue.calls(at(0)), [0; 0], "called once");
    queue.reached(&1, at(1));
    assert_eq!(queue.next(&1, at(1)), [1, 3, 5]);
    assert_eq!(queue.next(&1, at(1)), [0; 0], "sent once");
    assert_eq!(queue.next(&0, at(1)), [0; 0], "not reached yet");
    queue.unreachable(&0, at(1));
    assert!(queue.remove(3) && !queue.remove(3));
    assert_eq!(queue.standing(3), None);
    assert_eq!(queue.standing(5), Some(Standing::Sent));
    assert_eq!((queue.len(), queue.bytes()), (5, 50));
}

/// How long the pause is after a conversation that lasted so long, when many calls had failed before.
fn pause_after_talking_for(ms: u64) -> u64 {
    let mut queue = queue();
    queue.push(1, 9, 10, NEVER);
    for hour in 0..8 {
        assert_eq!(queue.calls(at(hour * 3_600_000)), [9]);
        queue.unreachable(&9, at(hour * 3_600_000));
    }
    let begun = at(8 * 3_600_000);
    assert_eq!(queue.calls(begun), [9]);
    queue.reached(&9, begun);
    let ended = begun.plus_ms(ms);
    queue.unreachable(&9, ended);
    match queue.standing(1) {
        Some(Standing::Waiting(due)) => due.since(ended),
        other => panic!("{other:?}"),
    }
}

#[test]
fn c12_a_conversation_of_ten_seconds_and_none_that_is_shorter_begins_the_pauses_anew() {
    assert!(pause_after_talking_for(SETTLED_MS - 1) > FIRST_RETRY_MS);
    assert!(pause_after_talking_for(SETTLED_MS) <= FIRST_RETRY_MS);
}

#[test]
fn what_was_not_answered_goes_again_after_the_line_broke() {
    let mut queue = queue();
    for number in 1..=3 {
        queue.push(number, 1, 10, NEVER);
    }
    queue.reached(&1, at(0));
    assert_eq!(queue.next(&1, at(0)), [1, 2, 3]);
    queue.remove(2);
    queue.unreachable(&1, at(0));
    assert_eq!(queue.calls(at(0)), [0; 0], "after a pause");
    assert_eq!(queue.calls(at(FIRST_RETRY_MS)), [1]);
    queue.reached(&1, at(FIRST_RETRY_MS));
    assert_eq!(queue.next(&1, at(FIRST_RETRY_MS)), [1, 3]);
}

#[test]
fn pauses_double_up_to_five_minutes_and_end_when_the_receiver_is_heard_of() {
    let mut queue = queue();
    queue.push(1, 1, 10, NEVER);
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..20 {
        assert_eq!(queue.calls(now), [1]);
        queue.unreachable(&1, now);
        let Some(Standing::Waiting(due)) = queue.standing(1) else {
            panic!("it waits");
        };
        pauses.push(due.since(now));
        now = due;
    }
    assert!((FIRST_RETRY_MS / 2..=FIRST_RETRY_MS).contains(&pauses[0]));
    assert!(pauses.iter().all(|pause| *pause <= LONGEST_RETRY_MS));
    assert!(
        pauses[12..]
            .iter()
            .all(|pause| *pause >= LONGEST_RETRY_MS / 2)
    );
    queue.calls(now);
    queue.unreachable(&1, now);
    assert_eq!(queue.calls(now), [0; 0]);
    queue.hurry(&1);
    assert_eq!(queue.calls(now), [1]);
}

#[test]
fn not_yet_steps_aside_for_what_comes_after_it() {
    let mut queue = queue();
    queue.reached(&1, at(0));
    for number in 1..=3 {
        queue.push(number, 1, 10, NEVER);
    }
    queue.reached(&1, at(0));
    assert_eq!(queue.next(&1, at(0)), [1, 2, 3]);
    queue.answered(&1);
    queue.set_aside(1, at(0));
    queue.answered(&1);
    queue.remove(2);
    queue.push(4, 1, 10, NEVER);
    assert_eq!(queue.next(&1, at(0)), [4]);
    let Some(Standing::Aside(due)) = queue.standing(1) else {
        panic!("it is aside");
    };
    assert!((500..=FIRST_RETRY_MS).contains(&due.since(at(0))));
    assert_eq!(queue.ready(at(0)), [0; 0]);
    assert_eq!(queue.ready(due), [1]);
    assert_eq!(queue.next(&1, due), [1]);
    queue.set_aside(1, due);
    let Some(Standing::Aside(again)) = queue.standing(1) else {
        panic!("it is aside");
    };
    assert!(again.since(due) >= FIRST_RETRY_MS, "twice as long");
    queue.hurry_one(1);
    assert_eq!(queue.next(&1, due), [1]);
    queue.answered(&1);
    queue.set_aside(1, due);
    let Some(Standing::Aside(soon)) = queue.standing(1) else {
        panic!("it is aside");
    };
    assert!(soon.since(due) <= FIRST_RETRY_MS, "pauses begin anew");
}

#[test]
fn no_more_is_under_way_than_may_be() {
    let mut queue = queue();
    for number in 1..=100 {
        queue.push(number, 1, 10, NEVER);
    }
    queue.reached(&1, at(0));
    assert_eq!(queue.next(&1, at(0)).len(), MAX_UNANSWERED);
    // It came to its end otherwise; the receiver still has it to do.
    queue.remove(1);
    assert_eq!(queue.next(&1, at(0)), [0; 0]);
    queue.answered(&1);
    assert_eq!(queue.next(&1, at(0)), [65]);
    queue.unreachable(&1, at(0));
    queue.reached(&1, at(0));
    assert_eq!(queue.next(&1, at(0)).len(), MAX_UNANSWERED);
    let mut queue = self::queue();
    for number in 1..=100 {
        queue.push(number, 1, UNANSWERED_BYTES / 2, NEVER);
    }
    queue.reached(&1, at(0));
    assert_eq!(queue.next(&1, at(0)), [1, 2]);
}

#[test]
fn only_so_many_are_called_at_a_time_the_longest_due_first() {
    let mut queue: RetryQueue<u32> = RetryQueue::new(LIMITS, 7);
    for receiver in 0..40 {
        queue.push(u64::from(receiver), receiver, 1, NEVER);
    }
    assert_eq!(queue.calls(at(0)).len(), MAX_CALLS);
    assert_eq!(queue.calls(at(0)).len(), 0);
    for receiver in 0..8 {
        queue.unreachable(&receiver, at(0));
    }
    let next = queue.calls(at(10 * FIRST_RETRY_MS));
    assert_eq!(next, (16..24).collect::<Vec<_>>(), "who was called waits");
}

#[test]
fn a_call_and_an_answer_that_do_not_come_are_given_up() {
    let mut queue = queue();
    queue.push(1, 1, 10, NEVER);
    queue.push(2, 2, 10, NEVER);
    queue.calls(at(0));
    queue.reached(&2, at(0));
    queue.next(&2, at(0));
    assert_eq!(queue.tick(at(CALL_MS - 1)).silent, [0; 0]);
    assert_eq!(queue.tick(at(CALL_MS)).expired, [0; 0]);
    assert!(matches!(queue.standing(1), Some(Standing::Waiting(due)) if due > at(CALL_MS)));
    assert_eq!(queue.standing(2), Some(Standing::Sent));
    assert_eq!(queue.tick(at(ANSWER_MS)).silent, [2]);
    assert!(matches!(queue.standing(2), Some(Standing::Waiting(_))));
}

#[test]
fn what_waited_for_too_long_is_told_and_gone() {
    let mut queue = queue();
    queue.push(1, 1, 10, at(500));
    queue.push(2, 1, 10, at(400));
    queue.push(3, 2, 10, at(600));
    queue.reached(&1, at(0));
    queue.next(&1, at(0));
    assert_eq!(queue.tick(at(399)).expired, [0; 0]);
    assert_eq!(queue.tick(at(500)).expired, [2, 1]);
    assert_eq!((queue.len(), queue.bytes()), (1, 10));
}

#[test]
fn the_bound_is_told_with_what_waits() {
    let mut queue = queue();
    for number in 0..LIMITS.entries as u64 {
        assert_eq!(queue.room_for(1), Ok(()));
        queue.push(number, 1, 1, NEVER);
    }
    let full = queue.room_for(1).unwrap_err();
    assert_eq!((full.entries, full.bytes), (100, 100));
    queue.remove(0);
    assert_eq!(queue.room_for(1), Ok(()));
    assert!(queue.room_for(LIMITS.bytes).is_err());
}

proptest! {
    /// Whatever happens, everything that was pushed is sent until it was answered, never twice in one
    /// conversation nor more at a time than may be, and nothing is left of it then.
    #[test]
    fn everything_is_sent_until_it_is_answered(steps in prop::collection::vec((0u8..8, 0u8..3, 0u64..400), 1..200)) {
        let mut queue = queue();
        let mut now = at(0);
        let mut number = 0;
        let mut open: BTreeMap<u64, u8> = BTreeMap::new();
        let mut with: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
        for (what, receiver, some) in steps {
            match what {
                0 => {
                    number += 1;
                    queue.push(number, receiver, 10, NEVER);
                    open.insert(number, receiver);
                }
                1 => { queue.calls(now); }
                2 => queue.reached(&receiver, now),
                3 => {
                    let next = queue.next(&receiver, now);
                    let before = with.entry(receiver).or_default();
                    for sent in next {
                        prop_assert_eq!(open.get(&sent), Some(&receiver));
                        prop_assert!(!before.contains(&sent), "twice in one conversation");
                        before.push(sent);
                    }
                    prop_assert!(before.len() <= MAX_UNANSWERED);
                }
                4 => {
                    queue.unreachable(&receiver, now);
                    with.remove(&receiver);
                }
                5 => {
                    let sent = with.entry(receiver).or_default();
                    if !sent.is_empty() {
                        let answered = sent.remove(some as usize % sent.len());
                        queue.answered(&receiver);
                        if some % 4 == 0 {
                            queue.set_aside(answered, now);
                        } else {
                            let was_open = open.remove(&answered).is_some();
                            prop_assert_eq!(queue.remove(answered), was_open);
                        }
                    }
                }
                6 => {
                    let some = open.keys().nth(some as usize % open.len().max(1)).copied();
                    if let Some(some) = some {
                        prop_assert!(queue.remove(some));
                        open.remove(&some);
                    }
                }
                _ => {
                    now = now.plus_ms(some);
                    let silent = queue.tick(now).silent;
                    silent.iter().for_each(|r| { with.remove(r); });
                }
            }
            prop_assert_eq!(queue.len(), open.len());
            prop_assert_eq!(queue.bytes(), 10 * open.len());
        }
        // The world gets well.
        for receiver in 0..3 {
            queue.unreachable(&receiver, now);
        }
        for _ in 0..1_000 {
            now = now.plus_ms(LONGEST_RETRY_MS);
            queue.calls(now);
            for receiver in 0..3 {
                queue.reached(&receiver, now);
                for sent in queue.next(&receiver, now) {
                    queue.answered(&receiver);
                    prop_assert!(queue.remove(sent));
                    prop_assert_eq!(open.remove(&sent), Some(receiver));
                }
            }
            if open.is_empty() {
                break;
            }
        }
        prop_assert!(open.is_empty());
        prop_assert!(queue.is_empty() && queue.bytes() == 0);
        // Who is there is remembered until the session is gone, and nobody else is.
        for receiver in 0..3 {
            queue.unreachable(&receiver, now);
        }
        prop_assert!(queue.lines.is_empty());
        prop_assert!(queue.pauses.is_empty() && queue.expiries.is_empty());
    }
}
