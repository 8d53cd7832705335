//! The log files: how they follow each other, and what happens where they can't be written.

use super::*;

#[test]
fn files_rotate_by_size_and_keep_every_line_in_order() {
    let data_dir = TempDir::new().unwrap();
    let text = "x".repeat(1_000);
    let log = settings(LogLevel::Info, 3);
    logged(&data_dir, &log, false, || {
        for number in 0..300 {
            info!(number, text, "filler");
        }
    });
    let names = ["node.jsonl.2", "node.jsonl.1", "node.jsonl"];
    let numbers: Vec<u64> = names
        .iter()
        .flat_map(|name| lines(&data_dir, name))
        .map(|line| line["number"].as_u64().unwrap())
        .collect();
    assert!(numbers.len() > 120, "{}", numbers.len());
    let last: Vec<u64> = (300 - numbers.len() as u64..300).collect();
    assert_eq!(numbers, last);
    for name in names {
        assert!(fs::metadata(path(&data_dir, name)).unwrap().len() <= SMALL);
    }
    assert!(!path(&data_dir, "node.jsonl.3").exists());
    // With fewer files allowed, the next start deletes the surplus, and one file is one file.
    logged(&data_dir, &settings(LogLevel::Info, 1), false, || {
        for number in 300..500 {
            info!(number, text, "filler");
        }
    });
    let files: Vec<_> = fs::read_dir(path(&data_dir, "")).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let kept = lines(&data_dir, FILE);
    assert_eq!(kept.last().unwrap()["number"], json!(499));
}

#[test]
fn a_restart_appends_behind_a_torn_line() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Info, 5);
    logged(&data_dir, &log, false, || info!("first"));
    let file = path(&data_dir, FILE);
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("{\"time\":\"20");
    fs::write(&file, text).unwrap();
    logged(&data_dir, &log, false, || info!("second"));
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1], "{\"time\":\"20");
    assert!(lines[2].contains("\"second\""));
}

#[test]
fn a_failing_file_is_told_and_its_losses_are_counted() {
    let data_dir = TempDir::new().unwrap();
    let text = "x".repeat(1_000);
    // A directory where the older file should go: the file can't be rotated.
    let obstacle = path(&data_dir, "node.jsonl.1");
    fs::create_dir_all(obstacle.join("occupied")).unwrap();
    let shown = logged_with(&data_dir, &settings(LogLevel::Info, 2), false, |writers| {
        // Each by itself: of lines that are written together, what is left of the file may hold more than one.
        for number in 0..100 {
            info!(number, text, "filler");
            has_written(writers);
        }
        fs::remove_dir_all(&obstacle).unwrap();
        // Too long for what is left of the file.
        info!(text = "x".repeat(SMALL as usize), "recovered");
        info!("as usual");
    });
    for (event, times) in [("filler", 100), ("recovered", 1), ("as usual", 1)] {
        assert_eq!(shown.matches(event).count(), times, "{event}");
    }
    // Told anew only after something could be written.
    let told = shown.matches("the log file can't be written").count();
    assert_eq!(told, 1);
    let mut all = lines(&data_dir, "node.jsonl.1");
    all.extend(lines(&data_dir, FILE));
    let events: Vec<_> = all.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events[events.len() - 2..], ["recovered", "as usual"]);
    let fillers = events.iter().filter(|event| **event == "filler").count();
    let lost: u64 = all.iter().filter_map(|line| line["lines"].as_u64()).sum();
    assert!(lost > 0);
    assert_eq!(fillers as u64 + lost, 100);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_does_not_stop_the_node() {
    let data_dir = TempDir::new().unwrap();
    fs::create_dir(path(&data_dir, "")).unwrap();
    std::os::unix::fs::symlink("/dev/full", path(&data_dir, FILE)).unwrap();
    let shown = logged(&data_dir, &settings(LogLevel::Info, 2), false, || {
        info!("one");
        info!("two");
    });
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(shown.contains("error=\"No space left on device"), "{shown}");
}

#[test]
#[cfg(unix)]
fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let data_dir = TempDir::new().unwrap();
    logged(&data_dir, &settings(LogLevel::Info, 2), false, || {
        info!("x")
    });
    let mode = |name| {
        fs::metadata(path(&data_dir, name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode(FILE), 0o600);
}

#[test]
fn an_impossible_directory_says_what_to_do() {
    let data_dir = TempDir::new().unwrap();
    let file = data_dir.path().join("file");
    fs::write(&file, "").unwrap();
    let log = settings(LogLevel::Info, 2);
    let refused = subscriber(&log, &file, (None, Names::default()), now)
        .map(|_| ())
        .unwrap_err();
    assert!(
        refused.to_string().contains("choose another data_dir"),
        "{refused}"
    );
}

#[test]
fn starting_twice_is_refused() {
    let data_dir = TempDir::new().unwrap();
    let log = settings(LogLevel::Error, 2);
    let first = start(&log, data_dir.path(), None, Names::default());
    assert!(first.is_ok(), "{first:?}");
    let again = start(&log, data_dir.path(), None, Names::default());
    assert!(
        matches!(again, Err(LoggingError::AlreadyStarted)),
        "{again:?}"
    );
}

#[test]
fn older_files_do_not_move_for_a_file_that_is_gone() {
    let data_dir = TempDir::new().unwrap();
    let text = "x".repeat(1_000);
    let log = settings(LogLevel::Info, 3);
    fs::create_dir_all(path(&data_dir, "")).unwrap();
    fs::write(path(&data_dir, "node.jsonl.1"), "older").unwrap();
    logged_with(&data_dir, &log, false, |writers| {
        info!("deleted by somebody");
        has_written(writers);
        fs::remove_file(path(&data_dir, FILE)).unwrap();
        for number in 0..70 {
            info!(number, text, "filler");
        }
    });
    let older = fs::read_to_string(path(&data_dir, "node.jsonl.1")).unwrap();
    assert_eq!(older, "older");
    assert!(!lines(&data_dir, FILE).is_empty());
}
