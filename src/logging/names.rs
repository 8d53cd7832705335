//! Whose key it is, for whoever reads what a node writes down.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The names of members by their addresses, as far as the node knows them: of as many members as its
/// directory holds, which is bounded.
#[derive(Debug, Clone, Default)]
pub struct Names(Arc<RwLock<HashMap<String, String>>>);

impl Names {
    /// The member with this address goes by this name.
    pub fn know(&self, address: String, name: String) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.insert(address, name);
    }

    /// The name of whoever has this address.
    pub fn of(&self, address: &str) -> Option<String> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.get(address).cloned()
    }
}
