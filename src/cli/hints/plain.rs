//! Why a command line was not understood, in the words of this house: the parser's own are those of its makers.

use super::{command_path, typed};
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What is wrong with the words; `None` for what comes up too rarely to have words of its own.
pub fn told(words: &[String], error: &clap::Error) -> Option<String> {
    let about = |kind| error.get(kind).map(listed).filter(|all| !all.is_empty());
    let typed = typed(words);
    let path = command_path(&typed).join(" ");
    let of = match path.is_empty() {
        true => String::new(),
        false => format!(" of `{path}`"),
    };
    let whole = |name: &str| match path.is_empty() {
        true => name.to_owned(),
        false => format!("{path} {name}"),
    };
    let mut told = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let wrong = about(ContextKind::InvalidSubcommand)?.remove(0);
            format!("There is no command `{}`.", whole(&wrong))
        }
        ErrorKind::UnknownArgument => {
            let wrong = about(ContextKind::InvalidArg)?.remove(0);
            match wrong.starts_with('-') {
                true => format!("There is no option `{wrong}`{of}."),
                false => format!(
                    "`{wrong}` is more than is wanted{}.",
                    of.replace(" of ", " after ")
                ),
            }
        }
        ErrorKind::InvalidValue => {
            let what = about(ContextKind::InvalidArg)?.remove(0);
            let mut told = match about(ContextKind::InvalidValue)?.remove(0) {
                none if none.is_empty() => format!("`{what}` wants a value."),
                wrong => format!("`{what}` can't be `{wrong}`."),
            };
            if let Some(all) = about(ContextKind::ValidValue) {
                told.push_str(&format!(" It is one of: {}.", all.join(", ")));
            }
            told
        }
        ErrorKind::ValueValidation => {
            let what = about(ContextKind::InvalidArg)?.remove(0);
            let wrong = about(ContextKind::InvalidValue)?.remove(0);
            let why = std::error::Error::source(error)?;
            format!("`{what}` can't be `{wrong}`: {why}")
        }
        ErrorKind::MissingRequiredArgument => {
            let wanted = about(ContextKind::InvalidArg)?;
            let wanted: Vec<_> = wanted.iter().map(|one| format!("`{one}`")).collect();
            format!("There is something missing: {}.", wanted.join(", "))
        }
        _ => return None,
    };
    let meant = match error.kind() {
        ErrorKind::InvalidSubcommand => about(ContextKind::SuggestedSubcommand)
            .map(|names| names.iter().map(|name| whole(name)).collect()),
        ErrorKind::InvalidValue => about(ContextKind::SuggestedValue),
        _ => about(ContextKind::SuggestedArg),
    };
    if let Some(meant) = meant {
        let meant: Vec<String> = meant.iter().map(|one| format!("`{one}`")).collect();
        told.push_str(&format!(" Did you mean {}?", meant.join(" or ")));
    }
    for tip in about(ContextKind::Suggested).into_iter().flatten() {
        told.push_str(&format!("\n{tip}"));
    }
    Some(told)
}

/// The texts of what the parser says beside its kind of error.
fn listed(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::String(one) => vec![one.clone()],
        ContextValue::Strings(all) => all.clone(),
        ContextValue::StyledStr(one) => vec![one.to_string()],
        ContextValue::StyledStrs(all) => all.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{nearest_first, without_wrong_advice};
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser;

    #[test]
    fn what_was_not_understood_is_told_in_plain_words() {
        for (line, wanted) in [
            (
                "node sned bob 5",
                "There is no command `sned`. Did you mean `send`?",
            ),
            (
                "node wallet lcok",
                "There is no command `wallet lcok`. Did you mean `wallet lock`?",
            ),
            ("node xyzzyx", "There is no command `xyzzyx`."),
            (
                "node send bob 5 --ntoe hi",
                "There is no option `--ntoe` of `send`. Did you mean `--note`?",
            ),
            ("node --qqqqqq", "There is no option `--qqqqqq`."),
            (
                "node status now",
                "`now` is more than is wanted after `status`.",
            ),
            (
                "node send bob 5 --wait mind",
                "`--wait <STATE>` can't be `mind`. It is one of: open, delivered, mined. Did you mean `mined`?",
            ),
            (
                "node send bob 5 --wait",
                "`--wait <STATE>` wants a value. It is one of: open, delivered, mined.",
            ),
            (
                "node send",
                "There is something missing: `<TO>`, `<AMOUNT>`.",
            ),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let error = Cli::try_parse_from(&words).unwrap_err();
            let error = without_wrong_advice(&words, nearest_first(error));
            assert_eq!(told(&words, &error).as_deref(), Some(wanted), "{line}");
        }
        let words = ["node", "send", "bob", "five"].map(str::to_owned);
        let error = Cli::try_parse_from(&words).unwrap_err();
        let told = told(&words, &error).unwrap();
        assert!(told.starts_with("`<AMOUNT>` can't be `five`: "), "{told}");
    }
}
