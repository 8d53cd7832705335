use super::*;
use crate::entropy::OsEntropy;
use crate::keys::Passphrase;
use std::fs;
use std::process::Command;

/// The root secret that the test files hold.
const ROOT: [u8; 32] = *b"root secret of the key file test";

struct Setting {
    directory: tempfile::TempDir,
    file: WalletFile,
}

fn setting() -> Setting {
    let directory = tempfile::tempdir().unwrap();
    let file = WalletFile::new(directory.path().join("alice.pem"));
    Setting { directory, file }
}

impl Setting {
    fn path(&self) -> PathBuf {
        self.directory.path().join("alice.pem")
    }

    /// Puts a file in place of the wallet file, for its owner only.
    fn put(&self, content: impl AsRef<[u8]>) {
        fs::write(self.path(), content).unwrap();
        self.set_mode(OWNER_ONLY);
    }

    fn load(&self) -> Result<SecretKey, WalletFileError> {
        match self.file.read()? {
            Stored::Open(secret) => Ok(*secret),
            Stored::Locked(_) => panic!("it is locked"),
        }
    }

    fn set_mode(&self, mode: u32) {
        fs::set_permissions(self.path(), fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn what_is_created_loads_again_and_is_its_owners_alone() {
    let setting = setting();
    let secret = SecretKey::from_bytes(ROOT);
    setting.file.create(&secret, None).unwrap();
    let loaded = setting.load().unwrap();
    assert_eq!(loaded.public_key(), secret.public_key());
    assert_eq!(loaded.sealing_key(), secret.sealing_key());
    let mode = fs::metadata(setting.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, OWNER_ONLY);
    let entries = fs::read_dir(setting.directory.path()).unwrap().count();
    assert_eq!(entries, 1, "the temporary file is still there");
}

#[test]
fn a_wallet_file_is_never_written_over() {
    let setting = setting();
    let first = SecretKey::from_bytes(ROOT);
    setting.file.create(&first, None).unwrap();
    let refused = setting.file.create(&SecretKey::from_bytes([9; 32]), None);
    assert!(matches!(refused, Err(WalletFileError::Exists { .. })));
    let kept = setting.load().unwrap();
    assert_eq!(kept.public_key(), first.public_key());
    let entries = fs::read_dir(setting.directory.path()).unwrap().count();
    assert_eq!(entries, 1, "the temporary file is still there");
}

#[test]
fn leftovers_of_a_kill_neither_stand_in_the_way_nor_keep_a_secret() {
    let setting = setting();
    let leftover = setting.directory.path().join(".alice.pem.xyz.new");
    fs::write(&leftover, "a secret").unwrap();
    setting.file.sweep();
    assert!(!leftover.exists());
    fs::write(&leftover, "a secret").unwrap();
    setting
        .file
        .create(&SecretKey::from_bytes(ROOT), None)
        .unwrap();
    assert!(setting.load().is_ok());
    assert!(!leftover.exists());
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let file = WalletFile::new("/nonexistent/alice.pem");
    let refused = file.create(&SecretKey::from_bytes(ROOT), None).unwrap_err();
    assert!(matches!(refused, WalletFileError::Unwritable { .. }));
    assert!(refused.to_string().contains("/nonexistent/alice.pem"));
}

#[test]
fn permissions_for_others_are_refused_with_the_remedy() {
    let setting = setting();
    setting
        .file
        .create(&SecretKey::from_bytes(ROOT), None)
        .unwrap();
    for mode in [0o640, 0o604, 0o660, 0o610, 0o602] {
        setting.set_mode(mode);
        let refused = setting.load().unwrap_err();
        assert!(matches!(refused, WalletFileError::Permissions { mode: m, .. } if m == mode));
        let remedy = format!("chmod 600 {}", setting.path().display());
        assert!(refused.to_string().contains(&remedy), "{refused}");
    }
    setting.set_mode(0o400);
    assert!(setting.load().is_ok());
}

#[test]
fn what_is_no_wallet_file_is_refused_by_variant() {
    let setting = setting();
    let variant = |content: &[u8]| {
        setting.put(content);
        setting.load().unwrap_err()
    };
    assert!(matches!(
        setting.load(),
        Err(WalletFileError::Missing { .. })
    ));
    let whole = pem::open_text(&SecretKey::from_bytes(ROOT));
    for content in [
        &b""[..],
        b"alice",
        &[0xff; 100],
        &whole.as_bytes()[..60],
        whole.replace("PRIVATE", "PUBLIC").as_bytes(),
        &[whole.as_bytes(), &[b' '; MAX_FILE_LEN]].concat(),
    ] {
        assert!(matches!(variant(content), WalletFileError::NotPem { .. }));
    }
    // RFC 8410's sibling for key agreement, X25519: the object identifier ends in 110, not 112.
    let x25519 = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VuBCIEIHJvb3Qgc2VjcmV0IG9mIHRoZSBrZXkgZmlsZSB0ZXN0\n\
        -----END PRIVATE KEY-----\n";
    let refused = variant(x25519.as_bytes());
    assert!(
        matches!(&refused, WalletFileError::WrongAlgorithm { algorithm, .. } if algorithm == "1.3.101.110"),
        "{refused}"
    );
    fs::remove_file(setting.path()).unwrap();
    fs::create_dir(setting.path()).unwrap();
    setting.set_mode(0o700);
    assert!(matches!(
        setting.load(),
        Err(WalletFileError::Unreadable { .. })
    ));
}

/// The file's bytes are fixed: other programs read them, and so must every later version.
#[test]
fn the_file_is_pkcs8_version_1_to_the_byte() {
    let expected = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIHJvb3Qgc2VjcmV0IG9mIHRoZSBrZXkgZmlsZSB0ZXN0\n\
        -----END PRIVATE KEY-----\n";
    assert_eq!(*pem::open_text(&SecretKey::from_bytes(ROOT)), expected);
}

#[test]
fn no_error_tells_the_secret() {
    let setting = setting();
    let whole = pem::open_text(&SecretKey::from_bytes(ROOT));
    let secret_line = whole.lines().nth(1).unwrap();
    setting.put(whole.replace("Vw", "Vu").as_bytes());
    let wrong_kind = setting.load().unwrap_err();
    setting.put(format!("{}?\n", whole.trim_end()));
    let damaged = setting.load().unwrap_err();
    for error in [wrong_kind, damaged] {
        let told = format!("{error} {error:?}");
        assert!(!told.contains(&secret_line[22..40]), "{told}");
        assert!(!told.contains("root secret"), "{told}");
    }
}

#[test]
fn openssl_reads_the_file() {
    let setting = setting();
    setting
        .file
        .create(&SecretKey::from_bytes(ROOT), None)
        .unwrap();
    let run = Command::new("openssl")
        .args(["pkey", "-noout", "-text", "-in"])
        .arg(setting.path())
        .output();
    match run {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("skipped: there is no openssl on this machine");
        }
        run => {
            let output = run.unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            assert!(String::from_utf8_lossy(&output.stdout).starts_with("ED25519 Private-Key"));
        }
    }
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::given(Zeroizing::new(text.into())).unwrap()
}

#[test]
fn locking_and_unlocking_exchange_the_file_in_one_step() {
    let setting = setting();
    let secret = SecretKey::from_bytes(ROOT);
    assert!(matches!(
        setting.file.replace(&secret, None),
        Err(WalletFileError::Missing { .. })
    ));
    setting.file.create(&secret, None).unwrap();
    let passphrase = passphrase("eight mountains");
    let lock = Lock::new(&passphrase, &OsEntropy).unwrap();
    setting.file.replace(&secret, Some(&lock)).unwrap();
    let Stored::Locked(locked) = setting.file.read().unwrap() else {
        panic!("it is open");
    };
    let unlocked = locked.unlock(&passphrase).unwrap();
    assert_eq!(unlocked.public_key(), secret.public_key());
    let mode = fs::metadata(setting.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, OWNER_ONLY);
    setting.file.replace(&secret, None).unwrap();
    assert_eq!(setting.load().unwrap().public_key(), secret.public_key());
    let entries = fs::read_dir(setting.directory.path()).unwrap().count();
    assert_eq!(entries, 1, "the temporary file is still there");
}

#[test]
fn openssl_reads_a_locked_file_with_its_passphrase_only() {
    let setting = setting();
    let passphrase = passphrase("eight mountains");
    let lock = Lock::new(&passphrase, &OsEntropy).unwrap();
    let secret = SecretKey::from_bytes(ROOT);
    setting.file.create(&secret, Some(&lock)).unwrap();
    let given = setting.directory.path().join("passphrase");
    let run = |text: &str| {
        fs::write(&given, text).unwrap();
        Command::new("openssl")
            .args(["pkey", "-noout", "-text", "-in"])
            .arg(setting.path())
            .arg("-passin")
            .arg(format!("file:{}", given.display()))
            .output()
    };
    match run("eight mountains\n") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("skipped: there is no openssl on this machine");
        }
        output => {
            let output = output.unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            let text = String::from_utf8_lossy(&output.stdout).replace([':', ' ', '\n'], "");
            let root: String = ROOT.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(text.contains(&root), "openssl finds another key");
            assert!(!run("eight hills\n").unwrap().status.success());
        }
    }
}
