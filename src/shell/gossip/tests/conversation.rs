//! Whole conversations: up to three members say up to thirty things, in any order and at any pace, asked or not, true
//! or not. Nothing of it stops a node, keeps an answer owed, or turns it against the one who is honest.

use super::world::{Kind, World};
use super::*;
use crate::chain::EncodedTransaction;
use crate::chain::testing::forge::Forge;
use crate::chain::testing::transfer;
use crate::protocol::testing::{genesis_by, record};
use proptest::prelude::*;

/// Blocks that the honest one has; the node itself has half of them.
const CHAIN: usize = 12;

/// One thing that is said: by whom, what, of which block or transaction, and for how long it is silent then.
type Said = (usize, u8, u8, u64);

fn said() -> impl Strategy<Value = Said> {
    (2..5usize, 0..20u8, any::<u8>(), 0..3_000u64)
}

/// What there is to talk of: the chain, a branch that is lighter, and one that is wrong.
struct Matter {
    chain: Vec<Block>,
    branch: Vec<Block>,
}

impl Matter {
    fn block(&self, n: u8) -> &Block {
        let all = self.chain.len() + self.branch.len();
        let at = usize::from(n) % all;
        self.chain.iter().chain(&self.branch).nth(at).unwrap()
    }

    fn message(&self, kind: u8, n: u8) -> Message {
        let block = self.block(n);
        let payment = transfer(1, 2, 1, 0, n);
        let forged = EncodedTransaction::new(payment.payload().clone().sign(&member(9)));
        let nobodys = BlockId([n; 32]);
        let mut headers: Vec<_> = self.chain.iter().map(|block| block.header).collect();
        let mut wrong = block.clone();
        match kind {
            0 => Message::Headers(headers),
            1 => {
                headers.reverse();
                Message::Headers(headers)
            }
            2 => Message::Headers(self.branch.iter().map(|block| block.header).collect()),
            3 => Message::AnnounceBlock(block.header),
            4 => {
                wrong.header.timestamp.0 ^= u64::from(n);
                Message::AnnounceBlock(wrong.header)
            }
            5 => Message::Block(block.clone()),
            6 => {
                wrong.transactions.pop();
                Message::Block(wrong)
            }
            7 => Message::NoBlock(block.id()),
            8 => Message::GetHeaders(vec![nobodys, block.id()]),
            9 => Message::GetBlocks(vec![block.id(), nobodys]),
            10 => Message::AnnounceTransactions(vec![payment.id(), payment.id()]),
            11 => {
                Message::GetTransactions(vec![payment.id(), crate::chain::TransactionId([n; 32])])
            }
            12 => Message::Transactions(vec![payment.clone(), payment]),
            13 => Message::Transactions(vec![forged, payment]),
            14 => Message::Transactions(Vec::new()),
            15 => Message::Statements(Vec::new()),
            16 => Message::Register(record(9, "nobody", u64::from(n))),
            17 => Message::GenesisKnown(genesis_by(n.max(1) % 200 + 1)),
            18 => Message::GetHeaders(Vec::new()),
            _ => Message::Headers(Vec::new()),
        }
    }
}

fn converse(conversation: Vec<Said>) {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let chain = forge.branch(genesis, CHAIN, 1);
    let fork = chain[CHAIN / 2 - 1].id();
    let matter = Matter {
        branch: forge.branch(fork, 3, 3),
        chain,
    };
    let chain = &matter.chain;
    let mut chains = vec![
        (Kind::Honest, chain[..CHAIN / 2].to_vec()),
        (Kind::Honest, chain.clone()),
    ];
    chains.extend((2..5).map(|_| (Kind::Mute, chain.clone())));
    let mut world = World::new(5, 60, chains);
    (1..5).for_each(|other| world.connect(other, 0, 20));
    for (talker, kind, n, silence) in conversation {
        world.say(talker, matter.message(kind, n));
        world.run(silence);
    }
    assert!(world.are_connected(0, 1), "the honest one was thrown out");
    world.mine(1);
    let tip = world.tip(1);
    world.until_all_have(tip, 200_000);
    world.nothing_is_owed();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn attack_no_conversation_stops_a_node_or_turns_it_against_the_honest(
        conversation in prop::collection::vec(said(), 0..30),
    ) {
        converse(conversation);
    }
}
