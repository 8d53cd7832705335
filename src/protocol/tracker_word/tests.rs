//! What is said of a tracker that lies, and of one that does not.

use super::*;
use crate::protocol::testing::key;

fn name(text: &str) -> MemberName {
    text.parse().unwrap()
}

/// Ann and bob, of whom both say the same.
fn at(height: u64) -> Look {
    let both = [(name("ann"), key(1)), (name("bob"), key(2))];
    Look {
        height: Height(height),
        tracker_there: true,
        joins: true,
        told: both.to_vec(),
        met: vec![key(1), key(2)],
        owners: both.iter().cloned().collect(),
        members: both
            .iter()
            .map(|(name, key)| (*key, name.clone()))
            .collect(),
    }
}

/// What is said of a tracker that says this from height 10 on: when first, and what. After that nothing is said
/// of it any more, until it is taken back.
fn said(lie: impl Fn(&mut Look)) -> (u64, Word) {
    let mut word = TrackerWord::default();
    assert_eq!(word.look(&at(9)), []);
    let mut first = None;
    for height in 10..400 {
        let mut look = at(height);
        lie(&mut look);
        for heard in word.look(&look) {
            assert_eq!(first, None, "twice, or another thing as well: {heard:?}");
            first = Some((height, heard));
        }
    }
    let first = first.expect("nothing was said");
    let Word::Differs(difference) = &first.1 else {
        panic!("{first:?}");
    };
    assert_eq!(word.standing().collect::<Vec<_>>(), [difference]);
    // A stranger may come back: that takes a while.
    let end = at(400 + TOLERATED_BLOCKS);
    assert_eq!(word.look(&end), [Word::Agrees(difference.clone())]);
    assert_eq!(word.standing().count(), 0);
    first
}

#[test]
fn nothing_is_said_of_an_honest_tracker() {
    let mut word = TrackerWord::default();
    for height in 0..400 {
        let mut look = at(height);
        // A newcomer is admitted, and on the ledger a hundred blocks later.
        if (50..150).contains(&height) {
            look.told.push((name("cleo"), key(3)));
            look.met.push(key(3));
        }
        assert_eq!(word.look(&look), []);
    }
}

#[test]
fn attack_an_invented_member_is_named() {
    let invented = |look: &mut Look| look.told.push((name("mallory"), key(9)));
    let expected = Difference::NotOnLedger {
        name: name("mallory"),
        key: key(9),
    };
    assert_eq!(
        said(invented),
        (10 + TOLERATED_BLOCKS, Word::Differs(expected))
    );
    let mut word = TrackerWord::default();
    for height in 0..400 {
        let mut look = at(height);
        look.joins = false;
        invented(&mut look);
        assert_eq!(
            word.look(&look),
            [],
            "where nobody joins on the ledger it means nothing"
        );
    }
}

#[test]
fn attack_a_member_that_is_kept_back_is_named_but_not_while_the_tracker_is_away() {
    let expected = Difference::NotTold {
        name: name("bob"),
        key: key(2),
    };
    let kept_back = |look: &mut Look| look.told.retain(|(_, told)| *told != key(2));
    let (height, heard) = said(kept_back);
    assert_eq!(
        (height, heard),
        (10 + TOLERATED_BLOCKS, Word::Differs(expected.clone()))
    );
    let mut word = TrackerWord::default();
    let away = |height| {
        let mut look = at(height);
        kept_back(&mut look);
        look.tracker_there = false;
        look
    };
    for height in 0..400 {
        assert_eq!(word.look(&away(height)), []);
    }
    for height in 400..=400 + TOLERATED_BLOCKS {
        let mut look = away(height);
        look.tracker_there = true;
        word.look(&look);
    }
    assert_eq!(word.standing().collect::<Vec<_>>(), [&expected]);
    assert_eq!(
        word.look(&away(600)),
        [],
        "a tracker that goes takes back nothing"
    );
    assert_eq!(word.standing().count(), 1);
}

#[test]
fn attack_another_key_under_a_name_is_named_at_once_also_beside_the_right_one() {
    let expected = Word::Differs(Difference::OtherKey {
        name: name("bob"),
        told: key(9),
        ledger: key(2),
    });
    let twice = |look: &mut Look| look.told.push((name("bob"), key(9)));
    assert_eq!(said(twice), (10 + NAME_TOLERATED_BLOCKS, expected));
}

#[test]
fn attack_a_certified_stranger_is_named() {
    let expected = Word::Differs(Difference::Stranger { key: key(9) });
    let met = |look: &mut Look| look.met.push(key(9));
    assert_eq!(said(met), (10 + TOLERATED_BLOCKS, expected));
}

#[test]
fn attack_a_certified_stranger_that_comes_and_goes_is_named_too_until_it_stays_away() {
    let mut word = TrackerWord::default();
    let mut said = Vec::new();
    for height in 0..=TOLERATED_BLOCKS {
        let mut look = at(height);
        if height % 10 == 0 {
            look.met.push(key(9));
        }
        said.extend(word.look(&look));
    }
    let stranger = Difference::Stranger { key: key(9) };
    assert_eq!(said, [Word::Differs(stranger.clone())]);
    let last = TOLERATED_BLOCKS;
    assert_eq!(word.look(&at(last + TOLERATED_BLOCKS - 1)), []);
    let ended = word.look(&at(last + TOLERATED_BLOCKS));
    assert_eq!(ended, [Word::Agrees(stranger)]);
}

#[test]
fn attack_a_tracker_that_invents_thousands_fills_no_memory() {
    let mut word = TrackerWord::default();
    let mut look = at(1);
    look.told.extend((0..5_000).map(|number: u32| {
        let mut key = [7; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        (name(&format!("m{number}")), PublicKey(key))
    }));
    word.look(&look);
    look.height = Height(1 + TOLERATED_BLOCKS);
    assert_eq!(word.look(&look).len(), MAX_DIFFERENCES);
}
