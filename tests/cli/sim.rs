//! Networks in simulated time.

use super::run;
use std::fs;

const SCENARIO: &str = "title = \"Two sizes\"\npeers = [2, 4]\nminutes = 2\ndelay_ms = [10, 40]\n\
                        payments_per_minute = 6\n";

#[test]
fn cli_sim_shows_what_a_network_would_do_and_the_same_again() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("two.toml"), SCENARIO).unwrap();
    let ran = run(directory.path(), &["sim", "two.toml", "--svg", "two.svg"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("2 peers") && ran.out.contains("4 peers"),
        "{ran:?}"
    );
    let svg = fs::read_to_string(directory.path().join("two.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("Two sizes"));
    let json = || run(directory.path(), &["--json", "sim", "two.toml"]).out;
    let (first, again) = (json(), json());
    assert_eq!(first, again);
    let report: serde_json::Value = serde_json::from_str(&first).unwrap();
    let networks = report["networks"].as_array().unwrap();
    assert_eq!(networks.len(), 2);
    assert!(
        networks
            .iter()
            .all(|network| network["height"].as_u64() > Some(5))
    );
}

#[test]
fn cli_sim_names_what_is_wrong_with_a_scenario() {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), &["sim", "none.toml"]).fails(2, &["none.toml"]);
    let wrong = SCENARIO.replace("minutes = 2", "minutes = 0");
    fs::write(directory.path().join("wrong.toml"), wrong).unwrap();
    run(directory.path(), &["sim", "wrong.toml"]).fails(2, &["wrong.toml", "minutes", "1 to"]);
}
