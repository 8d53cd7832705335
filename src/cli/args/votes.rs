//! What can be typed about ballots and votes.

use super::values::choices;
use super::{Page, Until, path};
use crate::chain::{Height, Timestamp};
use crate::owner::answers::ClosesRequest;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What can be done with ballots.
#[derive(Debug, Subcommand)]
pub enum Vote {
    /// Open a ballot
    Open(VoteOpen),
    /// Show the ballots, the latest first
    List {
        /// Which of them.
        #[command(flatten)]
        page: Page,
    },
    /// Show a ballot, and who has voted
    Show {
        /// Its id, or the first digits of it
        ballot: String,
    },
    /// Vote; a later vote takes the place of an earlier one
    Cast(VoteCast),
    /// Show what a ballot has come to so far
    Tally {
        /// Its id, or the first digits of it
        ballot: String,
        /// Go on showing it as votes come, until its result is in a block
        #[arg(long)]
        follow: bool,
    },
    /// Write down everything that anybody needs to count a ballot again, without a node
    Audit {
        /// Its id, or the first digits of it
        ballot: String,
        /// The file to write, which must not be there yet
        #[arg(long, value_name = "FILE", value_parser = path())]
        out: PathBuf,
    },
}

/// A ballot to be opened.
#[derive(Debug, Args)]
pub struct VoteOpen {
    /// What is asked
    pub question: String,
    /// What can be chosen, with commas between
    #[arg(long, required = true, value_delimiter = ',', value_name = "A,B,...")]
    pub choices: Vec<String>,
    /// How many of them a vote may choose
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = choices, allow_negative_numbers = true)]
    pub max: u8,
    /// Who may vote: `members`, or a file with a name or address a line
    #[arg(long, default_value = "members", value_name = "members|FILE", value_parser = path())]
    pub roll: PathBuf,
    /// When it closes: after a time (20m, 3h, 2d), after so many blocks (+100), or after a height (1200)
    /// [default: 1d]
    #[arg(long, value_name = "WHEN", value_parser = closes)]
    pub closes: Option<Closes>,
    /// How long to stay with it.
    #[command(flatten)]
    pub until: Until,
}

/// A vote to be cast.
#[derive(Debug, Args)]
pub struct VoteCast {
    /// The ballot's id, or the first digits of it
    pub ballot: String,
    /// What is chosen
    #[arg(required = true)]
    pub choices: Vec<String>,
    /// How long to stay with it.
    #[command(flatten)]
    pub until: Until,
}

/// When a ballot closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closes {
    /// So many milliseconds from now on.
    In(u64),
    /// After so many blocks.
    Blocks(u64),
    /// After this height.
    Height(u64),
}

impl Closes {
    /// As the API takes it.
    pub fn request(self, now: Timestamp) -> ClosesRequest {
        match self {
            Self::In(ms) => ClosesRequest::At(now.plus_ms(ms)),
            Self::Blocks(blocks) => ClosesRequest::Blocks(blocks),
            Self::Height(height) => ClosesRequest::Height(Height(height)),
        }
    }
}

fn closes(text: &str) -> Result<Closes, String> {
    let whole = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse::<u64>()
            .ok()
            .filter(|number| plain && *number > 0)
    };
    let read = || {
        if let Some(blocks) = text.strip_prefix('+') {
            return whole(blocks).map(Closes::Blocks);
        }
        let units = [
            ('s', 1_000),
            ('m', 60_000),
            ('h', 3_600_000),
            ('d', 86_400_000),
        ];
        for (unit, ms) in units {
            if let Some(number) = text.strip_suffix(unit) {
                return whole(number)?.checked_mul(ms).map(Closes::In);
            }
        }
        whole(text).map(Closes::Height)
    };
    read().ok_or_else(|| {
        "a time such as 20m, 3h or 2d is wanted, a number of blocks such as +100, or a height such as 1200"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_a_time_a_number_of_blocks_or_a_height() {
        for (text, is) in [
            ("20m", Closes::In(1_200_000)),
            ("2d", Closes::In(172_800_000)),
            ("90s", Closes::In(90_000)),
            ("+100", Closes::Blocks(100)),
            ("1200", Closes::Height(1_200)),
        ] {
            assert_eq!(closes(text), Ok(is), "{text}");
        }
        for text in [
            "",
            "m",
            "+",
            "0",
            "-3",
            "1.5h",
            "20 m",
            "+3d",
            "99999999999999999999d",
            "é",
        ] {
            assert!(closes(text).is_err(), "{text}");
        }
    }
}
