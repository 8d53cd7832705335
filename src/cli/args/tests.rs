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
        "node account --limit 200",
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

/// What stands in the place of a value, and is none.
const NONSENSE: [&str; 7] = ["", "x", "-1", "0", "1.5", "99999999999999999999999", "a b"];
/// How libraries speak to programmers.
const OF_PARSERS: [&str; 8] = [
    "invalid digit",
    "number too large",
    "number too small",
    "cannot parse",
    "is not in ",
    "invalid socket address",
    "invalid character",
    "invalid type",
];

#[test]
fn n10_no_argument_of_any_command_is_refused_in_a_parsers_words() {
    fn check(command: &clap::Command, checked: &mut usize, wrong: &mut Vec<String>) {
        for argument in command.get_arguments() {
            if !argument.get_action().takes_values() {
                continue;
            }
            let parser = argument.get_value_parser().clone();
            let alone = clap::Arg::new("value")
                .long("value")
                .allow_hyphen_values(true)
                .value_parser(parser);
            let alone = clap::Command::new("node").arg(alone);
            for nonsense in NONSENSE {
                let parsed = alone
                    .clone()
                    .try_get_matches_from(["node", "--value", nonsense]);
                let Err(refused) = parsed else { continue };
                *checked += 1;
                let told = refused.to_string();
                if OF_PARSERS.iter().any(|words| told.contains(words)) {
                    let (name, of) = (argument.get_id(), command.get_name());
                    wrong.push(format!("{name} of {of}: {told}"));
                }
            }
        }
        for command in command.get_subcommands() {
            check(command, checked, wrong);
        }
    }
    let (mut checked, mut wrong) = (0, Vec::new());
    check(&Cli::command(), &mut checked, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 100, "{checked} refusals were read");
}

/// What acts for good, and at once; or leaves a secret open.
const FOR_GOOD: [&str; 6] = [
    "node leave",
    "node outbox release 00",
    "node wallet unlock",
    "node expel ann --reason x",
    "node rekey ann rac1",
    "node tracker hand-over rac1",
];

#[test]
fn n3_every_command_that_can_not_be_undone_asks_and_takes_a_yes() {
    fn with_yes(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        if command.get_arguments().any(|one| one.get_id() == "yes") {
            found.push(path.to_owned());
        }
        for inner in command.get_subcommands() {
            with_yes(inner, &format!("{path} {}", inner.get_name()), found);
        }
    }
    let mut asking = Vec::new();
    with_yes(&Cli::command(), "node", &mut asking);
    for line in FOR_GOOD {
        assert!(parse(&format!("{line} --yes")).is_ok(), "{line}");
        let asks = asking.iter().any(|path| line.starts_with(path.as_str()));
        assert!(asks, "{line} takes no --yes");
    }
    assert_eq!(asking.len(), FOR_GOOD.len(), "{asking:?}");
}
