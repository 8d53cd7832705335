//! Lists in pages: how many to show, and where to go on.

use super::answers::Cursor;
use super::codes::Code;
use super::refusal::Refused;

/// Which part of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Behind what the page before ended with; from the beginning of the list if left out.
    pub after: Option<Cursor>,
    /// How many at most; as many as usual if left out.
    pub limit: Option<usize>,
}

impl Page {
    /// So many from the beginning.
    pub fn first(limit: usize) -> Self {
        Self {
            after: None,
            limit: Some(limit),
        }
    }

    /// What follows on the page that ended with `next`.
    pub fn after(next: Cursor) -> Self {
        Self {
            after: Some(next),
            limit: None,
        }
    }

    /// How many, within what is allowed.
    pub(super) fn limit(&self, usual: usize, most: usize) -> Result<usize, Refused> {
        let limit = self.limit.unwrap_or(usual);
        if (1..=most).contains(&limit) {
            return Ok(limit);
        }
        Err(Refused::new(
            Code::BadParameter,
            format!("limit is {limit}, but must be from 1 to {most}"),
        ))
    }

    /// The number that the page before ended with.
    pub(super) fn after_number(&self) -> Result<Option<u64>, Refused> {
        let number = |cursor: &Cursor| cursor.0.parse().map_err(|_| not_a_cursor(cursor));
        self.after.as_ref().map(number).transpose()
    }
}

/// From which end a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// What came first comes first.
    Oldest,
    /// What came last comes first.
    Latest,
}

/// Refuses what no list has given.
pub(super) fn not_a_cursor(cursor: &Cursor) -> Refused {
    let shown: String = cursor.0.chars().take(80).collect();
    Refused::new(
        Code::BadCursor,
        format!(
            "{shown:?} is no cursor of this list: take the text under `next` of the page before"
        ),
    )
}
