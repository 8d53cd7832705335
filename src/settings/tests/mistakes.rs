//! What is said of settings that are wrong.

use super::*;

#[test]
fn unknown_keys_name_line_and_nearest() {
    for (text, expected) in [
        (
            "lisetn = \"127.0.0.1:1\"\n",
            ":4: `lisetn` is no key; did you mean `listen`?",
        ),
        (
            "[mining]\nmode = \"always\"\ntreads = 2\n",
            ":6: `mining.treads` is no key; did you mean `mining.threads`?",
        ),
        (
            "threads = 2\n",
            ":4: `threads` is no key; did you mean `threads` in the section [mining]?",
        ),
        (
            "[minning]\nthreads = 2\n",
            ":4: `minning` is no key; did you mean the section [mining]?",
        ),
        (
            "[log]\ncolour = true\n",
            ":5: `log.colour` is no key; there are: log.level, log.file_level, log.file_bytes, log.files",
        ),
        (
            "[network]\nreward = 5\n",
            ":4: `network` is for a tracker, and this file says role = \"peer\". Take it out",
        ),
    ] {
        assert_eq!(
            mistake(&format!("{PEER}{text}"), &[]),
            format!("{FILE}{expected}")
        );
    }
}

#[test]
fn wrong_values_name_line_key_expectation_and_example() {
    assert_eq!(
        mistake(&format!("{PEER}[mining]\n\nthreads = 0\n"), &[]),
        format!(
            "{FILE}:6: `mining.threads`: expected a whole number from 1 to 256, found the number \
             0. For example: threads = 1"
        )
    );
    assert_eq!(
        mistake(&format!("{PEER}mining = 3\n"), &[]),
        format!(
            "{FILE}:4: `mining`: expected a section, found the number 3. Write [mining] on a line \
             of its own and its keys below"
        )
    );
    // The line is the entry's, not the list's.
    let list = "[network]\nallocations = [\n  { address = \"a\", amount = 1 },\n  \
                { address = \"b\", amount = 0 },\n]\n";
    let message = mistake(&format!("{TRACKER}{list}"), &[]);
    assert!(
        message.starts_with(&format!("{FILE}:5: `network.allocations`")),
        "{message}"
    );
    assert!(message.contains("found the number 0"), "{message}");
}

#[test]
fn values_out_of_type_or_range_are_refused() {
    for wrong in [
        "name = \"Alice\"",
        "name = \"\"",
        "name = \"1a\"",
        "name = 7",
        "name = \"a'; drop table peers\"",
        "name = \"abcdefghijklmnopqrstuvwxyz1234567\"",
        "data_dir = \"\"",
        "data_dir = \"a\\u0000b\"",
        "listen = \"localhost:1\"",
        "listen = \"127.0.0.1\"",
        "listen = \"127.0.0.1:65536\"",
        "trackers = []",
        "trackers = \"127.0.0.1:7000\"",
        "trackers = [\"127.0.0.1:0\"]",
        "trackers = [\"a:1\", \"a:1\"]",
        "trackers = [\"a:1\",\"a:2\",\"a:3\",\"a:4\",\"a:5\",\"a:6\",\"a:7\",\"a:8\",\"a:9\"]",
        "api.listen = \"0.0.0.0:0\"",
        "api.listen = \"192.168.0.1:80\"",
        "mining.mode = \"sometimes\"",
        "mining.threads = 257",
        "mining.threads = 1.0",
        "mining.threads = -1",
        "mining.threads = \"1\"",
        "mining.threads = 99999999999999999999999999",
        "log.level = \"INFO\"",
        "log.files = 0",
    ] {
        let key = wrong.split(' ').next().unwrap();
        let given = ["name", "trackers"].map(|required| match key == required {
            true => String::new(),
            false => PEER
                .lines()
                .find(|l| l.starts_with(required))
                .unwrap()
                .to_owned(),
        });
        let text = format!("role = \"peer\"\n{}\n{wrong}\n", given.join("\n"));
        let found = mistakes(&text, &[]);
        assert_eq!(found.len(), 1, "{wrong}: {found:#?}");
        assert_eq!(found[0].key, key);
        assert_eq!(found[0].place, Place::Line(FILE.into(), 4), "{wrong}");
        assert!(found[0].message.contains("For example: "), "{wrong}");
    }
    for wrong in [
        "block_interval_ms = 99",
        "start_work = 0",
        "start_work = 281474976710657",
        "max_block_bytes = 16383",
        "applications = [\"Vote\"]",
        "applications = [\"vote\", \"vote\"]",
        "allocations = [{ address = \"a\" }]",
        "allocations = [{ address = \"a\", amount = 1, note = \"\" }]",
        "allocations = [{ address = \"a b\", amount = 1 }]",
        "allocations = [{ address = \"a\", amount = 1 }, { address = \"a\", amount = 1 }]",
        "allocations = [{ address = \"a\", amount = 9223372036854775807 }, \
         { address = \"b\", amount = 1 }]",
    ] {
        let found = mistakes(&format!("{TRACKER}[network]\n{wrong}\n"), &[]);
        assert_eq!(found.len(), 1, "{wrong}: {found:#?}");
    }
}

#[test]
fn limits_themselves_are_accepted() {
    assert_eq!(peer("mining.threads = 256\n", &[]).mining.threads, 256);
    let allocations: Vec<String> = (0..1_000)
        .map(|n| format!("{{ address = \"a{n}\", amount = 1 }}"))
        .collect();
    let list = |count: usize| {
        let list = allocations[..count].join(",");
        format!("{TRACKER}network.allocations = [{list}]\n")
    };
    assert!(load(&list(1_000), &[]).is_ok());
    let one_more = list(1_000).replace("= [", "= [{ address = \"b\", amount = 1 },");
    assert_eq!(mistakes(&one_more, &[])[0].key, "network.allocations");
}

#[test]
fn all_mistakes_are_told_at_once_in_order() {
    let text = "role = \"peer\"\n[mining]\nthreads = 0\n[api]\nlistne = 1\n";
    let error = load(text, &[("RACLETTE_LOG__LEVEL", "loud")]).unwrap_err();
    let text = error.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    assert_eq!(lines[0], "5 settings are wrong:");
    for (line, part) in lines[1..].iter().zip([
        ":3: `mining.threads`",
        ":5: `api.listne`",
        "peer.toml: `name` is missing",
        "peer.toml: `trackers` is missing",
        "RACLETTE_LOG__LEVEL",
    ]) {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn the_role_is_needed_and_stands_in_the_file() {
    assert!(mistake("name = \"a\"\n", &[]).contains("`role` is missing"));
    for wrong in ["\"peeer\"", "1", "[\"peer\"]"] {
        let message = mistake(&format!("role = {wrong}\n"), &[]);
        assert!(
            message.contains(":1: `role`: expected \"peer\" or \"tracker\""),
            "{message}"
        );
    }
    let message = mistake(PEER, &[("RACLETTE_ROLE", "tracker")]);
    assert!(message.contains("can't be replaced"), "{message}");
}

#[test]
fn unknown_variables_are_told_and_passed_over() {
    let odd = [("RACLETTE_API_LISTEN", "127.0.0.1:1")];
    assert_eq!(peer("", &odd), peer("", &[]));
    let told = |variables: &[(&str, &str)]| {
        let own = |(name, text): &(&str, &str)| (name.to_string(), text.to_string());
        unknown_variables(variables.iter().map(own))
    };
    let warnings = told(&odd);
    assert!(
        warnings[0].contains("did you mean RACLETTE_API__LISTEN?"),
        "{warnings:?}"
    );
    assert_eq!(
        told(&[
            ("RACLETTE_NAME", "bob"),
            ("RACLETTE_ROLE", "x"),
            ("HOME", "/")
        ])
        .len(),
        0
    );
    assert_eq!(tracker("", &[("RACLETTE_NAME", "bob")]), tracker("", &[]));
}

#[test]
fn a_service_called_like_the_program_breaks_nothing() {
    // As Kubernetes sets them beside a service `raclette` and one `raclette-api`, and Docker for a link.
    let variables = [
        ("RACLETTE_SERVICE_HOST", "10.0.0.7"),
        ("RACLETTE_SERVICE_PORT", "7000"),
        ("RACLETTE_SERVICE_PORT_PEERS", "7000"),
        ("RACLETTE_PORT", "tcp://10.0.0.7:7000"),
        ("RACLETTE_PORT_7000_TCP", "tcp://10.0.0.7:7000"),
        ("RACLETTE_PORT_7000_TCP_ADDR", "10.0.0.7"),
        ("RACLETTE_API_SERVICE_HOST", "10.0.0.8"),
        ("RACLETTE_API_PORT", "tcp://10.0.0.8:80"),
        ("RACLETTE_ENV_PATH", "/usr/bin"),
        ("RACLETTE_NAME", "/web/raclette"),
    ];
    assert_eq!(peer("", &variables), peer("", &[]));
    let own = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
    assert_eq!(
        unknown_variables(variables.into_iter().map(own)),
        Vec::<String>::new()
    );
}

#[test]
fn a_path_with_a_variable_is_refused_in_words() {
    for key in ["data_dir = \"$HOME/x\"", "[wallet]\nfile = \"${HOME}/x\""] {
        let message = mistake(&format!("{PEER}{key}\n"), &[]);
        assert!(message.contains("variables are not replaced"), "{message}");
    }
    let message = mistake(&format!("{PEER}data_dir = \"~bob/x\"\n"), &[]);
    assert!(message.contains("write the whole path"), "{message}");
}

#[test]
fn broken_toml_names_its_line() {
    for (text, line) in [
        ("role = \"peer\"\nname = alice\n", 2),
        ("a = 1\n\na = 2\n", 3),
    ] {
        let message = mistake(text, &[]);
        assert!(
            message.starts_with(&format!("{FILE}:{line}: this is not TOML")),
            "{message}"
        );
    }
}

#[test]
fn nesting_without_end_is_a_mistake_like_others() {
    let deep = "[".repeat(100_000);
    mistakes(&format!("{PEER}advertise = {deep}\n"), &[]);
    mistakes(TRACKER, &[("RACLETTE_NETWORK__ALLOCATIONS", &deep)]);
    mistakes(&format!("{PEER}{}a = 1\n", "a.".repeat(100_000)), &[]);
}

#[test]
fn listening_everywhere_needs_an_address_to_give_away() {
    let everywhere = "listen = \"0.0.0.0:7001\"\n";
    let message = mistake(&format!("{PEER}{everywhere}"), &[]);
    assert!(
        message.contains("advertise = [\"192.168.1.20:7001\"]"),
        "{message}"
    );
    peer(
        &format!("{everywhere}advertise = [\"alice.example:7001\"]\n"),
        &[],
    );
}

#[test]
fn unreadable_files_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("peer.toml");
    let message = || match Settings::load(&path, iter::empty()) {
        Err(error @ SettingsError::Unreadable { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(message().contains("node init peer"));
    std::fs::write(&path, b"# x\nname = \"\xff\"").unwrap();
    assert!(message().contains("UTF-8 at line 2"));
    std::fs::write(&path, b"\xff\xfer\0").unwrap();
    assert!(message().contains("UTF-16"));
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(message().contains("larger than"));
}
