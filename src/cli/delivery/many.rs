//! Many sends, as a file says.

use super::once::Unanswered;
use crate::chain::Amount;
use crate::cli::args::SendManyArgs;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::http::MAX_BATCH_BYTES;
use crate::keys::MAX_NOTE_TEXT;
use crate::owner::MAX_TRANSFERS;
use crate::owner::answers::{SendManyRequest, SendRequest, SentManyView};
use crate::plain_file;
use serde::Deserialize;

/// Sends of one file at most: as many as can wait in the outbox.
const MAX_SENDS: usize = 100_000;
/// Longest file that is read, in bytes: so many sends with a line of text each.
const MAX_FILE: u64 = 64 << 20;
/// Bytes of a call beside its transfers.
const AROUND: usize = 1_024;
/// Refused lines that are told on a terminal, the first ones.
const REFUSED_SHOWN: usize = 20;

/// A send, and the line of the file that it stands in.
type Line = (u64, SendRequest);

/// A line of a table.
#[derive(Deserialize)]
struct Row {
    to: String,
    coins: u64,
    note: String,
}

/// Sends everything that a file names. It is read to its end before anything is sent.
pub(in crate::cli) fn send_many(
    arguments: &SendManyArgs,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let file = &arguments.file;
    let wrong =
        |why: String| Failure::Misuse(format!("{}: {why}. Nothing was sent", file.display()));
    let text = plain_file::bytes(file, MAX_FILE);
    let text = text.map_err(|error| wrong(format!("it can't be read: {error}")))?;
    let text = plain_file::text(&text).map_err(|error| wrong(format!("it {error}")))?;
    let mut lines = match text.trim_start().starts_with('{') {
        true => lines_of_json(text),
        false => rows_of_table(text),
    }
    .map_err(wrong)?;
    check(&lines).map_err(wrong)?;
    for (_, send) in &mut lines {
        send.broadcast |= arguments.broadcast;
        if send.fee == Amount::ZERO {
            send.fee = Amount(arguments.fee);
        }
    }
    let sends: Vec<_> = lines.iter().map(|(_, send)| send).collect();
    let unanswered = Unanswered::begin(client.data_dir(), &sends, arguments.again)?;
    let mut told = SentManyView {
        sent: Vec::with_capacity(lines.len()),
        refused: Vec::new(),
    };
    let result = send_all(&lines, &unanswered.key, client, &mut told);
    if !matches!(result, Err(Failure::NoAnswer(_))) {
        unanswered.answered();
    }
    output.show(&told, |told| shown(told, lines.len()))?;
    result?;
    match told.refused.len() {
        0 => Ok(()),
        refused => Err(Failure::Answered(format!(
            "{refused} of {} were refused",
            lines.len()
        ))),
    }
}

/// Sends in as many calls as it takes, and gathers what became of them, by lines of the file.
fn send_all(
    lines: &[Line],
    key: &str,
    client: &Client,
    told: &mut SentManyView,
) -> Result<(), Failure> {
    for (number, part) in (1..).zip(calls(lines)) {
        let request = SendManyRequest {
            transfers: part.iter().map(|(_, send)| send.clone()).collect(),
        };
        let key = format!("{key}-{number}");
        let answer: SentManyView = client.post_once("/transactions/batch", &request, &key)?;
        let line = |place: u64| {
            let at = usize::try_from(place).ok()?.checked_sub(1)?;
            part.get(at).map(|(line, _)| *line)
        };
        for mut sent in answer.sent {
            sent.line = line(sent.line).unwrap_or_default();
            told.sent.push(sent);
        }
        for mut refused in answer.refused {
            refused.line = line(refused.line).unwrap_or_default();
            told.refused.push(refused);
        }
    }
    Ok(())
}

/// The sends, cut into what one call takes.
fn calls(lines: &[Line]) -> Vec<&[Line]> {
    let (mut calls, mut first, mut bytes) = (Vec::new(), 0, AROUND);
    for (at, (_, send)) in lines.iter().enumerate() {
        // What can't be written as JSON does not exist.
        let size = serde_json::to_vec(send).map_or(0, |text| text.len() + 1);
        if at - first == MAX_TRANSFERS || bytes + size > MAX_BATCH_BYTES {
            calls.extend(lines.get(first..at));
            (first, bytes) = (at, AROUND);
        }
        bytes += size;
    }
    calls.extend(lines.get(first..).filter(|rest| !rest.is_empty()));
    calls
}

fn lines_of_json(text: &str) -> Result<Vec<Line>, String> {
    let lines = (1..).zip(text.lines());
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| match serde_json::from_str(line) {
            Ok(send) => Ok((number, send)),
            Err(error) => Err(format!("line {number} is no transfer: {error}")),
        })
        .collect()
}

fn rows_of_table(text: &str) -> Result<Vec<Line>, String> {
    const HEADER: [&str; 3] = ["to", "coins", "note"];
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?;
    if *header != HEADER[..] {
        return Err(format!(
            "its first line must be {}, and is {:?}",
            HEADER.join(","),
            header.iter().collect::<Vec<_>>().join(",")
        ));
    }
    let header = header.clone();
    let mut lines = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(|error| error.to_string())?;
        let number = record.position().map_or(0, csv::Position::line);
        let row: Row = record.deserialize(Some(&header)).map_err(|error| {
            format!("line {number} is no row of to, whole coins and note: {error}")
        })?;
        let send = SendRequest {
            note: Some(row.note).filter(|note| !note.is_empty()),
            ..SendRequest::coins(row.to, row.coins)
        };
        lines.push((number, send));
    }
    Ok(lines)
}

/// What can be seen without the node, before anything is sent.
fn check(lines: &[Line]) -> Result<(), String> {
    if lines.is_empty() {
        return Err("it names nothing to send".to_owned());
    }
    if lines.len() > MAX_SENDS {
        return Err(format!(
            "it names {} sends, and {MAX_SENDS} are the most",
            lines.len()
        ));
    }
    for (number, send) in lines {
        let note = send.note.as_deref().unwrap_or_default();
        if note.len() > MAX_NOTE_TEXT {
            return Err(format!(
                "the note in line {number} takes {} bytes, and {MAX_NOTE_TEXT} are the most",
                note.len()
            ));
        }
        if send.amount == Amount::ZERO && note.is_empty() {
            return Err(format!("line {number} sends nothing: 0 coins and no text"));
        }
    }
    Ok(())
}

fn shown(told: &SentManyView, count: usize) -> String {
    let mut text = format!("sent: {} of {count}\n", told.sent.len());
    if told.refused.is_empty() {
        return text;
    }
    for refused in told.refused.iter().take(REFUSED_SHOWN) {
        let (line, code, reason) = (refused.line, refused.code, &refused.reason);
        text.push_str(&format!("line {line}: {code}: {reason}\n"));
    }
    if told.refused.len() > REFUSED_SHOWN {
        let more = told.refused.len() - REFUSED_SHOWN;
        text.push_str(&format!("and {more} more, which --json lists\n"));
    }
    text.push_str(
        "What was sent stays sent, whatever stands before or after it. Mend the lines that were refused and \
         send these alone, from a file of their own: what stands in this one would be paid twice.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_lines_of_json_name_the_lines_they_stand_in() {
        let table = "to,coins,note\nbob,5,\ncarol,0,\"two\nlines\"\ndave,7,for the cheese\n";
        let rows = rows_of_table(table).unwrap();
        let places: Vec<_> = rows.iter().map(|(line, send)| (*line, &*send.to)).collect();
        assert_eq!(places, [(2, "bob"), (3, "carol"), (5, "dave")]);
        assert_eq!(rows[0].1, SendRequest::coins("bob", 5));
        assert_eq!(rows[1].1, SendRequest::note("carol", "two\nlines"));
        let json = "{\"to\":\"bob\",\"amount\":\"5\"}\n\n{\"to\":\"carol\",\"amount\":\"0\",\"note\":\"hello\"}";
        let lines = lines_of_json(json).unwrap();
        assert_eq!(lines[0], (1, SendRequest::coins("bob", 5)));
        assert_eq!(lines[1], (3, SendRequest::note("carol", "hello")));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_before_anything_is_sent() {
        let tables = [
            ("to,amount\nbob,5\n", "must be to,coins,note"),
            ("to,coins,note\nbob,5,\nbob,five,\n", "line 3"),
            ("to,coins,note\nbob,-5,\n", "line 2"),
            ("to,coins,note\nbob,5\n", "line: 2"),
        ];
        for (table, why) in tables {
            let told = rows_of_table(table).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
        let told = lines_of_json("{\"to\":\"bob\",\"amount\":\"5\"}\n{}").unwrap_err();
        assert!(told.contains("line 2"), "{told}");
        assert!(check(&[]).unwrap_err().contains("nothing to send"));
        let told = check(&[(4, SendRequest::coins("bob", 0))]).unwrap_err();
        assert!(told.contains("line 4"), "{told}");
        let long = SendRequest::note("bob", "x".repeat(MAX_NOTE_TEXT + 1));
        assert!(check(&[(9, long)]).unwrap_err().contains("line 9"));
    }

    #[test]
    fn a_call_has_no_more_than_a_node_takes() {
        let short = vec![(1, SendRequest::coins("bob", 5)); 2 * MAX_TRANSFERS + 1];
        let lengths: Vec<_> = calls(&short).iter().map(|call| call.len()).collect();
        assert_eq!(lengths, [MAX_TRANSFERS, MAX_TRANSFERS, 1]);
        let longest = SendRequest::note("bob", "\u{1}".repeat(MAX_NOTE_TEXT));
        let long = vec![(1, longest); 100];
        let calls = calls(&long);
        assert!(calls.len() > 1);
        assert_eq!(calls.iter().map(|call| call.len()).sum::<usize>(), 100);
        for call in calls {
            let transfers = call.iter().map(|(_, send)| send.clone()).collect();
            let body = serde_json::to_vec(&SendManyRequest { transfers }).unwrap();
            assert!(body.len() <= MAX_BATCH_BYTES, "{}", body.len());
        }
    }
}
