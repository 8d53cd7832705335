use super::*;
use crate::chain::Timestamp;
use crate::keys::{SecretKey, WalletFile};
use crate::store::{Disk, OpenOptions, RocksDisk, Role, RowChange, Table, claim, incarnation};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A peer's data directory with a database and a wallet, and a place for backups.
struct Scene {
    place: TempDir,
    key: SecretKey,
}

impl Scene {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let key = SecretKey::from_bytes([7; 32]);
        let scene = Self { place, key };
        fs::create_dir(scene.data_dir()).unwrap();
        WalletFile::new(scene.wallet())
            .create(&scene.key, None)
            .unwrap();
        let disk = scene.open();
        claim(&disk, scene.key.public_key()).unwrap();
        incarnation(&disk, 5).unwrap();
        let row = RowChange::put(Table::State, [1], [2; 3_000]);
        disk.commit(&[row]).unwrap();
        scene
    }

    fn data_dir(&self) -> PathBuf {
        self.place.path().join("data")
    }

    fn wallet(&self) -> PathBuf {
        self.data_dir().join("key.pem")
    }

    fn open(&self) -> RocksDisk {
        RocksDisk::open(&self.data_dir().join("db"), &OpenOptions::new(Role::Peer)).unwrap()
    }

    fn backup(&self, dir: &Path, with_wallet: bool) -> Result<Manifest, BackupError> {
        let (data_dir, wallet) = (self.data_dir(), self.wallet());
        let plan = Plan {
            dir,
            data_dir: &data_dir,
            role: Role::Peer,
            reached_at: vec!["192.0.2.1:7001".to_owned()],
            wallet: with_wallet.then_some(wallet.as_path()),
            now: Timestamp(1_000),
        };
        make(&plan, |to| Ok(self.open().checkpoint(to)?))
    }

    fn made(&self, with_wallet: bool) -> PathBuf {
        let dir = self.place.path().join("backup");
        self.backup(&dir, with_wallet).unwrap();
        dir
    }

    fn restore(&self, dir: &Path, to: &Path, answers: bool) -> Result<Restored, RestoreError> {
        let place = Place {
            data_dir: to,
            wallet: &to.join("key.pem"),
            role: Role::Peer,
            tracker: None,
        };
        restore(dir, &place, |_| answers)
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_restored_is_what_was_there_in_another_incarnation() {
    let scene = Scene::new();
    let dir = scene.made(true);
    assert_eq!(
        check(&dir).unwrap().key,
        Some(scene.key.public_key().to_address())
    );
    let last = last(&scene.data_dir()).unwrap();
    assert_eq!((last.made_at, last.dir), (Timestamp(1_000), dir.clone()));
    let to = scene.place.path().join("elsewhere");
    let restored = scene.restore(&dir, &to, false).unwrap();
    assert!(restored.wallet && restored.held == 0);
    assert_eq!(names(&to), ["db", "key.pem"]);
    let disk = RocksDisk::open(&to.join("db"), &OpenOptions::new(Role::Peer)).unwrap();
    use crate::store::DiskRead;
    assert_eq!(disk.get(Table::State, &[1]).unwrap(), Some(vec![2; 3_000]));
    assert_eq!(incarnation(&disk, 6).unwrap(), 6);
    assert_eq!(incarnation(&scene.open(), 6).unwrap(), 5);
}

/// Every byte of what is short; of what is long, its ends and as many more by chance that can be had again.
fn places_in(length: usize) -> Vec<usize> {
    const SHORT: usize = 4_096;
    const DRAWN: usize = 200;
    if length <= SHORT {
        return (0..length).collect();
    }
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let drawn = std::iter::repeat_with(|| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        (chance % length as u64) as usize
    });
    drawn.take(DRAWN).chain([0, length - 1]).collect()
}

#[test]
fn attack_a_file_that_was_flipped_at_any_byte_is_refused_by_name() {
    let scene = Scene::new();
    let dir = scene.made(true);
    let mut files: Vec<PathBuf> = names(&dir.join("db"))
        .iter()
        .map(|name| dir.join("db").join(name))
        .collect();
    files.extend(["wallet.pem", "manifest.json", "manifest.blake3"].map(|name| dir.join(name)));
    let mut flipped = 0;
    for file in &files {
        let whole = fs::read(file).unwrap();
        for at in places_in(whole.len()) {
            let mut bent = whole.clone();
            bent[at] ^= 1 << (at % 8);
            fs::write(file, &bent).unwrap();
            let refused = check(&dir).unwrap_err();
            let name = file.file_name().unwrap().to_str().unwrap();
            let named = refused.to_string();
            let sealed = name == "manifest.blake3" && named.contains("manifest.json");
            assert!(named.contains(name) || sealed, "{name} at {at}: {named}");
            flipped += 1;
        }
        fs::write(file, &whole).unwrap();
    }
    assert!(flipped > 500, "{flipped}");
    check(&dir).unwrap();
}

#[test]
fn a_backup_that_lacks_a_file_or_has_one_more_is_refused_by_name() {
    let scene = Scene::new();
    let dir = scene.made(false);
    fs::write(dir.join("db/000999.sst"), "").unwrap();
    let refused = check(&dir).unwrap_err();
    assert!(matches!(&refused, CheckError::Foreign(path) if path.ends_with("000999.sst")));
    fs::remove_file(dir.join("db/000999.sst")).unwrap();
    let current = dir.join("db/CURRENT");
    let whole = fs::read(&current).unwrap();
    fs::remove_file(&current).unwrap();
    let refused = check(&dir).unwrap_err();
    assert!(matches!(&refused, CheckError::Missing(path) if path.ends_with("CURRENT")));
    fs::write(&current, whole).unwrap();
    // Cut short: the manifest is what is written last.
    fs::remove_file(dir.join("manifest.json")).unwrap();
    let refused = check(&dir).unwrap_err().to_string();
    assert!(refused.contains("cut short"), "{refused}");
}

#[test]
fn a_backup_goes_where_nothing_is_and_leaves_nothing_half_done() {
    let scene = Scene::new();
    let place = scene.place.path();
    let before = names(place);
    let inside = scene.backup(&scene.data_dir().join("backup"), false);
    assert!(matches!(inside, Err(BackupError::Inside(_))), "{inside:?}");
    let used = place.join("used");
    fs::create_dir(&used).unwrap();
    fs::write(used.join("file"), "").unwrap();
    let refused = scene.backup(&used, false);
    assert!(
        matches!(refused, Err(BackupError::NotEmpty(_))),
        "{refused:?}"
    );
    assert_eq!(names(&used), ["file"]);
    fs::remove_dir_all(&used).unwrap();
    // An empty directory will do.
    fs::create_dir(&used).unwrap();
    scene.backup(&used, false).unwrap();
    check(&used).unwrap();
    fs::remove_dir_all(&used).unwrap();
    let (data_dir, dir) = (scene.data_dir(), place.join("cut"));
    let plan = Plan {
        dir: &dir,
        data_dir: &data_dir,
        role: Role::Peer,
        reached_at: Vec::new(),
        wallet: None,
        now: Timestamp(1),
    };
    let cut = make(&plan, |_| {
        Err(BackupError::NotCopied("the node ended".to_owned()))
    });
    assert!(matches!(cut, Err(BackupError::NotCopied(_))));
    assert_eq!(names(place), before);
}

#[test]
fn a_restore_is_refused_in_words_and_changes_nothing() {
    let scene = Scene::new();
    let dir = scene.made(false);
    let to = scene.place.path().join("elsewhere");
    let refused = |answers| scene.restore(&dir, &to, answers).unwrap_err();
    // No wallet, neither there nor in it.
    assert!(matches!(refused(false), RestoreError::NoWallet { .. }));
    assert!(!to.exists());
    fs::create_dir(&to).unwrap();
    let other = WalletFile::new(to.join("key.pem"));
    other.create(&SecretKey::from_bytes([8; 32]), None).unwrap();
    assert!(matches!(refused(false), RestoreError::OtherWallet { .. }));
    fs::remove_file(to.join("key.pem")).unwrap();
    fs::copy(scene.wallet(), to.join("key.pem")).unwrap();
    assert!(matches!(refused(true), RestoreError::Answers(_)));
    assert_eq!(names(&to), ["key.pem"]);
    let tracker = Place {
        data_dir: &to,
        wallet: &to.join("key.pem"),
        role: Role::Tracker,
        tracker: None,
    };
    let wrong = restore(&dir, &tracker, |_| false).unwrap_err();
    assert!(matches!(wrong, RestoreError::Role { .. }), "{wrong}");
    // What was cut short before is no obstacle.
    fs::create_dir(to.join("db.part")).unwrap();
    fs::write(to.join("db.part/rest"), "").unwrap();
    scene.restore(&dir, &to, false).unwrap();
    assert_eq!(names(&to), ["db", "key.pem"]);
    assert!(matches!(refused(false), RestoreError::Used(_)));
}

#[test]
fn the_oldest_of_those_that_are_made_by_themselves_go() {
    let place = tempfile::tempdir().unwrap();
    for name in ["backup-2026-01", "backup-2026-02", "backup-2026-03", "mine"] {
        fs::create_dir(place.path().join(name)).unwrap();
        fs::write(place.path().join(name).join("manifest.json"), "").unwrap();
    }
    fs::create_dir(place.path().join("backup-2025-notes")).unwrap();
    prune(&place.path().join("backup-2026-03"), 2).unwrap();
    let kept = [
        "backup-2025-notes",
        "backup-2026-02",
        "backup-2026-03",
        "mine",
    ];
    assert_eq!(names(place.path()), kept);
    // Seen from the second, the third is of a clock that was wrong.
    prune(&place.path().join("backup-2026-02"), 1).unwrap();
    let kept = ["backup-2025-notes", "backup-2026-02", "mine"];
    assert_eq!(names(place.path()), kept);
}

#[test]
fn a_backup_that_could_not_be_noted_is_kept_and_the_note_before_it_stands() {
    let scene = Scene::new();
    scene.made(false);
    let noted = last(&scene.data_dir()).unwrap();
    // As where the disk of the data directory is full: nothing new can be made in it.
    let note = scene.data_dir().join("last-backup.json");
    fs::rename(&note, scene.place.path().join("kept")).unwrap();
    fs::create_dir(&note).unwrap();
    let dir = scene.place.path().join("second");
    let error = scene.backup(&dir, false).unwrap_err();
    assert!(matches!(error, BackupError::NotNoted { .. }), "{error}");
    assert!(error.to_string().contains("is whole"), "{error}");
    check(&dir).unwrap();
    fs::remove_dir(&note).unwrap();
    fs::rename(scene.place.path().join("kept"), &note).unwrap();
    assert_eq!(last(&scene.data_dir()), Some(noted));
}
