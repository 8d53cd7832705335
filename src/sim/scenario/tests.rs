use super::*;

const SMALL: &str = "title = \"Small <&>\"\npeers = [3]\nminutes = 4\nminers = 2\npower = [3, 1]\n\
                     delay_ms = [10, 40]\npayments_per_minute = 6\n";

#[test]
fn the_scenarios_that_ship_describe_networks() {
    let shipped = [
        include_str!("../../../config/scenarios/classroom.toml"),
        include_str!("../../../config/scenarios/split-brain.toml"),
        include_str!("../../../config/scenarios/flaky-tracker.toml"),
    ];
    for text in shipped {
        let scenario = Scenario::parse(text).unwrap();
        for peers in &scenario.peers {
            let plan = scenario.plan(*peers);
            assert_eq!(plan.peers.len(), *peers);
            assert!(plan.last_fault_ms() <= scenario.length_ms());
        }
    }
}

#[test]
fn mistakes_are_named() {
    let wrong = [
        ("peers = [3]", "peers = [1]", "peers"),
        ("peers = [3]", "peers = []", "peers"),
        ("minutes = 4", "minutes = 0", "minutes"),
        ("minutes = 4", "minutes = 4000000000", "minutes"),
        ("minutes = 4", "hours = 4", "hours"),
        ("miners = 2", "miners = 4", "miners"),
        ("power = [3, 1]", "power = [3]", "power"),
        ("[10, 40]", "[40, 10]", "delay_ms"),
    ];
    for (right, wrong, named) in wrong {
        let error = Scenario::parse(&SMALL.replace(right, wrong)).unwrap_err();
        assert!(error.to_string().contains(named), "{wrong}: {error}");
    }
    let late = "[[trouble]]\nat_s = 200\nfor_s = 41\nwhat = \"crash\"\n";
    let error = Scenario::parse(&format!("{SMALL}{late}")).unwrap_err();
    assert!(error.to_string().contains("trouble"), "{error}");
}

#[test]
fn a_quiet_network_is_measured_as_it_is() {
    let scenario = Scenario::parse(SMALL).unwrap();
    let mut told = Vec::new();
    let figures = measure(&scenario, 3, &mut |ms| told.push(ms));
    assert_eq!(figures, measure(&scenario, 3, &mut |_| {}));
    assert_eq!(told.last(), Some(&240_000));
    assert!(figures.agrees);
    // 48 intervals.
    assert!((24..=96).contains(&figures.height), "{figures:?}");
    // A header, a question, a body: three ways of 10 to 40 ms, and a turn or two through the actors.
    assert!(
        (30..=400).contains(&figures.propagation_ms[0]),
        "{figures:?}"
    );
    assert!(figures.fork_percent < 20.0, "{figures:?}");
    assert_eq!(figures.payments, 24);
    assert!(figures.mined >= 20, "{figures:?}");
    assert!(
        (500..=15_000).contains(&figures.confirmation_ms[0]),
        "{figures:?}"
    );
    assert!(figures.bytes_per_second > 10.0);
}

#[test]
fn a_plot_shows_every_network_and_quotes_its_title() {
    let scenario = Scenario::parse(SMALL).unwrap();
    let figures = measure(&scenario, 3, &mut |_| {});
    let more = Figures {
        peers: 30,
        ..figures.clone()
    };
    let svg = plot(&scenario.title, &[figures, more]);
    assert!(svg.contains("Small &lt;&amp;&gt;"));
    assert!(svg.contains("3 peers") && svg.contains("30 peers"));
    assert_eq!(svg.matches("<polyline").count(), 4);
    assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"));
}
