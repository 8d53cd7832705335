//! What the code of a refusal means.

use super::failure::Failure;
use super::output::Output;
use super::table::{Align, Table, facts};
use crate::owner::Code;
use crate::owner::codes::Explanation;
use crate::suggest::nearest;

/// Explains a code, or lists all of them.
pub fn explain(code: Option<&str>, output: &mut Output<'_>) -> Result<(), Failure> {
    let Some(typed) = code else {
        let all: Vec<_> = Code::ALL.iter().map(|code| code.explanation()).collect();
        return Ok(output.show(&all, |all| list(all))?);
    };
    let explanation = found(typed)?.explanation();
    Ok(output.show(&explanation, told)?)
}

fn found(typed: &str) -> Result<Code, Failure> {
    let lower = typed.to_lowercase().replace('-', "_");
    lower.parse().map_err(|_| {
        let all: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let hint = match nearest(&lower, &all) {
            Some(near) => format!("did you mean {near}?"),
            None => "`explain` without a code lists those that there are".to_owned(),
        };
        Failure::Misuse(format!("no refusal has the code {typed:?}: {hint}"))
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

fn list(all: &[Explanation]) -> String {
    let mut table = Table::new(&[("code", Align::Left), ("meaning", Align::Left)]);
    for explanation in all {
        table.row([explanation.code.to_string(), explanation.title.clone()]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(code: Option<&str>, json: bool) -> Result<String, Failure> {
        let mut written = Vec::new();
        explain(code, &mut Output::new(&mut written, json))?;
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
    fn a_mistyped_code_is_told_the_nearest() {
        assert!(explained(Some("Insufficient-Funds"), false).is_ok());
        match explained(Some("insuficient_funds"), false) {
            Err(Failure::Misuse(reason)) => assert!(reason.contains("insufficient_funds?")),
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            explained(Some("gibberish"), false),
            Err(Failure::Misuse(_))
        ));
    }
}
