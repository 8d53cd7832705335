//! Examples of the chain's formats and rules.

use crate::example::{self, alice, bob, rules};
use crate::work::{Work, unhex};
use raclette::canonical;
use raclette::chain::genesis::CONTENT_CONTEXT;
use raclette::chain::history::{Peaks, leaf, node_count, peak_positions};
use raclette::chain::locator::locator;
use raclette::chain::merkle::transactions_root;
use raclette::chain::rows::{Draft, HeaderEntry, RowKey};
use raclette::chain::state::{apply_genesis, undo_block};
use raclette::chain::target::CompactTarget;
use raclette::chain::transaction::{ID_CONTEXT, SIGNATURE_CONTEXT};
use raclette::chain::{
    Action, Amount, Block, BlockId, EncodedTransaction, Genesis, Header, Height, Internal, Params,
    Payload, PeerFault, StateView, Transaction, Witness, Work as Hashes,
};
use raclette::keys::{Signature, verify};

/// Block 1's header, field by field.
pub fn header(work: &mut Work) {
    let header = example::block().header;
    work.found("previous", header.previous);
    work.found("history_root", header.history_root);
    work.found("transactions_root", header.transactions_root);
    work.found("version", header.version);
    work.found("target", header.target);
    work.found("height", header.height);
    work.found("timestamp", header.timestamp);
    work.found("nonce", header.nonce);
    let bytes = header.to_bytes();
    assert_eq!(Header::from_bytes(&bytes), header);
    work.found_bytes("bytes", &bytes);
    let id = header.id();
    assert_eq!(id.0, *blake3::hash(&bytes).as_bytes());
    work.found("id", id);
    let target = header.target.expand().expect("canonical");
    work.found("expanded_target", target);
    work.found("is_met", target.is_met_by(&id.0));
}

/// The root over so many leaves, the first of 32 bytes 01, the second of 02, and so on.
pub fn transactions_root_of(work: &mut Work) {
    let count = work.number("leaves") as u8;
    let leaves: Vec<_> = (1..=count).map(|i| Witness([i; 32])).collect();
    for (leaf, number) in leaves.iter().zip(1..) {
        work.found(&format!("leaf.{number}"), leaf);
    }
    let root = transactions_root(&leaves);
    if let [left, right] = &leaves[..] {
        assert_eq!(root.0, joined(&[&[1], &left.0, &right.0]));
    }
    work.found("root", root);
}

/// The root over so many blocks with ids of 32 equal bytes, each of ten hashes of work.
pub fn history_root_of(work: &mut Work) {
    let count = work.number("leaves");
    let mut peaks = Peaks::default();
    let mut nodes = Vec::new();
    for number in 1..=count {
        let (id, hashes) = (BlockId([number as u8; 32]), Hashes::from(10 * number));
        let leaf = leaf(&id, hashes);
        assert_eq!(leaf, joined(&[&[2], &id.0, &hashes.to_be_bytes()]));
        nodes.extend(peaks.append(leaf));
        if number == count {
            work.found("last_id", id);
            work.found("last_work", hashes);
            work.found_bytes("last_leaf", &leaf);
        }
    }
    assert_eq!(nodes.len() as u64, node_count(count));
    work.found("nodes", nodes.len());
    if let [left, right, parent, ..] = &nodes[..] {
        assert_eq!(*parent, joined(&[&[3], left, right]));
    }
    let mut hashed = vec![4];
    hashed.extend(count.to_le_bytes());
    for position in peak_positions(count) {
        let peak = nodes[position as usize];
        work.found_bytes(&format!("peak_at_{position}"), &peak);
        hashed.extend(peak);
    }
    let root = peaks.root();
    assert_eq!(root.0, joined(&[&hashed]));
    work.found("root", root);
}

/// Plain BLAKE3 of joined bytes.
fn joined(parts: &[&[u8]]) -> [u8; 32] {
    *blake3::hash(&parts.concat()).as_bytes()
}

/// One of the example's transactions with everything that is derived from it.
pub fn transaction(work: &mut Work) {
    let action = work.given("action");
    let (payload, signed) = match action {
        "transfer" => (example::transfer(), true),
        "record" => (example::record(), true),
        "reward" => (example::reward(), false),
        other => panic!("no action is called {other}"),
    };
    let bytes = canonical::encode(&payload);
    let digest = blake3::derive_key(SIGNATURE_CONTEXT, &bytes);
    work.found_bytes("payload", &bytes);
    work.found_bytes("signed_digest", &digest);
    let transaction = if signed {
        payload.sign(&alice())
    } else {
        payload.unsigned()
    };
    work.found("signature", transaction.signature);
    let encoded = EncodedTransaction::new(transaction.clone());
    if signed {
        assert_eq!(encoded.signature_item().message, digest);
        let sender = encoded.payload().sender;
        assert_eq!(verify(&sender, &digest, &transaction.signature), Ok(()));
    }
    work.found_bytes("bytes", &encoded.bytes());
    assert_eq!(
        EncodedTransaction::decode(&encoded.bytes()),
        Ok(encoded.clone())
    );
    assert_eq!(encoded.id().0, blake3::derive_key(ID_CONTEXT, &bytes));
    work.found("id", encoded.id());
    let leaf = [&[0], &encoded.id().0[..], &transaction.signature.0].concat();
    assert_eq!(encoded.witness().0, *blake3::hash(&leaf).as_bytes());
    work.found("witness", encoded.witness());
}

/// A transaction in pieces: joined, they are one.
pub fn layout(work: &mut Work) {
    let mut bytes = Vec::new();
    for (key, value) in work.all_given().filter(|(key, _)| *key != "id") {
        work.given(key);
        bytes.extend(unhex(value));
    }
    let transaction = EncodedTransaction::decode(&bytes).expect("the pieces are a transaction");
    work.found("id", transaction.id());
}

/// What is said of transactions that break a rule that needs no balance.
pub fn transaction_rules(work: &mut Work) {
    type Change = fn(&mut Payload);
    let cases: [(&str, Change); 7] = [
        ("as it is", |_| ()),
        ("no coins and no note", |p| {
            if let Action::Transfer { amount, .. } = &mut p.action {
                *amount = Amount::ZERO;
            }
        }),
        ("coins to oneself", |p| {
            if let Action::Transfer { to, .. } = &mut p.action {
                *to = alice().public_key();
            }
        }),
        ("amount and fee beyond 64 bits", |p| {
            p.fee = Amount(u64::MAX)
        }),
        ("another network", |p| p.network = BlockId([7; 32])),
        ("expired, for a block at 721", |_| ()),
        ("expires at 120962, for a block at 1", |p| {
            p.expires_at = Height(120_962);
        }),
    ];
    let rules = rules();
    for (name, change) in cases {
        let mut payload = example::transfer();
        change(&mut payload);
        let height = Height(if name.contains("721") { 721 } else { 1 });
        let transaction = EncodedTransaction::new(payload.sign(&alice()));
        let form = rules.check_form(&transaction);
        work.verdict(
            name,
            form.and_then(|()| rules.check_expiry(transaction.payload(), height)),
        );
    }
    let reward = EncodedTransaction::new(example::reward().unsigned());
    work.verdict("a reward on its own", rules.check_form(&reward));
}

/// The last height at which a transaction may be mined.
pub fn expiry(work: &mut Work) {
    let height = Height(work.number("height"));
    let expires_at = Height(work.number("expires_at"));
    let payload = Payload {
        expires_at,
        ..example::transfer()
    };
    work.verdict("verdict", rules().check_expiry(&payload, height));
}

/// What a header is refused for.
pub fn header_rules(work: &mut Work) {
    type Change = fn(&mut Header);
    let cases: [(&str, Change); 6] = [
        ("as it is", |_| ()),
        ("version 2", |h| h.version = 2),
        ("height 2", |h| h.height = Height(2)),
        ("stamped as its parent", |h| h.timestamp = example::START),
        ("another history", |h| h.history_root.0[0] ^= 1),
        ("a harder target", |h| {
            h.target = CompactTarget::from_bits(h.target.to_bits() - 1)
        }),
    ];
    for (name, change) in cases {
        let mut header = example::block().header;
        change(&mut header);
        work.verdict(
            name,
            check_header(&example::mined(header))
                .map(drop)
                .map_err(without_ids),
        );
    }
    let mut idle = example::block().header;
    while idle.has_work() {
        idle.nonce += 1;
    }
    work.verdict(
        "without work",
        check_header(&idle).map(drop).map_err(without_ids),
    );
}

fn check_header(header: &Header) -> Result<HeaderEntry, PeerFault> {
    let rules = rules();
    rules.check_header(header, &rules.genesis_entry(), None, &example::history())
}

/// A text with `(id)` in the place of each id.
fn without_ids(text: impl ToString) -> String {
    let text = text.to_string();
    let words = text.split(' ').map(|word| {
        let digits = word.trim_end_matches(':');
        let is_id = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if is_id {
            word.replace(digits, "(id)")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Genesis, field by field.
pub fn genesis(work: &mut Work) {
    let genesis = example::genesis();
    let params = canonical::encode(&genesis.content.params);
    assert_eq!(
        canonical::decode::<Params>(&params).as_ref(),
        Ok(genesis.params())
    );
    work.found_bytes("params", &params);
    let content = canonical::encode(&genesis.content);
    work.found_bytes("content", &content);
    let root = blake3::derive_key(CONTENT_CONTEXT, &content);
    assert_eq!(root, genesis.header.transactions_root.0);
    work.found_bytes("content_root", &root);
    work.found("history_root", genesis.header.history_root);
    work.found("target", genesis.header.target);
    work.found("timestamp", genesis.header.timestamp);
    work.found("nonce", genesis.header.nonce);
    let bytes = canonical::encode(&genesis);
    assert_eq!(canonical::decode::<Genesis>(&bytes), Ok(genesis.clone()));
    assert_eq!(genesis.check(), Ok(()));
    work.found_bytes("bytes", &bytes);
    work.found("network", genesis.id());
}

/// What a genesis is refused for.
pub fn genesis_rules(work: &mut Work) {
    type Change = fn(&mut Genesis);
    let cases: [(&str, Change); 6] = [
        ("as it is", |_| ()),
        ("another motto", |g| {
            g.content.motto = canonical::CappedText::new("Fondue").expect("short");
        }),
        ("a coin more than the root says", |g| {
            g.content.params.reward.0 += 1
        }),
        ("height 1", |g| g.header.height = Height(1)),
        ("an interval of 99 ms", |g| {
            g.content.params.interval_ms = 99
        }),
        ("a window of 11 blocks", |g| g.content.params.window = 11),
    ];
    for (name, change) in cases {
        let mut genesis = example::genesis();
        change(&mut genesis);
        work.verdict(name, genesis.check());
    }
}

/// Block 1: its bytes, what it changes, and that undoing it takes all of that back.
pub fn block(work: &mut Work) {
    let block = example::block();
    let rules = rules();
    work.found_bytes("header", &block.header.to_bytes());
    for (transaction, number) in block.transactions.iter().zip(1..) {
        work.found(&format!("transaction.{number}"), transaction.id());
        work.found(&format!("size.{number}"), transaction.size());
    }
    let bytes = block.to_bytes();
    assert_eq!(canonical::decode::<Block>(&bytes).as_ref(), Ok(&block));
    assert_eq!(bytes.len(), block.size());
    work.found_bytes("bytes", &bytes);
    work.found("size", bytes.len());
    work.found("id", block.id());
    let entry = check_header(&block.header).expect("valid");
    work.found("cumulative_work", entry.work);
    assert_eq!(rules.check_body(&block), Ok(()));
    let mut rows = example::Rows::default();
    let mut draft = Draft::new(&rows);
    apply_genesis(&rules, &mut draft);
    let changes = draft.into_rows();
    rows.commit(changes);
    let before = rows.clone();
    let owners = [("alice", alice()), ("bob", bob())];
    for (name, key) in &owners {
        work.found(&format!("{name}_before"), rows.coins(&key.public_key()));
    }
    let mut draft = Draft::new(&rows);
    let genesis_time = rules.genesis_entry().header.timestamp;
    rules
        .apply_block(&mut draft, &block, genesis_time)
        .expect("valid");
    let changes = draft.into_rows();
    rows.commit(changes);
    for (name, key) in &owners {
        work.found(&format!("{name}_after"), rows.coins(&key.public_key()));
    }
    let mut draft = Draft::new(&rows);
    undo_block(&mut draft, &block).expect("its undo data are there");
    let changes = draft.into_rows();
    rows.commit(changes);
    assert_eq!(rows, before);
}

/// What a block is refused for.
pub fn block_rules(work: &mut Work) {
    let [reward, transfer, record]: [_; 3] =
        example::transactions().try_into().expect("there are three");
    let rewarded = |fees: u64, rest: &[EncodedTransaction]| {
        let paid = rules().reward(bob().public_key(), Height(1), Amount(fees));
        let paid = EncodedTransaction::new(paid.expect("a small sum").unsigned());
        example::block_of([&[paid], rest].concat())
    };
    let poor = Transaction {
        signature: Signature([0; 64]),
        payload: Payload {
            sender: bob().public_key(),
            ..example::record()
        },
    };
    let cases = [
        ("as it is", example::block()),
        ("no transactions", example::block_of(Vec::new())),
        (
            "no reward in the first place",
            example::block_of(vec![transfer.clone(), reward.clone()]),
        ),
        (
            "a reward in the second place",
            rewarded(0, std::slice::from_ref(&reward)),
        ),
        (
            "a reward of one coin too many",
            rewarded(2, std::slice::from_ref(&transfer)),
        ),
        (
            "a reward of one coin too few",
            rewarded(0, std::slice::from_ref(&transfer)),
        ),
        (
            "the same transaction twice",
            rewarded(2, &[transfer.clone(), transfer.clone()]),
        ),
        ("more coins than the sender has", {
            let payload = Payload {
                fee: Amount(1_001),
                ..example::record()
            };
            rewarded(1_001, &[EncodedTransaction::new(payload.sign(&alice()))])
        }),
        ("coins that come only later in the block", {
            let early = EncodedTransaction::new(poor);
            let paid = EncodedTransaction::new(
                rules()
                    .reward(alice().public_key(), Height(1), Amount(2))
                    .expect("a small sum")
                    .unsigned(),
            );
            example::block_of(vec![paid, early, transfer.clone()])
        }),
        (
            "a body without its last transaction",
            Block {
                transactions: vec![reward, transfer],
                ..example::block()
            },
        ),
        ("the reward and a record", rewarded(1, &[record])),
    ];
    for (name, block) in cases {
        work.verdict(name, judge(&block).map_err(without_ids));
    }
}

/// The body's rules, then those of the balances. Signatures are judged apart.
fn judge(block: &Block) -> Result<(), String> {
    let rules = rules();
    rules.check_body(block).map_err(|fault| fault.to_string())?;
    let mut rows = example::Rows::default();
    let mut draft = Draft::new(&rows);
    apply_genesis(&rules, &mut draft);
    let changes = draft.into_rows();
    rows.commit(changes);
    let mut draft = Draft::new(&rows);
    rules
        .apply_block(&mut draft, block, example::START)
        .map_err(|refusal| refusal.to_string())
}

/// A chain of headers of which only heights matter: an id is its height.
struct Heights(u64);

impl Heights {
    fn id(height: u64) -> BlockId {
        let mut id = BlockId::ZERO;
        id.0[..8].copy_from_slice(&height.to_le_bytes());
        id
    }
}

impl StateView for Heights {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        Ok(match key {
            RowKey::BestHeader => Some(canonical::encode(&Self::id(self.0))),
            RowKey::Best(height) => Some(canonical::encode(&Self::id(height.0))),
            RowKey::Header(_) => Some(canonical::encode(&HeaderEntry {
                header: Header {
                    height: Height(self.0),
                    ..example::block().header
                },
                ..rules().genesis_entry()
            })),
            _ => None,
        })
    }
}

/// The heights whose ids a locator names.
pub fn locator_of(work: &mut Work) {
    let best = work.number("best_height");
    let ids = locator(&Heights(best)).expect("rows in memory can be read");
    let height = |id: &BlockId| {
        let bytes = id.0[..8].try_into().expect("eight bytes");
        u64::from_le_bytes(bytes).to_string()
    };
    let heights: Vec<_> = ids.iter().map(height).collect();
    work.found("heights", heights.join(" "));
}
