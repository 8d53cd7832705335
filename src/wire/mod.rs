//! The wire: how messages travel between nodes.

pub mod frame;
pub mod limits;
