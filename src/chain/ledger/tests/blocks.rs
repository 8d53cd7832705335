//! Blocks and headers: what is refused, what waits, and what must not be lost.

use crate::chain::awake::AwakeTime;
use crate::chain::ledger::{BlockOutcome, Config, Effect, Ledger};
use crate::chain::params::Allocation;
use crate::chain::testing::counter::{counting_rules, record, signed};
use crate::chain::testing::forge::{Forge, reward};
use crate::chain::testing::{
    MemoryView, Node, START, genesis_with, member, mine, params, rules, transfer,
};
use crate::chain::tree::HeadersOutcome;
use crate::chain::{
    Action, Amount, Block, BlockStatus, Closed, EncodedTransaction, Header, Height, HistoryRoot,
    MempoolLimits, Params, PeerFault, Rejected, Rules, StateView, Target, Timestamp,
};
use crate::steady::STARTED;

fn is_invalid(outcome: &BlockOutcome) -> bool {
    matches!(outcome, BlockOutcome::Fault(PeerFault::InvalidBlock { .. }))
}

#[test]
fn attack_a_wrong_body_does_not_condemn_the_block() {
    let mut forge = Forge::new();
    let mut node = Node::new();
    let good = forge.child(forge.genesis(), 1_000, 5, &[transfer(1, 2, 10, 0, 1)]);
    let with = |transactions: Vec<EncodedTransaction>| Block {
        header: good.header,
        transactions,
    };
    let mut doubled = good.transactions.clone();
    doubled.push(transfer(1, 2, 10, 0, 2));
    for wrong in [
        Vec::new(),
        good.transactions[..1].to_vec(),
        vec![reward(9, 1, 50)],
        doubled,
    ] {
        let fault = PeerFault::BodyMismatch(good.id());
        assert_eq!(node.block(with(wrong)), BlockOutcome::Fault(fault));
    }
    assert_eq!(node.ledger.chain().best_header().id, good.id());
    assert_eq!(node.block(good.clone()), BlockOutcome::Accepted);
    assert_eq!(node.ledger.tip().id, good.id());
    assert_eq!(node.block(good), BlockOutcome::Known);
}

#[test]
fn attack_a_wrong_header_is_refused_with_the_field_named() {
    let forge = Forge::new();
    let honest = forge.header(forge.genesis(), 1_000, &[]);
    let mut node = Node::new();
    let mut refused = |change: fn(&mut Header)| {
        let mut header = honest;
        change(&mut header);
        let header = mine(Block {
            header,
            transactions: Vec::new(),
        })
        .header;
        let fault = node.headers(&[header]).unwrap_err();
        let as_block = node.block(Block {
            header,
            transactions: Vec::new(),
        });
        assert_eq!(as_block, BlockOutcome::Fault(fault.clone()));
        assert_eq!(node.ledger.chain().best_header().id, forge.genesis());
        match fault {
            PeerFault::WrongHeader { field, .. } => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|h| h.height.0 = 2), "height");
    assert_eq!(refused(|h| h.version = 2), "version");
    assert_eq!(refused(|h| h.target = Target::MAX.to_compact()), "target");
    assert_eq!(
        refused(|h| h.history_root = HistoryRoot([1; 32])),
        "history root"
    );
    assert!(refused(|h| h.timestamp = START).starts_with("timestamp"));
    let mut idle = honest;
    while idle.has_work() {
        idle.nonce += 1;
    }
    assert_eq!(node.headers(&[idle]), Err(PeerFault::NoWork(idle.id())));
}

#[test]
fn attack_the_nonce_covers_every_byte_of_the_block() {
    let mut forge = Forge::new();
    let block = forge.child(forge.genesis(), 1_000, 5, &[transfer(1, 2, 10, 0, 1)]);
    let bytes = block.header.to_bytes();
    for at in 0..bytes.len() {
        let mut other = bytes;
        other[at] ^= 1;
        assert_ne!(Header::from_bytes(&other).id(), block.id());
    }
    // And what is beside the header is fixed by it.
    let mut node = Node::new();
    let stolen = reward(9, 1, 50);
    let mut transactions = block.transactions.clone();
    transactions[0] = stolen;
    let other = Block {
        transactions,
        ..block
    };
    assert!(matches!(
        node.block(other),
        BlockOutcome::Fault(PeerFault::BodyMismatch(_))
    ));
}

#[test]
fn attack_a_chain_of_another_genesis_is_an_orphan() {
    let name = crate::canonical::CappedText::new("other").unwrap();
    let rich = Params {
        reward: Amount(1_000_000),
        name,
        ..params()
    };
    let other = Rules::new(genesis_with(rich), &crate::apps::built_in()).unwrap();
    let mut theirs = Forge::with(other.clone());
    let blocks = theirs.branch(theirs.genesis(), 50, 9);
    let mut node = Node::new();
    let own = node.mine(5);
    let headers: Vec<Header> = blocks.iter().map(|b| b.header).collect();
    assert_eq!(node.headers(&headers), Ok(HeadersOutcome::Orphan));
    let genesis = [other.genesis().header];
    assert_eq!(node.headers(&genesis), Ok(HeadersOutcome::Orphan));
    for block in blocks {
        assert_eq!(node.block(block), BlockOutcome::Orphan);
    }
    assert_eq!(node.ledger.tip().id, own.id());
    // Nor does a node begin upon the data of another network.
    let config = Config {
        rules: other,
        limits: MempoolLimits::default(),
        owner: None,
    };
    let begun = Ledger::open(config, Vec::new(), &node.disk, STARTED);
    assert!(begun.is_err());
}

#[test]
fn a_header_ahead_of_the_clock_is_held_and_later_taken() {
    let mut forge = Forge::new();
    let mut node = Node::new();
    let ahead = params().max_ahead_ms();
    let first = forge.child(forge.genesis(), ahead, 5, &[]);
    let second = forge.child(first.id(), 1, 5, &[]);
    let both = [first.header, second.header];
    let taken = |last: &Block, held, forge: &Forge| {
        Ok(HeadersOutcome::Known {
            last: last.id(),
            height: last.header.height,
            work: forge.work(&last.id()),
            held,
        })
    };
    assert_eq!(node.headers(&both), taken(&first, true, &forge));
    assert_eq!(node.block(first.clone()), BlockOutcome::Accepted);
    assert_eq!(node.block(second.clone()), BlockOutcome::Held);
    assert_eq!(node.ledger.tip().id, first.id());
    // Held at the first one, the last that is known is the one it stands on.
    let side = forge.child(forge.genesis(), ahead + 1, 6, &[]);
    let before = Ok(HeadersOutcome::Known {
        last: forge.genesis(),
        height: Height::GENESIS,
        work: forge.work(&forge.genesis()),
        held: true,
    });
    assert_eq!(node.headers(&[side.header]), before);
    node.now = node.now.plus_ms(1);
    assert_eq!(node.headers(&both), taken(&second, false, &forge));
    assert_eq!(node.block(second.clone()), BlockOutcome::Accepted);
    assert_eq!(node.ledger.tip().id, second.id());
}

#[test]
fn headers_that_do_not_follow_each_other_are_refused() {
    let mut forge = Forge::new();
    let blocks = forge.branch(forge.genesis(), 3, 5);
    let mut node = Node::new();
    let gap = [blocks[0].header, blocks[2].header];
    assert_eq!(node.headers(&gap), Err(PeerFault::Disconnected));
    assert_eq!(node.ledger.chain().best_header().id, forge.genesis());
}

#[test]
fn attack_a_wrong_reward_makes_the_block_invalid() {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let paid = transfer(1, 2, 10, 7, 1);
    for body in [
        vec![reward(5, 1, 1_000_000), paid.clone()],
        vec![reward(5, 1, 50), paid.clone()],
        vec![paid.clone()],
        vec![paid.clone(), reward(5, 1, 57)],
        vec![reward(5, 1, 57), paid.clone(), reward(5, 1, 57)],
        Vec::new(),
    ] {
        let mut node = Node::new();
        let block = forge.seal(genesis, 1_000, body);
        let outcome = node.block(block.clone());
        assert!(is_invalid(&outcome), "{outcome:?}");
        let entry = node.disk.header(&block.id()).unwrap().unwrap();
        assert_eq!(entry.status, BlockStatus::Invalid);
        assert_eq!(node.supply(), 4_000);
    }
}

#[test]
fn attack_the_reward_displaces_no_payment() {
    let mut node = Node::new();
    let sent: Vec<_> = (1..=4).map(|n| transfer(n, 6, 100, 2, n)).collect();
    for transaction in &sent {
        assert_eq!(node.send(transaction.clone()), Ok(()));
    }
    let block = node.mine(5);
    assert_eq!(block.transactions.len(), 5);
    assert_eq!((node.balance(5), node.balance(6)), (58, 400));
    for transaction in &sent {
        let place = node.disk.mined(&transaction.id()).unwrap();
        assert!(place.is_some());
        assert_eq!(node.closed(transaction.id()), Some(Closed::Mined));
    }
    assert!(node.ledger.mempool().is_empty());
    assert_eq!(node.supply(), 4_050);
}

#[test]
fn a_template_leaves_room_for_the_reward_and_passes_over_what_does_not_fit() {
    let mut node = Node::new();
    let record = |salt: u8, fee| {
        let sent = transfer(1, 2, 1, fee, salt);
        let topic = crate::chain::Topic::new("drawer").unwrap();
        let body = crate::chain::transaction::RecordBody::new(vec![salt; 64 * 1024]).unwrap();
        let payload = crate::chain::Payload {
            action: Action::Record { topic, body },
            ..sent.payload().clone()
        };
        EncodedTransaction::new(payload.sign(&member(1)))
    };
    for salt in 0..5 {
        assert_eq!(node.send(record(salt, 200)), Ok(()));
    }
    let small = transfer(2, 3, 1, 0, 9);
    assert_eq!(node.send(small.clone()), Ok(()));
    let block = node.mine(5);
    assert!(block.size() <= params().max_block_bytes as usize);
    assert_eq!(block.transactions.len(), 1 + 3 + 1);
    assert!(block.transactions.contains(&small));
    assert_eq!(node.ledger.mempool().len(), 2);
    node.mine(5);
    assert!(node.ledger.mempool().is_empty());
}

#[test]
fn attack_a_mined_transaction_is_not_mined_again() {
    let mut node = Node::new();
    let paid = transfer(1, 2, 10, 0, 1);
    node.send(paid.clone()).unwrap();
    let first = node.mine(5);
    let height = first.header.height;
    assert_eq!(node.send(paid.clone()), Err(Rejected::AlreadyMined(height)));
    let mut forge = Forge::new();
    forge.seal(forge.genesis(), 1_000, first.transactions.clone());
    let again = forge.child(first.id(), 1_000, 5, &[paid]);
    assert!(is_invalid(&node.block(again)));
    assert_eq!(node.balance(2), 1_010);
}

#[test]
fn attack_payments_that_cannot_be_are_refused_open_and_in_blocks() {
    let cases = [
        transfer(1, 1, 10, 0, 1),
        transfer(1, 2, 0, 0, 2),
        transfer(1, 2, 1_001, 0, 3),
        transfer(1, 2, 1_000, 1, 4),
        transfer(1, 2, u64::MAX, 1, 5),
        transfer(1, 2, u64::MAX - 999, 0, 6),
        transfer(8, 2, 1, 0, 7),
    ];
    for bad in cases {
        let mut forge = Forge::new();
        let mut node = Node::new();
        assert!(node.send(bad.clone()).is_err());
        let genesis = forge.genesis();
        let fee = u64::try_from(u128::from(bad.payload().fee.0)).unwrap();
        let block = forge.seal(genesis, 1_000, vec![reward(5, 1, 50 + fee), bad]);
        let outcome = node.block(block);
        assert!(is_invalid(&outcome), "{outcome:?}");
        assert_eq!(node.disk.state(), forge.state(&genesis).unwrap().state());
    }
}

#[test]
fn attack_coins_are_not_spent_twice_in_one_block_or_in_two_messages() {
    let mut node = Node::new();
    let (one, two) = (transfer(1, 2, 600, 0, 1), transfer(1, 3, 600, 0, 2));
    assert_eq!(node.send(one.clone()), Ok(()));
    let (available, needed) = (Amount(400), Amount(600));
    let refused = Err(Rejected::InsufficientFunds { available, needed });
    assert_eq!(node.send(two.clone()), refused);
    let mut forge = Forge::new();
    let both = forge.child(forge.genesis(), 1_000, 5, &[one, two.clone()]);
    assert!(is_invalid(&node.block(both)));
    // A block with the other one takes the coins away from the open one.
    let open = node.open();
    let other = forge.child(forge.genesis(), 2_000, 5, &[two]);
    assert_eq!(node.block(other), BlockOutcome::Accepted);
    assert!(node.ledger.mempool().is_empty());
    let closed = open.into_iter().map(|id| node.closed(id));
    assert_eq!(closed.collect::<Vec<_>>(), [Some(Closed::Conflicted)]);
}

#[test]
fn news_of_a_better_header_is_told_once_and_only_if_it_is_better() {
    let mut forge = Forge::new();
    let mut node = Node::new();
    let news = |node: &mut Node| {
        let told = std::mem::take(&mut node.told);
        told.iter()
            .filter(|e| matches!(e, Effect::BetterHeaderSeen(_)))
            .count()
    };
    let main = forge.branch(forge.genesis(), 2, 5);
    let side = forge.branch(forge.genesis(), 1, 6);
    let headers: Vec<Header> = main.iter().map(|b| b.header).collect();
    node.headers(&headers).unwrap();
    assert_eq!(news(&mut node), 1);
    node.headers(&headers).unwrap();
    node.headers(&[side[0].header]).unwrap();
    assert_eq!(news(&mut node), 0);
}

#[test]
fn a_second_start_upon_the_same_rows_changes_none_of_them() {
    let mut node = Node::new();
    node.send(transfer(1, 2, 10, 0, 1)).unwrap();
    node.mine(5);
    node.send(transfer(2, 3, 10, 0, 2)).unwrap();
    let rows: MemoryView = node.disk.clone();
    let again = Node::reopened(rules(), MempoolLimits::default(), rows.clone(), node.now);
    assert_eq!(again.disk, rows);
    assert_eq!(again.open(), node.open());
}

#[test]
fn what_its_application_refuses_is_never_open() {
    let rules = counting_rules();
    let mut node = Node::with(rules.clone(), MempoolLimits::default());
    let refused = node.send(signed(&rules, 1, 1, 0, record("count", b"!")));
    assert!(
        matches!(refused, Err(Rejected::Application { .. })),
        "{refused:?}"
    );
    assert_eq!(
        node.send(signed(&rules, 1, 2, 0, record("count", b"a"))),
        Ok(())
    );
    // Nobody judges what is kept in other drawers.
    assert_eq!(
        node.send(signed(&rules, 1, 3, 0, record("drawer", b"!"))),
        Ok(())
    );
    assert_eq!(node.mine(5).transactions.len(), 3);
}

/// Seed 25 of the simulator: nobody had mined a vote when its ballot closed by the time, and since no other record
/// changed anything about ballots it was open for ever.
#[test]
fn what_its_application_refuses_as_time_goes_by_is_open_no_more() {
    for body in [&b"early"[..], b"low"] {
        let rules = counting_rules();
        let mut node = Node::with(rules.clone(), MempoolLimits::default());
        let late = signed(&rules, 1, 1, 0, record("count", body));
        let other = signed(&rules, 1, 2, 0, record("count", b"a"));
        for one in [&late, &other] {
            assert_eq!(node.send(one.clone()), Ok(()));
        }
        let mut forge = Forge::with(rules.clone());
        let blocks = forge.branch(forge.genesis(), 3, 5);
        let mut open = Vec::new();
        for block in blocks {
            assert_eq!(node.block(block), BlockOutcome::Accepted);
            open.push(node.open().len());
        }
        assert_eq!(open, [2, 1, 1], "{body:?}");
        assert_eq!(node.open(), [other.id()].into());
        assert_eq!(node.closed(late.id()), Some(Closed::Conflicted));
    }
}

/// Seed 162 of the simulator: a clock that had been a week behind was set right, and all that was open was void,
/// since "its last height had passed".
#[test]
fn what_is_open_grows_old_while_the_node_is_awake_whatever_the_wall_clock_says() {
    const HOUR: u64 = 3_600_000;
    let pass = |node: &mut Node, ms: u64| {
        node.steady = node.steady.plus_ms(ms);
        let effects = node.ledger.tick(&node.disk, node.steady).unwrap();
        node.carry_out(effects);
        node.open().len()
    };
    let mut node = Node::new();
    let (first, second) = (transfer(1, 2, 5, 1, 1), transfer(3, 4, 5, 1, 2));
    node.send(first.clone()).unwrap();
    assert_eq!(pass(&mut node, 12 * HOUR), 1);
    node.send(second.clone()).unwrap();
    // Off for a while, by no clock of its own: since 1970, or for a year.
    for wall in [Timestamp(0), START.plus_ms(365 * 24 * HOUR)] {
        let limits = MempoolLimits::default();
        node = Node::reopened(rules(), limits, node.disk, wall);
        assert_eq!(
            pass(&mut node, 5 * HOUR),
            2,
            "a restart makes nothing older"
        );
    }
    assert_eq!(pass(&mut node, 2 * HOUR), 2, "24 hours to the millisecond");
    assert_eq!(pass(&mut node, 1), 1, "a restart makes nothing younger");
    assert_eq!(node.open(), [second.id()].into());
    assert_eq!(node.closed(first.id()), Some(Closed::TimedOut));
    assert_eq!(pass(&mut node, 12 * HOUR), 0);
    assert_eq!(node.closed(second.id()), Some(Closed::TimedOut));
}

#[test]
fn a_crash_takes_a_minute_at_most_from_the_age_of_what_is_open() {
    let mut node = Node::new();
    let pass = |node: &mut Node, ms: u64| {
        node.steady = node.steady.plus_ms(ms);
        let effects = node.ledger.tick(&node.disk, node.steady).unwrap();
        node.carry_out(effects);
    };
    // Nothing is open: nothing is stored of how time goes by.
    pass(&mut node, 3_600_000);
    assert_eq!(node.disk.awake(), Ok(AwakeTime::default()));
    node.send(transfer(1, 2, 5, 1, 1)).unwrap();
    let begun = AwakeTime(3_600_000);
    assert_eq!(node.disk.awake(), Ok(begun), "with the transaction");
    pass(&mut node, 59_999);
    assert_eq!(node.disk.awake(), Ok(begun));
    pass(&mut node, 1);
    assert_eq!(node.disk.awake(), Ok(AwakeTime(3_660_000)));
}

#[test]
fn s3_a_miner_near_the_end_of_numbers_takes_only_what_it_can_be_paid() {
    let allocation = |n: u8, amount| Allocation {
        to: member(n).public_key(),
        amount: Amount(amount),
    };
    let params = Params {
        allocations: vec![allocation(1, u64::MAX - 300), allocation(2, 300)],
        ..params()
    };
    let rules = Rules::new(genesis_with(params), &crate::apps::built_in()).unwrap();
    let mut node = Node::with(rules.clone(), MempoolLimits::default());
    let pay = |to, amount, fee, salt| {
        let action = Action::Transfer {
            to: member(to).public_key(),
            amount: Amount(amount),
            note: Default::default(),
        };
        signed(&rules, 2, salt, fee, action)
    };
    // 50 are its reward: of the rest a fee of 200 fits, another of 80 does not, nor do 60 coins.
    for one in [pay(3, 1, 200, 1), pay(3, 1, 30, 2), pay(1, 60, 0, 3)] {
        assert_eq!(node.send(one), Ok(()));
    }
    let block = node.mine(1);
    assert_eq!(block.transactions.len(), 3);
    assert_eq!(node.balance(1), u64::MAX - 300 + 280);
    // There is no block for it now, and that is all: another mines.
    let last = node.next_block(1);
    assert!(matches!(node.own_block(last), BlockOutcome::Fault(_)));
    let block = node.mine(5);
    assert_eq!(block.transactions.len(), 1, "60 coins fit nowhere");
}
