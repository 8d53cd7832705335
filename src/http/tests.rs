//! What the tests of the API share, and those that need a whole server.

use crate::chain::Timestamp;
use crate::keys::{PublicKey, SecretKey};
use crate::wire::{Member, MemberId, MemberStatement};

/// The secret key of a test's member.
pub(super) fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes([number; 32])
}

/// A member with a name, whose key is [`secret`]`(number)`.
pub(super) fn member_called(name: &str, number: u8) -> Member {
    let key = secret(number);
    let statement = MemberStatement {
        tracker: PublicKey([9; 32]),
        sequence: 1,
        name: name.parse().unwrap(),
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: Vec::new(),
    };
    Member {
        id: MemberId(u32::from(number)),
        record: statement.sign(&key),
        live: true,
        since: Timestamp(1_700_000_000_000),
    }
}
