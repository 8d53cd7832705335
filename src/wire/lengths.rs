//! The greatest length of each message, from the caps of what is in it: a frame that announces more than
//! its code allows is refused before any of it is held.
//!
//! What travels in no message of its own is here as well, since a message is as long as its parts. Each
//! value is that of the longest canonical encoding, every number in its longest form.

use super::member::MAX_ADDRESSES;
use super::message::{
    MAX_BLOCKS_ASKED, MAX_COPIED, MAX_IDS, MAX_MEMBERS, MAX_REASON, MAX_STATEMENTS,
    MAX_TRANSACTIONS_BYTES,
};
use crate::chain::Header;
use crate::chain::genesis::MAX_MOTTO;
use crate::chain::locator::{MAX_HEADERS, MAX_LOCATOR};
use crate::chain::params::{MAX_ALLOCATIONS, MAX_APPLICATIONS, MAX_NETWORK_NAME};
use crate::chain::transaction::{MAX_NOTE, MAX_RECORD, MAX_TOPIC};
use crate::membership::address::MAX_ADDRESS;
use crate::membership::name::MAX_NAME;
use crate::membership::statement::MAX_EXPULSION_REASON;

/// The head of an array of up to 15 items, a code below 128, a yes or no, nothing.
const ONE: usize = 1;
/// A number of 32 bits.
const U32: usize = 5;
/// A number of 64 bits.
pub(super) const U64: usize = 9;
/// A pong: two numbers.
pub(super) const PONG: usize = ONE + 2 * U64;
/// A key, an id, a hash.
pub(super) const HASH: usize = bytes(32);
/// A signature.
const SIGNATURE: usize = bytes(64);
/// A header.
pub(super) const HEADER: usize = bytes(Header::LEN);
/// A member's name.
const NAME: usize = text(MAX_NAME);

/// A byte string of `length` bytes with its head.
const fn bytes(length: usize) -> usize {
    let head = match length {
        0..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    };
    head + length
}

/// A text of `length` bytes with its head.
const fn text(length: usize) -> usize {
    let head = match length {
        0..=31 => 1,
        32..=0xff => 2,
        _ => 3,
    };
    head + length
}

/// A list of `count` items of `each` bytes with its head.
pub(super) const fn list(count: usize, each: usize) -> usize {
    let head = match count {
        0..=15 => 1,
        _ => 3,
    };
    head + count * each
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

const TRANSFER: usize = ONE + ONE + HASH + U64 + bytes(MAX_NOTE);
const RECORD: usize = ONE + ONE + text(MAX_TOPIC) + bytes(MAX_RECORD);
/// `[network, sender, salt, expires_at, fee, action]`.
const PAYLOAD: usize = ONE + HASH + HASH + bytes(16) + U64 + U64 + max(TRANSFER, RECORD);
/// The longest transaction there is, in bytes: a record with the longest topic and the longest body. It
/// fits the smallest block that a network may have.
pub const MAX_TRANSACTION_BYTES: usize = ONE + PAYLOAD + SIGNATURE;
const _: () = {
    use crate::chain::block::EMPTY_BLOCK;
    use crate::chain::params::MIN_BLOCK_BYTES;
    assert!(MAX_TRANSACTION_BYTES <= MIN_BLOCK_BYTES as usize - EMPTY_BLOCK);
    // So a message that holds one transaction keeps the bound on those that hold many.
    assert!(MAX_TRANSACTION_BYTES <= MAX_TRANSACTIONS_BYTES);
};

pub(super) const GOODBYE: usize = ONE + text(MAX_REASON);
pub(super) const GET_HEADERS: usize = list(MAX_LOCATOR, HASH);
pub(super) const HEADERS: usize = list(MAX_HEADERS, HEADER);
pub(super) const GET_BLOCKS: usize = list(MAX_BLOCKS_ASKED, HASH);
pub(super) const IDS: usize = list(MAX_IDS, HASH);
/// As many bytes of transactions as may be, in as many pieces.
pub(super) const TRANSACTIONS: usize =
    list(MAX_IDS, bytes(0x1_0000) - 0x1_0000) + MAX_TRANSACTIONS_BYTES;
pub(super) const DELIVER: usize = bytes(MAX_TRANSACTION_BYTES);

/// `[network, transaction, recipient, verdict, reason, height, block]`.
const RECEIPT_STATEMENT: usize = ONE + 3 * HASH + ONE + text(MAX_REASON) + U64 + HASH;
pub(super) const RECEIPT: usize = ONE + RECEIPT_STATEMENT + SIGNATURE;

/// `[tracker, sequence, name, key, sealing_key, addresses]`.
const MEMBER_STATEMENT: usize =
    ONE + HASH + U64 + NAME + HASH + HASH + list(MAX_ADDRESSES, text(MAX_ADDRESS));
pub(super) const MEMBER_RECORD: usize = ONE + MEMBER_STATEMENT + SIGNATURE;
/// `[id, record, live, reachable, since]`.
const MEMBER: usize = ONE + U32 + MEMBER_RECORD + ONE + ONE + U64;
pub(super) const MEMBERS: usize = list(MAX_MEMBERS, MEMBER);
pub(super) const MEMBERS_CHANGED: usize = ONE + MEMBERS + list(MAX_MEMBERS, LEAVE);
pub(super) const LEAVE: usize = ONE + HASH + HASH + U64 + SIGNATURE;

/// The fourteen parameters, in their order.
const PARAMS: usize = ONE
    + text(MAX_NETWORK_NAME)
    + U64
    + U32
    + U32
    + U64
    + U64
    + U64
    + U32
    + U64
    + ONE
    + list(MAX_ALLOCATIONS, ONE + HASH + U64)
    + U64
    + HASH
    + list(MAX_APPLICATIONS, text(MAX_TOPIC));
/// `[header, [motto, params, tracker, founder]]`.
pub(super) const GENESIS: usize = ONE + HEADER + ONE + text(MAX_MOTTO) + PARAMS + HASH + HASH;
const LEASE: usize = ONE + PARAMS + U64;
pub(super) const REGISTERED: usize = ONE + U32 + GENESIS + LEASE;
pub(super) const REFUSED: usize = ONE + ONE + text(MAX_REASON);
pub(super) const CHALLENGE_ANSWER: usize = ONE + U64 + U64;

/// `[[network, admin, delegate, serial, from, until], signature]`.
pub(super) const DELEGATION: usize = ONE + ONE + 3 * HASH + 3 * U64 + SIGNATURE;
/// `[network, key, name, issuer, delegation, invitation, serial, from, until]`.
const CERTIFICATE_STATEMENT: usize =
    ONE + HASH + HASH + NAME + HASH + DELEGATION + HASH + U64 + U64 + U64;
pub(super) const CERTIFICATE: usize = ONE + CERTIFICATE_STATEMENT + SIGNATURE;
/// `[network, key, issuer, delegation, uses, serial, expires]`.
const INVITATION_STATEMENT: usize = ONE + 3 * HASH + DELEGATION + U32 + U64 + U64;
/// `[[statement, signature], signature]`.
pub(super) const INVITED: usize = ONE + ONE + INVITATION_STATEMENT + SIGNATURE + SIGNATURE;
pub(super) const ADMISSIBLE: usize = ONE + GENESIS + ONE;

/// `[name, key, left, leaving]`.
const FORMER_NAME: usize = ONE + NAME + HASH + U64 + LEAVE;
/// `[[statement, signature], used, revoked]`.
const INVITATION_USE: usize = ONE + ONE + INVITATION_STATEMENT + SIGNATURE + U32 + U64;
pub(super) const REGISTER_COPY: usize =
    ONE + list(MAX_COPIED, FORMER_NAME) + list(MAX_COPIED, INVITATION_USE);

/// `[kind, key, name, reason]`, of an expulsion or of what hands on a name.
const ACT: usize = ONE + ONE + HASH + max(NAME + ONE, ONE + text(MAX_EXPULSION_REASON));
/// `[[network, number, act], by, signature]`.
const STATEMENT: usize = ONE + ONE + HASH + U64 + ACT + HASH + SIGNATURE;
pub(super) const STATEMENTS: usize = list(MAX_STATEMENTS, STATEMENT);

const _: () = {
    use super::limits::TO_TRACKER_CAP;
    use super::message::MAX_STATEMENTS_TO_TRACKER;
    assert!(MEMBER_RECORD <= TO_TRACKER_CAP && INVITED <= TO_TRACKER_CAP);
    assert!(list(MAX_STATEMENTS_TO_TRACKER, STATEMENT) <= TO_TRACKER_CAP);
};

/// `[issued, target, seal]`.
pub(super) const WORK_ASKED: usize = ONE + U64 + U32 + HASH;
/// `[asked, nonce]`.
pub(super) const WORK_DONE: usize = ONE + WORK_ASKED + U64;

#[cfg(test)]
mod tests;
