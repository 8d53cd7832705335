//! The wire: how messages travel between nodes.

pub mod frame;
pub mod handshake;
pub mod limits;
pub mod member;
pub mod message;

pub use member::{Member, MemberId, MemberName, MemberRecord, MemberStatement};
pub use message::{Hello, Message, NodeRole};
