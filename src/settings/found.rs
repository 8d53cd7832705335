//! Which settings files lie in a directory: for whoever did not name one.

use super::read;
use std::fs;
use std::path::{Path, PathBuf};

/// Files that are looked into at most: a directory with more is none of somebody who runs a few nodes.
const MAX_LOOKED_INTO: usize = 64;

/// The settings files of nodes in a directory, by their names: what ends in `.toml` and says which role it is for.
/// Whether they are right is not looked at.
pub fn settings_files(place: &Path) -> Vec<PathBuf> {
    let place = match place.as_os_str().is_empty() {
        true => Path::new("."),
        false => place,
    };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    paths.sort();
    paths.truncate(MAX_LOOKED_INTO);
    paths.retain(|path| says_a_role(path));
    let bare = |path: PathBuf| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
    paths.into_iter().map(bare).collect()
}

fn says_a_role(path: &Path) -> bool {
    let table = read::file(path)
        .ok()
        .and_then(|text| text.parse::<toml::Table>().ok());
    let role = table.as_ref().and_then(|table| table.get("role")?.as_str());
    matches!(role, Some("peer" | "tracker"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_a_role_is_found_by_name_and_nothing_else_is() {
        let place = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("dan.toml", "role = \"peer\"\nname = 7"),
            ("bea.toml", "role = \"tracker\""),
            ("Cargo.toml", "[package]\nname = \"x\""),
            ("wrong.toml", "role = "),
            ("peer.txt", "role = \"peer\""),
        ] {
            fs::write(place.path().join(name), text).unwrap();
        }
        fs::create_dir(place.path().join("dir.toml")).unwrap();
        let found = settings_files(place.path());
        assert_eq!(
            found,
            ["bea.toml", "dan.toml"].map(|name| place.path().join(name))
        );
        assert!(settings_files(&place.path().join("nowhere")).is_empty());
    }
}
