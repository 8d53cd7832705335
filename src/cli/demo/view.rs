//! What the peers say of the ledger, side by side.

use super::files::PEERS;
use super::narrate::Facts;
use super::nodes::Nodes;
use crate::owner::answers::{BalanceView, ChainStatusView, PeerStatusView, TipView};
use serde_json::json;
use std::collections::BTreeMap;

/// How many digits of an id are shown: enough to tell apart what a demo has.
const SHOWN_DIGITS: usize = 8;

/// What all peers agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agreed {
    /// The end of everybody's chain.
    pub(super) tip: TipView,
    /// Everybody's coins.
    pub(super) balances: BTreeMap<&'static str, u64>,
}

impl Agreed {
    /// Reads it from all of `peers`.
    ///
    /// # Errors
    /// What each of them says, if they differ; why one does not answer.
    pub(super) fn read(nodes: &Nodes, peers: &[&'static str]) -> Result<Self, String> {
        let views: Vec<_> = peers
            .iter()
            .map(|name| Self::seen_by(nodes, name))
            .collect::<Result<_, _>>()?;
        match views.split_first() {
            Some((first, others)) if others.iter().all(|other| other == first) => Ok(first.clone()),
            _ => {
                let told = peers.iter().zip(&views);
                let told = told.map(|(name, view)| format!("{name}: {view}"));
                Err(told.collect::<Vec<_>>().join("; "))
            }
        }
    }

    /// What one peer says.
    fn seen_by(nodes: &Nodes, name: &str) -> Result<Self, String> {
        let mut balances = BTreeMap::new();
        let mut tips = Vec::new();
        for of in PEERS {
            let view: BalanceView = nodes.get(name, &format!("/balance?of={of}"))?;
            balances.insert(of, view.balance.0);
            tips.push(view.tip);
        }
        // Balances of different blocks are no balance sheet: ask again.
        let tip = tips.pop().filter(|tip| tips.iter().all(|one| one == tip));
        let tip = tip.ok_or_else(|| format!("{name} connected a block just now"))?;
        Ok(Self { tip, balances })
    }

    /// The same with more coins, or fewer, for some.
    pub(super) fn balances_after(
        &self,
        changes: &[(&'static str, i128)],
    ) -> BTreeMap<&'static str, u64> {
        let mut balances = self.balances.clone();
        for (name, change) in changes {
            let balance = balances.entry(name).or_default();
            let after = i128::from(*balance) + change;
            *balance = u64::try_from(after).unwrap_or(0);
        }
        balances
    }

    /// For programs: what each of `peers` was found to have.
    pub(super) fn facts(&self, peers: &[&'static str]) -> Facts {
        let each = |value: serde_json::Value| {
            let pairs = peers.iter().map(|name| ((*name).to_owned(), value.clone()));
            serde_json::Value::Object(pairs.collect())
        };
        Facts::from_iter([
            ("heights".to_owned(), each(json!(self.tip.height))),
            ("tips".to_owned(), each(json!(self.tip.id))),
            ("balances".to_owned(), json!(self.balances)),
        ])
    }
}

impl std::fmt::Display for Agreed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "height {}, tip {}", self.tip.height, short(self.tip.id))?;
        for (name, balance) in &self.balances {
            write!(f, ", {name} {balance}")?;
        }
        Ok(())
    }
}

/// The beginning of an id.
pub(super) fn short(id: impl std::fmt::Display) -> String {
    id.to_string().chars().take(SHOWN_DIGITS).collect()
}

/// A peer's part in the network.
///
/// # Errors
/// Why it has none, or does not answer.
pub(super) fn chain_of(nodes: &Nodes, name: &str) -> Result<ChainStatusView, String> {
    let status: PeerStatusView = nodes.get(name, "/status")?;
    status.chain.ok_or_else(|| {
        let waiting = status.waiting.as_deref().unwrap_or("it does not say why");
        format!("{name} is on no network: {waiting}")
    })
}
