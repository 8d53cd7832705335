//! The wire: how messages travel between nodes.

pub mod channel;
pub mod frame;
pub mod lengths;
pub mod limits;
pub mod member;
pub mod message;
pub mod receipt;
pub mod stage;
pub mod version;
pub mod work;

pub use member::{Member, MemberId, MemberRecord, MemberStatement};
pub use message::{Hello, Message, NodeRole};
pub use receipt::{Receipt, ReceiptCode, ReceiptError, ReceiptStatement, Verdict};
