use super::*;

#[derive(Debug, PartialEq, Eq)]
enum Effect {
    Commit(u64, usize),
    Say(u8),
}
use Effect::{Commit, Say};

fn take(queue: &mut CommitQueue<Effect>) -> Vec<Effect> {
    queue.take(|batch, rows| Commit(batch, rows.len()))
}

fn row(number: u8) -> Row {
    (vec![number], Some(Vec::new()))
}

#[test]
fn what_follows_rows_waits_for_their_batch_and_keeps_its_order() {
    let mut queue = CommitQueue::default();
    queue.at_once(Say(1));
    queue.write(row(1));
    queue.write(row(2));
    queue.after_rows(Say(2));
    assert_eq!(take(&mut queue), [Commit(1, 2), Say(1)]);
    queue.write(row(3));
    queue.after_rows(Say(3));
    assert_eq!(take(&mut queue), [Commit(2, 1)]);
    // Nothing of its own to write, but behind what is being written.
    queue.after_rows(Say(4));
    assert_eq!(take(&mut queue), []);
    queue.committed(1);
    assert_eq!(take(&mut queue), [Say(2)]);
    queue.committed(2);
    assert_eq!(take(&mut queue), [Say(3), Say(4)]);
    queue.after_rows(Say(5));
    assert_eq!(take(&mut queue), [Say(5)]);
}

#[test]
fn nothing_but_what_is_told_waits_for_an_idle_batch() {
    let mut queue = CommitQueue::default();
    queue.write(row(1));
    queue.tell_after_rows(Say(1));
    assert!(queue.waiting().all(|say| *say == Say(1)));
    let idle = queue.take_idle(|batch, rows| Commit(batch, rows.len()));
    assert_eq!(idle, [Commit(1, 1)]);
    assert!(queue.is_idle(1));
    // Of an idle batch alone nothing waits; behind it, whoever waits for the one before goes first.
    queue.after_rows(Say(2));
    assert_eq!(take(&mut queue), [Say(2)]);
    queue.write(row(2));
    queue.after_rows(Say(3));
    assert_eq!(take(&mut queue), [Commit(2, 1)]);
    queue.write(row(3));
    queue.tell_after_rows(Say(4));
    let idle = queue.take_idle(|batch, rows| Commit(batch, rows.len()));
    assert_eq!(idle, [Commit(3, 1)]);
    assert!(queue.is_idle(3) && !queue.is_idle(2));
    queue.after_rows(Say(5));
    queue.tell_after_rows(Say(6));
    queue.committed(2);
    assert_eq!(take(&mut queue), [Say(1), Say(3), Say(5)]);
    queue.committed(3);
    assert_eq!(take(&mut queue), [Say(4), Say(6)]);
}

#[test]
fn a_late_report_takes_nothing_back() {
    let mut queue = CommitQueue::default();
    for number in 1..=2 {
        queue.write(row(number));
        assert_eq!(take(&mut queue), [Commit(number.into(), 1)]);
    }
    queue.committed(2);
    queue.committed(1);
    queue.after_rows(Say(1));
    assert_eq!(take(&mut queue), [Say(1)]);
}

#[test]
fn what_waits_can_be_called_off() {
    let mut queue = CommitQueue::default();
    queue.write(row(1));
    queue.after_rows(Say(1));
    queue.after_rows(Say(2));
    queue.retain_waiting(|effect| *effect != Say(1));
    assert_eq!(take(&mut queue), [Commit(1, 1)]);
    queue.committed(1);
    assert_eq!(take(&mut queue), [Say(2)]);
}
