//! The last backup of a node: how old it is, and whether it is there.

use super::finding::Finding;
use crate::backup;
use crate::chain::Timestamp;
use crate::readable::in_words;
use crate::settings::Settings;

/// A backup that is older than this is worth a word.
const OLD_MS: u64 = 7 * 24 * 3_600_000;

pub(super) fn finding(settings: &Settings, now: Timestamp) -> Finding {
    let remedy = "`node backup DIR`, or let the node do it: every = \"24h\" under [backup]";
    let note = |found| Finding::note("backup", found, remedy);
    let Some(last) = backup::last(settings.data_dir()) else {
        let here_alone = match settings {
            Settings::Peer(_) => "what waits in outbox and inbox is here alone",
            Settings::Tracker(_) => "the register of members is here alone",
        };
        return note(format!("there was never one: {here_alone}"));
    };
    let age = now.since(last.made_at);
    let found = format!("{} old, in {}", in_words(age), last.dir.display());
    match (last.dir.exists(), age) {
        (false, _) => note(format!("{found}, which is gone")),
        (true, 0..=OLD_MS) => Finding::right("backup", found),
        (true, _) => note(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;
    use std::fs;

    #[test]
    fn a_backup_that_is_missing_old_or_gone_is_told_with_its_remedy() {
        let place = tempfile::tempdir().unwrap();
        let (file, dir) = (place.path().join("peer.toml"), place.path().join("copy"));
        let data_dir = place.path().join("ann-data");
        fs::create_dir(&data_dir).unwrap();
        let text = "role = \"peer\"\nname = \"ann\"\ntrackers = [\"127.0.0.1:7000\"]\n";
        fs::write(&file, text).unwrap();
        let settings = Settings::load(&file, std::iter::empty()).unwrap();
        let made = Timestamp(1_000);
        let look = |age| finding(&settings, made.plus_ms(age));
        let never = look(0);
        assert!(never.tells(Verdict::Note, "`node backup DIR`"), "{never:?}");
        assert!(never.found.contains("never"), "{never:?}");
        let last = backup::LastBackup {
            made_at: made,
            dir: dir.clone(),
        };
        let last = serde_json::to_vec(&last).unwrap();
        fs::write(data_dir.join("last-backup.json"), last).unwrap();
        let gone = look(0);
        assert!(gone.tells(Verdict::Note, "`node backup DIR`"), "{gone:?}");
        assert!(gone.found.ends_with("which is gone"), "{gone:?}");
        fs::create_dir(&dir).unwrap();
        assert_eq!(look(OLD_MS).verdict, Verdict::Right);
        let old = look(OLD_MS + 24 * 3_600_000);
        assert!(old.tells(Verdict::Note, "every = \"24h\""), "{old:?}");
        assert!(old.found.starts_with("8 days old"), "{old:?}");
        // Made while the clock was ahead.
        assert_eq!(finding(&settings, Timestamp(1)).verdict, Verdict::Right);
    }
}
