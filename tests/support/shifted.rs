//! A clock that a test sets, for nodes as processes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A wall clock that is wrong by as many seconds as were set last; the steady one stays as it is.
pub struct ShiftedClock {
    library: PathBuf,
    shift: PathBuf,
}

impl ShiftedClock {
    /// One that is right until it is set, whose files lie in this directory.
    pub fn make(directory: &Path) -> Self {
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/native/shifted_clock.c");
        let library = directory.join("shifted_clock.so");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status();
        let is_made = compiled.is_ok_and(|status| status.success());
        assert!(
            is_made,
            "no C compiler `cc` to make another clock with: install one (`make setup` does)"
        );
        let clock = Self {
            library,
            shift: directory.join("shift"),
        };
        clock.set(0);
        clock
    }

    /// Sets it, for all nodes that have it: from now on it is so many seconds ahead.
    pub fn set(&self, seconds: i64) {
        // Renamed into place: nobody reads half a number.
        let fresh = self.shift.with_extension("new");
        fs::write(&fresh, seconds.to_string()).unwrap();
        fs::rename(fresh, &self.shift).unwrap();
    }

    /// What a process has in its environment that goes by it.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("LD_PRELOAD", self.library.clone().into_os_string()),
            ("CLOCK_SHIFT_FILE", self.shift.clone().into_os_string()),
        ]
    }
}
