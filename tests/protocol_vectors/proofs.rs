//! Examples of proofs.

use crate::example::{self, START, bob, rules};
use crate::work::{Work, hex};
use raclette::archive::{ARCHIVE_VERSION, EndEntry, Entry, HeadEntry, json_line};
use raclette::chain::block::root_of;
use raclette::chain::history::{HistoryProof, Peaks, leaf};
use raclette::chain::merkle::MerkleProof;
use raclette::chain::proof::{Ancestry, Inclusion, PROOF_VERSION, Proof, Trust};
use raclette::chain::rows::HeaderEntry;
use raclette::chain::{Amount, BlockId, EncodedTransaction, Height, Work as Hashes};

/// Genesis, block 1, and blocks upon it that hold bob's reward alone, 5 s apart; and the nodes of
/// the history over all of them.
fn chain(height: u64) -> (Vec<HeaderEntry>, Vec<[u8; 32]>) {
    let rules = rules();
    let mut entries = vec![rules.genesis_entry()];
    let mut peaks = Peaks::default();
    let mut nodes = peaks.append(leaf(&rules.network(), entries[0].work));
    for at in 1..=height {
        let parent = entries[entries.len() - 1];
        let before = entries
            .len()
            .checked_sub(2)
            .map(|at| entries[at].header.timestamp);
        let header = if at == 1 {
            example::block().header
        } else {
            let reward = rules.reward(bob().public_key(), Height(at), Amount::ZERO);
            let reward = EncodedTransaction::new(reward.expect("a small sum").unsigned());
            let now = START.plus_ms(5_000 * at);
            let mut header = rules.child_header(&parent, before, &peaks, now);
            header.transactions_root = root_of(&[reward]);
            example::mined(header)
        };
        let entry = rules
            .check_header(&header, &parent, before, &peaks)
            .expect("valid");
        nodes.extend(peaks.append(leaf(&header.id(), entry.work)));
        entries.push(entry);
    }
    (entries, nodes)
}

/// Alice's transfer, or block 1, proven to a later header.
pub fn proof(work: &mut Work) {
    let what = work.given("of");
    let (until, tail) = (work.number("until"), work.number("tail"));
    let (entries, nodes) = chain(until);
    let block = entries[1];
    let inclusion = (what == "transfer").then(|| {
        let transactions = example::transactions();
        let leaves: Vec<_> = transactions.iter().map(|t| t.witness()).collect();
        Inclusion {
            transaction: transactions[1].clone(),
            path: MerkleProof::of(&leaves, 1).expect("there are three"),
        }
    });
    let first = 2.max((until + 1).saturating_sub(tail));
    let ancestry = (first > 2 && first <= until).then(|| Ancestry {
        work: block.work,
        path: HistoryProof::of(1, first, |at| Ok(nodes[at as usize]))
            .expect("nodes in memory can be read")
            .expect("block 1 is in it"),
    });
    let headers = entries.iter().map(|entry| entry.header);
    let proof = Proof {
        version: PROOF_VERSION,
        block: block.header,
        inclusion,
        ancestry,
        tail: headers.skip(first as usize).collect(),
    };
    work.found("block", proof.block.id());
    if let Some(inclusion) = &proof.inclusion {
        work.found("transaction", inclusion.transaction.id());
        for (step, number) in inclusion.path.0.iter().zip(1..) {
            let side = if step.on_left { "left" } else { "right" };
            work.found(&format!("{side}.{number}"), step.hash);
        }
    }
    if let Some(ancestry) = &proof.ancestry {
        work.found("work", ancestry.work);
        for (sibling, number) in ancestry.path.siblings.iter().zip(1..) {
            work.found(&format!("sibling.{number}"), sibling);
        }
        for (peak, number) in ancestry.path.peaks.iter().zip(1..) {
            work.found(&format!("peak.{number}"), peak);
        }
    }
    for header in &proof.tail {
        work.found(
            &format!("header.{}", header.height),
            hex(&header.to_bytes()),
        );
    }
    let bytes = proof.to_bytes();
    assert_eq!(Proof::from_bytes(&bytes).as_ref(), Ok(&proof));
    work.found_bytes("bytes", &bytes);
    let shown = proof.check().expect("it holds together");
    let end = shown.leads_to.last().expect("the block at least").0;
    work.found("leads_to", end);
    work.found("behind_it", shown.work);
    work.verdict("trusting that", shown.satisfies(&Trust::Header(end)));
    let more = shown.work.saturating_add(Hashes::from(1));
    work.verdict(
        "one hash more",
        shown.satisfies(&Trust::Work(more)).map_err(first_words),
    );
    let other = Trust::Header(BlockId([7; 32]));
    work.verdict(
        "trusting another",
        shown.satisfies(&other).map_err(first_words),
    );
}

/// A text up to its advice, with `(id)` in the place of an id.
fn first_words(text: impl ToString) -> String {
    let text = text.to_string().replace(&"07".repeat(32), "(id)");
    text.split(':').next().unwrap_or_default().to_owned()
}

/// The chain up to block 1 as an archive, line by line.
pub fn archive(work: &mut Work) {
    let (genesis, block) = (example::genesis(), example::block());
    let (height, tip) = (block.header.height, block.id());
    let transactions = block.transactions.len() as u64;
    let entries = [
        Entry::Head(HeadEntry {
            raclette_archive: ARCHIVE_VERSION,
            network: genesis.id(),
            name: genesis.params().name.to_string(),
            height,
            tip,
        }),
        Entry::Genesis(Box::new((&genesis).into())),
        Entry::Block(Box::new((&block).into())),
        Entry::End(EndEntry {
            height,
            tip,
            transactions,
        }),
    ];
    for (entry, number) in entries.iter().zip(1..) {
        let line = String::from_utf8(json_line(entry).expect("it can be written")).expect("JSON");
        work.found(&format!("line.{number}"), line.trim_end());
    }
}
