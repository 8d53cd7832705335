//! What is typed at a terminal, and what the terminal shows of it.

use super::commands::command;
use super::wallet::{PASSPHRASE, wallet};
use crate::support::{Lab, children_hear_signals, so, wait_until};
use raclette::keys::SecretKey;
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A command at a terminal of its own, which `script` of util-linux makes.
pub struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Runs `node --config config` with these arguments; `None` where there is no `script`.
    pub fn run(config: &str, arguments: &str) -> Option<Self> {
        let program = env!("CARGO_BIN_EXE_node");
        let line = format!("tty; exec {program} --config {config} {arguments}");
        let mut command = Command::new("script");
        // Its own terminal shows what is typed, as everybody's does, unless the program sees to it.
        command.args(["--quiet", "--flush", "--return", "--echo", "always"]);
        command.args(["--command", &line, "/dev/null"]);
        command.env("SHELL", "/bin/sh");
        for (name, _) in raclette::settings::environment() {
            command.env_remove(name);
        }
        children_hear_signals();
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().ok()?;
        let keyboard = child.stdin.take().unwrap();
        let mut output = child.stdout.take().unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&screen);
        let reading = thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                shared.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Some(Self {
            child,
            keyboard,
            screen,
            reading: Some(reading),
        })
    }

    /// Everything that it has shown.
    fn shows(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    /// Waits until it has shown this so many times.
    pub fn has_shown(&self, part: &str, times: usize) {
        wait_until(&format!("{part:?} is shown {times} times"), || {
            let shown = self.shows();
            so(shown.matches(part).count() >= times, format!("{shown:?}"))
        });
    }

    /// Waits for a prompt, and until what is typed is not shown any more; types.
    pub fn types_unseen(&mut self, prompt: (&str, usize), text: &str) {
        self.has_shown(prompt.0, prompt.1);
        let shown = self.shows();
        let name = shown.lines().next().unwrap().trim();
        wait_until("the terminal hides what is typed", || {
            let mut stty = Command::new("stty");
            let told = stty.args(["--file", name, "--all"]).output().unwrap();
            let told = String::from_utf8(told.stdout).unwrap();
            so(told.split_whitespace().any(|word| word == "-echo"), &told)
        });
        writeln!(self.keyboard, "{text}").unwrap();
    }

    /// Waits for a prompt, so many times shown; types.
    pub fn types(&mut self, prompt: (&str, usize), text: &str) {
        self.has_shown(prompt.0, prompt.1);
        writeln!(self.keyboard, "{text}").unwrap();
    }

    /// Presses a key together with Ctrl.
    fn presses_ctrl(&mut self, key: u8) {
        self.keyboard.write_all(&[key & 0x1f]).unwrap();
    }

    /// How it ended, and all that it has shown.
    pub fn ends(mut self) -> (Option<i32>, String) {
        let status = wait_until("it ends", || {
            let ended = self.child.try_wait().unwrap();
            ended.ok_or_else(|| format!("it runs and shows {:?}", self.shows()))
        });
        self.reading.take().unwrap().join().unwrap();
        (status.code(), self.shows())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // What runs at a terminal that is gone is hung up on.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn cli_a_passphrase_is_typed_unseen() {
    let lab = Lab::start();
    let alice = lab.prepare_peer("alice");
    let config = alice.config.to_str().unwrap();
    wallet(config, &["new"]).succeeds();
    let file = alice.data_dir.join("key.pem");
    let open = fs::read_to_string(&file).unwrap();

    let Some(mut terminal) = Terminal::run(config, "wallet lock") else {
        println!("there is no `script` here: not tested");
        return;
    };
    terminal.types_unseen(("New passphrase: ", 1), PASSPHRASE);
    terminal.types_unseen(("The same again: ", 1), "eight hills");
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("two different passphrases"), "{shown}");
    assert!(!shown.contains("eight"), "{shown}");
    assert_eq!(fs::read_to_string(&file).unwrap(), open);

    let mut terminal = Terminal::run(config, "wallet lock").unwrap();
    terminal.types_unseen(("New passphrase: ", 1), PASSPHRASE);
    terminal.types_unseen(("The same again: ", 1), PASSPHRASE);
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("eight"), "{shown}");
    assert!(fs::read_to_string(&file).unwrap().contains("ENCRYPTED"));

    let mut terminal = Terminal::run(config, "wallet words").unwrap();
    terminal.types_unseen(("Passphrase of ", 1), "eight hills");
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("passphrase is wrong"), "{shown}");
    let mut terminal = Terminal::run(config, "wallet words").unwrap();
    terminal.types_unseen(("Passphrase of ", 1), PASSPHRASE);
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("24"), "{shown}");
    assert!(!shown.contains(PASSPHRASE), "{shown}");
}

#[test]
fn cli_a_node_that_starts_at_a_terminal_asks_for_the_passphrase_of_its_wallet() {
    let lab = Lab::start();
    let alice = lab.prepare_peer("alice");
    let config = alice.config.to_str().unwrap();
    let Some(mut terminal) = Terminal::run(config, "wallet new --locked") else {
        println!("there is no `script` here: not tested");
        return;
    };
    terminal.types_unseen(("New passphrase: ", 1), PASSPHRASE);
    terminal.types_unseen(("The same again: ", 1), PASSPHRASE);
    assert_eq!(terminal.ends().0, Some(0));

    let mut terminal = Terminal::run(config, "").unwrap();
    terminal.types_unseen(("Passphrase of ", 1), "eight hills");
    terminal.has_shown("that was not the passphrase", 1);
    terminal.types_unseen(("Passphrase of ", 2), PASSPHRASE);
    terminal.has_shown("alice is up", 1);
    // Ctrl-C
    terminal.keyboard.write_all(b"\x03").unwrap();
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("eight"), "{shown}");
}

#[test]
fn cli_a_message_that_is_pasted_as_an_invitation_is_read_whole() {
    let Some(mut terminal) = Terminal::run("none.toml", "join") else {
        println!("there is no `script` here: not tested");
        return;
    };
    terminal.has_shown("Name, by which", 1);
    terminal.keyboard.write_all(b"dan\n").unwrap();
    terminal.has_shown("Invitation (join1...)", 1);
    let message = b"Hi Dan,\n> join1qpzry9\nbye\n";
    terminal.keyboard.write_all(message).unwrap();
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(2), "{shown}");
    // It was looked for behind the first line, and up to the last one.
    assert!(shown.contains("character 12 is `b`"), "{shown}");
}

#[test]
fn cli_leave_asks_first_at_a_terminal() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let config = alice.config.to_str().unwrap();
    let Some(mut terminal) = Terminal::run(config, "leave") else {
        println!("there is no `script` here: not tested");
        return;
    };
    terminal.has_shown("Go on?", 1);
    writeln!(terminal.keyboard, "n").unwrap();
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("no logging out") && shown.contains("nothing was done"),
        "{shown}"
    );
    assert!(alice.status().tracker.registered);
    let mut terminal = Terminal::run(config, "leave").unwrap();
    terminal.has_shown("Go on?", 1);
    writeln!(terminal.keyboard, "y").unwrap();
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("alice has left"), "{shown}");
}

#[test]
fn cli_recovery_words_are_shown_once_at_the_terminal_and_are_nowhere_on_disk() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().display();
    let Some(terminal) = Terminal::run("none.toml", &format!("init network chess --dir {dir}/net"))
    else {
        return;
    };
    let (code, screen) = terminal.ends();
    assert_eq!(code, Some(0), "{screen}");
    let (_, from) = screen.split_once("The recovery words.").expect(&screen);
    let lines: Vec<_> = from.lines().skip(2).take(6).collect();
    let words = SecretKey::from_words(&lines.join("\n")).expect(&screen);
    let settings = fs::read_to_string(place.path().join("net/tracker.toml")).unwrap();
    let address = words.public_key().to_address();
    assert!(
        settings.contains(&format!("recovery = \"{address}\"")),
        "{settings}"
    );
    let first = words.words().iter().take(3).collect::<Vec<_>>().join(" ");
    for entry in walk(place.path()) {
        let bytes = fs::read(&entry).unwrap();
        assert!(
            !String::from_utf8_lossy(&bytes).contains(&first),
            "{entry:?}"
        );
    }
}

/// All files below a directory.
fn walk(below: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(below)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => walk(&path),
            false => vec![path],
        })
        .collect()
}

/// Ctrl-S stops what is shown, and nothing else; Ctrl-Q shows what came meanwhile.
#[test]
fn cli_ctrl_s_in_the_nodes_terminal_stops_nothing_but_what_is_shown() {
    let lab = Lab::start();
    let bob = lab.peer("bob");
    let alice = lab.prepare_peer("alice");
    let Some(mut terminal) = Terminal::run(alice.config.to_str().unwrap(), "") else {
        println!("there is no `script` here: not tested");
        return;
    };
    terminal.has_shown("the network is raclette", 1);
    wait_until("her node answers", || {
        let output = alice.command(["status"]);
        so(output.status.success(), format!("{output:?}"))
    });
    bob.has_sessions(1);
    terminal.presses_ctrl(b's');
    command(&alice, &["mine", "--blocks", "20"]).succeeds();
    wait_until("bob has her blocks", || {
        so(bob.height() == 20, bob.height())
    });
    command(&alice, &["send", "bob", "5", "--wait", "delivered"]).succeeds();
    bob.mine();
    terminal.presses_ctrl(b'q');
    terminal.has_shown("block 20 is mined here", 1);
    terminal.has_shown("block 21 by bob", 1);
    terminal.presses_ctrl(b'c');
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("stopped"), "{shown}");
}
