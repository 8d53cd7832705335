//! Which network a tracker has founded, in a file beside its wallet: whoever loses the disk with the register, and
//! puts the wallet back, founds no second network. A backup of the wallet is best one of this file, too.

use crate::chain::NetworkId;
use crate::plain_file;
use crate::whole_file::{AS_USUAL, WholeFile};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What the name of the wallet ends with for it.
const SUFFIX: &str = ".network";
/// What is read of it, in bytes: an id in hexadecimal digits and what is said of it.
const MAX_FILE: u64 = 4 * 1024;
/// What stands in it behind the id.
const EXPLAINED: &str = "The network that the tracker with this wallet has founded. As long as this file is here, it \
                         founds no other one: should its register be lost, it waits for a member of this one.\n";

/// Where it is.
#[derive(Debug, Clone)]
pub(super) struct NetworkMark(PathBuf);

impl NetworkMark {
    /// Of the tracker with this wallet file.
    pub(super) fn beside(wallet: &Path) -> Self {
        let mut path = OsString::from(wallet);
        path.push(SUFFIX);
        Self(path.into())
    }

    /// Where it is, for people.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The network; nothing if there is no such file.
    ///
    /// # Errors
    /// What the operating system says, or that it is not what it must be.
    pub(super) fn read(&self) -> io::Result<Option<NetworkId>> {
        let file = match plain_file::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        file.take(MAX_FILE).read_to_string(&mut text)?;
        let id = text.lines().next().unwrap_or_default().trim().parse();
        let wrong = |_| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "its first line is no id of a network",
            )
        };
        id.map(Some).map_err(wrong)
    }

    /// Keeps which network it is.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn write(&self, network: NetworkId) -> io::Result<()> {
        if matches!(self.read(), Ok(Some(known)) if known == network) {
            return Ok(());
        }
        let mut file = WholeFile::begin(&self.0, AS_USUAL)?;
        writeln!(file, "{network}\n{EXPLAINED}")?;
        file.replace()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::BlockId;

    #[test]
    fn it_is_read_as_it_was_written_and_what_is_damaged_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let wallet = directory.path().join("wallet.pem");
        let mark = NetworkMark::beside(&wallet);
        assert_eq!(mark.path(), directory.path().join("wallet.pem.network"));
        assert_eq!(mark.read().unwrap(), None);
        for n in [7, 8] {
            mark.write(BlockId([n; 32])).unwrap();
            assert_eq!(mark.read().unwrap(), Some(BlockId([n; 32])));
        }
        for damaged in [&b""[..], b"\xff\xfe", b"0707", &[b'0'; 10_000]] {
            std::fs::write(mark.path(), damaged).unwrap();
            assert!(mark.read().is_err());
        }
    }
}
