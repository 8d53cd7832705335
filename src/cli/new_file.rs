//! A file that a command writes: whole, or not at all.

use super::failure::Failure;
use crate::whole_file::{AS_USUAL, WholeFile};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that gets its name once it is whole; dropped before, it is removed.
pub struct NewFile {
    path: PathBuf,
    writer: BufWriter<WholeFile>,
}

impl NewFile {
    /// Begins a file at `path`, where there must be none.
    ///
    /// # Errors
    /// [`Failure::No`] if there is one, or it can't be written.
    pub fn begin(path: &Path) -> Result<Self, Failure> {
        if path.exists() {
            return Err(is_there(path));
        }
        let file = WholeFile::begin(path, AS_USUAL).map_err(|error| failed(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            writer: BufWriter::new(file),
        })
    }

    /// Syncs it and gives it its name.
    ///
    /// # Errors
    /// [`Failure::No`] if it can't be written, or there is a file of that name by now.
    pub fn end(self) -> Result<(), Failure> {
        let written = self.writer.into_inner().map_err(io::Error::from);
        let created = written.and_then(WholeFile::create);
        created.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => is_there(&self.path),
            _ => failed(&self.path, &error),
        })
    }

    /// What to tell when it can't be written.
    pub fn failed(&self, error: &io::Error) -> Failure {
        failed(&self.path, error)
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::No(format!("{} can't be written: {error}", path.display()))
}

fn is_there(path: &Path) -> Failure {
    Failure::No(format!(
        "{} is there already, and is not replaced: name another file",
        path.display()
    ))
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_there_when_it_is_whole_and_replaces_none() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("chain.json");
        let mut file = NewFile::begin(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
        let mut file = NewFile::begin(&path).unwrap();
        file.write_all(b"whole").unwrap();
        assert!(!path.exists());
        file.end().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        let refused = NewFile::begin(&path).map(|_| ()).unwrap_err();
        assert!(refused.reason().unwrap().contains("there already"));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        let nowhere = place.path().join("no/where");
        let refused = NewFile::begin(&nowhere).map(|_| ()).unwrap_err();
        assert!(refused.reason().unwrap().contains("can't be written"));
    }
}
