//! Files as people and other programs leave them: what is no file, and what is text.

use std::fs::File;
use std::io;
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
    const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(NotText::Utf16);
    }
    let bytes = bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.iter().take(error.valid_up_to());
        NotText::Line(1 + before.filter(|byte| **byte == b'\n').count())
    })
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
    fn a_mark_is_no_text_and_what_is_wrong_is_said() {
        assert_eq!(text("\u{feff}é\r\n".as_bytes()), Ok("é\r\n"));
        assert_eq!(text(b""), Ok(""));
        assert_eq!(text(b"a\nb\xe9\n"), Err(NotText::Line(2)));
        assert_eq!(text(b"\xff\xfea\0"), Err(NotText::Utf16));
    }
}
