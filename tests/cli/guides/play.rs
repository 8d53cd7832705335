//! Desks at which the commands of a page are typed, and the nodes that run there.

use super::page::Step;
use crate::support::{children_hear_signals, so, wait_until, wait_within};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The desk of a page that names none.
const FIRST_DESK: &str = "home";
/// Numbers and names of machines on the pages; here all of them are this one.
const MACHINES: [&str; 3] = ["192.168.1.", "192.0.2.", "198.51.100."];
const NAMED: (&str, &str) = ("chess.example", "10");
/// Where nodes listen that know of no other machine; the number that these machines have here.
const ALONE: [(&str, &str); 2] = [("0.0.0.0:", "10:"), ("127.0.0.1:700", "10:700")];
/// Places on the pages that are not everybody's to write in.
const PLACES: [&str; 3] = ["/mnt/", "/media/", "/srv/"];
/// What the easiest block costs, by default and here.
const WORK: (&str, &str) = ("start_work = 4_194_304", "start_work = 64");
/// Commands that ask, or show something to a terminal only.
const AT_A_TERMINAL: [&str; 9] = [
    "expel",
    "init",
    "join",
    "outbox release",
    "readmit",
    "rekey",
    "tracker hand-over",
    "wallet words",
    "wallet restore",
];

/// How long a command may take: `bench` works for ten seconds, and for minutes where nothing is optimised.
const PATIENCE: Duration = Duration::from_secs(600);

/// Whoever follows a page.
pub struct Play {
    place: TempDir,
    desk: PathBuf,
    /// What stands for something else, the longest first.
    stands: BTreeMap<String, String>,
    /// First three numbers of the addresses of the machines.
    net: String,
    running: Vec<Running>,
    typed: usize,
}

/// A node that somebody has started and that goes on.
struct Running {
    child: Child,
    screen: PathBuf,
}

impl Play {
    pub fn begin() -> Self {
        let place = tempfile::tempdir().unwrap();
        let bin = place.path().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink(env!("CARGO_BIN_EXE_node"), bin.join("node")).unwrap();
        // A browser that is content with any page.
        fs::write(bin.join("xdg-open"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(bin.join("xdg-open"), fs::Permissions::from_mode(0o755)).unwrap();
        let id = std::process::id();
        let mut play = Self {
            desk: PathBuf::new(),
            place,
            stands: BTreeMap::new(),
            net: format!("127.{}.{}.", 1 + id / 250 % 250, 1 + id % 250),
            running: Vec::new(),
            typed: 0,
        };
        play.sit(FIRST_DESK);
        play
    }

    pub fn go(&mut self, step: &Step) {
        match step {
            Step::Desk(name) => self.sit(name),
            Step::Until(line) => {
                let line = self.meant(line);
                wait_until(&line, || {
                    let (success, screen) = self.run(&line, None);
                    so(success, screen + &self.last_of_the_nodes())
                });
            }
            Step::Stands { word, command } => {
                let printed = self.type_line(command, None);
                let printed = printed.trim();
                assert!(!printed.is_empty(), "{command} prints nothing");
                self.stands.insert(word.clone(), printed.to_owned());
            }
            Step::Meanwhile { line, answers } | Step::Type { line, answers } => {
                let answers = answers.as_ref().map(|line| self.type_line(line, None));
                drop(self.type_line(line, answers));
            }
            Step::Settings { file, lines } => {
                let lines = self.meant(lines);
                change(&self.desk.join(self.meant(file)), &lines);
            }
        }
    }

    /// What each node has printed last, for whoever looks for a fault.
    fn last_of_the_nodes(&self) -> String {
        const SHOWN: usize = 8;
        let screens = self.running.iter().map(|running| {
            let shown = fs::read_to_string(&running.screen).unwrap_or_default();
            let lines: Vec<_> = shown.lines().collect();
            let last = &lines[lines.len().saturating_sub(SHOWN)..];
            format!("\n--- a node printed last:\n{}", last.join("\n"))
        });
        screens.collect()
    }

    fn sit(&mut self, name: &str) {
        self.desk = self.place.path().join(name);
        fs::create_dir_all(&self.desk).unwrap();
    }

    /// What the page means here.
    fn meant(&self, text: &str) -> String {
        let mut text = text.replace(NAMED.0, &format!("{}{}", self.net, NAMED.1));
        for (alone, number) in ALONE {
            text = text.replace(alone, &format!("{}{number}", self.net));
        }
        for machines in MACHINES {
            text = text.replace(machines, &self.net);
        }
        for place in PLACES {
            text = text.replace(place, &format!("{}{place}", self.place.path().display()));
        }
        for (word, stands) in self.stands.iter().rev() {
            text = text.replace(word, stands);
        }
        text
    }

    /// Types a line, and waits until it is done, or until the node that it starts answers; what it printed.
    fn type_line(&mut self, line: &str, answers: Option<String>) -> String {
        let line = self.meant(line);
        if let Some(status) = starts_a_node(&line) {
            self.start(&line, &status, answers);
            return String::new();
        }
        if line.contains(" --follow") || line.contains(" follow ") {
            return self.follow(&line);
        }
        let (success, screen) = self.run(&line, answers);
        assert!(success, "{line}: {screen}");
        let invitation = screen
            .split_whitespace()
            .find(|word| word.starts_with("join1"));
        if let Some(invitation) = invitation {
            fs::write(self.desk.join("invitation"), format!("{invitation}\n")).unwrap();
        }
        for (shows, file) in [("wallet words", "words"), ("init tracker", "recovery")] {
            if line.contains(shows) {
                let is_word = |line: &&str| line.trim().starts_with(char::is_numeric);
                let words: Vec<_> = screen.lines().filter(is_word).collect();
                fs::write(self.desk.join(file), words.join("\n") + "\n").unwrap();
            }
        }
        if line.starts_with("node init") {
            self.make_easy(self.place.path());
        }
        screen
    }

    /// Settings for other machines become some for this one alone, and blocks cost next to nothing.
    fn make_easy(&self, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.make_easy(&path);
            } else if path.extension().is_some_and(|kind| kind == "toml") {
                let text = fs::read_to_string(&path).unwrap();
                let text = self.meant(&text).replace(WORK.0, WORK.1);
                fs::write(&path, text).unwrap();
            }
        }
    }

    fn command(&self, line: &str) -> Command {
        let asks = AT_A_TERMINAL
            .iter()
            .any(|words| line.contains(&format!(" {words}")));
        let mut command = if asks {
            let mut command = Command::new("script");
            command.args([
                "--quiet",
                "--flush",
                "--return",
                "--command",
                line,
                "/dev/null",
            ]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-e", "-c", line]);
            command
        };
        for (name, _) in raclette::settings::environment() {
            command.env_remove(name);
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.place.path().join("bin");
        command.env("PATH", format!("{}:{path}", bin.display()));
        command
            .env("HOME", self.place.path())
            .env("SHELL", "/bin/sh");
        command.env("REPOSITORY", env!("CARGO_MANIFEST_DIR"));
        command.env("NO_COLOR", "1").env("DISPLAY", ":0");
        command.current_dir(&self.desk);
        command
    }

    fn spawn(&self, line: &str, answers: Option<String>, screen: &Path) -> Child {
        children_hear_signals();
        let file = File::create(screen).unwrap();
        let mut command = self.command(line);
        command.stdin(Stdio::piped());
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let mut child = command.spawn().unwrap();
        if let Some(answers) = answers {
            let keyboard = child.stdin.as_mut().unwrap();
            keyboard.write_all(answers.as_bytes()).unwrap();
        }
        child
    }

    fn run(&self, line: &str, answers: Option<String>) -> (bool, String) {
        let screen = self.place.path().join(format!("screen-{}", self.typed));
        let mut child = self.spawn(line, answers, &screen);
        let shown = || fs::read_to_string(&screen).unwrap_or_default();
        // The keyboard stays there until the end: a terminal whose keyboard is gone ends what runs on it.
        let status = wait_within(PATIENCE, line, || {
            child.try_wait().unwrap().ok_or_else(shown)
        });
        (status.success(), shown())
    }

    /// What goes on until somebody ends it: it shows something, and is ended.
    fn follow(&self, line: &str) -> String {
        let screen = self.place.path().join("screen-that-goes-on");
        let mut child = self.spawn(&format!("exec {line}"), None, &screen);
        let shown = wait_until(line, || {
            let shown = fs::read_to_string(&screen).unwrap_or_default();
            so(!shown.is_empty(), "it shows nothing")?;
            Ok(shown)
        });
        assert!(
            child.try_wait().unwrap().is_none(),
            "{line} has ended: {shown}"
        );
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        child.wait().unwrap();
        shown
    }

    fn start(&mut self, line: &str, status: &str, answers: Option<String>) {
        let screen = self
            .place
            .path()
            .join(format!("screen-of-node-{}", self.running.len()));
        let at_a_terminal = answers.is_some();
        let typed = if at_a_terminal {
            line.to_owned()
        } else {
            format!("exec {line}")
        };
        let child = self.spawn(&typed, answers, &screen);
        self.running.push(Running { child, screen });
        wait_until(line, || {
            let running = self.running.last_mut().unwrap();
            let shown = fs::read_to_string(&running.screen).unwrap_or_default();
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("{line} ended with {status}: {shown}");
            }
            let (answers, said) = self.run(status, None);
            // A peer that has just joined is on no network for a moment.
            so(answers && !said.contains("\"chain\":null"), said + &shown)
        });
    }
}

/// The command that shows whether the node answers that this line starts, if it starts one.
fn starts_a_node(line: &str) -> Option<String> {
    let words = shlex::split(line)?;
    let mut words = words.iter().map(String::as_str);
    if words.next() != Some("node") {
        return None;
    }
    let words: Vec<_> = words.collect();
    match words[..] {
        // Who joins has nothing else at its desk: the settings have the usual name.
        [] | ["join", ..] => Some("node status --json".to_owned()),
        ["--config", file] => Some(format!("node --config {file} status --json")),
        _ => None,
    }
}

/// Has settings say what these lines say.
fn change(file: &Path, lines: &str) {
    let read = |text: &str| text.parse::<toml::Table>().unwrap();
    let mut settings = read(&fs::read_to_string(file).unwrap());
    for (key, value) in read(lines) {
        match (settings.get_mut(&key), value) {
            (Some(toml::Value::Table(there)), toml::Value::Table(new)) => there.extend(new),
            (_, value) => drop(settings.insert(key, value)),
        }
    }
    fs::write(file, toml::to_string(&settings).unwrap()).unwrap();
}

impl Drop for Play {
    fn drop(&mut self) {
        for running in &mut self.running {
            // A node at a terminal ends when that goes away.
            let _ = kill_process(Pid::from_child(&running.child), Signal::TERM);
            drop(running.child.stdin.take());
        }
        for running in &mut self.running {
            let _ = running.child.wait();
        }
    }
}
