mod mistakes;

use std::iter;

use proptest::prelude::*;

use super::schema::Role;
use super::*;

const FILE: &str = "/home/alice/peer.toml";
const PEER: &str = "role = \"peer\"\nname = \"alice\"\ntrackers = [\"127.0.0.1:7000\"]\n";
const TRACKER: &str = "role = \"tracker\"\n";
const SHIPPED_PEER: &str = include_str!("../../config/peer.toml");
const SHIPPED_TRACKER: &str = include_str!("../../config/tracker.toml");

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::parse(Path::new(FILE), text, variables)
}

fn peer(text: &str, variables: &[(&str, &str)]) -> PeerSettings {
    match load(&format!("{PEER}{text}"), variables) {
        Ok(Settings::Peer(peer)) => peer,
        other => panic!("no peer: {other:?}"),
    }
}

fn tracker(text: &str, variables: &[(&str, &str)]) -> TrackerSettings {
    match load(&format!("{TRACKER}{text}"), variables) {
        Ok(Settings::Tracker(tracker)) => tracker,
        other => panic!("no tracker: {other:?}"),
    }
}

fn mistakes(text: &str, variables: &[(&str, &str)]) -> Vec<Mistake> {
    match load(text, variables) {
        Err(SettingsError::Invalid(mistakes)) => mistakes,
        other => panic!("no mistakes: {other:?}"),
    }
}

/// The one mistake, as the user reads it.
fn mistake(text: &str, variables: &[(&str, &str)]) -> String {
    let found = mistakes(text, variables);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].to_string()
}

#[test]
fn shipped_files_are_the_templates() {
    let renew = "config/ is out of date; renew it: \
                 cargo test --release --lib settings -- --ignored renew_config";
    assert!(SHIPPED_PEER == example_peer(), "{renew}");
    assert!(
        SHIPPED_TRACKER == tracker_template(&TrackerTemplate::default()),
        "{renew}"
    );
}

#[test]
#[ignore = "writes config/"]
fn renew_config() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    std::fs::write(config.join("peer.toml"), example_peer()).unwrap();
    std::fs::write(
        config.join("tracker.toml"),
        tracker_template(&TrackerTemplate::default()),
    )
    .unwrap();
}

#[test]
fn shipped_files_equal_the_defaults() {
    assert_eq!(
        load(SHIPPED_PEER, &[]).unwrap(),
        Settings::Peer(peer("", &[]))
    );
    assert_eq!(
        load(SHIPPED_TRACKER, &[]).unwrap(),
        Settings::Tracker(tracker("", &[]))
    );
}

#[test]
fn shipped_files_show_every_key() {
    for (role, text) in [(Role::Peer, SHIPPED_PEER), (Role::Tracker, SHIPPED_TRACKER)] {
        let table: toml::Table = text.parse().unwrap();
        for (path, _) in role.keys() {
            let value = match path.split_once('.') {
                Some((section, key)) => table[section].get(key),
                None => table.get(&path),
            };
            assert!(value.is_some(), "{path}");
        }
    }
}

#[test]
fn every_key_accepts_its_own_example_and_describes_itself() {
    for role in [Role::Peer, Role::Tracker] {
        for (path, key) in role.keys() {
            let literal = key.given.example();
            let value = toml::de::DeValue::parse(literal).unwrap();
            assert!(key.kind.check(&value).is_ok(), "{path}");
            let variable = key.kind.as_variable(literal);
            assert!(key.kind.check_variable(&variable).is_ok(), "{path}");
            assert!(!key.doc.is_empty(), "{path}");
        }
    }
}

#[test]
fn defaults_of_a_peer() {
    let peer = peer("", &[]);
    assert_eq!(peer.name, "alice");
    assert_eq!(peer.data_dir, Path::new("/home/alice/alice-data"));
    assert_eq!(peer.listen, "127.0.0.1:7001".parse().unwrap());
    assert_eq!(peer.advertise, []);
    assert_eq!(peer.trackers, ["127.0.0.1:7000".parse().unwrap()]);
    assert_eq!(peer.api.listen, "127.0.0.1:0".parse().unwrap());
    assert_eq!(peer.mining.mode, MiningMode::OnCommand);
    assert_eq!(peer.mining.threads, 1);
    assert_eq!((peer.peers.outgoing, peer.peers.incoming), (8, 32));
    assert_eq!(peer.log.level, LogLevel::Info);
    assert_eq!(peer.log.file_level, LogLevel::Debug);
}

#[test]
fn defaults_of_a_tracker() {
    let tracker = tracker("", &[]);
    assert_eq!(tracker.data_dir, Path::new("/home/alice/tracker-data"));
    assert_eq!(tracker.listen, "127.0.0.1:7000".parse().unwrap());
    let expected = NetworkSettings {
        name: "raclette".to_owned(),
        block_interval_ms: 5_000,
        start_work: 1 << 22,
        difficulty_window: 32,
        growth_blocks: 0,
        reward: 50,
        halving_blocks: 0,
        max_block_bytes: 2 << 20,
        min_fee_per_kib: 0,
        admission: AdmissionMode::Invite,
        allocations: Vec::new(),
        gift: 0,
        recovery: String::new(),
        applications: vec!["vote".to_owned()],
    };
    assert_eq!(tracker.network, expected);
}

#[test]
fn the_file_replaces_defaults() {
    let tracker = tracker(
        "listen = \"[::]:9000\"\n\
         network.allocations = [{ address = \"rac1q\", amount = 0x10 }]\n\
         network.applications = [\"vote\"]\n\
         log.level = \"debug\"\n",
        &[],
    );
    assert_eq!(tracker.listen, "[::]:9000".parse().unwrap());
    let allocation = Allocation {
        address: "rac1q".to_owned(),
        amount: 16,
    };
    assert_eq!(tracker.network.allocations, [allocation]);
    assert_eq!(tracker.network.applications, ["vote"]);
    assert_eq!(tracker.log.level, LogLevel::Debug);
}

#[test]
fn the_environment_replaces_the_file() {
    let peer = peer(
        "advertise = [\"a:1\", \"b:2\"]\n[mining]\nthreads = 3\n",
        &[
            ("RACLETTE_NAME", "bob"),
            ("RACLETTE_MINING__THREADS", "4"),
            ("RACLETTE_MINING__MODE", "always"),
            ("RACLETTE_ADVERTISE", " c:3"),
            ("RACLETTE_TRACKERS", "one:7000, [::1]:7000"),
            ("HOME", "/"),
        ],
    );
    assert_eq!(peer.name, "bob");
    assert_eq!(peer.data_dir, Path::new("/home/alice/bob-data"));
    assert_eq!(peer.mining.threads, 4);
    assert_eq!(peer.mining.mode, MiningMode::Always);
    assert_eq!(peer.advertise, ["c:3".parse().unwrap()]);
    let trackers = ["one:7000", "[::1]:7000"].map(|at| at.parse().unwrap());
    assert_eq!(peer.trackers, trackers);
}

#[test]
fn a_variable_can_give_a_required_key_and_a_list_of_tables() {
    let settings = load(
        "role = \"peer\"\nname = \"alice\"\n",
        &[("RACLETTE_TRACKERS", "a:1")],
    );
    assert!(settings.is_ok(), "{settings:?}");
    let variable = "[{ address = \"rac1q\", amount = 7 }]";
    let tracker = tracker("", &[("RACLETTE_NETWORK__ALLOCATIONS", variable)]);
    assert_eq!(tracker.network.allocations[0].amount, 7);
}

#[test]
fn a_variable_is_read_as_the_type_of_its_key() {
    // Text that looks like a number, a flag or a date stays text.
    for text in ["007", "1e3", "true", "1979-05-27"] {
        let peer = peer("", &[("RACLETTE_DATA_DIR", text)]);
        assert_eq!(peer.data_dir, Path::new(text));
    }
    assert_eq!(
        mistake(PEER, &[("RACLETTE_MINING__THREADS", "\"4\"")]),
        "environment variable RACLETTE_MINING__THREADS: expected a whole number from 1 to 256, \
         found \"4\". For example: RACLETTE_MINING__THREADS=1"
    );
}

#[test]
fn relative_paths_start_where_they_were_written() {
    let data_dir = |text: &str, variables: &[(&str, &str)]| peer(text, variables).data_dir;
    let file = "data_dir = \"here\"\n";
    assert_eq!(data_dir(file, &[]), Path::new("/home/alice/here"));
    assert_eq!(data_dir("data_dir = \"/x\"\n", &[]), Path::new("/x"));
    let variable = [("RACLETTE_DATA_DIR", "there")];
    assert_eq!(data_dir(file, &variable), Path::new("there"));
}

#[test]
fn init_writes_once_and_only_what_is_right() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("peer.toml");
    let template = |name: &str| {
        peer_template(&PeerTemplate {
            name,
            trackers: &["[::1]:7000".parse().unwrap()],
            listen: Some("127.0.0.1:7002".parse().unwrap()),
            ..PeerTemplate::default()
        })
    };
    for name in ["Bob", "bob\"\nlisten = \"x", ""] {
        let refused = init(&path, &template(name));
        assert!(
            matches!(refused, Err(SettingsError::Invalid(_))),
            "{refused:?}"
        );
        assert!(!path.exists());
    }
    init(&path, &template("bob")).unwrap();
    let Ok(Settings::Peer(bob)) = Settings::load(&path, iter::empty()) else {
        panic!("not what was written");
    };
    assert_eq!(bob.name, "bob");
    assert_eq!(bob.data_dir, directory.path().join("bob-data"));
    assert_eq!(bob.listen.port(), 7002);
    assert_eq!(bob.trackers[0].to_string(), "[::1]:7000");
    let again = init(&path, &template("carol")).unwrap_err();
    assert!(again.to_string().contains("exists already"), "{again}");
    assert!(std::fs::read_to_string(&path).unwrap().contains("bob-data"));
}

#[test]
fn endpoints_are_what_can_be_dialled() {
    for (text, host) in [
        ("10.0.0.7:1", "10.0.0.7"),
        ("Tracker.Example:65535", "tracker.example"),
        ("[2001:DB8::1]:7", "2001:db8::1"),
    ] {
        let endpoint: Endpoint = text.parse().unwrap();
        assert_eq!(endpoint.host(), host);
        assert_eq!(endpoint.to_string(), text.to_lowercase());
    }
    for wrong in [
        "",
        ":1",
        "a",
        "a:",
        "a:0",
        "a:+1",
        "a:65536",
        "::1:7",
        "[::1]",
        "a b:1",
        "a..b:1",
        "0.0.0.0:1",
        "[::]:1",
        "256.0.0.1:1",
        "1.2.3:1",
        "0x7f.1:1",
        "-a:1",
        "224.0.0.1:1",
        "http://a:1",
        "[a]:1",
    ] {
        assert_eq!(wrong.parse::<Endpoint>(), Err(EndpointError), "{wrong}");
    }
}

proptest! {
    /// Whatever stands in the file, the answer is settings or mistakes with lines that exist.
    #[test]
    fn any_text_is_answered(text in "\\PC*(\n\\PC{0,40}){0,8}", value in "\\PC{0,40}") {
        for text in [text, format!("{PEER}{value}\n"), format!("{PEER}name = {value}\n")] {
            if let Err(SettingsError::Invalid(mistakes)) = load(&text, &[]) {
                prop_assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    if let Place::Line(_, line) = mistake.place {
                        prop_assert!((1..=1 + text.matches('\n').count()).contains(&line));
                    }
                }
            }
        }
    }

    /// A number in the range is taken over as it is, from the file and from the environment.
    #[test]
    fn numbers_in_range_come_through(threads in 1_u16..=256, interval in 100_u64..=3_600_000) {
        let settings = peer(&format!("mining.threads = {threads}\n"), &[]);
        prop_assert_eq!(settings.mining.threads, threads);
        let text = interval.to_string();
        let settings = tracker("", &[("RACLETTE_NETWORK__BLOCK_INTERVAL_MS", &text)]);
        prop_assert_eq!(settings.network.block_interval_ms, interval);
    }

    /// A misspelt key is refused, and one slip of the finger is understood.
    #[test]
    fn one_slip_is_understood(pick in 0_usize..100, at in 0_usize..100) {
        let keys = Role::Peer.keys();
        let (path, _) = &keys[pick % keys.len()];
        let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
        let mut slipped = name.to_owned();
        slipped.insert(1 + at % name.len(), 'x');
        let text = match section {
            "" => format!("{PEER}{slipped} = 1\n"),
            section => format!("{PEER}[{section}]\n{slipped} = 1\n"),
        };
        let message = mistake(&text, &[]);
        prop_assert!(message.contains(&format!("did you mean `{path}`?")), "{}", message);
    }
}

#[test]
fn a_wallet_lies_in_the_data_directory_and_its_passphrase_beside_the_settings() {
    let wallet = |text: &str, variables: &[(&str, &str)]| peer(text, variables).wallet;
    let unchanged = wallet("", &[]);
    assert_eq!(unchanged.file, Path::new("/home/alice/alice-data/key.pem"));
    assert_eq!(unchanged.passphrase_file(), None);
    assert_eq!(unchanged.create, WalletCreation::AtStart);
    let text =
        "[wallet]\nfile = \"old.pem\"\npassphrase_file = \"secret\"\ncreate = \"on-command\"\n";
    let named = wallet(text, &[]);
    assert_eq!(named.file, Path::new("/home/alice/alice-data/old.pem"));
    assert_eq!(
        named.passphrase_file(),
        Some(Path::new("/home/alice/secret"))
    );
    assert_eq!(named.create, WalletCreation::OnCommand);
    let elsewhere = wallet(
        "[wallet]\nfile = \"/x/y.pem\"\npassphrase_file = \"/z\"\n",
        &[],
    );
    assert_eq!(elsewhere.file, Path::new("/x/y.pem"));
    assert_eq!(elsewhere.passphrase_file(), Some(Path::new("/z")));
    let variable = [("RACLETTE_WALLET__PASSPHRASE_FILE", "there")];
    let replaced = wallet(text, &variable);
    assert_eq!(replaced.passphrase_file(), Some(Path::new("there")));
    let tracker = tracker("", &[]).wallet;
    assert_eq!(tracker.file, Path::new("/home/alice/tracker-data/key.pem"));
}

/// A variable can be read by every program of the same owner, and a file of settings is often shown
/// around.
#[test]
fn no_setting_is_a_secret_itself() {
    for role in [Role::Peer, Role::Tracker] {
        for (path, key) in role.keys() {
            let secret = ["passphrase", "secret", "words", "seed"];
            let named = secret.iter().any(|word| path.contains(word));
            let file = matches!(key.kind, Kind::OptionalFile);
            assert!(!named || file, "{path} is a secret in the settings");
        }
    }
}

#[test]
fn every_setting_says_where_it_comes_from() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("peer.toml");
    std::fs::write(&file, format!("{PEER}\n[mining]\nthreads = 2\n")).unwrap();
    let variables = [
        ("RACLETTE_MINING__MODE", "always"),
        ("RACLETTE_WALLET__FILE", "w.pem"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = settings_with_origin(&file, variables.into_iter()).unwrap();
    assert_eq!(settings.len(), Role::Peer.keys().len());
    let found = |key: &str| settings.iter().find(|one| one.key == key).unwrap().clone();
    assert_eq!(found("name").origin, Origin::File { line: 2 });
    assert_eq!(found("mining.threads").origin, Origin::File { line: 6 });
    assert_eq!(found("mining.threads").value, 2);
    let name = "RACLETTE_MINING__MODE".to_owned();
    assert_eq!(found("mining.mode").origin, Origin::Variable { name });
    assert_eq!(found("mining.mode").value, "always");
    assert_eq!(found("delivery.keep_days").origin, Origin::Default);
    assert_eq!(
        found("trackers").value,
        serde_json::json!(["127.0.0.1:7000"])
    );
    let wallet = place.path().join("alice-data/w.pem");
    assert_eq!(found("wallet.file").value, wallet.to_str().unwrap());
}
