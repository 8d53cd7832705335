//! Paths as people write them: `~` is their home directory.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Why a path with `~` leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nobody says where the home directory is.
    #[error(
        "`~` is the home directory, and nothing says where that is (HOME is not set, as in a \
         service): write the whole path"
    )]
    NoHome,
    /// `~name` is somebody else's.
    #[error("only `~/` is replaced by the home directory: write the whole path")]
    Others,
}

/// The path with `~` at its beginning replaced by `home`, which is the value of `HOME`. A directory that
/// is really called so is written `./~`.
///
/// # Errors
/// One variant of [`PathError`] per way to lead nowhere.
pub fn expand(path: &Path, home: Option<&OsStr>) -> Result<PathBuf, PathError> {
    let mut parts = path.components();
    let Some(Component::Normal(first)) = parts.next() else {
        return Ok(path.to_owned());
    };
    if first == "~" {
        let home = home.map(Path::new).filter(|home| home.is_absolute());
        let mut whole = home.ok_or(PathError::NoHome)?.to_owned();
        whole.extend(parts);
        return Ok(whole);
    }
    match first.as_encoded_bytes() {
        [b'~', name, ..] if name.is_ascii_alphabetic() => Err(PathError::Others),
        _ => Ok(path.to_owned()),
    }
}

/// Whether a path has something that a shell would replace by the value of a variable.
pub(super) fn has_variable(path: &str) -> bool {
    path.split('$').skip(1).any(|rest| {
        let next = rest.bytes().next();
        next.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'{')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_directory_and_no_directory_of_that_name() {
        let home = Some(OsStr::new("/home/alice"));
        let expanded = |path: &str| expand(Path::new(path), home).map(|p| p.display().to_string());
        assert_eq!(expanded("~").unwrap(), "/home/alice");
        assert_eq!(expanded("~/a b/c").unwrap(), "/home/alice/a b/c");
        for same in ["a/~", "./~", "/~/x", "~1", "a~", "", "~-old"] {
            assert_eq!(expanded(same).unwrap(), same);
        }
        assert_eq!(expanded("~bob/x"), Err(PathError::Others));
        for none in [None, Some(OsStr::new("")), Some(OsStr::new("here"))] {
            assert_eq!(expand(Path::new("~/x"), none), Err(PathError::NoHome));
        }
    }

    #[test]
    fn variables_are_seen() {
        for path in ["$HOME/x", "${HOME}", "a/$_x"] {
            assert!(has_variable(path), "{path}");
        }
        for path in ["a$", "cash$ 5", "$1", "a"] {
            assert!(!has_variable(path), "{path}");
        }
    }
}
