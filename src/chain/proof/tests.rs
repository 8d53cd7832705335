use super::super::history::{Peaks, leaf, node_count};
use super::super::rows::{BlockStatus, HeaderEntry, MinedAt, RowKey, StateView};
use super::super::target::Target;
use super::super::testing::{Node, START, easy_target, mine, network, transfer};
use super::super::{Block, Internal};
use super::*;
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::HashMap;

/// Twenty blocks; in the third, and in the last, two payments.
fn chain() -> (Node, Vec<Block>) {
    let mut node = Node::new();
    let mut blocks = Vec::new();
    for height in 1..=20u8 {
        if height == 3 || height == 20 {
            node.send(transfer(1, 2, 5, 1, height)).unwrap();
            node.send(transfer(2, 3, 5, 1, height)).unwrap();
        }
        blocks.push(node.mine(5));
    }
    (node, blocks)
}

fn subjects(blocks: &[Block]) -> Vec<Subject> {
    let ids = blocks.iter().map(|block| Subject::Block(block.id()));
    let transactions = blocks.iter().flat_map(|block| &block.transactions);
    let genesis = Subject::Block(network());
    [genesis]
        .into_iter()
        .chain(ids)
        .chain(transactions.map(|t| Subject::Transaction(t.id())))
        .collect()
}

/// A proof that goes a long way in each of its parts.
fn long_proof() -> Proof {
    let (node, blocks) = chain();
    let payment = Subject::Transaction(blocks[2].transactions[1].id());
    prove(&node.disk, payment, 4, None).unwrap()
}

fn trust(proof: &Proof) -> Trust {
    Trust::Header(proof.tail.last().unwrap_or(&proof.block).id())
}

fn accepted(proof: &Proof, trust: &Trust) -> Result<(), ProofError> {
    proof.check()?.satisfies(trust)
}

#[test]
fn everything_on_the_chain_is_proven_to_every_later_header() {
    let (node, blocks) = chain();
    for subject in subjects(&blocks) {
        for until in 0..=20 {
            for tail in [1, 3, 30] {
                let proof = match prove(&node.disk, subject, tail, Some(Height(until))) {
                    Ok(proof) => proof,
                    Err(ProveError::Until { block, .. }) if block.0 > until => continue,
                    Err(error) => panic!("{error}"),
                };
                let shown = proof.check().unwrap();
                match subject {
                    Subject::Block(id) => assert_eq!((shown.block, shown.transaction), (id, None)),
                    Subject::Transaction(id) => assert_eq!(shown.transaction, Some(id)),
                }
                let end = shown.leads_to.last().unwrap();
                assert_eq!(end.1, Height(until));
                assert_eq!(shown.satisfies(&Trust::Header(end.0)), Ok(()));
                assert_eq!(shown.satisfies(&Trust::Work(shown.work)), Ok(()));
                assert!(proof.tail.len() <= tail);
                assert_eq!(Proof::from_bytes(&proof.to_bytes()).as_ref(), Ok(&proof));
                let text = serde_json::to_string(&ProofJson::from(&proof)).unwrap();
                let back: ProofJson = serde_json::from_str(&text).unwrap();
                assert_eq!(Proof::try_from(back).as_ref(), Ok(&proof));
            }
        }
    }
}

#[test]
fn what_is_not_on_the_chain_is_not_proven() {
    let (mut node, blocks) = chain();
    let tip = blocks[19].id();
    let mut other = Node::new();
    let elsewhere = other.mine(7);
    node.block(elsewhere.clone());
    let refused = |subject, tail, until| prove(&node.disk, subject, tail, until).unwrap_err();
    assert_eq!(
        refused(Subject::Block(elsewhere.id()), 1, None),
        ProveError::NotConnected(elsewhere.id())
    );
    let nowhere = TransactionId([1; 32]);
    assert_eq!(
        refused(Subject::Transaction(nowhere), 1, None),
        ProveError::NotMined(nowhere)
    );
    assert_eq!(
        refused(Subject::Block(tip), 1, Some(Height(19))),
        ProveError::Until {
            until: Height(19),
            block: Height(20),
            tip: Height(20)
        }
    );
    for tail in [0, MAX_TAIL + 1] {
        assert_eq!(
            refused(Subject::Block(tip), tail, None),
            ProveError::Tail(tail)
        );
    }
}

#[test]
fn a_proof_with_any_byte_changed_is_refused() {
    let (node, blocks) = chain();
    let payment = Subject::Transaction(blocks[2].transactions[1].id());
    let near = prove(&node.disk, payment, 2, Some(Height(4))).unwrap();
    let at_the_end = Subject::Transaction(blocks[19].transactions[2].id());
    let end = prove(&node.disk, at_the_end, 1, None).unwrap();
    for proof in [long_proof(), near, end] {
        let trust = trust(&proof);
        assert_eq!(accepted(&proof, &trust), Ok(()));
        let bytes = proof.to_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bent = bytes.clone();
                bent[at] ^= 1 << bit;
                let read = Proof::from_bytes(&bent);
                let verdict = read.and_then(|proof| accepted(&proof, &trust));
                assert!(verdict.is_err(), "bit {bit} of byte {at} can be changed");
            }
            assert!(Proof::from_bytes(&bytes[..at]).is_err());
        }
    }
}

#[test]
fn a_proof_file_with_any_character_changed_is_refused() {
    let proof = long_proof();
    let text = serde_json::to_string(&ProofJson::from(&proof)).unwrap();
    let trust = trust(&proof);
    for at in 0..text.len() {
        for with in [b'0', b'1', b'a', b'"', b' ', b'q'] {
            let mut bent = text.clone().into_bytes();
            if std::mem::replace(&mut bent[at], with) == with {
                continue;
            }
            let read = serde_json::from_slice::<ProofJson>(&bent).ok();
            let read = read.and_then(|json| Proof::try_from(json).ok());
            let passes = read.is_some_and(|proof| accepted(&proof, &trust).is_ok());
            assert!(!passes, "character {at} can be {}", char::from(with));
        }
    }
}

#[test]
fn by_work_alone_only_the_last_header_can_be_another_and_only_with_work_of_its_own() {
    let proof = long_proof();
    let work = proof.check().unwrap().work;
    let last = proof.tail.len() - 1;
    for at in 0..Header::LEN {
        for header in 0..=last {
            let mut bent = proof.clone();
            let mut bytes = bent.tail[header].to_bytes();
            bytes[at] ^= 1;
            bent.tail[header] = Header::from_bytes(&bytes);
            if accepted(&bent, &Trust::Work(work)).is_ok() {
                assert_eq!(header, last);
                assert!(bent.tail[last].has_work());
            }
        }
    }
    let too_much = work.checked_add(Work::from(1)).unwrap();
    assert_eq!(
        accepted(&proof, &Trust::Work(too_much)),
        Err(ProofError::TooLittleWork {
            found: work,
            wanted: too_much
        })
    );
}

#[test]
fn each_way_to_be_wrong_has_its_own_error() {
    let good = long_proof();
    let wrong = |change: fn(&mut Proof)| {
        let mut proof = good.clone();
        change(&mut proof);
        proof.check().unwrap_err()
    };
    assert_eq!(wrong(|p| p.version = 2), ProofError::Version(2));
    let foreign = wrong(|p| p.block.version = 2);
    assert!(matches!(foreign, ProofError::HeaderVersion(_)), "{foreign}");
    let idle = wrong(|p| {
        while p.block.has_work() {
            p.block.nonce += 1;
        }
    });
    assert!(matches!(idle, ProofError::NoWork(_)), "{idle}");
    let elsewhere = wrong(|p| {
        p.inclusion.as_mut().unwrap().path.0.pop();
    });
    assert_eq!(elsewhere, ProofError::NotIncluded);
    let anchor = good.tail[0].id();
    let not_ancestor = wrong(|p| p.ancestry.as_mut().unwrap().work = Work::ZERO);
    assert_eq!(not_ancestor, ProofError::NotAncestor(anchor));
    let no_way = wrong(|p| p.tail.clear());
    assert_eq!(no_way, ProofError::NotAncestor(good.block.id()));
    let no_ancestry = wrong(|p| p.ancestry = None);
    assert_eq!(no_ancestry, ProofError::Disconnected(anchor));
    let gap = wrong(|p| {
        p.tail.remove(1);
    });
    assert_eq!(gap, ProofError::Disconnected(good.tail[2].id()));
    let stranger = BlockId([9; 32]);
    assert_eq!(
        accepted(&good, &Trust::Header(stranger)),
        Err(ProofError::Elsewhere(stranger))
    );
    let too_long = vec![0; MAX_PROOF_BYTES + 1];
    let refused = Proof::from_bytes(&too_long).unwrap_err();
    assert!(matches!(refused, ProofError::TooLong { .. }), "{refused}");
}

/// A block that fixes a transaction which its sender never signed: the work to mine it is all that
/// such a forgery costs, so the signature is checked for itself.
#[test]
fn attack_a_transaction_that_nobody_signed_is_refused_even_in_a_block() {
    let mut forged = transfer(1, 2, 5, 1, 1).transaction().clone();
    forged.signature.0[0] ^= 1;
    let forged = EncodedTransaction::new(forged);
    let (_, blocks) = chain();
    let header = Header {
        transactions_root: super::super::block::root_of(std::slice::from_ref(&forged)),
        ..blocks[0].header
    };
    let block = mine(Block {
        header,
        transactions: Vec::new(),
    });
    let proof = Proof {
        version: PROOF_VERSION,
        block: block.header,
        inclusion: Some(Inclusion {
            transaction: forged,
            path: MerkleProof(Vec::new()),
        }),
        ancestry: None,
        tail: Vec::new(),
    };
    let refused = proof.check().unwrap_err();
    assert!(matches!(refused, ProofError::Signature(_)), "{refused}");
}

proptest! {
    #[test]
    fn attack_any_bytes_are_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(proof) = Proof::from_bytes(&bytes) {
            let _ = proof.check();
        }
    }

    /// Headers whose numbers are chosen to overflow whatever computes with them.
    #[test]
    fn attack_any_headers_are_refused_without_harm(
        heights in prop::collection::vec(prop_oneof![0..3u64, u64::MAX - 3..=u64::MAX, any::<u64>()], 1..5),
        siblings in 0..65usize, peaks in 0..65usize, far: bool,
    ) {
        let mut previous = BlockId::ZERO;
        let headers: Vec<_> = heights.iter().map(|&height| {
            let mut header = Header {
                height: Height(height),
                previous,
                target: easy_target(),
                ..super::super::testing::genesis().header
            };
            while !header.has_work() {
                header.nonce += 1;
            }
            previous = header.id();
            header
        }).collect();
        let hash = super::super::PathHash([1; 32]);
        let path = HistoryProof { siblings: vec![hash; siblings], peaks: vec![hash; peaks] };
        let work = Work::from_be_bytes([0xff; 32]);
        let proof = Proof {
            version: PROOF_VERSION,
            block: headers[0],
            inclusion: None,
            ancestry: far.then_some(Ancestry { work, path }),
            tail: headers[1..].to_vec(),
        };
        let honest = !far && proof.tail.is_empty();
        prop_assert_eq!(proof.check().is_ok(), honest);
    }
}

/// The rows that proofs read of a chain of a million blocks, and how many were read.
struct Million {
    nodes: Vec<[u8; 32]>,
    kept: HashMap<Height, HeaderEntry>,
    heights: HashMap<BlockId, Height>,
    body: Block,
    read: Cell<usize>,
}

const BLOCKS: u64 = 1_000_000;
const PAID_AT: u64 = 271_828;

impl Million {
    /// Headers that follow each other, each with the history root over all before it; no difficulty
    /// and no bodies but one, which has a thousand payments.
    fn generate() -> Self {
        let target = Target::MAX.to_compact();
        let one = target.expand().unwrap().work();
        let transactions: Vec<_> = (0..1_000u64)
            .map(|n| transfer(1, 2, n + 1, 1, (n % 251) as u8))
            .collect();
        let paid_root = super::super::block::root_of(&transactions);
        let mut million = Self {
            nodes: Vec::with_capacity(2 * BLOCKS as usize),
            kept: HashMap::new(),
            heights: HashMap::new(),
            body: Block {
                header: super::super::testing::genesis().header,
                transactions,
            },
            read: Cell::new(0),
        };
        let mut peaks = Peaks::default();
        let (mut previous, mut work) = (BlockId::ZERO, Work::ZERO);
        for height in 0..=BLOCKS {
            let mut header = Header {
                previous,
                history_root: peaks.root(),
                target,
                height: Height(height),
                timestamp: START.plus_ms(height),
                ..million.body.header
            };
            if height == PAID_AT {
                header.transactions_root = paid_root;
            }
            // All but one in sixteen million meet the easiest target at once.
            while !header.has_work() {
                header.nonce += 1;
            }
            if height == PAID_AT {
                million.body.header = header;
            }
            previous = header.id();
            work = work.checked_add(one).unwrap();
            million.nodes.extend(peaks.append(leaf(&previous, work)));
            if height == PAID_AT || height + MAX_TAIL as u64 > BLOCKS {
                let entry = HeaderEntry {
                    header,
                    base: Target::MAX,
                    work,
                    status: BlockStatus::Available,
                    newest_child: None,
                    older_sibling: None,
                };
                million.kept.insert(header.height, entry);
                million.heights.insert(previous, header.height);
            }
        }
        assert_eq!(million.nodes.len() as u64, node_count(BLOCKS + 1));
        million
    }
}

impl StateView for Million {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        self.read.set(self.read.get() + 1);
        let at = |height| {
            let entry: &HeaderEntry = &self.kept[&height];
            entry
        };
        Ok(Some(match key {
            RowKey::Tip => canonical::encode(&at(Height(BLOCKS)).header.id()),
            RowKey::Active(height) => canonical::encode(&at(*height).header.id()),
            RowKey::Header(id) => canonical::encode(at(self.heights[id])),
            RowKey::Body(_) => self.body.to_bytes(),
            RowKey::Mined(_) => canonical::encode(&MinedAt {
                height: Height(PAID_AT),
                index: 617,
            }),
            RowKey::History(position) => self.nodes[*position as usize].to_vec(),
            other => panic!("a proof needs no {other:?}"),
        }))
    }
}

#[test]
fn a_receipt_at_a_million_blocks_has_a_few_kilobytes() {
    let million = Million::generate();
    let paid = million.body.transactions[617].id();
    let proof = prove(&million, Subject::Transaction(paid), DEFAULT_TAIL, None).unwrap();
    let shown = proof.check().unwrap();
    assert_eq!(shown.satisfies(&trust(&proof)), Ok(()));
    assert_eq!(shown.leads_to.last().unwrap().1, Height(BLOCKS));
    let bytes = proof.to_bytes().len();
    let text = serde_json::to_string(&ProofJson::from(&proof))
        .unwrap()
        .len();
    println!(
        "{bytes} bytes, {text} as JSON, {} rows read",
        million.read.get()
    );
    assert!(bytes < 3 * 1024, "{bytes}");
    assert!(text < 8 * 1024, "{text}");
    assert!(million.read.get() < 64, "{}", million.read.get());
}
