//! Requests that are asked again, since their answer was lost.

use super::*;

fn request(key: u8, asked: u8) -> Option<Request> {
    Some(Request {
        key: [key; 32],
        asked: [asked; 32],
    })
}

impl Sender {
    fn ask(&mut self, salt: u8, route: Route, request: Option<Request>) -> Answered {
        let transaction = transfer(1, 2, 5, 0, salt);
        let sent = self
            .outbox
            .send(wish(9, transaction, route, request), self.now);
        answers(&self.done(sent))
    }
}

type Answered = Vec<Result<u64, SendError>>;

fn answers(effects: &[Effect]) -> Answered {
    let answers = effects.iter().filter_map(|effect| match effect {
        Effect::Answer { answer, .. } => Some(answer.clone()),
        _ => None,
    });
    answers.collect()
}

fn id(salt: u8) -> TransactionId {
    transfer(1, 2, 5, 0, salt).id()
}

#[test]
fn the_same_request_asked_again_is_not_paid_twice_also_after_a_restart() {
    let mut sender = Sender::new();
    assert_eq!(sender.ask(1, Route::Direct, request(1, 1)), [Ok(1)]);
    // The second attempt was signed anew, with another salt.
    let before = || vec![Err(SendError::Before(id(1)))];
    assert_eq!(sender.ask(2, Route::Direct, request(1, 1)), before());
    assert_eq!(sender.outbox.waiting().queued, 1);
    let mut sender = Sender::with(sender.rows);
    assert_eq!(sender.ask(3, Route::Direct, request(1, 1)), before());
    // However it has ended since: what became of it is to be seen in the outbox.
    let withdrawn = sender.outbox.withdraw(7, &id(1)).unwrap();
    sender.done(withdrawn);
    assert_eq!(sender.ask(4, Route::Direct, request(1, 1)), before());
    let mut sender = Sender::with(sender.rows);
    assert_eq!(sender.ask(5, Route::Direct, request(1, 1)), before());
    assert_eq!(sender.outbox.waiting().queued, 0);
    // Without a key, or under another one, it is another wish.
    assert_eq!(sender.ask(6, Route::Direct, None), [Ok(2)]);
    assert_eq!(sender.ask(7, Route::Direct, request(2, 1)), [Ok(3)]);
}

#[test]
fn a_key_does_not_serve_for_two_requests() {
    let mut sender = Sender::new();
    sender.ask(1, Route::Direct, request(1, 1));
    let taken = SendError::KeyTaken(id(1));
    assert_eq!(sender.ask(2, Route::Direct, request(1, 2)), [Err(taken)]);
    assert_eq!(sender.outbox.waiting().queued, 1);
}

#[test]
fn two_that_ask_at_a_time_are_answered_when_the_disk_holds_the_one_send() {
    let mut sender = Sender::new();
    let (now, mut rows) = (sender.now, Vec::new());
    for salt in [1, 2] {
        let transaction = transfer(1, 2, 5, 0, salt);
        let effects = sender.outbox.send(
            wish(salt.into(), transaction, Route::Direct, request(1, 1)),
            now,
        );
        rows.extend(effects);
    }
    // One asked for funds, and the other waits behind it; nothing is answered before the write.
    assert_eq!(rows, [Effect::AskFunds]);
    let first = sender.outbox.funds(&FUNDS, now);
    let second = sender.outbox.funds(&FUNDS, now);
    assert_eq!(answers(&first), []);
    assert_eq!(answers(&second), []);
    let told = sender.done(first);
    assert_eq!(answers(&told), [Ok(1), Err(SendError::Before(id(1)))]);
}

#[test]
fn what_was_answered_with_a_no_can_be_asked_again() {
    let mut sender = Sender::new();
    // By the outbox itself.
    let dear = transfer(1, 2, 5_000, 0, 1);
    let effects = sender
        .outbox
        .send(wish(9, dear, Route::Direct, request(1, 1)), sender.now);
    let refused = answers(&sender.done(effects));
    assert!(matches!(refused[..], [Err(SendError::Rejected(_))]));
    assert_eq!(sender.ask(2, Route::Direct, request(1, 1)), [Ok(1)]);
    // By the ledger, of what goes to the network at once.
    assert_eq!(sender.ask(3, Route::Network, request(2, 2)), []);
    let verdict = Judgement {
        verdict: Err(Rejected::PoolFull("")),
        height: Height(1),
        block: BlockId([1; 32]),
        syncing: false,
    };
    let effects = sender.outbox.judged([(2, verdict)], sender.now);
    let refused = answers(&sender.done(effects));
    assert!(matches!(refused[..], [Err(SendError::Rejected(_))]));
    let mut sender = Sender::with(sender.rows);
    assert_eq!(sender.ask(4, Route::Direct, request(2, 2)), [Ok(3)]);
}
