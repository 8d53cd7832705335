//! Networks in simulated time, for who wants to know beforehand.

use super::args::SimArgs;
use super::failure::Failure;
use super::new_file::NewFile;
use super::output::Output;
use super::progress::ProgressLine;
use super::table::{Align, Table};
use crate::plain_file;
use crate::sim::scenario::{Figures, Scenario, measure, plot};
use serde::Serialize;
use std::io::Write;

/// Longest scenario that is read, in bytes: all troubles that one may have, with a comment on each.
const MAX_FILE: u64 = 64 * 1024;

/// The answer as JSON.
#[derive(Serialize)]
struct Report {
    title: String,
    minutes: u64,
    networks: Vec<Figures>,
}

/// Lives through a scenario, and shows what came of it.
pub fn sim(arguments: &SimArgs, output: &mut Output<'_>) -> Result<(), Failure> {
    let path = arguments.scenario.display();
    let bytes = plain_file::bytes(&arguments.scenario, MAX_FILE)
        .map_err(|error| Failure::Misuse(format!("{path} can't be read: {error}")))?;
    let text =
        plain_file::text(&bytes).map_err(|error| Failure::Misuse(format!("{path}: it {error}")))?;
    let scenario =
        Scenario::parse(text).map_err(|error| Failure::Misuse(format!("{path}: {error}")))?;
    let mut networks = Vec::new();
    let mut progress = ProgressLine::counting("simulating", "second");
    let all = scenario.length_ms() * scenario.peers.len() as u64;
    for (peers, before) in scenario.peers.iter().zip(0..) {
        let done = scenario.length_ms() * before;
        let mut tell = |ms| progress.show((done + ms) / 1_000, all / 1_000);
        networks.push(measure(&scenario, *peers, &mut tell));
    }
    progress.end();
    if let Some(file) = &arguments.svg {
        let mut new = NewFile::begin(file)?;
        let written = new.write_all(plot(&scenario.title, &networks).as_bytes());
        written.map_err(|error| new.failed(&error))?;
        new.end()?;
    }
    let report = Report {
        title: scenario.title,
        minutes: scenario.minutes,
        networks,
    };
    output.show(&report, table)?;
    Ok(())
}

fn table(report: &Report) -> String {
    let columns: Vec<(String, Align)> = std::iter::once((
        format!("{}, {} minutes", report.title, report.minutes),
        Align::Left,
    ))
    .chain(
        report
            .networks
            .iter()
            .map(|n| (format!("{} peers", n.peers), Align::Right)),
    )
    .collect();
    let columns: Vec<_> = columns
        .iter()
        .map(|(name, align)| (name.as_str(), *align))
        .collect();
    let mut table = Table::new(&columns);
    let mut row = |what: &str, of: &dyn Fn(&Figures) -> String| {
        let values = report.networks.iter().map(of);
        table.row(std::iter::once(what.to_owned()).chain(values));
    };
    let ms = |value: u64| format!("{value} ms");
    let percent = |value: f64| format!("{value:.1} %");
    row("blocks on the chain", &|n| n.height.to_string());
    row("a block is everywhere else: half of all ways", &|n| {
        ms(n.propagation_ms[0])
    });
    row("  9 of 10", &|n| ms(n.propagation_ms[1]));
    row("  99 of 100", &|n| ms(n.propagation_ms[2]));
    row("blocks that lost against another branch", &|n| {
        percent(n.fork_percent)
    });
    row("work in them", &|n| percent(n.orphaned_work_percent));
    row("payments sent", &|n| n.payments.to_string());
    row("  on the chain", &|n| n.mined.to_string());
    row("a payment is in a block: half", &|n| {
        ms(n.confirmation_ms[0])
    });
    row("  9 of 10", &|n| ms(n.confirmation_ms[1]));
    row("a peer sends, a second", &|n| {
        format!("{:.2} kB", n.bytes_per_second / 1_000.0)
    });
    row("of one mind at the end", &|n| {
        if n.agrees { "yes" } else { "no" }.to_owned()
    });
    table.render()
}
