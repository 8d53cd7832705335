//! How fast this machine is.

use super::failure::Failure;
use super::output::Output;
use super::table::{Align, Table};
use crate::bench::{Effort, FIGURES, Speed, measure};

/// Measures and shows.
pub fn bench(output: &mut Output<'_>) -> Result<(), Failure> {
    let speed = measure(Effort::FULL).map_err(|error| Failure::No(error.to_string()))?;
    output.show(&speed, table)?;
    Ok(())
}

fn table(speed: &Speed) -> String {
    let mut table = Table::new(&[
        ("figure", Align::Left),
        ("value", Align::Right),
        ("what it is", Align::Left),
    ]);
    for figure in &FIGURES {
        let value = format!("{:.2}", (figure.of)(speed));
        table.row([figure.name.into(), value, figure.meaning.into()]);
    }
    format!(
        "{}\nKernel {}, cores {}. Other work on this machine lowers the figures.\n",
        table.render(),
        speed.kernel,
        speed.cores
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_its_line_and_no_explanation_is_cut() {
        let speed = Speed {
            kernel: "avx512",
            cores: 2,
            pow_mhs_core: 203.0,
            pow_ratio_blake3: 20.9,
            pow_ratio_two_cores: 1.98,
            sign_us: 10.0,
            verify_single_us: 20.0,
            verify_batch_us: 13.0,
            connect_unseen_ratio: 1.25,
            connect_seen_us_per_tx: 2.0,
            pool_accept_ratio: 0.8,
        };
        let text = table(&speed);
        for figure in &FIGURES {
            let line = text.lines().find(|line| line.starts_with(figure.name));
            assert!(line.is_some_and(|line| line.ends_with(figure.meaning)));
        }
    }
}
