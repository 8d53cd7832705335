//! The log file: whole lines, a bounded size, a bounded number of older files.

use std::borrow::Cow;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Appends lines to a file and starts a new one before it grows too large.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    file: File,
    /// Bytes in `file`.
    size: u64,
    /// Whether the last line in `file` lacks its end.
    torn: bool,
    max_bytes: u64,
    max_files: u16,
}

impl RotatingFile {
    /// Opens or makes the file and its directories; they are for their owner alone, since they
    /// tell who is in touch with whom. Older files beyond `max_files` are deleted.
    pub(super) fn open(path: &Path, max_bytes: u64, max_files: u16) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            make_private_directory(directory)?;
            delete_surplus(directory, path, max_files)?;
        }
        let (file, size, torn) = open_to_append(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            torn,
            max_bytes,
            max_files,
        })
    }

    /// Appends whole lines.
    ///
    /// # Errors
    ///
    /// What the operating system says; any part of the lines may have been written then.
    pub(super) fn append(&mut self, lines: &str) -> io::Result<()> {
        let mut text = Cow::Borrowed(lines);
        if self.size > 0 && self.size.saturating_add(text.len() as u64) > self.max_bytes {
            self.rotate()?;
        }
        if self.torn {
            text.to_mut().insert(0, '\n');
        }
        let written = self.file.write_all(text.as_bytes());
        if written.is_ok() {
            self.size += text.len() as u64;
            self.torn = false;
        } else {
            // Any part of the text may have been written.
            self.size = self.file.metadata()?.len();
            self.torn = true;
        }
        written
    }

    /// Waits until the lines are on the disk. What fails here has been written all the same, and
    /// nobody is left to be told.
    pub(super) fn sync(&self) {
        let _ = self.file.sync_data();
    }

    /// Begins a new file.
    fn rotate(&mut self) -> io::Result<()> {
        // If an earlier attempt came no further than here, the older files must not move again.
        if self.path.try_exists()? {
            self.move_back()?;
        }
        (self.file, self.size, self.torn) = open_to_append(&self.path)?;
        Ok(())
    }

    /// Renames `file` to `file.1`, `file.1` to `file.2` and so on, over the oldest.
    fn move_back(&self) -> io::Result<()> {
        for number in (1..self.max_files).rev() {
            let younger = match number {
                1 => self.path.clone(),
                number => numbered(&self.path, number - 1),
            };
            ignore_missing(fs::rename(younger, numbered(&self.path, number)))?;
        }
        if self.max_files == 1 {
            ignore_missing(fs::remove_file(&self.path))?;
        }
        Ok(())
    }
}

/// `node.jsonl.3`
pub(super) fn numbered(path: &Path, number: u16) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn make_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)
}

/// Deletes what an earlier start with a larger `max_files` left.
fn delete_surplus(directory: &Path, path: &Path, max_files: u16) -> io::Result<()> {
    let Some(current) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(());
    };
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(current)?.strip_prefix('.'))
            .and_then(|number| number.parse::<u16>().ok());
        if number.is_some_and(|number| number >= max_files) {
            ignore_missing(fs::remove_file(directory.join(name)))?;
        }
    }
    Ok(())
}

/// The file, its size, and whether its last line is torn: its process died in the middle.
fn open_to_append(path: &Path) -> io::Result<(File, u64, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let size = file.metadata()?.len();
    let mut last = *b"\n";
    if size > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok((file, size, last != *b"\n"))
}
