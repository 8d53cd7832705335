//! A file that a command writes: whole, or not at all.

use super::failure::Failure;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What the file is called until it is whole.
const UNFINISHED: &str = ".part";

/// A file that gets its name once it is whole; dropped before, it is removed.
pub struct NewFile {
    path: PathBuf,
    unfinished: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl NewFile {
    /// Begins a file at `path`, where there must be none.
    ///
    /// # Errors
    /// [`Failure::No`] if there is one, or it can't be written.
    pub fn begin(path: &Path) -> Result<Self, Failure> {
        let mut unfinished: OsString = path.into();
        unfinished.push(UNFINISHED);
        let mut file = Self {
            path: path.to_owned(),
            unfinished: unfinished.into(),
            writer: None,
        };
        file.refuse_to_replace()?;
        let opened = File::create(&file.unfinished).map_err(|error| file.failed(&error))?;
        file.writer = Some(BufWriter::new(opened));
        Ok(file)
    }

    /// Syncs it and gives it its name.
    ///
    /// # Errors
    /// [`Failure::No`] if it can't be written, or there is a file of that name by now.
    pub fn end(mut self) -> Result<(), Failure> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        let written = writer.into_inner().map_err(io::Error::from);
        let synced = written.and_then(|file| file.sync_all());
        let done = synced
            .map_err(|error| self.failed(&error))
            .and_then(|()| self.refuse_to_replace())
            .and_then(|()| {
                fs::rename(&self.unfinished, &self.path).map_err(|error| self.failed(&error))
            });
        if done.is_err() {
            self.remove();
        }
        done
    }

    /// What to tell when it can't be written.
    pub fn failed(&self, error: &io::Error) -> Failure {
        Failure::No(format!("{} can't be written: {error}", self.path.display()))
    }

    fn refuse_to_replace(&self) -> Result<(), Failure> {
        if self.path.exists() {
            return Err(Failure::No(format!(
                "{} is there already, and is not replaced: name another file",
                self.path.display()
            )));
        }
        Ok(())
    }

    fn remove(&self) {
        // What is left has a name that says that it is not whole.
        let _ = fs::remove_file(&self.unfinished);
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Some(writer) => writer.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            self.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
