//! How fast the ledger validates, against the bare check of the signatures, and what that rests on:
//! the figures of `node bench`. `cargo bench --bench ledger`.

use raclette::bench::{BenchError, Effort, FIGURES, measure};

fn main() -> Result<(), BenchError> {
    let speed = measure(Effort::FULL)?;
    println!("Kernel {}, cores {}", speed.kernel, speed.cores);
    for figure in &FIGURES {
        println!(
            "{:<24}{:>10.2}  {}",
            figure.name,
            (figure.of)(&speed),
            figure.meaning
        );
    }
    Ok(())
}
