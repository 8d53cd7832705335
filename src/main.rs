//! The `node` binary.

fn main() -> std::process::ExitCode {
    raclette::cli::main()
}
