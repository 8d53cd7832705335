//! The recovery key of a new network: made where its tracker's settings are written, shown once as words, and
//! kept nowhere. Only its address stays.

use crate::cli::args::{RecoveryArgs, RecoveryPlace};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::wallet::numbered;
use crate::entropy::OsEntropy;
use crate::keys::{PublicKey, SecretKey};
use crate::whole_file::{OWNER_ONLY, WholeFile};
use serde::Serialize;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What is printed where nobody could have read the words.
const NONE_MADE: &str = "No recovery key was made, as there is no terminal to show its words at: should the tracker's \
     wallet be lost, nobody can put another in its place. Before the first member comes, `node init recovery \
     --recovery-out FILE` makes one.";

/// A recovery key whose words somebody will have.
pub(super) enum Recovery {
    /// Nobody wanted one.
    Declined,
    /// There is nobody to show the words to.
    Unseen,
    /// Its words are shown at the terminal.
    Shown(Box<SecretKey>),
    /// Its words are in this file.
    Written(PublicKey, PathBuf),
}

/// An address for the settings, for programs.
#[derive(Serialize)]
struct Made {
    recovery: String,
}

impl Recovery {
    /// Makes the key that is wanted. Its words are in their file before anything rests on them.
    pub(super) fn make(wanted: &RecoveryArgs, output: &Output<'_>) -> Result<Self, Failure> {
        match &wanted.place.recovery_out {
            _ if wanted.no_recovery => Ok(Self::Declined),
            Some(path) => {
                let secret = SecretKey::draw(&OsEntropy);
                write(path, &secret)?;
                Ok(Self::Written(secret.public_key(), path.clone()))
            }
            // Whatever else reads the output may keep it.
            None if output.is_json() || !io::stdout().is_terminal() => Ok(Self::Unseen),
            None => Ok(Self::Shown(Box::new(SecretKey::draw(&OsEntropy)))),
        }
    }

    /// The address for the settings; empty if there is no key.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Declined | Self::Unseen => String::new(),
            Self::Shown(secret) => secret.public_key().to_address(),
            Self::Written(key, _) => key.to_address(),
        }
    }

    /// The settings that would have named it were not written.
    pub(super) fn take_back(&self) {
        if let Self::Written(_, path) = self {
            // It was new, and is of no use to anybody.
            let _ = fs::remove_file(path);
        }
    }

    /// What is said of it behind what was made; the words, if they are to be shown, are in it.
    pub(super) fn told(&self) -> Zeroizing<String> {
        const WHAT: &str = "With these words, and with nothing else, another tracker can be put in the place of this \
             one, should its machine or its wallet be lost";
        Zeroizing::new(match self {
            Self::Declined => String::new(),
            Self::Unseen => format!("\n\n{NONE_MADE}"),
            Self::Shown(secret) => {
                let words = secret.words();
                let words = Zeroizing::new(numbered(&words.iter().collect::<Vec<_>>()));
                format!(
                    "\n\nThe recovery words. They are shown this once and kept nowhere: write them down now, on paper, \
                     and keep them apart from the machine.\n\n{}\n{WHAT}: `node tracker hand-over ADDRESS --recovery`.",
                    &*words
                )
            }
            Self::Written(_, path) => format!(
                "\n\nThe recovery words are in {}. Write them down on paper, or carry the file to another place, and \
                 delete it here. {WHAT}: `node tracker hand-over ADDRESS --recovery`.",
                path.display()
            ),
        })
    }
}

/// Makes a recovery key for a network whose tracker has its settings already, but no members.
pub(super) fn init(place: &RecoveryPlace, output: &mut Output<'_>) -> Result<(), Failure> {
    let wanted = RecoveryArgs {
        place: place.clone(),
        no_recovery: false,
    };
    let made = Recovery::make(&wanted, output)?;
    if matches!(made, Recovery::Unseen) {
        return Err(Failure::Misuse(
            "the words are shown on a terminal only, and no key was made: name a file for them with --recovery-out FILE"
                .to_owned(),
        ));
    }
    let told = made.told();
    let view = Made {
        recovery: made.address(),
    };
    output.show(&view, |view| {
        format!(
            "Put this into [network] in the tracker's settings, before the first member comes: it is fixed from \
             then on.\n\n\
             recovery = \"{}\"{}",
            view.recovery, &*told
        )
    })?;
    Ok(())
}

fn write(path: &Path, secret: &SecretKey) -> Result<(), Failure> {
    let words = secret.words();
    let text = Zeroizing::new(numbered(&words.iter().collect::<Vec<_>>()));
    let written = WholeFile::begin(path, OWNER_ONLY).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.create()
    });
    written.map_err(|error| {
        Failure::No(match error.kind() {
            io::ErrorKind::AlreadyExists => format!(
                "{} is there already, and may hold words that are needed: name another file",
                path.display()
            ),
            _ => format!("{} can't be written: {error}", path.display()),
        })
    })
}
