//! Prints the table of the difficulty experiments, in Markdown.

use raclette::sim::difficulty::report;

fn main() {
    let mut tables = String::new();
    // Writing to a string does not fail.
    if report::write(&mut tables).is_ok() {
        print!("{tables}");
    }
}
