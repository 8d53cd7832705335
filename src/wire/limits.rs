//! Bounds on what a connection may make us hold.

/// Greatest length field of a frame once the handshake is done: 4 MiB. A block has 3 MiB at most, and
/// must fit with room for what surrounds it in its message.
pub const FRAME_CAP: usize = 4 * 1024 * 1024;

/// Greatest length field of a frame before the handshake is done: 4 KiB. Handshake messages have a few
/// hundred bytes, and a stranger who opens many connections must not cost us more than these.
pub const HANDSHAKE_FRAME_CAP: usize = 4 * 1024;
