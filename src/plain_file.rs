//! Files as people and other programs leave them: what is no file, and what is text.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file to be read. Never waits, as it would for the other end of a pipe.
///
/// # Errors
/// What the operating system says, and [`io::ErrorKind::InvalidInput`] with what is there instead of a
/// file: a directory, a pipe, a device.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    let found = if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "a device"
    };
    let told = format!("it is {found}, and a file is wanted");
    Err(io::Error::new(io::ErrorKind::InvalidInput, told))
}

/// All bytes of a file, of which there are `most` at most.
///
/// # Errors
/// As [`open`], what the operating system says while it is read, and [`io::ErrorKind::InvalidInput`] if it is
/// longer.
pub(crate) fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut limited = open(path)?.take(most.saturating_add(1));
    limited.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let told = format!("it has more than {most} bytes, which are the most");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
    }
    Ok(bytes)
}

/// What is in the way of reading bytes as text, for people: completes "it ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotText {
    /// Written by an editor that says "Unicode" for it.
    #[error("is text in UTF-16: save it as UTF-8")]
    Utf16,
    /// Not UTF-8 at this line, counted from 1.
    #[error("is not text in UTF-8 at line {0}: save it as UTF-8")]
    Line(usize),
}

/// The text in bytes that a person or another program wrote, without the mark that some editors put
/// before it.
///
/// # Errors
/// [`NotText`].
pub(crate) fn text(bytes: &[u8]) -> Result<&str, NotText> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(NotText::Utf16);
    }
    let bytes = without_mark(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.iter().take(error.valid_up_to());
        NotText::Line(1 + before.filter(|byte| **byte == b'\n').count())
    })
}

/// The bytes without the mark that some editors put before text in UTF-8.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn a_pipe_a_directory_and_a_device_are_no_files_and_nobody_waits_for_them() {
        let place = tempfile::tempdir().unwrap();
        let told = |path: &Path| open(path).map(|_| ()).unwrap_err().to_string();
        assert!(told(place.path()).contains("a directory"));
        let pipe = place.path().join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        assert!(told(&pipe).contains("a pipe"));
        assert!(told(Path::new("/dev/zero")).contains("a device"));
        let file = place.path().join("file");
        fs::write(&file, "x").unwrap();
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(open(&link).is_ok());
    }

    #[test]
    fn a_file_is_read_up_to_its_bound_and_one_byte_more_is_refused_and_not_cut_off() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "1234").unwrap();
        assert_eq!(bytes(&file, 4).unwrap(), b"1234");
        let told = bytes(&file, 3).unwrap_err().to_string();
        assert!(told.contains("more than 3 bytes"), "{told}");
        assert!(bytes(place.path(), 4).is_err());
    }

    #[test]
    fn a_mark_is_no_text_and_what_is_wrong_is_said() {
        assert_eq!(text("\u{feff}é\r\n".as_bytes()), Ok("é\r\n"));
        assert_eq!(text(b""), Ok(""));
        assert_eq!(text(b"a\nb\xe9\n"), Err(NotText::Line(2)));
        assert_eq!(text(b"\xff\xfea\0"), Err(NotText::Utf16));
    }
}
