use super::*;
use serde_json::json;

fn event(ms: u64, level: Level, actor: &str, block: &str) -> LogEvent {
    LogEvent {
        time: Time::from_unix_ms(ms),
        level,
        actor: actor.into(),
        event: "block connected".into(),
        fields: vec![("height".into(), json!(7)), ("block".into(), json!(block))],
    }
}

const ALL: Filter<'_> = Filter {
    since: None,
    level: Level::TRACE,
    actor: None,
    id: None,
};

#[test]
fn times_are_given_as_stretches_or_moments() {
    let now = Time::from_unix_ms(1_795_210_982_123);
    let since = |text: &str| {
        text.parse()
            .map(|since: Since| since.moment(now).to_string())
    };
    assert_eq!(since("5m").unwrap(), "2026-11-20T21:38:02.123Z");
    assert_eq!(since("2h").unwrap(), "2026-11-20T19:43:02.123Z");
    assert_eq!(since("90000d").unwrap(), "1970-01-01T00:00:00.000Z");
    assert_eq!(
        since("2026-11-19T00:00Z").unwrap(),
        "2026-11-19T00:00:00.000Z"
    );
    assert!(since("2026-11-19").is_ok());
    for text in [
        "",
        "5",
        "m",
        "-5m",
        "5y",
        "99999999999999999999s",
        "999999999999999999d",
        "5é",
    ] {
        assert!(since(text).unwrap_err().contains("5m"), "{text}");
    }
}

#[test]
fn events_are_chosen_by_time_weight_speaker_and_id() {
    let found = event(5, Level::WARN, "peer_session::opening", "00ffaa");
    let takes = |filter: Filter<'_>| filter.takes(&found);
    let time = |ms| Some(Time::from_unix_ms(ms));
    assert!(takes(ALL));
    assert!(takes(Filter {
        since: time(5),
        ..ALL
    }));
    assert!(!takes(Filter {
        since: time(6),
        ..ALL
    }));
    assert!(takes(Filter {
        level: Level::WARN,
        ..ALL
    }));
    assert!(!takes(Filter {
        level: Level::ERROR,
        ..ALL
    }));
    assert!(takes(Filter {
        actor: Some("peer_session"),
        ..ALL
    }));
    assert!(!takes(Filter {
        actor: Some("peer"),
        ..ALL
    }));
    assert!(takes(Filter {
        id: Some("00ff"),
        ..ALL
    }));
    assert!(takes(Filter {
        id: Some("00ffaa"),
        ..ALL
    }));
    assert!(!takes(Filter {
        id: Some("ffaa"),
        ..ALL
    }));
    assert!(!takes(Filter {
        id: Some("7"),
        ..ALL
    }));
}

#[test]
fn what_is_shown_names_the_day_once_and_the_node_where_there_are_several() {
    let show = |json, several| {
        let mut written = Vec::new();
        let mut output = Output::new(&mut written, json);
        let mut shown = Shown {
            output: &mut output,
            several,
            colours: false,
            zone: Zone::utc(),
            day: String::new(),
        };
        for ms in [0, 1, 86_400_000] {
            let block = "00\u{1b}[2J";
            shown
                .show("bob", event(ms, Level::INFO, "ledger", block))
                .unwrap();
        }
        String::from_utf8(written).unwrap()
    };
    let rest = "block connected height=7 block=00\\u{1b}[2J\n";
    assert_eq!(
        show(false, false),
        format!(
            "1970-01-01\n00:00:00.000 INFO  ledger {rest}00:00:00.001 INFO  ledger {rest}\
             1970-01-02\n00:00:00.000 INFO  ledger {rest}"
        )
    );
    assert!(show(false, true).contains("INFO  bob ledger block connected"));
    let line = show(true, true);
    assert_eq!(
        line.lines().next().unwrap(),
        "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"INFO\",\"actor\":\"ledger\",\
         \"event\":\"block connected\",\"height\":7,\"block\":\"00\\u001b[2J\",\"node\":\"bob\"}"
    );
}
