//! Bounds on what a connection may make us hold.

/// Greatest length field of a frame: 4 MiB. A block has 3 MiB at most, and must fit with room for what
/// surrounds it in its message.
pub const FRAME_CAP: usize = 4 * 1024 * 1024;

/// Greatest length field of a record, which is that of a message of Noise.
pub const RECORD_CAP: usize = 65_535;

/// Greatest length field of the first record of the other end, before it has said who it is: 1.5 KiB.
/// An introduction has 964 bytes at most. With what is read at a time, a stranger who opens many
/// connections costs less than 4 KiB each.
pub const HANDSHAKE_RECORD_CAP: usize = 1536;

/// Greatest length field of a record, and longest payload of a message, that a tracker takes: 4 KiB. Whoever
/// may be one of its members has nothing longer to say, and it has thousands of them; only the genesis block
/// is longer, as long as there is none ([`Stage`](super::stage::Stage)).
pub const TO_TRACKER_CAP: usize = 4 * 1024;

/// Longest payload of a message that is passed over, because only programs with a greater minor version
/// know it: 64 KiB, so that whoever passes it over reads not much for nothing.
pub const OPTIONAL_CAP: usize = 64 * 1024;
