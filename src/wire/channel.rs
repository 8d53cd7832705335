//! The secure channel: what lies between a connection and the frames on it.
//!
//! Bytes in, bytes out; no socket, no clock, no randomness of its own. In order:
//!
//! 1. [`Handshake`]: each side says in the clear which protocol and version it speaks; then three
//!    messages of `Noise_XX_25519_ChaChaPoly_BLAKE2s`, with keys that were drawn for this connection
//!    alone. Nobody else can read what follows, but nobody has said who he is.
//! 2. [`Introduction`]: the first record of each side says who it is, with a signature over the
//!    handshake's hash, which no other connection has. Who stands between two others has two
//!    handshakes with two hashes, and can sign neither.
//! 3. Records: everything else, as frames cut into sealed pieces ([`Sealer`], [`Opener`]).

mod handshake;
mod introduction;
mod noise;
mod record;
#[cfg(test)]
mod tests;

pub use handshake::{
    Binding, Channel, ChannelError, ChannelSecrets, Handshake, MESSAGE_LENS, PREAMBLE_LEN,
    PROTOCOL_NAME, SECRETS_LEN, Side, preamble,
};
pub use introduction::{
    Expected, Introduction, IntroductionError, PROOF_CONTEXT, is_comparable, judge_introduction,
};
pub use record::{Opener, RECORD_DATA, RECORD_OVERHEAD, REKEY_RECORDS, Record, RecordKind, Sealer};
