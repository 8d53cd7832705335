use super::*;
use clap::CommandFactory;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn what_the_walk_types_is_understood() {
    for line in [
        "node",
        "node --config peer.toml",
        "node --config peer.toml status",
        "node status --config peer.toml --json",
        "node demo",
        "node demo --once --json --dir elsewhere",
        "node bench",
        "node bench --json",
        "node init tracker",
        "node init tracker --dir net",
        "node init peer --name alice --tracker 127.0.0.1:7000",
        "node init peer --name bob --tracker t.example:7000 --tracker [::1]:7 --listen 0.0.0.0:7002 --out bob.toml",
        "node init network chess",
        "node init network chess --recovery-out words.txt",
        "node init tracker --no-recovery",
        "node init recovery --recovery-out words.txt",
        "node init network chess --member ann --dir net --host 192.168.1.10 --port 7100",
        "node balance",
        "node balance bob",
        "node mine --blocks 3",
        "node send bob 5 --fee 1 --expires-in 10",
        "node send bob 0 --note hello --wait delivered",
        "node send bob 5 --note - --broadcast --wait mined --json",
        "node outbox",
        "node outbox retry 00",
        "node outbox withdraw 00 --json",
        "node outbox release 00 --yes",
        "node inbox --unread --follow",
        "node history --limit 200",
        "node tx 00",
        "node block 7",
        "node open",
        "node chain verify --json",
        "node chain show",
        "node logs",
        "node logs --follow --since 5m --actor miner --level warn --json",
        "node logs --id 00ff --with bob.toml --with carol.jsonl --last 20",
        "node export",
        "node export --format json --out chain.json --config peer.toml",
        "node import chain.json",
        "node wallet new",
        "node wallet new --locked --config peer.toml",
        "node wallet show --json",
        "node wallet words --reveal",
        "node wallet restore --locked",
        "node wallet lock",
        "node wallet unlock",
        "node wallet address",
        "node wallet load",
        "node prove 7",
        "node prove 00 --tail 3 --until 9 --format bytes --out proof",
        "node verify proof",
        "node verify proof --work 1000",
        "node verify proof --trust 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn misuse_is_refused() {
    for line in [
        "node fly",
        "node send bob",
        "node send bob -5",
        "node send bob 1.5",
        "node send bob 18446744073709551616",
        "node send bob 5 --expires-in 0",
        "node send bob 5 --wait paid",
        "node send bob 5 --same --another",
        "node outbox burn 00",
        "node history --limit 0",
        "node history --limit 201",
        "node mine --blocks 0",
        "node init peer --name alice",
        "node init peer --tracker 127.0.0.1:7000",
        "node init peer --name alice --tracker nowhere",
        "node init tracker --dir a --out b",
        "node init tracker --no-recovery --recovery-out b",
        "node init network",
        "node init network chess --host 10.0.0.1:7000",
        "node init network chess --port 65535",
        "node chain",
        "node wallet",
        "node wallet lock swordfish",
        "node wallet restore abandon abandon",
        "node export --format xml",
        "node import",
        "node logs --since soon",
        "node logs --level loud",
        "node logs --last 0",
        "node verify",
        "node verify proof --trust 7",
        "node verify proof --work -1",
        "node verify proof --work 1 --trust 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

/// What stands on a command line can be read by every user of the machine.
#[test]
fn no_secret_is_taken_as_an_argument() {
    fn check(command: &clap::Command) {
        for argument in command.get_arguments() {
            let name = argument.get_id().as_str().to_lowercase();
            for secret in ["token", "key", "secret", "pass", "words", "seed"] {
                assert!(!name.contains(secret), "{name} of {}", command.get_name());
            }
        }
        command.get_subcommands().for_each(check);
    }
    check(&Cli::command());
}

#[test]
fn a_tilde_that_the_shell_left_standing_is_the_home_directory() {
    let Some(home) = std::env::home_dir() else {
        return;
    };
    let cli = parse("node --config=~/a/peer.toml status").unwrap();
    assert_eq!(cli.config, Some(home.join("a/peer.toml")));
    let told = parse("node --config=~nobody/peer.toml status").unwrap_err();
    assert!(told.to_string().contains("write the whole path"), "{told}");
}
