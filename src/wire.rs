//! The wire: how messages travel between nodes.

pub mod certificate;
pub mod channel;
pub mod frame;
pub mod lengths;
pub mod limits;
pub mod member;
pub mod message;
pub mod receipt;
pub mod version;

pub use certificate::Certificate;
pub use member::{Member, MemberId, MemberName, MemberRecord, MemberStatement};
pub use message::{Hello, Message, NodeRole};
pub use receipt::{Receipt, ReceiptCode, ReceiptStatement, Verdict};
