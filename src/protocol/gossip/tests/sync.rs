use super::*;
use crate::chain::locator::MAX_HEADERS;
use crate::chain::testing::forge::Forge;
use crate::clock::STARTED;

fn chain(length: usize) -> Vec<Block> {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    forge.branch(genesis, length, 1)
}

#[test]
fn while_the_ledger_is_busy_nothing_is_asked_for_again_and_again() {
    let chain = chain(1);
    let mut gossip = with_sessions(1);
    let announce = Message::AnnounceBlock(chain[0].header);
    let _ = gossip.received(session(1), announce, STARTED);
    let known = Ok(HeadersOutcome::Known {
        last: chain[0].id(),
        height: Height(1),
        work: Work::from_be_bytes([1; 32]),
        held: false,
    });
    let _ = gossip.headers_judged(session(1), known, STARTED);
    let asks = |effects: &[Effect]| {
        let get = |e: &&Effect| matches!(e, Effect::Send(_, Message::GetBlocks(_)));
        effects.iter().filter(get).count()
    };
    let mut questions =
        asks(&gossip.missing_found(chain[0].id(), vec![(chain[0].id(), Height(1))], STARTED));
    for ms in 0..2_000 {
        let now = STARTED.plus_ms(ms);
        let block = Message::Block(chain[0].clone());
        if !gossip.received(session(1), block, now).is_empty() {
            let id = chain[0].id();
            questions += asks(&gossip.block_judged(session(1), id, &BlockOutcome::Busy, now));
        }
        questions += asks(&gossip.tick(now));
    }
    assert!((3..=5).contains(&questions), "{questions} questions in 2 s");
}

#[test]
fn lookups_wait_for_their_answers_however_long_the_ledger_takes() {
    let mut gossip = with_sessions(1);
    let chain = chain(1);
    let _ = gossip.received(session(1), Message::AnnounceBlock(chain[0].header), STARTED);
    let known = Ok(HeadersOutcome::Known {
        last: chain[0].id(),
        height: Height(1),
        work: Work::from_be_bytes([1; 32]),
        held: false,
    });
    let mut effects = gossip.headers_judged(session(1), known, STARTED);
    for ms in 0..10_000 {
        effects.extend(gossip.tick(STARTED.plus_ms(ms)));
    }
    let lookup = |e: &&Effect| matches!(e, Effect::FindMissing(..));
    assert_eq!(effects.iter().filter(lookup).count(), 1);
}

#[test]
fn an_announcement_upon_an_unknown_block_leads_to_a_question() {
    let chain = chain(3);
    let mut gossip = with_sessions(1);
    let now = STARTED.plus_ms(2_000);
    let announce = Message::AnnounceBlock(chain[2].header);
    let checked = gossip.received(session(1), announce, now);
    assert_eq!(
        checked,
        [Effect::CheckHeaders(session(1), vec![chain[2].header])]
    );
    let effects = gossip.headers_judged(session(1), Ok(HeadersOutcome::Orphan), now);
    assert_eq!(effects, [Effect::AskHeaders(session(1), None)]);
}

#[test]
fn headers_and_blocks_that_were_not_asked_for_are_passed_over() {
    let chain = chain(1);
    let mut gossip = with_sessions(1);
    for message in [
        Message::Headers(vec![chain[0].header]),
        Message::Block(chain[0].clone()),
        Message::NoBlock(chain[0].id()),
    ] {
        assert_eq!(gossip.received(session(1), message, STARTED), []);
    }
}

#[test]
fn attack_announcements_wait_for_their_judgement() {
    let chain = chain(1);
    let mut gossip = with_sessions(1);
    let announce = || Message::AnnounceBlock(chain[0].header);
    let checked = (0..100).map(|_| gossip.received(session(1), announce(), STARTED).len());
    assert_eq!(checked.sum::<usize>(), 8);
}

#[test]
fn bodies_are_asked_for_together_and_not_one_for_each_that_comes() {
    const BLOCKS: usize = 40;
    let chain = chain(BLOCKS);
    let mut gossip = with_sessions(1);
    let last = chain[BLOCKS - 1].header;
    let _ = gossip.received(session(1), Message::AnnounceBlock(last), STARTED);
    let known = Ok(HeadersOutcome::Known {
        last: last.id(),
        height: Height(BLOCKS as u64),
        work: Work::from_be_bytes([1; 32]),
        held: false,
    });
    let _ = gossip.headers_judged(session(1), known, STARTED);
    let missing = (1..)
        .zip(&chain)
        .map(|(height, block)| (block.id(), Height(height)));
    let mut effects = gossip.missing_found(last.id(), missing.collect(), STARTED);
    for block in &chain {
        effects.extend(gossip.received(session(1), Message::Block(block.clone()), STARTED));
        effects.extend(gossip.block_judged(
            session(1),
            block.id(),
            &BlockOutcome::Accepted,
            STARTED,
        ));
    }
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Send(_, Message::GetBlocks(ids)) => Some(ids.len()),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [16, 8, 8, 8]);
}

/// The ledger has judged headers of session 1 up to one of so much work.
fn judged(gossip: &mut Gossip, last: &Header, work: u8) -> Vec<Effect> {
    let known = Ok(HeadersOutcome::Known {
        last: last.id(),
        height: last.height,
        work: Work::from_be_bytes([work; 32]),
        held: false,
    });
    gossip.headers_judged(session(1), known, STARTED)
}

/// As many headers as a message holds.
fn full_list(header: Header) -> Message {
    Message::Headers(vec![header; MAX_HEADERS])
}

#[test]
fn between_two_lists_of_headers_more_are_to_come() {
    let chain = chain(2);
    let mut gossip = with_sessions(1);
    assert!(!gossip.are_more_to_come());
    let asked = gossip.tick(STARTED.plus_ms(30_000));
    assert!(asked.contains(&Effect::AskHeaders(session(1), None)));
    let _ = gossip.received(session(1), full_list(chain[0].header), STARTED);
    let followed = judged(&mut gossip, &chain[0].header, 1);
    let after = Effect::AskHeaders(session(1), Some(chain[0].id()));
    assert!(followed.contains(&after));
    // All that was shown is here, and it is not all that there is.
    let _ = gossip.missing_found(chain[0].id(), Vec::new(), STARTED);
    assert!(gossip.are_more_to_come());
    // What is announced meanwhile says nothing of what lies between.
    let announced = Message::AnnounceBlock(chain[1].header);
    let _ = gossip.received(session(1), announced, STARTED);
    let _ = judged(&mut gossip, &chain[1].header, 2);
    assert!(gossip.are_more_to_come());
    let rest = Message::Headers(vec![chain[1].header]);
    let _ = gossip.received(session(1), rest, STARTED);
    assert!(gossip.are_more_to_come(), "the last ones are not judged");
    let _ = judged(&mut gossip, &chain[1].header, 2);
    assert!(!gossip.are_more_to_come());
}

#[test]
fn whose_chain_the_owner_wants_is_to_show_it_first() {
    let chain = chain(1);
    for (answer, is_judged) in [(Vec::new(), false), (vec![chain[0].header], true)] {
        let mut gossip = with_sessions(1);
        let wanted = gossip.prefer(&member(1).public_key(), STARTED);
        assert_eq!(
            wanted.expect("it is connected").0,
            0,
            "it has shown nothing"
        );
        assert!(gossip.are_more_to_come());
        let preferred = member(1).public_key();
        assert_eq!(gossip.preferred(), Some((preferred, false)));
        let _ = gossip.received(session(1), Message::Headers(answer), STARTED);
        assert_eq!(gossip.are_more_to_come(), is_judged);
        if is_judged {
            let _ = judged(&mut gossip, &chain[0].header, 1);
        }
        assert!(!gossip.are_more_to_come());
        assert_eq!(gossip.preferred(), Some((preferred, true)));
    }
    let mut gossip = with_sessions(1);
    let _ = gossip.prefer(&member(1).public_key(), STARTED);
    let _ = gossip.closed(session(1), "gone", STARTED);
    assert!(!gossip.are_more_to_come(), "it shows nothing any more");
    assert_eq!(gossip.preferred(), None, "nor has it shown all");
}

#[test]
fn attack_light_branches_that_are_shown_for_ever_have_nobody_wait() {
    let chain = chain(1);
    let own = member(100).public_key();
    let tip = Work::from_be_bytes([9; 32]);
    let mut gossip = Gossip::new(own, LIMITS, tip, 1, STARTED);
    let hello = hello_of(member(1).public_key());
    let _ = gossip.opened(session(1), &hello, Direction::Incoming, STARTED);
    for (work, is_more) in [(1, false), (2, false), (9, true)] {
        let _ = gossip.received(session(1), full_list(chain[0].header), STARTED);
        let followed = judged(&mut gossip, &chain[0].header, work);
        assert!(followed.contains(&Effect::AskHeaders(session(1), Some(chain[0].id()))));
        assert_eq!(gossip.are_more_to_come(), is_more, "{work}");
    }
}
