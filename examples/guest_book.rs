//! A guest book on the ledger, in which everybody may write one line. Run by a member of a network whose
//! tracker's settings say `applications = ["guest-book"]`:
//! `cargo run --release --example guest_book -- alice.toml "Ann was here"`

use raclette::chain::Topic;
use raclette::chain::application::*;
use raclette::owner::{Page, answers::RecordRequest};
use std::{error::Error, time::Duration};

const TOPIC: &str = "guest-book";
struct GuestBook(Topic);

impl Application for GuestBook {
    fn topic(&self) -> &Topic {
        &self.0
    }

    fn judge(
        &self,
        state: &mut ApplicationState<'_, '_>,
        record: &Record<'_>,
    ) -> Result<Verdict, ApplicationError> {
        let no = |why: &str| Err(ApplicationError::Refused(why.to_owned()));
        if std::str::from_utf8(record.body.as_slice()).is_err() {
            return no("a line of text is wanted");
        }
        if state.get(&record.sender.0)?.is_some() {
            return no("you are in the book already");
        }
        state.put(&record.sender.0, Vec::new())?;
        Ok(Verdict::default())
    }
}

/// Writes a line, if one is given, and reads the book.
pub fn run(settings: &str, line: Option<&str>) -> Result<Vec<String>, Box<dyn Error>> {
    let book = GuestBook(Topic::new(TOPIC)?);
    let builder = raclette::Node::builder().settings_file(settings);
    let node = builder.application(book).start()?;
    node.wait_until_ready(Duration::from_secs(30))?;
    let peer = node.peer().ok_or("these settings are no peer's")?;
    if let Some(line) = line {
        let request = RecordRequest::new(TOPIC, line.as_bytes());
        node.block_on(peer.add_record(&request, None))?;
        node.block_on(peer.mine())?;
    }
    let found = node.block_on(peer.records(TOPIC, &Page::default()))?;
    let lines = found.entries.iter();
    Ok(lines
        .map(|one| format!("{:?}", one.record().body))
        .collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let settings = words.first().ok_or("name a peer's settings")?;
    println!("{:#?}", run(settings, words.get(1).map(String::as_str))?);
    Ok(())
}
