//! Networks in simulated time: the real actors on simulated hosts, lines, disks and clocks, and all the
//! bad days that a seed can bring. One seed is one run, to the byte.

mod audit;
mod ballots;
mod chance;
mod choosing;
mod clock;
mod connections;
mod deceit;
mod deed;
mod deliveries;
pub mod difficulty;
pub mod growth;
mod host;
mod liar;
mod load;
mod members;
mod network;
mod observe;
mod panics;
mod plan;
pub mod scenario;
mod search;
pub mod seeds;
mod sybils;
mod trace;
mod verifier;
mod watch;
mod withheld;
mod world;

pub use ballots::Polls;
pub use choosing::LeftOut;
pub use deceit::Deceit;
pub use deed::{Deed, Doing, Inviting, Poll, Saying, Sending};
pub use liar::Lie;
pub use members::Roll;
pub use network::Line;
pub use plan::{Fault, PeerPlan, Plan, Step, Trouble};
pub use watch::Broken;
pub use world::{Outcome, run};
