//! The table of the experiments, in Markdown.

use std::fmt::Write;

use super::model::Stamping;
use super::rules::{Averaging, Candidate};
use super::scenarios::{
    MANY_BLOCKS, abandoned, attack, candidate, chosen, growth, on_command, pause, steady,
    step_change, waited,
};

/// Blocks at a constant hash rate.
const STEADY_BLOCKS: u64 = 100_000;
/// Runs of each change of the hash rate.
const RUNS: u64 = 200;
/// Blocks watched after a change.
const WATCHED_BLOCKS: u64 = 800;
/// Intervals that the attacker mines.
const ATTACK_INTERVALS: u64 = 100_000;
/// Runs of mining on command; each costs 300 blocks.
const ON_COMMAND_RUNS: u64 = 100;
/// Hash rates before a pause that somebody fills when it is over, in start works an interval.
const WAITED_RATES: [f64; 4] = [1.0, 10.0, 1_000.0, 100_000.0];
/// How long the pause is: an hour and a night, at five seconds an interval.
const WAITED_INTERVALS: [u64; 2] = [720, 5_760];
/// What whoever fills it spends at most, in blocks before the pause.
const WAITED_BUDGET: f64 = 10.0;
/// The seed of the experiments with one long run.
const SEED: u64 = 1;

/// The candidates compared; the node's rule first.
fn candidates() -> Vec<Candidate> {
    let starting = Candidate {
        clamp_intervals: 6,
        ..candidate(Averaging::Wtema, 90)
    };
    let uneased = Candidate {
        easing: false,
        ..chosen()
    };
    vec![
        chosen(),
        candidate(Averaging::Exponential, 90),
        starting,
        candidate(Averaging::Wtema, 32),
        candidate(Averaging::Asert, 32),
        candidate(Averaging::Asert, 90),
        candidate(Averaging::Lwma, 60),
        candidate(Averaging::Lwma, 90),
        uneased,
    ]
}

/// Runs every experiment and writes its table. The same on every machine but for the last digit of
/// floating-point functions.
///
/// # Errors
/// Only what `out` returns.
pub fn write(out: &mut impl Write) -> std::fmt::Result {
    responses(out)?;
    liars(out)?;
    bursts(out)?;
    waiting(out)?;
    grown(out)
}

fn responses(out: &mut impl Write) -> std::fmt::Result {
    writeln!(
        out,
        "| Rule | mean interval (0.98 to 1.02) | spread of the target | ×10 up, blocks: typical / slowest (200) | ×10 down | ×100 gone: longest gap (60) | back after, intervals |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    for rule in candidates() {
        let steady = steady(rule, STEADY_BLOCKS, SEED);
        let up = step_change(rule, 10.0, RUNS, WATCHED_BLOCKS);
        let down = step_change(rule, 0.1, RUNS, WATCHED_BLOCKS);
        let gone = abandoned(rule, 100.0, RUNS);
        writeln!(
            out,
            "| {} | {} | {:.1} % | {} / {} | {} / {} | {} | {:.0} |",
            rule.name(),
            judged(
                format!("{:.4}", steady.mean_interval),
                (0.98..=1.02).contains(&steady.mean_interval)
            ),
            steady.spread * 100.0,
            judged(up.mean_blocks.to_string(), up.mean_blocks <= 200),
            judged(up.worst_blocks.to_string(), up.worst_blocks <= 200),
            judged(down.mean_blocks.to_string(), down.mean_blocks <= 200),
            judged(down.worst_blocks.to_string(), down.worst_blocks <= 200),
            judged(format!("{:.1}", gone.longest_gap), gone.longest_gap <= 60.0),
            gone.recovery,
        )?;
    }
    writeln!(out)
}

fn liars(out: &mut impl Write) -> std::fmt::Result {
    writeln!(
        out,
        "| Rule | honest | always latest | zigzag | always earliest |"
    )?;
    writeln!(out, "|---|---|---|---|---|")?;
    // Further ahead than easing begins: what the drift allowance protects from.
    let far_ahead = Candidate {
        max_future_intervals: 24,
        ..chosen()
    };
    for rule in candidates().into_iter().chain([far_ahead]) {
        let honest = attack(rule, Stamping::Honest, ATTACK_INTERVALS, SEED);
        write!(out, "| {} |", rule.name())?;
        for stamping in [
            Stamping::Honest,
            Stamping::Latest,
            Stamping::Zigzag,
            Stamping::Earliest,
        ] {
            let got = attack(rule, stamping, ATTACK_INTERVALS, SEED);
            let coins = got.coins / honest.coins;
            write!(
                out,
                " {} / {} / {} |",
                judged(format!("{:.1} %", got.share * 100.0), got.share <= 0.31),
                judged(format!("{coins:.3}"), coins <= 1.02),
                judged(
                    format!("{:.3}", got.mean_interval),
                    got.mean_interval <= 1.1
                ),
            )?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

fn bursts(out: &mut impl Write) -> std::fmt::Result {
    writeln!(
        out,
        "| Rule | work of 300 blocks on command (300) | then, at the start work: mean / most (19) | at 10 times the start work | after a night's pause |"
    )?;
    writeln!(out, "|---|---|---|---|---|")?;
    for rule in candidates() {
        let slow = on_command(rule, 1.0, ON_COMMAND_RUNS);
        let fast = on_command(rule, 10.0, ON_COMMAND_RUNS);
        let night = pause(rule, ON_COMMAND_RUNS);
        writeln!(
            out,
            "| {} | {} | {:.1} / {} | {:.1} / {} | {} |",
            rule.name(),
            judged(format!("{:.1}", slow.work), slow.work >= 300.0),
            slow.mean_burst,
            judged(slow.worst_burst.to_string(), slow.worst_burst < 20),
            fast.mean_burst,
            fast.worst_burst,
            if night < MANY_BLOCKS {
                night.to_string()
            } else {
                format!("over {MANY_BLOCKS}")
            },
        )?;
    }
    writeln!(out)
}

fn waiting(out: &mut impl Write) -> std::fmt::Result {
    writeln!(
        out,
        "| Hash rate before, in start works an interval | an hour: blocks / work | a night: blocks / work |"
    )?;
    writeln!(out, "|---|---|---|")?;
    for rate in WAITED_RATES {
        write!(out, "| {rate} |")?;
        for pause in WAITED_INTERVALS {
            let waited = waited(chosen(), rate, pause, WAITED_BUDGET);
            write!(out, " {} / {:.2} |", waited.blocks, waited.work)?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

fn grown(out: &mut impl Write) -> std::fmt::Result {
    writeln!(
        out,
        "| Up to height | mean interval | least work of a block, of what growth asks for |"
    )?;
    writeln!(out, "|---|---|---|")?;
    for stretch in growth(chosen(), 4.0, 1_000, 5, SEED) {
        writeln!(
            out,
            "| {} | {:.2} | {:.3} |",
            stretch.height, stretch.mean_interval, stretch.least_work
        )?;
    }
    Ok(())
}

/// A figure, in bold if it misses its criterion.
fn judged(figure: String, met: bool) -> String {
    if met { figure } else { format!("**{figure}**") }
}
