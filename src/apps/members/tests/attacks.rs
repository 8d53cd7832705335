//! What is said once and used again, or by whom it is not to be said.

use super::*;

#[test]
fn attack_an_invitation_that_had_ended_or_that_was_nobodys_to_give_lets_nobody_in() {
    let mut ledger = Ledger::new();
    let rules = ledger.rules.clone();
    let given = |uses, expires, by: u8| {
        let said = InvitationStatement {
            issuer: key(by),
            expires,
            ..invitation(&rules, uses, INVITATION).statement
        };
        said.sign(&member(by))
    };
    // Certificates of now have the next millisecond as their serial.
    let now = ledger.time();
    let late = now.plus_ms(HOUR);
    for (given, words) in [
        (given(1, now.plus_ms(1), ADMIN), "had ended when"),
        (given(1, late, 5), "does not count"),
        (given(0, late, ADMIN), "is for 0 members"),
    ] {
        let join = join_at(&rules, now.plus_ms(1), 11, "ann", Some(&given));
        refused(ledger.says(11, join), words);
    }
    let in_time = given(1, now.plus_ms(2), ADMIN);
    let join = join_at(&rules, now.plus_ms(1), 11, "ann", Some(&in_time));
    assert_eq!(ledger.says(11, join), Ok(()));
}

#[test]
fn attack_a_leave_that_was_said_once_puts_nobody_out_who_has_come_back() {
    let mut ledger = Ledger::new();
    assert_eq!(ledger.says(1, ledger.join(1, "alice", None)), Ok(()));
    let word = ledger.leave(1);
    assert_eq!(ledger.says(1, word.clone()), Ok(()));
    assert_eq!(ledger.says(1, ledger.join(1, "alice", None)), Ok(()));
    // Anybody may bring the word of another; it counts once.
    refused(ledger.says(2, word), "a later leave");
    assert_eq!(ledger.called(1).as_deref(), Some("alice"));
}
