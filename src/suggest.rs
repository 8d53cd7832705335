//! The word that was probably meant.

use strsim::osa_distance;

/// The candidate nearest to `word`, if one is near enough to be meant.
///
/// Near enough: at most a third of the word's letters are wrong (two in a short word). A candidate
/// with the same last part (`threads` for `mining.threads`) is the right key in the wrong section
/// and wins over a misspelling.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let leaf = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let longest = candidates.iter().map(|c| c.chars().count()).max()?;
    // Nothing this much longer can be near, and the distance takes the product of the lengths.
    if word.chars().count() > 2 * longest {
        return None;
    }
    let allowed = (word.chars().count() / 3).max(2);
    candidates
        .iter()
        .map(|candidate| {
            let moved = leaf(word) == leaf(candidate);
            let distance = if moved {
                0
            } else {
                osa_distance(word, candidate)
            };
            (distance, *candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_what_was_meant() {
        let keys = ["listen", "api.listen", "mining.threads", "log.files"];
        assert_eq!(nearest("lisetn", &keys), Some("listen"));
        assert_eq!(nearest("api.lissen", &keys), Some("api.listen"));
        assert_eq!(nearest("threads", &keys), Some("mining.threads"));
        assert_eq!(nearest("mining.treads", &keys), Some("mining.threads"));
        assert_eq!(nearest("colour", &keys), None);
        assert_eq!(nearest(&"x".repeat(10_000), &keys), None);
    }
}
