use super::*;
use crate::canonical::{CappedBytes, CappedText};
use crate::chain::params::{Admission, Allocation, Params};
use crate::chain::target::CompactTarget;
use crate::chain::testing::genesis;
use crate::chain::{
    Action, Amount, Block, BlockId, EncodedTransaction, Genesis, Height, Payload, Salt, Timestamp,
    Transaction, TransactionId,
};
use crate::keys::{PublicKey, SealingKey, Signature};
use crate::membership::certificate::CertificateStatement;
use crate::membership::{Act, SignedStatement, Statement};
use crate::membership::{
    Certificate, Delegation, DelegationStatement, Invitation, InvitationStatement, MemberName,
};
use crate::wire::frame::encode_frame;
use crate::wire::member::Leaving;
use crate::wire::member::longest_addresses;
use crate::wire::message::{
    Admissible, ChallengeAnswer, FormerName, Goodbye, InvitationUse, Invited, Lease,
    MembersChanged, Pong, RefusalCode, Refused, RegisterCopy, Registered,
};
use crate::wire::work::{WorkAsked, WorkDone};
use crate::wire::{
    Member, MemberId, MemberRecord, MemberStatement, Message, Receipt, ReceiptCode,
    ReceiptStatement,
};

const KEY: PublicKey = PublicKey([0xff; 32]);
const ID: BlockId = BlockId([0xff; 32]);
const SIGNED: Signature = Signature([0xff; 64]);

fn text_of<const MAX: usize>() -> CappedText<MAX> {
    CappedText::new("x".repeat(MAX)).unwrap()
}

fn name() -> MemberName {
    "x".repeat(MAX_NAME).parse().unwrap()
}

fn transaction() -> EncodedTransaction {
    EncodedTransaction::new(Transaction {
        payload: Payload {
            network: ID,
            sender: KEY,
            salt: Salt([0xff; 16]),
            expires_at: Height(u64::MAX),
            fee: Amount(u64::MAX),
            action: Action::Record {
                topic: text_of(),
                body: CappedBytes::new(vec![0xff; MAX_RECORD]).unwrap(),
            },
        },
        signature: SIGNED,
    })
}

fn params() -> Params {
    let allocation = Allocation {
        to: KEY,
        amount: Amount(u64::MAX),
    };
    Params {
        name: text_of(),
        interval_ms: u64::MAX,
        start_target: CompactTarget::from_bits(u32::MAX),
        window: u32::MAX,
        growth_blocks: u64::MAX,
        reward: Amount(u64::MAX),
        halving_blocks: u64::MAX,
        max_block_bytes: u32::MAX,
        min_fee_per_kib: Amount(u64::MAX),
        admission: Admission::Invite,
        allocations: vec![allocation; MAX_ALLOCATIONS],
        gift: Amount(u64::MAX),
        recovery: Some(KEY),
        applications: vec![text_of(); MAX_APPLICATIONS],
    }
}

fn longest_genesis() -> Genesis {
    let mut longest = genesis();
    longest.content.motto = text_of();
    longest.content.params = params();
    longest
}

fn record() -> MemberRecord {
    MemberRecord {
        statement: MemberStatement {
            tracker: KEY,
            sequence: u64::MAX,
            name: name(),
            key: KEY,
            sealing_key: SealingKey([0xff; 32]),
            addresses: longest_addresses(),
        },
        signature: SIGNED,
    }
}

fn work_asked() -> WorkAsked {
    WorkAsked {
        issued: Timestamp(u64::MAX),
        target: u32::MAX,
        seal: serde_bytes::ByteArray::new([0xff; 32]),
    }
}

fn leaving() -> Leaving {
    Leaving {
        tracker: KEY,
        key: KEY,
        sequence: u64::MAX,
        signature: SIGNED,
    }
}

fn member_entry() -> Member {
    Member {
        id: MemberId(u32::MAX),
        record: record(),
        live: true,
        reachable: true,
        since: Timestamp(u64::MAX),
    }
}

fn invitation() -> Invitation {
    Invitation {
        statement: InvitationStatement {
            network: Some(ID),
            key: KEY,
            issuer: KEY,
            delegation: Some(delegation()),
            uses: u32::MAX,
            serial: Timestamp(u64::MAX),
            expires: Timestamp(u64::MAX),
        },
        signature: SIGNED,
    }
}

fn delegation() -> Delegation {
    Delegation {
        statement: DelegationStatement {
            network: ID,
            admin: KEY,
            delegate: KEY,
            serial: Timestamp(u64::MAX),
            from: Timestamp(u64::MAX),
            until: Timestamp(u64::MAX),
        },
        signature: SIGNED,
    }
}

/// The longest of each kind, but for blocks and lists of transactions, which are bounded as a whole.
fn longest() -> Vec<Message> {
    vec![
        Message::Ping(u64::MAX),
        Message::Pong(Pong {
            number: u64::MAX,
            time: Timestamp(u64::MAX),
        }),
        Message::Goodbye(Goodbye { reason: text_of() }),
        Message::GetHeaders(vec![ID; MAX_LOCATOR]),
        Message::Headers(vec![genesis().header; MAX_HEADERS]),
        Message::AnnounceBlock(genesis().header),
        Message::GetBlocks(vec![ID; MAX_BLOCKS_ASKED]),
        Message::NoBlock(ID),
        Message::AnnounceTransactions(vec![TransactionId([0xff; 32]); MAX_IDS]),
        Message::GetTransactions(vec![TransactionId([0xff; 32]); MAX_IDS]),
        Message::Deliver(transaction()),
        Message::Receipt(Receipt {
            statement: ReceiptStatement {
                network: ID,
                transaction: TransactionId([0xff; 32]),
                recipient: KEY,
                code: ReceiptCode::Syncing,
                reason: text_of(),
                height: Height(u64::MAX),
                block: ID,
            },
            signature: SIGNED,
        }),
        Message::Register(record()),
        Message::WorkAsked(work_asked()),
        Message::WorkDone(WorkDone {
            asked: work_asked(),
            nonce: u64::MAX,
        }),
        Message::Statements(vec![
            SignedStatement {
                statement: Statement {
                    network: ID,
                    number: Timestamp(u64::MAX),
                    act: Act::Expel {
                        key: KEY,
                        reason: CappedText::new("x".repeat(MAX_EXPULSION_REASON)).unwrap(),
                    },
                },
                by: KEY,
                signature: SIGNED,
            };
            MAX_STATEMENTS
        ]),
        Message::Delegated(delegation()),
        Message::RegisterCopy(RegisterCopy {
            former: vec![
                FormerName {
                    name: "x".repeat(32).parse().unwrap(),
                    key: KEY,
                    left: Some(Timestamp(u64::MAX)),
                    leaving: Some(leaving()),
                };
                MAX_COPIED
            ],
            invitations: vec![
                InvitationUse {
                    invitation: invitation(),
                    used: u32::MAX,
                    revoked: Some(Timestamp(u64::MAX)),
                };
                MAX_COPIED
            ],
        }),
        Message::Registered(Registered {
            id: MemberId(u32::MAX),
            genesis: Some(longest_genesis()),
            lease: Some(Lease {
                params: params(),
                remaining_ms: u64::MAX,
            }),
        }),
        Message::Refused(Refused {
            code: RefusalCode::NotRegistered,
            reason: text_of(),
        }),
        Message::OfferGenesis(longest_genesis()),
        Message::GenesisKnown(longest_genesis()),
        Message::GetMembers(()),
        Message::Members(vec![member_entry(); MAX_MEMBERS]),
        Message::MembersChanged(MembersChanged {
            changed: vec![member_entry(); MAX_MEMBERS],
            left: vec![leaving(); MAX_MEMBERS],
        }),
        Message::Leave(leaving()),
        Message::Left(()),
        Message::Invited(Invited {
            invitation: invitation(),
            signature: SIGNED,
        }),
        Message::Inquire(record()),
        Message::Admissible(Admissible {
            genesis: Some(longest_genesis()),
            reached: Some(true),
        }),
        Message::Challenge(u64::MAX),
        Message::ChallengeAnswer(ChallengeAnswer {
            number: u64::MAX,
            height: Height(u64::MAX),
        }),
        Message::CertificateIssued(Certificate {
            statement: CertificateStatement {
                network: ID,
                key: KEY,
                name: name(),
                issuer: KEY,
                delegation: Some(delegation()),
                invitation: Some(KEY),
                serial: Timestamp(u64::MAX),
                from: Timestamp(u64::MAX),
                until: Timestamp(u64::MAX),
            },
            signature: SIGNED,
        }),
    ]
}

/// Bytes of the payload of a message.
fn length(message: &Message) -> usize {
    message.to_frame().unwrap().len() - 6
}

/// If this fails after a change of a message: correct its length here, and in the table of PROTOCOL.md.
#[test]
fn the_greatest_length_of_each_code_is_that_of_its_longest_message() {
    let longest = longest();
    for message in &longest {
        let most = Message::most(message.code());
        assert_eq!(most, Some(length(message)), "{}", message.name());
    }
    let others = (0..=u16::MAX).filter(|code| Message::most(*code).is_some());
    let others: Vec<_> = others
        .filter(|code| longest.iter().all(|message| message.code() != *code))
        .collect();
    assert_eq!(others, [20, 34], "no longest message was tried");
}

#[test]
fn the_longest_transaction_is_as_long_as_is_said() {
    assert_eq!(transaction().size(), MAX_TRANSACTION_BYTES);
}

#[test]
fn a_full_message_of_transactions_is_within_its_length() {
    // Of the longest as many as a message may have, and of short ones, whose heads weigh most.
    let count = MAX_TRANSACTIONS_BYTES / MAX_TRANSACTION_BYTES;
    let few = Message::Transactions(vec![transaction(); count]);
    let many = Message::Transactions(vec![
        crate::chain::testing::transfer(1, 2, 5, 1, 1);
        MAX_IDS
    ]);
    for message in [few, many] {
        assert!(Some(length(&message)) <= Message::most(34));
    }
}

#[test]
fn every_length_fits_a_frame() {
    for most in (0..=u16::MAX).filter_map(Message::most) {
        assert!(encode_frame(2, &vec![0; most], &mut Vec::new()).is_ok());
    }
    let empty = Message::Block(Block {
        header: genesis().header,
        transactions: Vec::new(),
    });
    assert!(Some(length(&empty)) <= Message::most(empty.code()));
}
