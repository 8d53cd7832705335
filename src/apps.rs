//! The applications that come with the program.

pub mod members;
pub mod voting;

use crate::chain::application::Application;
use std::sync::Arc;

/// All of them; a network uses that of members, and those that its genesis names.
pub fn built_in() -> Vec<Arc<dyn Application>> {
    vec![
        Arc::new(members::Members::default()),
        Arc::new(voting::Voting::default()),
    ]
}
