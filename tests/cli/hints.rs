//! What is printed to be typed, typed: in a shell, from another directory, in a place with spaces.

use super::{Ran, run};
use crate::support::{free_address, so, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A place with spaces and a quote in its name, and this program in it under such a name.
struct Place {
    directory: tempfile::TempDir,
    program: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let net = directory.path().join("ann's net, 2026");
        fs::create_dir(&net).unwrap();
        let program = net.join("the node");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_node"), &program).unwrap();
        Self { directory, program }
    }

    fn net(&self) -> &Path {
        self.program.parent().unwrap()
    }

    /// Runs it here, as somebody does who types its path.
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command("./the node");
        Ran::from(command.args(arguments).output().unwrap())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.net());
        for (name, _) in raclette::settings::environment() {
            command.env_remove(name);
        }
        command
    }

    /// A line that was printed to be typed, typed in a shell somewhere else.
    fn typed(&self, line: &str) -> Command {
        let mut command = self.command("/bin/sh");
        command.current_dir("/").arg("-c");
        // So that the shell's process becomes the program's, and can be ended by its id.
        command.arg(format!("exec {line}"));
        command
    }

    fn types(&self, line: &str) -> Ran {
        Ran::from(self.typed(line).output().unwrap())
    }
}

/// Every command line in a text: on a line of its own, behind a colon at its end, or between backticks.
fn commands(text: &str) -> Vec<String> {
    let program = "'";
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with(program) || line.trim_start().starts_with("\"/") {
            found.push(line.trim().to_owned());
        } else if let Some((_, command)) = line.split_once(": \"/") {
            found.push(format!("\"/{command}"));
        }
        let quoted = line.split('`').skip(1).step_by(2);
        found.extend(
            quoted
                .filter(|part| part.contains("the node"))
                .map(str::to_owned),
        );
    }
    found
}

/// Every command line on the page of the own name, where this link lets in.
fn commands_on(link: &str) -> Vec<String> {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let mut lines = link.lines().map(str::trim);
    let link = lines.find(|line| line.contains("/enter?key=")).unwrap();
    let entered = agent.get(link).call().unwrap();
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let (base, _) = link.split_once("enter?").unwrap();
    let page = agent.get(format!("{base}me")).header("cookie", cookie);
    let page = page.call().unwrap().body_mut().read_to_string().unwrap();
    let code = page.split("<code class=\"long\">").skip(1);
    let code = code.filter_map(|rest| rest.split_once("</code>"));
    code.filter(|(line, _)| line.contains("the node"))
        .map(|(line, _)| line.replace("&#34;", "\"").replace("&#39;", "'"))
        .collect()
}

/// A node that runs until the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

#[test]
fn cli_everything_that_is_printed_to_be_typed_works_when_typed() {
    let place = Place::new();
    let log = |name: &str| place.directory.path().join(name);
    let start = |line: &str, name: &str| {
        let output = fs::File::create(log(name)).unwrap();
        let mut command = place.typed(line);
        command.stdin(Stdio::null());
        command.stdout(output.try_clone().unwrap()).stderr(output);
        Running(command.spawn().unwrap())
    };
    // A tracker and a peer beside each other in one directory, as on a teacher's machine.
    let listen = free_address().to_string();
    let said = place.run(&["init", "tracker"]).succeeds();
    let tracker_lines = commands(&said);
    assert_eq!(tracker_lines.len(), 2, "{said}");
    let file = place.net().join("tracker.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("127.0.0.1:7000", &listen);
    let text = text.replace("admission = \"invite\"", "admission = \"open\"");
    fs::write(
        &file,
        text.replace("start_work = 4_194_304", "start_work = 64"),
    )
    .unwrap();
    let own = free_address().to_string();
    let out = place.net().join("ann.toml");
    let said = place.run(&[
        "init",
        "peer",
        "--name",
        "ann",
        "--tracker",
        &listen,
        "--listen",
        &own,
        "--out",
        out.to_str().unwrap(),
    ]);
    let peer_lines = commands(&said.succeeds());
    assert_eq!(peer_lines.len(), 4);
    assert!(peer_lines[3].ends_with("wallet restore"), "{peer_lines:?}");
    // Before it runs, every command says how to start it.
    let refused = place.types(&peer_lines[1]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(
        commands(&refused.err),
        [peer_lines[0].clone()],
        "{refused:?}"
    );
    let _tracker = start(&tracker_lines[0], "tracker");
    let _peer = start(&peer_lines[0], "ann");
    wait_until("ann is on the network", || {
        let status = place.types(&format!("{} --json", peer_lines[1]));
        so(status.out.contains("\"tip\""), format!("{status:?}"))
    });
    // The line for members, and the one that it tells to pass on to them.
    let invited = place.types(&tracker_lines[1]).succeeds();
    assert!(invited.contains("join1"), "{invited}");
    // A page takes it, too; and that tracker is reached on this machine alone.
    assert!(invited.contains("  node web\n"), "{invited}");
    assert!(invited.contains("leads to this machine alone"), "{invited}");
    // What its first start tells to do about the wallet is about its own wallet, not the tracker's.
    let told = fs::read_to_string(log("ann")).unwrap();
    let words = commands(&told);
    let words = words.iter().find(|line| line.ends_with("wallet words"));
    let words = words.unwrap_or_else(|| panic!("{told}"));
    let shown = place.types(&format!("{words} --reveal")).succeeds();
    let own = place.types(&format!(
        "{} --reveal",
        words.replace("ann.toml", "tracker.toml")
    ));
    assert_ne!(shown, own.succeeds());
    // So is what her pages say to type.
    let link = place.types(&words.replace("wallet words", "web --print"));
    let on_page = commands_on(&link.succeeds());
    let asks = |command: &str| on_page.iter().any(|line| line.ends_with(command));
    for command in ["wallet words", "web", "backup DIR"] {
        assert!(asks(command), "{command}: {on_page:?}");
    }
    for line in &on_page {
        if line.ends_with("wallet words") {
            assert_eq!(place.types(&format!("{line} --reveal")).succeeds(), shown);
        } else if line.ends_with("web") {
            assert!(
                place
                    .types(&format!("{line} --print"))
                    .succeeds()
                    .contains("/enter?key=")
            );
        }
    }
    // Every other hint, wherever it comes from: its command is understood and asks the right node.
    place.types(&peer_lines[2]).succeeds();
    let mut hints = 0;
    let ann = ["--config", "ann.toml"];
    let asked: [&[&str]; 8] = [
        &["wallet", "new"],
        &["send", "ann"],
        &["send", "5", "ann"],
        &["send", "ann", "0"],
        &["pay", "ann", "5"],
        &["mine", "2"],
        &["outbox", "retry", "abcdef"],
        &["wallet", "lock", "--now"],
    ];
    for arguments in asked {
        let ran = place.run(&[&ann, arguments].concat());
        assert_ne!(ran.code, Some(0), "{ran:?}");
        for line in commands(&ran.err) {
            hints += 1;
            let ran = place.types(&line);
            // What is refused then is refused by the node: the words were understood.
            assert_ne!(ran.code, Some(2), "{line}: {ran:?}");
            assert_ne!(ran.code, Some(127), "{line}: {ran:?}");
        }
    }
    assert!(hints >= 5, "only {hints} hints were seen");
    let proof = place.net().join("my proof.json");
    let proven = ["prove", "1", "--out", proof.to_str().unwrap()];
    let said = place.run(&[&ann[..], &proven].concat()).succeeds();
    let verify = commands(&said).remove(0);
    place.types(&verify).succeeds();
}

#[test]
fn cli_words_that_were_not_understood_are_answered_by_what_to_type() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    for (typed, told) in [
        (&["pay", "ben", "5"][..], "send bob 5"),
        (&["message", "ben", "hi"], "send bob 0 --note hello"),
        (&["mine", "3"], "mine --blocks 3"),
        (&["send", "ben", "5", "hello"], "send ben 5 --note hello"),
        (&["send", "ben"], "send ben 5"),
        (&["logout"], "nothing to log out of"),
    ] {
        run(at, typed).fails(2, &[told]);
    }
    for (typed, told) in [
        (
            &["mine", "--blocks", "0"][..],
            "a whole number of blocks is wanted, 1 or more",
        ),
        (
            &["mine", "--blocks", "-1"],
            "a whole number of blocks is wanted, 1 or more",
        ),
        (&["history", "--limit", "0"], "from 1 to 200"),
        (
            &["send", "ben", "5", "--expires-in", "0"],
            "a whole number of blocks is wanted, from 1",
        ),
        (
            &[
                "init",
                "peer",
                "--name",
                "a",
                "--tracker",
                "t:1",
                "--listen",
                "7001",
            ],
            "an IP address and a port",
        ),
    ] {
        let ran = run(at, typed);
        let said = format!("{ran:?}");
        ran.fails(2, &[told]);
        for of_the_parser in ["18446744073709551615", "socket address", "is not in"] {
            assert!(!said.contains(of_the_parser), "{said}");
        }
    }
}

#[test]
fn cli_refusals_are_json_with_a_code_where_json_is_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    for (arguments, code, status) in [
        (&["--json", "status"][..], "misuse", 2),
        (&["--json", "dance"], "misuse", 2),
        (&["verify", "nowhere", "--json"], "no", 1),
        (&["explain", "gibberish", "--json"], "misuse", 2),
    ] {
        let ran = run(at, arguments);
        assert_eq!(ran.code, Some(status), "{ran:?}");
        let problem: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(problem["code"], code, "{ran:?}");
        let detail = problem["detail"].as_str().unwrap();
        // People who look at standard error see it, too.
        assert!(ran.err.contains(detail.lines().next().unwrap()), "{ran:?}");
    }
}
