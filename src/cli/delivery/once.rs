//! A send whose answer was lost may have been taken in. So that the same, typed again, is not paid twice
//! without a word, every send leaves a file in the data directory until it is answered: named after what
//! is sent, with the key under which the node recognises it.

use crate::cli::args::Again;
use crate::cli::confirm::{ask, is_anybody_there};
use crate::cli::failure::Failure;
use crate::entropy::{Entropy, OsEntropy};
use crate::readable::in_words;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The directory of these files, in the data directory.
const DIRECTORY: &str = "sending";
/// How long a lost answer is remembered: who sends the same again after that means another one.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Bytes of a key.
const KEY_BYTES: usize = 16;
/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 1_024;

/// What the file of a send holds.
#[derive(Serialize, Deserialize)]
struct Held {
    key: String,
}

/// A send that is not answered yet.
pub(super) struct Unanswered {
    file: PathBuf,
    /// The header `Idempotency-Key`.
    pub(super) key: String,
}

impl Unanswered {
    /// Begins a send. Where the same was begun and never answered, `again` says what is meant, or
    /// somebody is asked.
    ///
    /// # Errors
    /// [`Failure::Misuse`] if nobody can be asked, [`Failure::Declined`] if neither is meant,
    /// [`Failure::No`] if the data directory can't be written.
    pub(super) fn begin(
        data_dir: &Path,
        request: &impl Serialize,
        again: Again,
    ) -> Result<Self, Failure> {
        let directory = data_dir.join(DIRECTORY);
        let failed = |error: io::Error| {
            Failure::No(format!("{} can't be written: {error}", directory.display()))
        };
        let made = DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&directory);
        made.map_err(failed)?;
        forget_old_ones(&directory);
        let text = serde_json::to_vec(request).map_err(|error| failed(error.into()))?;
        let file = directory.join(blake3::hash(&text).to_hex().as_str());
        let before = held(&file);
        let key = match before {
            Some((key, age)) if is_the_same(age, again)? => key,
            _ => {
                let key = new_key();
                write(&file, &key).map_err(failed)?;
                key
            }
        };
        Ok(Self { file, key })
    }

    /// It was answered, whatever the answer was.
    pub(super) fn answered(self) {
        // One that stays leads to a question too many, at worst.
        let _ = fs::remove_file(&self.file);
    }
}

/// Whether the send is the one of `age` ago, whose answer was lost.
fn is_the_same(age: Duration, again: Again) -> Result<bool, Failure> {
    match (again.same, again.another) {
        (true, _) => return Ok(true),
        (_, true) => return Ok(false),
        (false, false) => {}
    }
    let ago = in_words(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    let what =
        format!("The same was sent {ago} ago, and its answer was lost: it may be on its way.");
    if !is_anybody_there() {
        return Err(Failure::Misuse(format!(
            "{what} Say --same if this is that one again, which is sent once then, or --another if it is \
             to be sent as well"
        )));
    }
    let question =
        format!("{what}\nIs this the same again, sent once, or another one? [same/another] ");
    match ask(&question)?.as_str() {
        "same" | "s" => Ok(true),
        "another" | "a" => Ok(false),
        _ => Err(Failure::Declined),
    }
}

/// The key in a file, and how long ago it was written.
fn held(file: &Path) -> Option<(String, Duration)> {
    let metadata = fs::metadata(file).ok()?;
    let age = age(&metadata).filter(|age| *age < REMEMBERED)?;
    let small = metadata.len() <= MAX_FILE;
    let text = small.then(|| fs::read(file).ok())??;
    let Held { key } = serde_json::from_slice(&text).ok()?;
    Some((key, age))
}

/// A file of the future was written by a clock that was wrong: it is new.
fn age(metadata: &fs::Metadata) -> Option<Duration> {
    let written = metadata.modified().ok()?;
    let age = SystemTime::now().duration_since(written);
    Some(age.unwrap_or(Duration::ZERO))
}

fn new_key() -> String {
    let mut bytes = [0; KEY_BYTES];
    OsEntropy.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(file: &Path, key: &str) -> io::Result<()> {
    let held = Held {
        key: key.to_owned(),
    };
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(true).write(true).mode(0o600);
    options.open(file)?.write_all(&serde_json::to_vec(&held)?)
}

fn forget_old_ones(directory: &Path) {
    let entries = fs::read_dir(directory).into_iter().flatten();
    for entry in entries.filter_map(Result::ok) {
        let age = entry.metadata().ok().and_then(|metadata| age(&metadata));
        if age.is_some_and(|age| age >= REMEMBERED) {
            // Looked at again the next time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Amount;
    use crate::owner::answers::SendRequest;

    fn request(amount: u64) -> SendRequest {
        SendRequest {
            to: "bob".into(),
            amount: Amount(amount),
            fee: Amount(0),
            expires_in_blocks: Some(9),
            note: Some("for the cheese".into()),
            broadcast: false,
        }
    }

    fn begin(dir: &Path, amount: u64, same: bool, another: bool) -> Result<String, Failure> {
        let again = Again { same, another };
        Ok(Unanswered::begin(dir, &request(amount), again)?.key)
    }

    #[test]
    fn a_send_whose_answer_was_lost_is_not_paid_twice_without_a_word() {
        let dir = tempfile::tempdir().unwrap();
        let lost = begin(dir.path(), 5, false, false).unwrap();
        // Nobody can be asked here.
        match begin(dir.path(), 5, false, false) {
            Err(Failure::Misuse(reason)) => assert!(reason.contains("--same"), "{reason}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(begin(dir.path(), 5, true, false).unwrap(), lost);
        // Something else is something else.
        assert_ne!(begin(dir.path(), 6, false, false).unwrap(), lost);
        let another = begin(dir.path(), 5, false, true).unwrap();
        assert_ne!(another, lost);
        // What was answered is over.
        let again = Again {
            same: true,
            another: false,
        };
        Unanswered::begin(dir.path(), &request(5), again)
            .unwrap()
            .answered();
        assert_ne!(begin(dir.path(), 5, false, false).unwrap(), another);
        // Nothing of what was written can be read there.
        for entry in fs::read_dir(dir.path().join(DIRECTORY)).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            assert!(!text.contains("cheese") && !text.contains("bob"));
        }
    }
}
