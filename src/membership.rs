//! Membership: what is signed so that a key is a member, or is one no longer.
//!
//! Whoever signs is named in what is signed, so that signatures can be checked before it is known who
//! spoke for the network then ([`Authority`]).

pub mod address;
pub mod authority;
pub mod certificate;
pub mod delegation;
pub mod invitation;
pub mod name;
pub mod record;
pub mod statement;
pub mod statements;

pub use address::{Address, NotAnAddress};
pub use authority::{Authority, AuthorityError};
pub use certificate::{Certificate, CertificateError, CertificateStatement};
pub use delegation::{Delegation, DelegationStatement, IssuerError};
pub use invitation::string::{InvitationString, InvitationStringError, MAX_INVITATION_TEXT};
pub use invitation::{Invitation, InvitationError, InvitationStatement};
pub use name::MemberName;
pub use record::{JoinError, JoinRecord, Leave, MembersRecord};
pub use statement::{Act, SignedStatement, Statement, StatementError};
pub use statements::{NotAMember, Statements};

use crate::canonical;
use crate::keys::{PublicKey, Signature, SignatureError, SignatureItem, verify};
use serde::Serialize;

/// How far ahead of a clock the number of what it takes may be, in milliseconds: a day. A greater one
/// would outrank everything said after it.
pub const MAX_NUMBER_AHEAD_MS: u64 = 86_400_000;

/// Whether all of it is signed by whom it names; else by whom it is not, and what is wrong.
fn check_signed(
    items: impl Iterator<Item = SignatureItem>,
) -> Result<(), (PublicKey, SignatureError)> {
    for item in items {
        verify(&item.key, &item.message, &item.signature).map_err(|reason| (item.key, reason))?;
    }
    Ok(())
}

/// What is to be checked of a signature over `said`.
fn item<T: Serialize>(
    context: &str,
    said: &T,
    key: PublicKey,
    signature: Signature,
) -> SignatureItem {
    SignatureItem {
        key,
        message: digest(context, said),
        signature,
    }
}

/// What is signed of `said`.
fn digest<T: Serialize>(context: &str, said: &T) -> [u8; 32] {
    blake3::derive_key(context, &canonical::encode(said))
}
