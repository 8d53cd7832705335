//! Charts, drawn here: bars as SVG, and the same as a table for who does not see them.

use super::home::rate;
use super::show::{Moment, When, count, grouped};
use crate::owner::Present;
use crate::owner::answers::BlockLine;
use crate::readable::in_words;
use askama::Template;

/// Blocks that charts are drawn of.
pub(super) const CHARTED: usize = 60;

/// Blocks over which a hash rate is taken: of one alone it would be chance.
const RATED: usize = 8;

/// Height of a drawing, in its own units, and width of a bar with its gap.
const TALL: u64 = 60;
const WIDE: usize = 5;

/// Bars there is room for at least: a few would be as broad as the page.
const LEAST_BARS: usize = 24;

/// Bars over time, the latest at the right.
#[derive(Template)]
#[template(path = "chart.html")]
pub(super) struct Chart {
    /// What is drawn.
    label: &'static str,
    /// What the columns of its table are called.
    columns: [&'static str; 2],
    bars: Vec<Bar>,
    /// What is said below it.
    words: String,
    /// What is said as long as there is nothing.
    nothing: &'static str,
    /// Width of the drawing.
    wide: usize,
}

struct Bar {
    x: usize,
    y: usize,
    tall: usize,
    at: String,
    /// The moment, where it is one.
    when: Option<Moment>,
    words: String,
}

/// What one bar stands for.
struct Point {
    value: u64,
    at: String,
    when: Option<Moment>,
    words: String,
}

impl Chart {
    /// The times between blocks, which come the latest first.
    pub(super) fn between(blocks: &[BlockLine]) -> Self {
        let gaps: Vec<(u64, u64)> = blocks
            .windows(2)
            .map(|pair| (pair[0].height.0, pair[0].timestamp.since(pair[1].timestamp)))
            .collect();
        let sum = gaps
            .iter()
            .map(|(_, gap)| *gap)
            .fold(0, u64::saturating_add);
        let most = gaps.iter().map(|(_, gap)| *gap).max().unwrap_or_default();
        let points = gaps.iter().rev().map(|(height, gap)| Point {
            value: *gap,
            at: grouped(&height.to_string()),
            when: None,
            words: in_words(*gap),
        });
        Self {
            label: "Time between the last blocks",
            columns: ["Block", "Time since the one before"],
            words: format!(
                "On average {}, at most {}; the latest is at the right.",
                in_words(sum / gaps.len().max(1) as u64),
                in_words(most)
            ),
            nothing: "A chart stands here once there are two blocks.",
            ..Self::of(points)
        }
    }

    /// How fast all miners together search, as the blocks tell, which come the latest first.
    pub(super) fn rates(blocks: &[BlockLine]) -> Self {
        let rates: Vec<(u64, f64)> = blocks
            .windows(RATED + 1)
            .map(|run| {
                let ms = run[0].timestamp.since(run[RATED].timestamp).max(1);
                let mined = run.iter().take(RATED);
                // A work is digits.
                let tries: f64 = mined
                    .map(|block| block.work.to_string().parse().unwrap_or(f64::MAX))
                    .sum();
                (run[0].height.0, tries / ms as f64 * 1e3)
            })
            .collect();
        let now = rates.first().map_or(0.0, |(_, now)| *now);
        let points = rates.iter().rev().map(|(height, per_second)| Point {
            // What is too large for it is drawn as the largest.
            value: *per_second as u64,
            at: grouped(&height.to_string()),
            when: None,
            words: rate(*per_second),
        });
        Self {
            label: "Hash rate of all miners together",
            columns: [
                "Up to block",
                "Tries a second, over the eight blocks before it",
            ],
            words: format!(
                "{} by all miners together, as the last {RATED} blocks tell; the latest is at the right.",
                rate(now)
            ),
            nothing: "A chart stands here once there are nine blocks.",
            ..Self::of(points)
        }
    }

    /// How many were here.
    pub(super) fn here(counted: &[Present]) -> Self {
        let most = counted.iter().map(|one| one.here).max().unwrap_or_default();
        let now = counted.last().map_or(0, |one| one.here);
        let points = counted.iter().map(|one| Point {
            value: one.here as u64,
            at: When::new(one.at).exact,
            when: Some(Moment::new(one.at)),
            words: count(one.here, "member"),
        });
        Self {
            label: "Members who were here",
            columns: ["When", "Members here"],
            words: format!(
                "{} here now, at most {most}; counted each minute since the node started, for four hours at most.",
                count(now, "member")
            ),
            nothing: "A chart stands here once the node is on its network.",
            ..Self::of(points)
        }
    }

    fn of(points: impl Iterator<Item = Point>) -> Self {
        let points: Vec<Point> = points.collect();
        let most = points
            .iter()
            .map(|point| point.value)
            .max()
            .unwrap_or_default()
            .max(1);
        let bars: Vec<Bar> = points
            .into_iter()
            .enumerate()
            .map(|(at, point)| {
                let tall = (u128::from(point.value) * u128::from(TALL) / u128::from(most)) as usize;
                let tall = tall.max(1);
                Bar {
                    x: at * WIDE,
                    y: TALL as usize - tall,
                    tall,
                    at: point.at,
                    when: point.when,
                    words: point.words,
                }
            })
            .collect();
        Self {
            wide: bars.len().max(LEAST_BARS) * WIDE,
            bars,
            label: "",
            columns: [""; 2],
            words: String::new(),
            nothing: "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{BlockId, Height, Timestamp};

    /// Blocks of so much work every second, the latest first.
    fn blocks(number: u64, target: crate::chain::target::Target) -> Vec<BlockLine> {
        let line = |height| BlockLine {
            id: BlockId([0; 32]),
            height: Height(height),
            timestamp: Timestamp(height * 1_000),
            transactions: 1,
            work: target.work(),
            miner: None,
        };
        (0..number).rev().map(line).collect()
    }

    #[test]
    fn every_bar_has_a_row_and_nothing_is_a_sentence() {
        use crate::chain::target::Target;
        let easy = blocks(20, Target::MAX);
        for (chart, bars) in [
            (Chart::between(&easy), 19),
            (Chart::rates(&easy), 12),
            (Chart::here(&[]), 0),
        ] {
            let text = chart.render().unwrap();
            assert_eq!(text.matches("<rect").count(), bars, "{text}");
            assert_eq!(text.matches("<tr>").count(), bars + usize::from(bars > 0));
            assert_eq!(text.contains("A chart stands here"), bars == 0, "{text}");
        }
        // Without a script a moment is told in UTC, which is said; with one it is the reader's.
        let here = Chart::here(&[Present {
            at: Timestamp(0),
            here: 2,
        }]);
        let tip = "<title data-at=\"1970-01-01T00:00:00Z\" data-words=\"2 members\">1970-01-01 00:00:00 UTC: 2 members";
        let text = here.render().unwrap();
        assert!(text.contains(tip), "{text}");
        // Each block takes one try, and one comes every second; and a work beyond all numbers is drawn.
        let words = Chart::rates(&easy).words;
        assert!(words.starts_with("1 tries a second"), "{words}");
        assert_eq!(Chart::rates(&blocks(20, Target::MIN)).bars.len(), 12);
    }
}
