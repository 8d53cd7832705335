//! Files that are there whole or not at all: written under another name, synced, then renamed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Its owner reads and writes it, nobody else does anything.
pub(crate) const OWNER_ONLY: u32 = 0o600;
/// Whatever the umask leaves.
pub(crate) const AS_USUAL: u32 = 0o666;

/// What a file is called until it is whole: `.NAME.RANDOM.new`.
const UNFINISHED: &str = ".new";

/// A file that gets its name once it is whole. Dropped before, it is removed; what a kill leaves is removed
/// by whoever writes the same file next, or by [`sweep`].
#[derive(Debug)]
pub(crate) struct WholeFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl WholeFile {
    /// Begins the file at `path`, with these permissions.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn begin(path: &Path, mode: u32) -> io::Result<Self> {
        sweep(path);
        let (directory, name) = place(path)?;
        let file = tempfile::Builder::new()
            .prefix(&prefix(name))
            .suffix(UNFINISHED)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(directory)?;
        // Shows that somebody is at it. Where nothing can be locked, nothing is swept either.
        let _ = file.as_file().try_lock();
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Where it is until it is whole.
    pub(crate) fn unfinished(&self) -> &Path {
        self.file.path()
    }

    /// Gives it its name, in place of what may be there, and waits until all of it would survive a power cut.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn replace(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path)?;
        sync_directory_of(&self.path)
    }

    /// As [`WholeFile::replace`], but never in place of anything.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], or what else the operating system says.
    pub(crate) fn create(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist_noclobber(&self.path)?;
        sync_directory_of(&self.path)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Removes what processes that were killed have left of the file at `path`; what somebody is writing stays.
pub(crate) fn sweep(path: &Path) {
    let Ok((directory, name)) = place(path) else {
        return;
    };
    let prefix = prefix(name);
    // If it can't be looked for or removed, it is in nobody's way.
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let middle = name.strip_prefix(prefix.as_encoded_bytes());
        let is_unfinished = middle.is_some_and(|middle| middle.ends_with(UNFINISHED.as_bytes()))
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_unfinished && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The directory of a file, and its name there.
fn place(path: &Path) -> io::Result<(&Path, &OsStr)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    Ok((directory_of(path), name))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    fn write(path: &Path, text: &str) -> WholeFile {
        let mut file = WholeFile::begin(path, OWNER_ONLY).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn a_file_is_there_when_it_is_whole_and_only_replaces_what_it_may() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a b.pem");
        drop(write(&path, "half"));
        assert_eq!(there(directory.path()), 0);
        let file = write(&path, "first");
        assert!(!path.exists() && file.unfinished().exists());
        file.create().unwrap();
        let refused = write(&path, "second").create().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write(&path, "third").replace().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(there(directory.path()), 1);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, OWNER_ONLY);
        assert!(WholeFile::begin(Path::new("/"), OWNER_ONLY).is_err());
    }

    #[test]
    fn what_a_kill_left_is_swept_and_what_somebody_writes_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        let others = [".key.pem.new", "key.pem.abc.new", ".other.pem.abc.new"];
        for name in others {
            fs::write(directory.path().join(name), "somebody's").unwrap();
        }
        let left = directory.path().join(".key.pem.abc.new");
        fs::write(&left, "a secret").unwrap();
        let under_way = write(&path, "mine");
        assert!(!left.exists(), "it was swept by whoever wrote next");
        fs::write(&left, "a secret").unwrap();
        sweep(&path);
        assert!(!left.exists() && under_way.unfinished().exists());
        under_way.create().unwrap();
        // A directory, or a place without one, is passed over.
        fs::create_dir(&left).unwrap();
        sweep(&path);
        sweep(Path::new("/nonexistent/key.pem"));
        assert_eq!(there(directory.path()), 2 + others.len());
    }
}
