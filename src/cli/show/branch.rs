//! What a change of branch did, for people.

use crate::cli::words::{count, short_id};
use crate::owner::answers::{BranchChangeView, MovedTo};
use crate::readable::in_words;

/// Void transactions that are named; the rest is counted, and JSON has all of them.
const MAX_VOID_SHOWN: usize = 3;

/// What a change of branch did to this node's transactions.
pub(super) fn change(change: &BranchChangeView) -> String {
    let mut told = format!(
        "changed {} ago above height {}: {} gave way to a branch with more work",
        in_words(change.age_ms),
        change.fork,
        count(change.blocks, "block", "blocks")
    );
    let of = |which: fn(&MovedTo) -> bool| {
        let moved = change.transactions.iter();
        moved.filter(move |moved| which(&moved.to))
    };
    let numbers = [
        (
            of(|to| matches!(to, MovedTo::Mined { .. })).count(),
            "mined again",
        ),
        (of(|to| matches!(to, MovedTo::Open)).count(), "open again"),
    ];
    for (number, state) in numbers.iter().filter(|(number, _)| *number > 0) {
        let number = count(*number as u64, "transaction", "transactions");
        told.push_str(&format!("; {number} of yours {state}"));
    }
    let void = |to: &MovedTo| match to {
        MovedTo::Open | MovedTo::Mined { .. } => None,
        MovedTo::Expired => Some("its last height has passed"),
        MovedTo::TimedOut => Some("it was open for a day and nobody mined it"),
        MovedTo::Evicted => Some("better paying ones took its place"),
        MovedTo::Conflicted => Some("its sender's coins went elsewhere"),
        MovedTo::PutOut => Some("its sender was put out of the network"),
    };
    let void = change
        .transactions
        .iter()
        .filter_map(|m| Some((m.id, void(&m.to)?)));
    for (id, why) in void.clone().take(MAX_VOID_SHOWN) {
        told.push_str(&format!("; {} is void: {why}", short_id(id)));
    }
    let more = void.count().saturating_sub(MAX_VOID_SHOWN) as u64;
    if more > 0 {
        told.push_str(&format!("; {more} more are void"));
    }
    if change.and_more > 0 {
        told.push_str(&format!("; {} more are not named", change.and_more));
    }
    if change.rewards_lost != "0" {
        told.push_str(&format!(
            "; rewards of {} coins are lost",
            change.rewards_lost
        ));
    }
    told
}
