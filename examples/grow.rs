//! Gives a peer that does not run a long chain, made at once.

use raclette::clock::{Clock, SystemClock};
use raclette::keys::{PublicKey, SecretKey};
use raclette::node::open_offline;
use raclette::settings::{Settings, environment};
use raclette::sim::growth::Growth;
use std::error::Error;
use std::path::Path;

const USAGE: &str = "usage: grow PEER.toml blocks|headers NUMBER [TRACKER-ADDRESS]

Fills the data directory of the peer, which must be new: with NUMBER blocks of two payments each,
or with NUMBER headers without their blocks. TRACKER-ADDRESS is the key of the network's tracker.";

/// Payments in a block.
const PAYMENTS: u64 = 2;
/// How often it is told how far it is.
const TELL: u64 = 50_000;
/// Whose coins are sent about; they are worth nothing.
const OWNER: [u8; 32] = [1; 32];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (config, what, number, tracker) = match &arguments[..] {
        [config, what, number] => (config, what, number, None),
        [config, what, number, tracker] => (config, what, number, Some(tracker)),
        _ => return Err(USAGE.into()),
    };
    let Settings::Peer(settings) = Settings::load(Path::new(config), environment())? else {
        return Err("a tracker has no chain: name a peer's settings".into());
    };
    let number: u64 = number.parse()?;
    let tracker = match tracker {
        Some(address) => PublicKey::from_address(address)?,
        None => SecretKey::from_bytes(OWNER).public_key(),
    };
    let owner = SecretKey::from_bytes(OWNER);
    let growth = Growth::new(tracker, owner, number, SystemClock.wall());
    let disk = open_offline(&settings)?;
    let tell = |height: raclette::chain::Height| {
        if height.0.is_multiple_of(TELL) {
            println!("{height} of {number}");
        }
    };
    let tip = match what.as_str() {
        "blocks" => growth.blocks(&disk, number, PAYMENTS, tell)?,
        "headers" => growth.headers(&disk, number, tell)?,
        _ => return Err(USAGE.into()),
    };
    println!("{what}: {}, the last one is {}", tip.height(), tip.id);
    Ok(())
}
