//! What other programs leave: paths, variables, files that are none.

use super::{Ran, run};
use crate::support::{Lab, node};
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn cli_a_tilde_is_the_home_directory_and_a_service_without_one_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    fs::create_dir(&home).unwrap();
    let settings = |data_dir: &str| {
        let text = format!(
            "role = \"peer\"\nname = \"alice\"\ntrackers = [\"127.0.0.1:7000\"]\ndata_dir = {data_dir:?}\n"
        );
        fs::write(directory.path().join("peer.toml"), text).unwrap();
    };
    let new = |home: Option<&Path>| {
        let mut command = node(["wallet", "new"].map(AsRef::as_ref));
        command.current_dir(directory.path()).env_remove("HOME");
        if let Some(home) = home {
            command.env("HOME", home);
        }
        Ran::from(command.output().unwrap())
    };
    settings("~/alice-data");
    new(None).fails(2, &["data_dir", "HOME is not set"]);
    new(Some(&home)).succeeds();
    assert!(home.join("alice-data/key.pem").exists());
    settings("$HOME/alice-data");
    new(Some(&home)).fails(2, &["data_dir", "not replaced"]);
    for odd in ["~", "$HOME"] {
        assert!(!directory.path().join(odd).exists());
    }
}

#[test]
fn cli_variables_of_others_are_passed_over_and_slips_are_told() {
    let lab = Lab::start();
    let config = lab.tracker.config.to_str().unwrap();
    let ask = |name: &str, value: &str| {
        let arguments = ["--config", config, "status"].map(AsRef::as_ref);
        Ran::from(node(arguments).env(name, value).output().unwrap())
    };
    let ran = ask("RACLETTE_PORT", "tcp://10.0.0.7:7000");
    assert_eq!(ran.err, "");
    ran.succeeds();
    let ran = ask("RACLETTE_LISTENN", "127.0.0.1:1");
    assert!(ran.err.contains("did you mean RACLETTE_LISTEN?"), "{ran:?}");
    ran.succeeds();
}

#[test]
fn cli_a_pipe_in_the_place_of_a_file_hangs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    run(directory.path(), &["--config", "pipe", "status"]).fails(2, &["a pipe"]);
    let settings = |wallet: &str| {
        let text = format!(
            "role = \"peer\"\nname = \"alice\"\ntrackers = [\"127.0.0.1:7000\"]\n[wallet]\n{wallet}\n"
        );
        fs::write(directory.path().join("peer.toml"), text).unwrap();
    };
    settings(&format!("file = {pipe:?}"));
    run(directory.path(), &["wallet", "show"]).fails(1, &["a pipe"]);
    settings(&format!("passphrase_file = {pipe:?}"));
    run(directory.path(), &["wallet", "new"]).fails(1, &["a pipe"]);
    // Whatever is named, not only what holds a secret.
    settings("");
    run(directory.path(), &["verify", "pipe"]).fails(1, &["a pipe"]);
    run(directory.path(), &["sim", "pipe"]).fails(2, &["a pipe"]);
    run(directory.path(), &["import", "pipe"]).fails(1, &["a pipe"]);
}

#[test]
fn cli_settings_that_another_editor_saved_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let text = "role = \"peer\"\r\nname = \"alice\"\r\ntrackers = [\"127.0.0.1:7000\"]\r\n";
    let path = directory.path().join("peer.toml");
    fs::write(&path, format!("\u{feff}{text}")).unwrap();
    run(directory.path(), &["wallet", "new"]).succeeds();
    let utf16: Vec<u8> = "\u{feff}role"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(&path, utf16).unwrap();
    run(directory.path(), &["wallet", "show"]).fails(2, &["UTF-16", "save it as UTF-8"]);
}
