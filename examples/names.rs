//! A register of names that can be handed on: `ann` takes a name that nobody has, `ann rac1...` gives one's own to
//! somebody else. Run by a member of a network whose tracker's settings say `applications = ["names"]`:
//!
//! ```sh
//! cargo run --release --example names -- alice.toml ann
//! ```

use raclette::chain::Topic;
use raclette::chain::application::{
    Application, ApplicationError, ApplicationState, Record, Rows, Verdict,
};
use raclette::keys::PublicKey;
use raclette::owner::answers::RecordRequest;
use std::time::Duration;

const TOPIC: &str = "names";
/// A name is a row for ever: so it is short.
const LONGEST: usize = 32;

/// A row a name: the key that has it.
struct Names(Topic);

impl Application for Names {
    fn topic(&self) -> &Topic {
        &self.0
    }

    fn judge(
        &self,
        state: &mut ApplicationState<'_, '_>,
        record: &Record<'_>,
    ) -> Result<Verdict, ApplicationError> {
        let no = |why: &str| Err(ApplicationError::Refused(why.to_owned()));
        let text = std::str::from_utf8(record.body.as_slice()).unwrap_or_default();
        let (name, heir) = text.split_once(' ').unwrap_or((text, ""));
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase());
        if !plain || !(1..=LONGEST).contains(&name.len()) {
            return no("a name has 1 to 32 small letters");
        }
        let owner = state.get(name.as_bytes())?;
        let next = match (owner, heir) {
            (None, "") => record.sender,
            (Some(_), "") => return no("somebody has this name already"),
            (Some(owner), heir) if owner == record.sender.0 => {
                match PublicKey::from_address(heir) {
                    Ok(heir) => heir,
                    Err(_) => return no("a name is handed on to an address"),
                }
            }
            _ => return no("this name is not yours to hand on"),
        };
        state.put(name.as_bytes(), next.0.to_vec())?;
        Ok(Verdict::default())
    }
}

/// Takes a name, or hands one on, and mines it.
pub fn run(settings: &str, what: &str) -> Result<(), Box<dyn std::error::Error>> {
    let names = Names(Topic::new(TOPIC)?);
    let node = raclette::Node::builder()
        .settings_file(settings)
        .application(names)
        .start()?;
    node.wait_until_ready(Duration::from_secs(30))?;
    let peer = node.peer().ok_or("these settings are no peer's")?;
    node.block_on(peer.add_record(&RecordRequest::new(TOPIC, what.as_bytes()), None))?;
    node.block_on(peer.mine())?;
    Ok(node.stop()?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let settings = words.first().ok_or("name the settings file of a peer")?;
    run(settings, &words[1..].join(" "))?;
    println!("done");
    Ok(())
}
