//! Blocks, transactions and the chain itself, for people.

use super::coins;
use crate::chain::Amount;
use crate::cli::table::{Align, Table, facts};
use crate::cli::words::{count, cut, moment, person, short_id, short_person};
use crate::owner::answers::{
    ActionView, BlockView, ChainView, OpenView, TipView, TransactionState, TransactionStateView,
    TransactionView,
};
use crate::readable::in_words;

/// Rows of a long table that people are shown; JSON has all of them.
pub(super) const MAX_ROWS: usize = 40;

/// Where a transaction stands.
pub fn transaction(state: &TransactionStateView) -> String {
    let mut lines = vec![("id", state.id.to_string())];
    match &state.state {
        TransactionState::Unknown => lines.push(("state", "unknown".to_owned())),
        TransactionState::Open => lines.push(("state", "open: valid, not mined yet".to_owned())),
        TransactionState::Mined {
            height,
            block,
            confirmations,
        } => {
            let confirmed = count(*confirmations, "confirmation", "confirmations");
            lines.push(("state", format!("mined at height {height}, {confirmed}")));
            lines.push(("block", block.to_string()));
        }
    }
    if let Some(transaction) = &state.transaction {
        lines.extend(transaction_facts(transaction));
    }
    facts(&lines)
}

fn transaction_facts(transaction: &TransactionView) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(sender) = &transaction.sender {
        lines.push(("from", person(sender)));
    }
    match &transaction.action {
        ActionView::Transfer {
            to,
            amount,
            note_bytes,
        } => {
            lines.push(("to", person(to)));
            lines.push(("amount", coins(*amount)));
            if *note_bytes > 0 {
                lines.push(("note", format!("{note_bytes} bytes, sealed")));
            }
        }
        ActionView::Record {
            topic,
            body_bytes,
            says,
        } => {
            lines.push(("record", format!("{body_bytes} bytes under {topic}")));
            lines.extend(says.as_ref().map(|says| ("says", says.words())));
        }
        ActionView::Reward { to, amount } => {
            lines.push(("to", person(to)));
            lines.push(("reward", coins(*amount)));
        }
    }
    if transaction.sender.is_some() {
        lines.push(("fee", coins(transaction.fee)));
        lines.push((
            "expires",
            format!("after height {}", transaction.expires_at),
        ));
    }
    lines
}

/// A block with its transactions.
pub fn block(block: &BlockView) -> String {
    let state = match (block.connected, block.confirmations) {
        (true, confirmations) => count(confirmations, "confirmation", "confirmations"),
        (false, _) => "not on the connected chain".to_owned(),
    };
    let mut lines = vec![
        ("height", format!("{}, {state}", block.height)),
        ("id", block.id.to_string()),
        ("previous", block.previous.to_string()),
        ("mined", moment(block.timestamp)),
        ("target", format!("{:#010x}", block.target)),
        ("nonce", block.nonce.to_string()),
    ];
    if let Some(genesis) = &block.genesis {
        lines.push(("motto", genesis.motto.clone()));
        lines.push(("network", genesis.network.clone()));
        lines.push(("interval", in_words(genesis.interval_ms)));
        lines.push(("reward", coins(genesis.reward)));
        lines.push(("founder", person(&genesis.founder)));
        lines.push(("tracker", genesis.tracker.clone()));
        return facts(&lines);
    }
    format!("{}\n{}", facts(&lines), transactions(&block.transactions))
}

/// The open transactions.
pub fn open(open: &OpenView) -> String {
    if open.transactions.is_empty() {
        return format!("no open transactions at height {}", open.tip.height);
    }
    let mut text = transactions(&open.transactions);
    if open.count > open.transactions.len() {
        text.push_str(&format!("{} in all, these pay best\n", open.count));
    }
    text
}

fn transactions(transactions: &[TransactionView]) -> String {
    let columns = [
        ("id", Align::Left),
        ("from", Align::Left),
        ("to", Align::Left),
        ("coins", Align::Right),
        ("fee", Align::Right),
        ("says", Align::Left),
    ];
    let shown = || transactions.iter().take(MAX_ROWS);
    // Only where there are records that say something.
    let says = shown().any(|transaction| !says(transaction).is_empty());
    let mut table = Table::new(&columns[..columns.len() - usize::from(!says)]);
    shown().for_each(|transaction| table.row(transaction_row(transaction)));
    let mut text = table.render();
    let left = transactions.len().saturating_sub(MAX_ROWS);
    if left > 0 {
        text.push_str(&format!("and {left} more: --json shows all\n"));
    }
    text
}

/// What it says, if it is a record that says something.
fn says(transaction: &TransactionView) -> String {
    match &transaction.action {
        ActionView::Record {
            says: Some(says), ..
        } => says.words(),
        _ => String::new(),
    }
}

fn transaction_row(transaction: &TransactionView) -> [String; 6] {
    let from = match &transaction.sender {
        Some(sender) => short_person(sender),
        None => "(reward)".to_owned(),
    };
    let (to, amount) = match &transaction.action {
        ActionView::Transfer { to, amount, .. } | ActionView::Reward { to, amount } => {
            (short_person(to), amount.to_string())
        }
        ActionView::Record { topic, .. } => (format!("({})", cut(topic, 18)), "-".to_owned()),
    };
    [
        short_id(transaction.id),
        from,
        to,
        amount,
        transaction.fee.to_string(),
        says(transaction),
    ]
}

/// The chain in a few numbers.
pub fn chain(chain: &ChainView) -> String {
    facts(&[
        ("network", chain.network.to_string()),
        (
            "length",
            format!(
                "{}, genesis included",
                count(chain.length, "block", "blocks")
            ),
        ),
        ("last block", chain.tip.id.to_string()),
        ("height", chain.tip.height.to_string()),
        ("mined", moment(chain.tip.timestamp)),
        ("work", format!("{} hashes", chain.work)),
    ])
}

/// A chain that was verified.
pub fn verified(tip: &TipView, transactions: u64, supply: Amount) -> String {
    facts(&[
        (
            "verified",
            format!("{} and genesis", count(tip.height.0, "block", "blocks")),
        ),
        ("tip", tip.id.to_string()),
        ("transactions", transactions.to_string()),
        ("supply", coins(supply)),
    ])
}
