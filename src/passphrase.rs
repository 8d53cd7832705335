//! Where a passphrase comes from: a file that the settings name, or the terminal. Never an argument
//! or a variable, which other programs of the machine can read.

use crate::keys::{
    MAX_PASSPHRASE_BYTES, Passphrase, PassphraseError, PrivateFileError, read_private,
};
use crate::plain_file;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum NoPassphrase {
    /// The file is not there.
    #[error(
        "there is no file {path} with the passphrase: make it, or change \"passphrase_file\" under [wallet] in the settings"
    )]
    Missing {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file can't be read.
    #[error(
        "the passphrase in {path} could not be read ({source}): check the path under [wallet] in the settings, and that the file is yours"
    )]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than its owner may read or write the file.
    #[error(
        "others may read or change {path}, which holds a passphrase (mode {mode:03o}): run `chmod 600 {path}`, and take another passphrase if others have had access to this machine"
    )]
    Permissions {
        /// Path of the file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// What is there is none.
    #[error("{0}")]
    Unfit(#[from] PassphraseError),
    /// The terminal can't be used.
    #[error("the passphrase could not be asked for on the terminal: {0}")]
    Terminal(io::Error),
}

/// The first line of a file that only its owner may read.
///
/// # Errors
/// [`NoPassphrase`], but for its last variant.
pub fn from_file(path: &Path) -> Result<Passphrase, NoPassphrase> {
    // Room for a mark before it, a line end, and to see that there is more.
    let bytes = read_private(path, MAX_PASSPHRASE_BYTES + 6).map_err(|error| {
        let path = path.to_owned();
        match error {
            PrivateFileError::Missing => NoPassphrase::Missing { path },
            PrivateFileError::Unreadable(source) => NoPassphrase::Unreadable { path, source },
            PrivateFileError::Permissions(mode) => NoPassphrase::Permissions { path, mode },
        }
    })?;
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = plain_file::text(line).map_err(|error| NoPassphrase::Unreadable {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, format!("it {error}")),
    })?;
    Ok(Passphrase::given(Zeroizing::new(text.to_owned()))?)
}

/// Asks on the terminal, without showing what is typed; `None` where nobody can be asked.
///
/// # Errors
/// [`NoPassphrase::Unfit`], [`NoPassphrase::Terminal`].
pub fn ask(prompt: &str) -> Result<Option<Passphrase>, NoPassphrase> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    let typed = rpassword::prompt_password(prompt).map_err(NoPassphrase::Terminal)?;
    Ok(Some(Passphrase::given(Zeroizing::new(typed))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_line_of_a_private_file_is_the_passphrase() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("passphrase");
        let put = |text: &[u8], mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            from_file(&path)
        };
        assert!(matches!(
            from_file(&path),
            Err(NoPassphrase::Missing { .. })
        ));
        let right = Passphrase::given(Zeroizing::new("eight mountains ".into())).unwrap();
        for text in [
            "eight mountains ",
            "eight mountains \n",
            "eight mountains \r\nmore\n",
            "\u{feff}eight mountains \r\n",
        ] {
            assert_eq!(put(text.as_bytes(), 0o600).unwrap(), right);
        }
        let refused = put(b"eight mountains", 0o640).unwrap_err();
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
        for (text, told) in [
            (&b"\nsecond"[..], "empty"),
            (&[0xff; 9], "UTF-8"),
            (&[b'x'; 2_000], "1024"),
        ] {
            let refused = put(text, 0o600).unwrap_err();
            assert!(refused.to_string().contains(told), "{refused}");
            assert!(!format!("{refused:?}").contains("second"));
        }
    }
}
