//! Whether a node's clock is right, by those of others.

use crate::protocol::clocks::{ClockState, OwnClock};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a node's clock compares with those of the others it talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockView {
    /// In a word.
    pub state: ClockStateView,
    /// By how many milliseconds it is wrong; 0 if it is right, or that is not known.
    pub by_ms: u64,
}

/// Whether a clock is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClockStateView {
    /// `"unknown"`: it can't be compared with those of two others at least.
    Unknown,
    /// `"right"`, or wrong by some seconds.
    Right,
    /// `"ahead"` of most others.
    Ahead,
    /// `"behind"` most others.
    Behind,
}

impl From<OwnClock> for ClockView {
    fn from(own: OwnClock) -> Self {
        let (state, by_ms) = match own.state() {
            ClockState::Unknown => (ClockStateView::Unknown, 0),
            ClockState::Right => (ClockStateView::Right, 0),
            ClockState::Ahead(ms) => (ClockStateView::Ahead, ms),
            ClockState::Behind(ms) => (ClockStateView::Behind, ms),
        };
        Self { state, by_ms }
    }
}
