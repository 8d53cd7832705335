//! Every rule of headers and bodies, broken one at a time.

use super::super::block::{MAX_TRANSACTIONS, SMALLEST_TRANSACTION, listed_size};
use super::super::testing::forge::{Forge, reward};
use super::super::testing::{genesis_with, member, mine, params, rules, transfer};
use super::super::{HistoryRoot, Params, Salt, Topic, Transaction};
use super::*;
use crate::canonical;
use crate::canonical::CappedText;
use crate::chain::target::{CompactTarget, Target};
use crate::keys::Signature;
use proptest::prelude::*;

fn payload(from: u8, action: Action) -> Payload {
    Payload {
        action,
        ..transfer(from, 9, 1, 0, 1).payload().clone()
    }
}

fn to(member_number: u8, amount: u64) -> Action {
    Action::Transfer {
        to: member(member_number).public_key(),
        amount: Amount(amount),
        note: Default::default(),
    }
}

fn form(payload: Payload) -> Result<(), Rejected> {
    rules().check_form(&EncodedTransaction::new(payload.unsigned()))
}

#[test]
fn attack_payments_that_say_nothing_go_nowhere_or_wrap_are_refused() {
    assert_eq!(form(payload(1, to(2, 1))), Ok(()));
    assert_eq!(form(payload(1, to(2, 0))), Err(Rejected::Meaningless));
    assert_eq!(form(payload(1, to(1, 1))), Err(Rejected::ToSelf));
    let fee = Amount(1);
    let beyond = Payload {
        fee,
        ..payload(1, to(2, u64::MAX))
    };
    assert_eq!(form(beyond), Err(Rejected::Meaningless));
    let noted = Action::Transfer {
        to: member(2).public_key(),
        amount: Amount::ZERO,
        note: crate::chain::transaction::Note::new(vec![1]).unwrap(),
    };
    assert_eq!(form(payload(1, noted)), Ok(()));
    let record = |topic: &str| Action::Record {
        topic: CappedText::new(topic).unwrap(),
        body: Default::default(),
    };
    assert_eq!(form(payload(1, record("a"))), Ok(()));
    assert_eq!(form(payload(1, record(""))), Err(Rejected::Meaningless));
}

#[test]
fn attack_payments_of_another_network_and_homemade_rewards_are_refused() {
    let elsewhere = Payload {
        network: BlockId([7; 32]),
        ..payload(1, to(2, 1))
    };
    assert_eq!(form(elsewhere), Err(Rejected::WrongNetwork));
    let gift = reward(1, 1, 1_000_000);
    assert_eq!(rules().check_form(&gift), Err(Rejected::StrayReward));
    let signed = gift.payload().clone().sign(&member(1));
    let signed = EncodedTransaction::new(signed);
    assert_eq!(rules().check_form(&signed), Err(Rejected::StrayReward));
}

#[test]
fn the_least_fee_is_asked_for_by_size() {
    let min_fee_per_kib = Amount(3);
    let rules = Rules::new(
        genesis_with(Params {
            min_fee_per_kib,
            ..params()
        }),
        &crate::apps::built_in(),
    )
    .unwrap();
    let offer = |fee| {
        let payload = Payload {
            network: rules.network(),
            fee: Amount(fee),
            ..payload(1, to(2, 1))
        };
        rules.check_form(&EncodedTransaction::new(payload.unsigned()))
    };
    assert_eq!(offer(3), Ok(()));
    let (given, least) = (Amount(2), Amount(3));
    assert_eq!(offer(2), Err(Rejected::FeeTooLow { given, least }));
}

#[test]
fn a_transaction_expires_after_its_last_height_and_within_a_week() {
    let rules = rules();
    let until = |expires_at| Payload {
        expires_at: Height(expires_at),
        ..payload(1, to(2, 1))
    };
    assert_eq!(rules.check_expiry(&until(10), Height(10)), Ok(()));
    let (expired, tip) = (Height(10), Height(10));
    let late = rules.check_expiry(&until(10), Height(11));
    assert_eq!(late, Err(Rejected::Expired { expired, tip }));
    assert_eq!(
        rules.check_expiry(&until(MAX_EXPIRY + 5), Height(5)),
        Ok(())
    );
    let far = Height(MAX_EXPIRY + 6);
    let too_late = rules.check_expiry(&until(far.0), Height(5));
    assert_eq!(too_late, Err(Rejected::ExpiresTooLate(far)));
}

/// Changes a header, mines it and has it judged upon genesis.
fn header_fault(change: impl FnOnce(&mut Header)) -> Result<(), PeerFault> {
    let forge = Forge::new();
    let rules = rules();
    let genesis = rules.genesis_entry();
    let mut header = forge.header(forge.genesis(), 1_000, &[]);
    change(&mut header);
    let transactions = Vec::new();
    let header = mine(Block {
        header,
        transactions,
    })
    .header;
    let mut history = Peaks::default();
    history.append(crate::chain::history::leaf(&forge.genesis(), genesis.work));
    rules
        .check_header(&header, &genesis, None, &history)
        .map(drop)
}

#[test]
fn attack_every_wrong_header_field_is_refused() {
    assert_eq!(header_fault(|_| {}), Ok(()));
    let field = |fault: Result<(), PeerFault>| match fault {
        Err(PeerFault::WrongHeader { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(header_fault(|h| h.version += 1)), "version");
    assert_eq!(field(header_fault(|h| h.height.0 += 1)), "height");
    assert_eq!(field(header_fault(|h| h.height.0 = u64::MAX)), "height");
    let genesis = rules().genesis.header.timestamp;
    let same_time = header_fault(|h| h.timestamp = genesis);
    assert!(field(same_time).starts_with("timestamp"));
    let earlier = header_fault(|h| h.timestamp.0 = 0);
    assert!(field(earlier).starts_with("timestamp"));
    let history = header_fault(|h| h.history_root = HistoryRoot([0; 32]));
    assert_eq!(field(history), "history root");
    let easier = Target::MAX.to_compact();
    assert_eq!(field(header_fault(|h| h.target = easier)), "target");
    let harder = Target::from_expected_hashes(8.try_into().unwrap()).to_compact();
    assert_eq!(field(header_fault(|h| h.target = harder)), "target");
}

#[test]
fn attack_an_id_above_its_target_is_refused() {
    let forge = Forge::new();
    let rules = rules();
    let mut header = forge.header(forge.genesis(), 1_000, &[]);
    while header.has_work() {
        header.nonce += 1;
    }
    let check = |header: &Header| {
        rules.check_header(header, &rules.genesis_entry(), None, &Peaks::default())
    };
    assert_eq!(check(&header), Err(PeerFault::NoWork(header.id())));
    header.target = CompactTarget::from_bits(0);
    assert_eq!(check(&header), Err(PeerFault::NoWork(header.id())));
}

#[test]
fn the_clock_decides_by_the_allowance() {
    let rules = rules();
    let header = rules.genesis.header;
    let ahead = rules.params().max_ahead_ms();
    let now = |before: u64| Timestamp(header.timestamp.0 - before);
    assert!(!rules.is_ahead(&header, now(ahead)));
    assert!(rules.is_ahead(&header, now(ahead + 1)));
    assert!(!rules.is_ahead(&header, Timestamp(u64::MAX)));
}

fn body_fault(make: impl FnOnce(&mut Forge) -> Vec<EncodedTransaction>) -> Option<String> {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let body = make(&mut forge);
    let block = forge.seal(genesis, 1_000, body);
    match rules().check_body(&block) {
        Ok(()) => None,
        Err(PeerFault::InvalidBlock { reason, .. }) => Some(reason),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn attack_a_reward_is_exact_first_and_alone() {
    let paid = || transfer(1, 2, 10, 7, 1);
    let with = |rewards: Vec<EncodedTransaction>| body_fault(|_| rewards);
    assert_eq!(with(vec![reward(5, 1, 57), paid()]), None);
    assert!(with(vec![]).unwrap().contains("no reward"));
    assert!(with(vec![paid()]).unwrap().contains("no reward"));
    for wrong in [0, 50, 56, 58, u64::MAX] {
        let fault = with(vec![reward(5, 1, wrong), paid()]).unwrap();
        assert!(fault.contains("not exactly"), "{fault}");
    }
    assert!(with(vec![reward(5, 2, 57), paid()]).is_some());
    assert!(with(vec![paid(), reward(5, 1, 57)]).is_some());
    let second = with(vec![reward(5, 1, 57), paid(), reward(6, 1, 57)]);
    assert!(second.unwrap().contains("reward can't be sent"));
    // Signed, salted or expiring: there is one form of a reward.
    let exact = reward(5, 1, 57);
    let signature = Signature([1; 64]);
    let payload = exact.payload().clone();
    let salted = Payload {
        salt: Salt([1; 16]),
        ..payload.clone()
    };
    let with_fee = Payload {
        fee: Amount(1),
        ..payload.clone()
    };
    for twisted in [
        Transaction { payload, signature },
        salted.unsigned(),
        with_fee.unsigned(),
    ] {
        assert!(with(vec![EncodedTransaction::new(twisted), paid()]).is_some());
    }
}

#[test]
fn attack_fees_that_wrap_pay_nobody() {
    let rich = |salt| {
        let payload = Payload {
            salt: Salt([salt; 16]),
            fee: Amount(u64::MAX / 2 + 1),
            ..payload(1, to(2, 1))
        };
        EncodedTransaction::new(payload.sign(&member(1)))
    };
    let fault = body_fault(|_| vec![reward(5, 1, 50), rich(1), rich(2)]);
    assert!(fault.unwrap().contains("not exactly"));
}

#[test]
fn a_body_is_fixed_by_its_header_to_the_byte() {
    let mut forge = Forge::new();
    let paid = [transfer(1, 2, 10, 0, 1), transfer(2, 3, 10, 0, 2)];
    let block = forge.child(forge.genesis(), 1_000, 5, &paid);
    let rules = rules();
    assert_eq!(rules.check_body(&block), Ok(()));
    let mismatch = |transactions: Vec<EncodedTransaction>| {
        let other = Block {
            header: block.header,
            transactions,
        };
        assert_eq!(
            rules.check_body(&other),
            Err(PeerFault::BodyMismatch(block.id()))
        );
    };
    let all = || block.transactions.clone();
    mismatch(all()[..2].to_vec());
    mismatch(Vec::new());
    let mut swapped = all();
    swapped.swap(1, 2);
    mismatch(swapped);
    let mut doubled = all();
    doubled.push(paid[1].clone());
    mismatch(doubled);
    let mut resigned = all();
    let signature = Signature([9; 64]);
    let payload = paid[0].payload().clone();
    resigned[1] = EncodedTransaction::new(Transaction { payload, signature });
    mismatch(resigned);
}

#[test]
fn a_block_above_the_largest_size_is_invalid_and_one_at_it_is_not() {
    let record = |length: usize, salt: u8| {
        let body = crate::chain::transaction::RecordBody::new(vec![0; length]).unwrap();
        let topic = Topic::new("drawer").unwrap();
        let payload = Payload {
            salt: Salt([salt; 16]),
            ..payload(1, Action::Record { topic, body })
        };
        EncodedTransaction::new(payload.sign(&member(1)))
    };
    let max = params().max_block_bytes as usize;
    let three: Vec<_> = (1..=3).map(|salt| record(64 * 1024, salt)).collect();
    let forge = Forge::new();
    let body = |last: usize| {
        let sent = [three.clone(), vec![record(last, 4)]].concat();
        forge.body(forge.genesis(), 5, &sent)
    };
    let room = max - encoded_size(&body(1_000)) + 1_000;
    assert_eq!(encoded_size(&body(room)), max);
    assert_eq!(body_fault(|_| body(room)), None);
    let fault = body_fault(|_| body(room + 1)).unwrap();
    assert!(fault.contains("larger"), "{fault}");
}

#[test]
fn no_block_of_any_network_holds_more_transactions_than_a_decoder_takes() {
    let smallest = Payload {
        expires_at: Height(1),
        fee: Amount::ZERO,
        ..payload(
            1,
            Action::Record {
                topic: Topic::default(),
                body: Default::default(),
            },
        )
    };
    let size = EncodedTransaction::new(smallest.unsigned()).size();
    assert_eq!(size, SMALLEST_TRANSACTION);
    let most = crate::chain::params::MAX_BLOCK_BYTES as usize / listed_size(size);
    assert!(most < MAX_TRANSACTIONS, "{most}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_block_goes_through_its_bytes_and_knows_its_size(
        payments in prop::collection::vec((1..=4u8, 5..=9u8, 1..900u64), 0..40),
    ) {
        let mut forge = Forge::new();
        let sent = payments.into_iter().zip(0..);
        let sent: Vec<_> = sent.map(|((from, to, amount), salt)| transfer(from, to, amount, 1, salt)).collect();
        let block = forge.child(forge.genesis(), 1_000, 5, &sent);
        let bytes = block.to_bytes();
        prop_assert_eq!(block.size(), bytes.len());
        prop_assert_eq!(canonical::decode::<Block>(&bytes), Ok(block));
    }
}
