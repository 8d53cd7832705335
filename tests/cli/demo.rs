//! `node demo`: the story is true, can be resumed, and leaves nothing running.

use super::run;
use crate::support::{children_hear_signals, node, so, wait_until};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

/// The steps, in their order.
const STEPS: [&str; 21] = [
    "tracker",
    "registrations",
    "genesis",
    "mine",
    "pay",
    "ballot",
    "payment-mined",
    "votes",
    "partition",
    "heal",
    "kill",
    "write",
    "missed",
    "catch-up",
    "read",
    "stop",
    "sealed",
    "forged",
    "restart",
    "result",
    "audit",
];

/// A step of a story, by its name.
fn step<'a>(story: &'a [Value], name: &str) -> &'a Value {
    story.iter().find(|step| step["step"] == name).unwrap()
}

fn steps(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

fn story(directory: &Path) -> Vec<Value> {
    let arguments = ["demo", "--once", "--json", "--dir", "net"];
    let mut told = steps(&run(directory, &arguments).succeeds());
    let saved = told.pop().expect("the last line says what was saved");
    assert_eq!(saved["step"], "saved");
    let names: Vec<_> = told.iter().map(|step| step["step"].clone()).collect();
    assert_eq!(names, STEPS);
    assert!(told.iter().all(|step| step["ok"] == true), "{told:?}");
    for step in told.iter().skip(13) {
        for fact in ["heights", "tips"] {
            let facts = &step[fact];
            assert!(facts["alice"] == facts["bob"] && facts["bob"] == facts["carol"]);
        }
    }
    told
}

/// Whether any process of these data directories still runs.
fn assert_all_ended(directory: &Path) {
    for name in ["tracker", "alice", "bob", "carol"] {
        let api = directory.join(format!("net/{name}-data/api.json"));
        let Ok(text) = fs::read_to_string(api) else {
            continue;
        };
        let api: Value = serde_json::from_str(&text).unwrap();
        assert_ended(&api["pid"], name);
    }
}

fn assert_ended(process: &Value, name: &str) {
    let id = Pid::from_raw(process.as_i64().unwrap() as i32).unwrap();
    assert!(test_kill_process(id).is_err(), "{name} still runs");
}

#[test]
fn cli_demo_tells_a_true_story_and_resumes() {
    let directory = tempfile::tempdir().unwrap();
    let first = story(directory.path());
    assert_eq!(step(&first, "genesis")["motto"], "RacletteCheese");
    assert_eq!(step(&first, "genesis")["founder"], "alice");
    let took = &step(&first, "registrations")["took_ms"];
    assert!(took["carol"].as_u64() > Some(0), "{took}");
    // What three were asked, and what came of it in spite of all that is done to it.
    assert_eq!(step(&first, "votes")["votes"], json!([1, 1]));
    let numbers = &step(&first, "votes")["numbers"];
    assert!(numbers[0].as_u64() < numbers[1].as_u64(), "{numbers}");
    let partition = step(&first, "partition");
    assert_eq!(partition["hers"], json!([1, 2]));
    assert_eq!(partition["theirs"], json!([1, 1]));
    assert_eq!(step(&first, "heal")["votes"], json!([1, 2]));
    let refused = step(&first, "forged")["refused"].as_str().unwrap();
    assert!(refused.contains("bad signature"), "{refused}");
    assert_eq!(step(&first, "result")["votes"], json!([1, 2]));
    assert_eq!(step(&first, "audit")["verdict"], "correct");
    let last = step(&first, "audit");
    assert_eq!(last["heights"]["carol"], 16);
    assert_eq!(last["balances"]["bob"], 105);
    assert_eq!(last["balances"]["alice"], 645);
    let sealed = step(&first, "sealed");
    assert!(sealed["bytes_heard"].as_u64() > Some(10_000));
    assert_ne!(sealed["process"], first[0]["process"]);
    assert_ended(&sealed["process"], "who listened in");
    assert_all_ended(directory.path());
    // The same network goes on, with another ballot.
    let second = story(directory.path());
    let genesis = |story: &[Value]| step(story, "genesis")["genesis"].clone();
    assert_eq!(genesis(&second), genesis(&first));
    assert_eq!(step(&second, "genesis")["heights"]["alice"], 16);
    assert_ne!(
        step(&second, "ballot")["ballot"],
        step(&first, "ballot")["ballot"]
    );
    assert_eq!(step(&second, "audit")["balances"]["bob"], 210);
    assert_all_ended(directory.path());
}

/// A demo that runs, and what it prints.
struct Demo {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Demo {
    fn start(directory: &Path) -> Self {
        let arguments = ["demo", "--dir", "net"];
        let mut command = node(arguments.iter().map(AsRef::as_ref));
        children_hear_signals();
        let mut child = command
            .current_dir(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines = Box::new(lines.map_while(Result::ok));
        Self { child, lines }
    }

    fn reads(&mut self, part: &str) -> String {
        let line = self.lines.find(|line| line.contains(part));
        line.unwrap_or_else(|| panic!("it never says {part:?}"))
    }

    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    fn ends(&mut self) -> Option<i32> {
        let rest: Vec<String> = self.lines.by_ref().collect();
        let status = self.child.wait().unwrap();
        println!("{}", rest.join("\n"));
        status.code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Asked, not killed: it has to end its own processes.
        if let Ok(None) = self.child.try_wait() {
            self.interrupt();
            let _ = self.child.wait();
        }
    }
}

#[test]
fn cli_demo_stays_up_until_ctrl_c_and_says_what_it_saved() {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(directory.path());
    let typed = demo.reads("alice.toml");
    assert!(typed.contains("--config"), "{typed}");
    for name in ["alice", "bob", "carol"] {
        let link = demo.reads("http://");
        assert!(link.trim_start().starts_with(name), "{link}");
    }
    demo.reads("Ctrl-C");
    // The commands it names work.
    let config = "net/bob.toml";
    run(directory.path(), &["--config", config, "mine"]).succeeds();
    wait_until("carol has it", || {
        let text = run(
            directory.path(),
            &["--config", "net/carol.toml", "--json", "status"],
        );
        let status: Value = serde_json::from_str(&text.succeeds()).unwrap();
        let height = &status["chain"]["tip"]["height"];
        so(*height == 17, height)
    });
    demo.interrupt();
    let saved = demo.reads("Saved");
    assert!(saved.contains("alice at height 17"), "{saved}");
    assert_eq!(demo.ends(), Some(0));
    assert_all_ended(directory.path());
}

#[test]
fn cli_demo_ends_its_processes_when_it_is_interrupted_early() {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(directory.path());
    demo.reads("alice is in sync");
    demo.interrupt();
    assert_eq!(demo.ends(), Some(0));
    assert_all_ended(directory.path());
}

#[test]
fn cli_demo_names_the_step_that_is_not_true_and_why() {
    let directory = tempfile::tempdir().unwrap();
    story(directory.path());
    // Somebody has broken bob's file.
    let bob = directory.path().join("net/bob-data");
    let key = fs::read_dir(&bob)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let key = key.filter(|path| path.is_file()).find(|path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.contains("PRIVATE KEY")
    });
    fs::write(key.expect("bob has a key"), "torn").unwrap();
    let ran = run(
        directory.path(),
        &["demo", "--once", "--json", "--dir", "net"],
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let told = steps(&ran.out);
    let last = told.last().unwrap();
    assert_eq!(
        (&last["step"], &last["ok"]),
        (&"registrations".into(), &false.into())
    );
    let error = last["error"].as_str().unwrap();
    assert!(
        error.contains("bob") && error.contains("bob.log"),
        "{error}"
    );
    assert_all_ended(directory.path());
}
