//! Runs a peer whose synced writes take longer than its disk needs, until its input ends: what a node does on a
//! slow disk, seen with `load`.

use raclette::Node;
use std::error::Error;
use std::io::{Read, stdin};
use std::time::Duration;

const USAGE: &str = "usage: slow PEER.toml MILLISECONDS";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [config, longer] = &arguments[..] else {
        return Err(USAGE.into());
    };
    let longer = Duration::from_secs_f64(longer.parse::<f64>()?.max(0.0) / 1e3);
    let node = Node::builder()
        .settings_file(config)
        .sync_delay(longer)
        .start()?;
    println!("runs; each synced write takes {longer:?} longer");
    stdin().read_to_end(&mut Vec::new())?;
    Ok(node.stop()?)
}
