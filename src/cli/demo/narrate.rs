//! What the demo tells: sentences for people, or one JSON object a line and step for programs.

use super::error::DemoError;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// What a step found, by name.
pub(super) type Facts = Map<String, Value>;

/// Tells the story.
#[derive(Debug)]
pub(super) struct Narrator<W = io::Stdout> {
    out: W,
    json: bool,
    steps: usize,
}

impl Narrator {
    /// Tells it on standard output.
    pub(super) fn new(json: bool) -> Self {
        Self::to(io::stdout(), json)
    }
}

impl<W: Write> Narrator<W> {
    fn to(out: W, json: bool) -> Self {
        Self {
            out,
            json,
            steps: 0,
        }
    }

    /// Tells people something beside the steps.
    pub(super) fn say(&mut self, text: &str) -> Result<(), DemoError> {
        if self.json {
            return Ok(());
        }
        self.line(text)
    }

    /// A step begins: what is about to happen.
    pub(super) fn begins(&mut self, text: &str) -> Result<(), DemoError> {
        self.steps += 1;
        let heading = format!("{:>2}. {text}", self.steps);
        self.say(&heading)
    }

    /// A step is true: what came of it.
    pub(super) fn is_true(
        &mut self,
        step: &str,
        text: &str,
        facts: Facts,
    ) -> Result<(), DemoError> {
        if !self.json {
            return self.line(&format!("    ✓ {text}"));
        }
        let mut object = Map::from_iter([
            ("step".to_owned(), json!(step)),
            ("ok".to_owned(), json!(true)),
        ]);
        object.extend(facts);
        self.line(&Value::Object(object).to_string())
    }

    /// A step is not true, or could not be brought to its end. People read the error itself.
    pub(super) fn is_false(&mut self, step: &str, error: &DemoError) -> Result<(), DemoError> {
        if !self.json {
            return self.line("    ✗ no");
        }
        let mut object = json!({"step": step, "ok": false, "error": error.to_string()});
        if let DemoError::NotTrue {
            expected, found, ..
        } = error
        {
            object["expected"] = json!(expected);
            object["found"] = json!(found);
        }
        self.line(&object.to_string())
    }

    fn line(&mut self, text: &str) -> Result<(), DemoError> {
        writeln!(self.out, "{text}")
            .and_then(|()| self.out.flush())
            .map_err(DemoError::Output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: bool) -> String {
        let mut narrator = Narrator::to(Vec::new(), json);
        narrator.say("Once upon a time").unwrap();
        narrator.begins("alice mines").unwrap();
        let facts = Facts::from_iter([("height".to_owned(), json!(3))]);
        narrator.is_true("mine", "height 3", facts).unwrap();
        narrator.begins("alice pays bob").unwrap();
        let error = DemoError::NotTrue {
            step: "pay",
            expected: "open at bob".to_owned(),
            found: "nothing".to_owned(),
        };
        narrator.is_false("pay", &error).unwrap();
        String::from_utf8(narrator.out).unwrap()
    }

    #[test]
    fn people_read_sentences() {
        assert_eq!(
            told(false),
            "Once upon a time\n 1. alice mines\n    ✓ height 3\n 2. alice pays bob\n    \
             ✗ no\n"
        );
    }

    #[test]
    fn programs_read_one_object_a_line_and_step() {
        let text = told(true);
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0], json!({"step": "mine", "ok": true, "height": 3}));
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["ok"], json!(false));
        assert_eq!(lines[1]["expected"], json!("open at bob"));
    }
}
