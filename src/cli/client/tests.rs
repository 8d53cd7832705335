use super::super::args::{Cli, Command};
use super::super::commands;
use super::super::output::Output;
use super::*;
use crate::http::testing::Served;
use crate::http::{Challenge, Prover};
use crate::owner::testing::secret;
use clap::Parser;
use std::io::Write;
use std::iter;
use std::net::{SocketAddr, TcpListener};
use std::thread;

/// The settings of a node whose files are in a directory.
fn settings(role: &str, data_dir: &Path) -> Settings {
    let own = match role {
        "peer" => "name = \"alice\"\ntrackers = [\"127.0.0.1:7000\"]\n",
        _ => "",
    };
    let text = format!("role = \"{role}\"\n{own}data_dir = {:?}\n", data_dir);
    Settings::parse(Path::new("here.toml"), &text, iter::empty()).unwrap()
}

/// What a command line writes, asked of the node with its files in `data_dir`.
fn run(role: &str, data_dir: &Path, line: &str) -> Result<String, Failure> {
    let cli = Cli::try_parse_from(line.split(' ')).unwrap();
    let Some(Command::Ask(ask)) = cli.command else {
        panic!("{line}");
    };
    let here = Path::new("here.toml");
    let invocation = Invocation::of_this_process().for_node(here);
    let settings = settings(role, data_dir);
    let client = Client::find(&settings, here, &invocation)?;
    let mut written = Vec::new();
    let mut output = Output::new(&mut written, cli.json);
    commands::ask(&ask, &settings, &client, &mut output)?;
    Ok(String::from_utf8(written).unwrap())
}

/// As [`run`], beside a server on this thread.
async fn beside(served: &Served, role: &'static str, line: String) -> Result<String, Failure> {
    let data_dir = served.data_dir().to_owned();
    tokio::task::spawn_blocking(move || run(role, &data_dir, &line))
        .await
        .unwrap()
}

fn no(result: Result<String, Failure>) -> String {
    match result {
        Err(Failure::No(reason) | Failure::NoAnswer(reason) | Failure::Answered(reason)) => reason,
        Err(Failure::Refused(problem)) if problem.status != 400 => problem.detail,
        other => panic!("{other:?}"),
    }
}

fn misuse(result: Result<String, Failure>) -> String {
    match result {
        Err(Failure::Misuse(reason)) => reason,
        Err(Failure::Refused(problem)) if problem.status == 400 => problem.detail,
        other => panic!("{other:?}"),
    }
}

#[actix_web::test]
async fn every_command_is_answered_in_text_and_in_json() {
    let served = Served::peer().await;
    for (line, told) in [
        ("node status".to_owned(), "in sync"),
        ("node peers".to_owned(), "carol"),
        ("node balance".to_owned(), "1045 coins"),
        ("node balance bob".to_owned(), "bob"),
        ("node block 0".to_owned(), "RacletteCheese"),
        ("node block 1".to_owned(), "(reward)"),
        ("node open".to_owned(), "carol"),
        (format!("node tx {}", served.open), "open: valid"),
        (
            format!("node tx {}", served.mined),
            "mined at height 1, 2 confirmations",
        ),
        ("node send bob 5 --fee 1".to_owned(), "here.toml history"),
        ("node outbox".to_owned(), "nothing is on its way"),
        ("node inbox".to_owned(), "nothing to read"),
        ("node history".to_owned(), "nothing was sent"),
        ("node sync --from bob".to_owned(), "height 2, in sync"),
        ("node mine --blocks 2".to_owned(), "height 4"),
        ("node chain verify".to_owned(), "supply"),
        ("node chain show".to_owned(), "genesis included"),
    ] {
        let text = beside(&served, "peer", line.clone()).await.unwrap();
        assert!(text.contains(told), "{line}: {text}");
        let wide = |text: &str| text.chars().count() > 80 && !text.contains("--config");
        assert!(!text.lines().any(wide), "{line}: {text}");
        let json = beside(&served, "peer", format!("{line} --json"))
            .await
            .unwrap();
        for value in json.lines() {
            assert!(
                serde_json::from_str::<serde_json::Value>(value).is_ok(),
                "{value}"
            );
        }
        let several = line.contains("mine") || line.contains("verify");
        assert_eq!(json.lines().count() > 1, several, "{line}: {json}");
    }
}

/// What `node verify` says of a file, and whether it believes it.
fn verify(file: &Path, how: &str) -> Result<String, Failure> {
    let line = format!("node verify {} {how}", file.display());
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
    let Some(Command::Verify(arguments)) = cli.command else {
        panic!("{line}");
    };
    let mut written = Vec::new();
    let invocation = Invocation::of_this_process();
    let output = &mut Output::new(&mut written, cli.json);
    super::super::proofs::verify(&arguments, None, &invocation, output)?;
    Ok(String::from_utf8(written).unwrap())
}

#[actix_web::test]
async fn a_proof_is_written_by_a_node_and_checked_without_one() {
    let served = Served::peer().await;
    let place = tempfile::tempdir().unwrap();
    let chain = beside(&served, "peer", "node chain show --json".to_owned()).await;
    let chain: serde_json::Value = serde_json::from_str(&chain.unwrap()).unwrap();
    let tip = chain["tip"]["id"].as_str().unwrap();
    for (name, how) in [("json", ""), ("bytes", " --format bytes")] {
        let file = place.path().join(name);
        let line = format!("node prove {}{how} --out {}", served.mined, file.display());
        let said = beside(&served, "peer", line.clone()).await.unwrap();
        assert!(said.contains("verify"), "{said}");
        let again = no(beside(&served, "peer", line).await);
        assert!(again.contains("there already"), "{again}");
        let told = verify(&file, &format!("--trust {tip}")).unwrap();
        assert!(told.contains("proven to be on the chain"), "{told}");
        assert!(told.contains("5 coins"), "{told}");
        assert!(
            !told.lines().any(|line| line.chars().count() > 80),
            "{told}"
        );
        let json = verify(&file, &format!("--trust {tip} --json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["proven"], true);
        assert_eq!(json["transaction"]["id"], served.mined.to_string());
        verify(&file, "--work 1").unwrap();
        // Without a word on what makes it true, nothing is.
        assert!(no(verify(&file, "")).contains("--trust"));
        let other = "ab".repeat(32);
        assert!(no(verify(&file, &format!("--trust {other}"))).contains("does not lead to"));
        assert!(no(verify(&file, "--work 1000000")).contains("were asked for"));
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        no(verify(&file, &format!("--trust {tip}")));
    }
    let printed = beside(&served, "peer", "node prove 1".to_owned()).await;
    assert!(serde_json::from_str::<serde_json::Value>(&printed.unwrap()).is_ok());
    misuse(beside(&served, "peer", "node prove x".to_owned()).await);
    no(beside(&served, "peer", format!("node prove {}", served.open)).await);
}

#[test]
fn attack_files_that_are_no_proofs_are_refused_in_words() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("proof");
    let huge = vec![b' '; crate::chain::proof::MAX_PROOF_JSON_BYTES + 1];
    for bytes in [
        &b""[..],
        b"{",
        b"{}",
        b"[1]",
        b"\x95\x01",
        b"\xff\x00",
        &huge,
    ] {
        std::fs::write(&file, bytes).unwrap();
        let reason = no(verify(&file, "--work 1"));
        assert!(reason.contains("proof"), "{reason}");
    }
    let missing = no(verify(&place.path().join("nowhere"), "--work 1"));
    assert!(missing.contains("nowhere"), "{missing}");
}

#[actix_web::test]
async fn a_sync_from_somebody_who_goes_away_before_showing_anything_is_a_no() {
    let served = Served::peer().await;
    let line = format!("node sync --from {}", secret(8).public_key().to_address());
    let gone = no(beside(&served, "peer", line).await);
    assert!(gone.contains("went away before"), "{gone}");
}

#[actix_web::test]
async fn a_fair_no_and_misuse_are_told_apart() {
    let served = Served::peer().await;
    let ask = |line: &str| beside(&served, "peer", line.to_owned());
    assert!(no(ask("node send bob 100000").await).contains("insufficient funds"));
    assert!(no(ask("node send bbo 1").await).contains("did you mean bob?"));
    assert!(no(ask("node balance <b>&of=x").await).contains("no member"));
    assert!(no(ask("node block 99").await).contains("ends at height 2"));
    assert!(no(ask(&format!("node tx {}", "0".repeat(64))).await).contains("neither open"));
    misuse(ask("node tx 12").await);
    misuse(ask("node block ../status").await);
    misuse(ask("node tx ").await);
    let mistyped = format!("node send rac1{} 1", "q".repeat(58));
    assert!(misuse(ask(&mistyped).await).contains("address"));
}

#[actix_web::test]
async fn a_tracker_is_asked_for_what_it_has() {
    let served = Served::tracker().await;
    let ask = |line: &str| beside(&served, "tracker", line.to_owned());
    assert!(
        ask("node status")
            .await
            .unwrap()
            .contains("3 registered, 3 live")
    );
    assert!(ask("node peers").await.unwrap().contains("bob"));
    assert!(misuse(ask("node balance").await).contains("is a tracker's"));
}

#[actix_web::test]
async fn a_stopped_node_is_told_from_a_running_one() {
    let served = Served::peer().await;
    let left_over = ApiFile::read(served.data_dir()).unwrap();
    served.handle.stop().await.unwrap();
    let line = || "node status".to_owned();
    let reason = no(beside(&served, "peer", line()).await);
    assert!(reason.contains("not running"), "{reason}");
    assert!(reason.contains("here.toml`"), "{reason}");
    // As after `kill -9`: the file is there, and nobody listens.
    left_over.write(served.data_dir()).unwrap();
    let reason = no(beside(&served, "peer", line()).await);
    assert!(reason.contains("nobody listens"), "{reason}");
}

#[actix_web::test]
async fn another_node_on_an_old_port_does_not_answer_for_this_one() {
    let served = Served::peer().await;
    let mut file = ApiFile::read(served.data_dir()).unwrap();
    file.token = "0".repeat(64);
    file.write(served.data_dir()).unwrap();
    let reason = no(beside(&served, "peer", "node status".to_owned()).await);
    assert!(reason.contains("is another program"), "{reason}");
}

/// A server that knows the token, proves it, and answers one request with these bytes.
fn answering(token: &'static str, answer: &'static str) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = BufReader::new(stream.try_clone().unwrap());
        let mut next = || {
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                head.read_line(&mut line).unwrap();
                if line.len() <= 2 {
                    return lines;
                }
                lines.push(line);
            }
        };
        let asked = next().remove(0);
        let (_, challenge) = asked.split_once("challenge=").unwrap();
        let challenge = Challenge::from_hex(&challenge[..64]).unwrap();
        let proof = Prover::new(token, address).prove(&challenge);
        let proof = serde_json::to_string(&proof).unwrap();
        let length = proof.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{proof}"
        )
        .unwrap();
        next();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    (address, server)
}

#[test]
fn whatever_answers_no_command_panics_or_follows_it_elsewhere() {
    for answer in [
        "",
        "\u{0}\u{1}\u{2}",
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull",
        "HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{\"role\":",
        "HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    ] {
        for line in [
            "node status",
            "node chain verify",
            "node mine",
            "node send bob 1",
        ] {
            let dir = tempfile::tempdir().unwrap();
            let (address, server) = answering("secret-token", answer);
            let file = ApiFile {
                address,
                token: "secret-token".to_owned(),
                pid: 1,
            };
            file.write(dir.path()).unwrap();
            let reason = no(run("peer", dir.path(), line));
            assert!(!reason.contains("secret-token"), "{reason}");
            assert!(!reason.contains("not running"), "{reason}");
            server.join().unwrap();
        }
    }
}

#[test]
fn a_cut_off_verification_is_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let (address, server) = answering(
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 39\r\n\r\n{\"progress\":{\"height\":1,\"of\":1000000}}\n\n",
    );
    let file = ApiFile {
        address,
        token: String::new(),
        pid: 1,
    };
    file.write(dir.path()).unwrap();
    no(run("peer", dir.path(), "node chain verify"));
    server.join().unwrap();
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let mut gone = Gone;
    let failure: Failure = Output::new(&mut gone, false).text("x").unwrap_err().into();
    assert_eq!(failure.reason(), None);
    assert_eq!(failure.exit_code(), std::process::ExitCode::SUCCESS);
}
