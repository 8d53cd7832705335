//! What happened, as the owner at the node's terminal reads it: a sentence, where there is one.

use super::event::LogEvent;
use serde_json::Value;

/// Characters of an address shown from its start and from its end, where nobody has a name.
const SHORT_ADDRESS: (usize, usize) = (9, 4);

/// The event in the words of people; `None` where its text and its fields say it as well. Texts of
/// others in it are as they came.
pub(super) fn sentence(event: &LogEvent) -> Option<String> {
    let told = Told(event);
    let sentence = match event.event.as_str() {
        "something came in" => {
            let coins = told.number("amount")?;
            let what = match (coins, told.is("note")) {
                (0, _) => "a note".to_owned(),
                (_, true) => format!("{}, with a note", count(coins, "coin")),
                (_, false) => count(coins, "coin"),
            };
            format!("{} sent you {what}", told.who("from")?)
        }
        "block came in" => {
            let (height, with) = (told.number("height")?, told.transactions()?);
            format!("block {height} by {}, {with}", told.who("miner")?)
        }
        "block mined" => format!("block {} is mined here", told.number("height")?),
        "peer connected" => format!("connected with {}", told.who("peer")?),
        "peer disconnected" => {
            let (who, reason) = (told.who("peer")?, told.text("reason")?);
            format!("no longer connected with {who}: {reason}")
        }
        "member came, went or moved" => {
            let who = told.text("member")?;
            match (told.is("live"), told.is("reachable")) {
                (true, true) => format!("{who} is there"),
                (true, false) => {
                    format!("{who} is there, not reached at the address it names so far")
                }
                (false, _) => format!("{who} is away"),
            }
        }
        "member left" => format!("{} has left the network", told.text("member")?),
        "registered with the tracker" => {
            let (tracker, id) = (told.text("tracker")?, told.number("id")?);
            format!("registered with the tracker at {tracker} as member {id}")
        }
        "peer up" => {
            let (name, listen, api) = (told.text("name")?, told.text("listen")?, told.text("api")?);
            let named = told
                .text("advertise")
                .filter(|named| !named.is_empty() && *named != listen);
            let others = match named {
                Some(named) => format!("{named}, where {listen} is to be found"),
                None => listen.to_owned(),
            };
            format!(
                "{name} is up: others reach it at {others}, commands and pages on this machine at {api}"
            )
        }
        "network known" => format!("the network is {}", told.text("name")?),
        "ledger opened" => format!("the chain is here up to block {}", told.number("height")?),
        "trouble with the tracker" | "others can't dial this node" => {
            told.text("reason")?.to_owned()
        }
        "status" => status(&told)?,
        _ => return None,
    };
    Some(sentence)
}

/// `height 7, in sync; 2 peers; 1 transaction open`
fn status(told: &Told<'_>) -> Option<String> {
    let (height, behind) = (told.number("height")?, told.number("behind")?);
    let mut sentence = match behind {
        0 => format!("height {height}, in sync"),
        behind => format!("height {height}, {} missing", count(behind, "block")),
    };
    sentence.push_str(&match told.number("peers")? {
        0 => "; no peer connected".to_owned(),
        peers => format!("; {} connected", count(peers, "peer")),
    });
    match told.number("open")? {
        0 => {}
        open => sentence.push_str(&format!("; {} open", count(open, "transaction"))),
    }
    if told.is("mining") {
        sentence.push_str("; mining");
    }
    Some(sentence)
}

/// The fields of an event.
struct Told<'a>(&'a LogEvent);

impl<'a> Told<'a> {
    fn field(&self, name: &str) -> Option<&'a Value> {
        let mut fields = self.0.fields.iter();
        fields.find_map(|(field, value)| (field == name).then_some(value))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.as_u64()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.field(name)?.as_str()
    }

    fn is(&self, name: &str) -> bool {
        self.field(name) == Some(&Value::Bool(true))
    }

    /// Somebody by name, or by the ends of the address where no name is known.
    fn who(&self, name: &str) -> Option<String> {
        let known = self.text(&named(name)).map(str::to_owned);
        known.or_else(|| self.text(name).map(short_address))
    }

    /// `with only the reward`, `with 2 transactions and the reward`: the reward is none of anybody's.
    fn transactions(&self) -> Option<String> {
        Some(match self.number("transactions")?.saturating_sub(1) {
            0 => "with only the reward".to_owned(),
            others => format!("with {} and the reward", count(others, "transaction")),
        })
    }
}

/// The field that says the name of whoever's address is in the field `field`.
pub(super) fn named(field: &str) -> String {
    format!("{field}_name")
}

fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

/// Beginning and end of an address.
pub fn short_address(address: &str) -> String {
    let (start, end) = SHORT_ADDRESS;
    match (address.get(..start), address.len().checked_sub(end)) {
        (Some(head), Some(at)) if at > start => match address.get(at..) {
            Some(tail) => format!("{head}…{tail}"),
            None => address.to_owned(),
        },
        _ => address.to_owned(),
    }
}
