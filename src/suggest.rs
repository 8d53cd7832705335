//! The word that was probably meant.

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
            (
                if moved { 0 } else { distance(word, candidate) },
                *candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, deleted, replaced or swapped with their neighbour to turn
/// `a` into `b` (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replace.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("listen", "listen", 0),
            ("lisetn", "listen", 1),
            ("lsten", "listen", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }

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
