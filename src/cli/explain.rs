//! What a word means, or the code of a refusal.

mod glossary;

use super::failure::Failure;
use super::output::Output;
use super::table::{Align, Table, facts};
use crate::owner::Code;
use crate::owner::codes::Explanation;
use crate::readable::Typed;
use crate::suggest::nearest;
use glossary::{GLOSSARY, Word, meaning};
use serde::Serialize;

/// All that can be explained.
#[derive(Serialize)]
struct All {
    words: &'static [Word],
    codes: Vec<Explanation>,
}

/// Explains a word or a code, or lists all of them; commands in it are as they are typed.
pub fn explain(
    typed: Option<&str>,
    commands: &Typed,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let Some(typed) = typed else {
        let explained = |code: &Code| code.explanation().typed(commands);
        let codes = Code::ALL.iter().map(explained);
        let all = All {
            words: &GLOSSARY,
            codes: codes.collect(),
        };
        return Ok(output.show(&all, list)?);
    };
    if let Some(word) = meaning(typed) {
        return Ok(output.show(word, |word| facts(&[(word.word, word.meaning.to_owned())]))?);
    }
    let explanation = found(typed)?.explanation().typed(commands);
    Ok(output.show(&explanation, told)?)
}

fn found(typed: &str) -> Result<Code, Failure> {
    let lower = typed.to_lowercase().replace('-', "_");
    lower.parse().map_err(|_| {
        let codes = Code::ALL.iter().map(|code| code.as_str());
        let all: Vec<_> = codes.chain(GLOSSARY.iter().map(|word| word.word)).collect();
        let hint = match nearest(&lower, &all) {
            Some(near) => format!("did you mean {near}?"),
            None => "`node explain` lists what is".to_owned(),
        };
        Failure::Misuse(format!(
            "{typed:?} is neither a word that is explained nor the code of a refusal: {hint}"
        ))
    })
}

fn told(explanation: &Explanation) -> String {
    facts(&[
        ("code", explanation.code.to_string()),
        ("", explanation.title.clone()),
        ("what happened", explanation.happened.clone()),
        ("why", explanation.why.clone()),
        ("what to do", explanation.todo.clone()),
    ])
}

fn list(all: &All) -> String {
    let words = all.words.iter();
    let words: Vec<_> = words
        .map(|word| (word.word, word.meaning.to_owned()))
        .collect();
    let mut table = Table::new(&[("code", Align::Left), ("meaning", Align::Left)]);
    for explanation in &all.codes {
        table.row([explanation.code.to_string(), explanation.title.clone()]);
    }
    format!("{}\n{}", facts(&words), table.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(typed: Option<&str>, json: bool) -> Result<String, Failure> {
        let mut written = Vec::new();
        explain(
            typed,
            &Typed::default(),
            &mut Output::new(&mut written, json),
        )?;
        Ok(String::from_utf8(written).unwrap())
    }

    #[test]
    fn every_code_is_listed_and_explained_at_80_columns() {
        let list = explained(None, false).unwrap();
        for code in Code::ALL {
            assert!(list.contains(code.as_str()), "{code}");
            let text = explained(Some(code.as_str()), false).unwrap();
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
            let json = explained(Some(code.as_str()), true).unwrap();
            let read: Explanation = serde_json::from_str(&json).unwrap();
            assert_eq!(read, code.explanation());
        }
        assert!(list.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn words_that_nobody_explains_are_explained() {
        for word in [
            "address",
            "key",
            "endpoint",
            "genesis",
            "tip",
            "promised",
            "live",
            "reachable",
            "session",
            "motto",
            "conflicted",
            "void",
            "Confirmation",
        ] {
            let text = explained(Some(word), false).unwrap();
            assert!(text.len() > 40, "{word}: {text}");
        }
        // A word that is a code, too, would hide it.
        for word in &GLOSSARY {
            let names = word.also.iter().chain([&word.word]);
            for name in names {
                assert!(name.parse::<Code>().is_err(), "{name}");
            }
        }
    }

    #[test]
    fn a_mistyped_code_is_told_the_nearest() {
        assert!(explained(Some("Insufficient-Funds"), false).is_ok());
        match explained(Some("insuficient_funds"), false) {
            Err(Failure::Misuse(reason)) => assert!(reason.contains("insufficient_funds?")),
            other => panic!("{other:?}"),
        }
        match explained(Some("genesys"), false) {
            Err(Failure::Misuse(reason)) => assert!(reason.contains("genesis?")),
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            explained(Some("gibberish"), false),
            Err(Failure::Misuse(_))
        ));
    }
}
