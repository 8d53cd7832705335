use super::*;
use crate::chain::testing::{Node, member, mine};

const NOW: Timestamp = Timestamp(1_000);

/// A machine that was asked for a block and searches, its first job, and the block to find.
fn searching() -> (Mining, JobId, Template) {
    let mut mining = Mining::new(Mode::OnCommand);
    let asked = mining.asked(Request(1));
    assert_eq!(asked, Some(vec![Effect::GetTemplate]));
    let template = template();
    let effects = mining.template(template.clone(), NOW);
    assert_eq!(effects, vec![Effect::Search(JobId(1), template.clone())]);
    (mining, JobId(1), template)
}

fn template() -> Template {
    let node = Node::new();
    let reward_to = member(1).public_key();
    let template = node.ledger.template(reward_to, &node.disk, node.now);
    template.unwrap()
}

fn answered(effects: &[Effect]) -> Option<&Success> {
    effects.iter().find_map(|effect| match effect {
        Effect::Answer(Request(1), Ok(success)) => Some(success),
        _ => None,
    })
}

#[test]
fn a_found_block_is_judged_and_answered() {
    let (mut mining, job, template) = searching();
    let block = mine(template.solved(0));
    let effects = mining.found(job, block.header.nonce);
    assert_eq!(effects, vec![Effect::Submit(block.clone())]);
    let effects = mining.judged(&block, &BlockOutcome::Accepted, NOW);
    let success = answered(&effects).expect("it was accepted");
    assert_eq!((success.id, success.races_lost), (block.id(), 0));
    assert_eq!(mining.mined(), 1);
    assert!(!mining.is_searching());
}

#[test]
fn a_race_is_lost_once_whether_or_not_the_news_came_before_the_block() {
    for news_first in [false, true] {
        let (mut mining, job, template) = searching();
        if news_first {
            assert_eq!(mining.better_seen(NOW), vec![Effect::Stop]);
        }
        assert_eq!(mining.tip_moved(), vec![Effect::GetTemplate]);
        // What the dropped job finds after that counts for nothing.
        assert_eq!(mining.found(job, 0), vec![]);
        let _ = mining.template(template.clone(), NOW);
        let block = mine(template.solved(0));
        let _ = mining.found(JobId(2), block.header.nonce);
        let effects = mining.judged(&block, &BlockOutcome::Accepted, NOW);
        assert_eq!(answered(&effects).unwrap().races_lost, 1, "{news_first}");
    }
}

#[test]
fn a_body_that_does_not_come_stops_nobody_for_long() {
    let (mut mining, _, _) = searching();
    assert_eq!(mining.better_seen(NOW), vec![Effect::Stop]);
    assert_eq!(mining.tick(NOW.plus_ms(REST_MS - 1)), vec![]);
    assert_eq!(mining.tick(NOW.plus_ms(REST_MS)), vec![Effect::GetTemplate]);
}
