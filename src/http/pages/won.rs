//! What came of a ballot, in a few words.

use super::show::count;
use crate::owner::answers::{BallotState, BallotView};
use crate::readable::visible;

/// Choices that are named as first: more than that in one line say nothing.
const FIRST: usize = 3;

/// What has most votes, once no more of them count.
pub(super) fn won(ballot: &BallotView) -> Option<String> {
    if !matches!(ballot.state, BallotState::Closed | BallotState::ResultMined) {
        return None;
    }
    let most = ballot.choices.iter().map(|one| one.votes).max()?;
    if most == 0 {
        return Some("No votes".to_owned());
    }
    let first = ballot.choices.iter().filter(|one| one.votes == most);
    let first: Vec<_> = first.map(|one| visible(&one.choice)).collect();
    let votes = count(most as usize, "vote");
    Some(match first.len() {
        1 => format!("Most votes: {}, {votes}", first[0]),
        2..=FIRST => format!("Most votes, {votes} each: {}", first.join(", ")),
        many => format!("Most votes, {votes} each: {many} choices"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ballot(state: &str, votes: &[u64]) -> BallotView {
        let address = crate::owner::testing::secret(2).public_key().to_address();
        let choices = votes.iter().zip(["Pizza", "Salad", "Soup", "Fish"]);
        let choices: Vec<_> = choices
            .map(|(votes, choice)| json!({ "choice": choice, "votes": votes }))
            .collect();
        serde_json::from_value(json!({
            "ballot": "00".repeat(32), "opener": { "name": "bob", "address": address }, "question": "What?",
            "choices": choices, "max": 1, "state": state, "height": 1, "closes_at": null, "last_height": 9,
            "voters": 4, "voted": 3, "may_vote": true, "own": null, "uncounted": null, "result": null,
            "tip": { "height": 9, "id": "00".repeat(32), "timestamp": "2026-11-26T10:00:00.000Z" }
        }))
        .unwrap()
    }

    #[test]
    fn a_list_says_what_has_most_votes_once_no_more_of_them_count() {
        let says = |state, votes: &[u64]| won(&ballot(state, votes)).unwrap_or_default();
        assert_eq!(says("open", &[2, 1]), "");
        assert_eq!(says("closed", &[2, 1]), "Most votes: Pizza, 2 votes");
        assert_eq!(
            says("result_mined", &[1, 1, 0]),
            "Most votes, 1 vote each: Pizza, Salad"
        );
        assert_eq!(
            says("result_mined", &[1; 4]),
            "Most votes, 1 vote each: 4 choices"
        );
        assert_eq!(says("result_mined", &[0, 0]), "No votes");
    }
}
