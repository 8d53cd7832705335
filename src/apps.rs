//! The applications that come with the program: what records of their topics mean.

pub mod voting;

use crate::chain::application::Application;
use std::sync::Arc;

/// All of them; a network uses those that its genesis names.
pub fn included() -> Vec<Arc<dyn Application>> {
    vec![Arc::new(voting::Voting::default())]
}
