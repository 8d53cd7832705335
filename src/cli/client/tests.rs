use super::super::args::{Cli, Command};
use super::super::commands;
use super::super::output::Output;
use super::*;
use crate::http::testing::Served;
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
    let client = Client::find(&settings(role, data_dir), Path::new("here.toml"), "./node")?;
    let mut written = Vec::new();
    commands::ask(&ask, &client, &mut Output::new(&mut written, cli.json))?;
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
        Err(Failure::No(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn misuse(result: Result<String, Failure>) -> String {
    match result {
        Err(Failure::Misuse(reason)) => reason,
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
        (
            "node send bob 5 --fee 1".to_owned(),
            "./node --config here.toml tx ",
        ),
        ("node mine --blocks 2".to_owned(), "height 4"),
        ("node chain verify".to_owned(), "supply"),
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
    assert!(reason.contains("`./node --config here.toml`"), "{reason}");
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
    assert!(reason.contains("does not know its token"), "{reason}");
}

/// A server that answers one request with these bytes.
fn answering(answer: &'static str) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while head.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
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
            let (address, server) = answering(answer);
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
