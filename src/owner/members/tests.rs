use super::*;
use crate::clock::STARTED;
use crate::owner::testing::{FakeNode, hears_of_expulsion, peer, put_out};
use actix::Actor;
use std::path::Path;

#[test]
fn a_statement_is_due_after_some_blocks_or_as_much_time_where_none_comes() {
    let due = Due::after(3, Height(7), STARTED);
    assert!(!due.is_now(Height(9), STARTED.plus_ms(29_999)));
    assert!(due.is_now(Height(10), STARTED));
    assert!(due.is_now(Height(7), STARTED.plus_ms(30_000)));
}

#[actix_rt::test]
async fn what_the_admin_said_is_written_down_and_not_by_whoever_is_put_out() {
    for (number, writes) in [(3, true), (1, false)] {
        let (node, _) = FakeNode::with_two_blocks(None);
        let played = node.played();
        let node = node.start();
        let mut alice = peer(&node, &played, Path::new(""));
        let rules = alice.parts().unwrap().rules.clone();
        hears_of_expulsion(&mut alice, &rules, number, "spam");
        let due = Due::after(0, Height(0), alice.clock.steady());
        let said = put_out(&rules, number, "spam").signature;
        let mut writing = Writing(BTreeMap::from([(said, due)]));
        let written = alice.write_down(&mut writing).await.unwrap();
        assert_eq!(written.is_some(), writes);
        assert_eq!(played.last_sent().is_some(), writes);
    }
}
