//! What a page says to type, and what its hidden comments say.

/// What stands in the text before commands that nobody has tried.
const NOT_TRIED: &str = "*not tried*";

/// One thing to do, in the order of the page.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Sit down at this desk.
    Desk(String),
    /// What happens that the page does not say.
    Meanwhile {
        line: String,
        answers: Option<String>,
    },
    /// Wait until this succeeds.
    Until(String),
    /// From now on this word stands for what that prints.
    Stands { word: String, command: String },
    /// Type this; `answers` prints what is answered to its questions.
    Type {
        line: String,
        answers: Option<String>,
    },
    /// Put these lines into a settings file.
    Settings { file: String, lines: String },
}

/// A page, read.
pub struct Page {
    pub steps: Vec<Step>,
}

impl Page {
    pub fn read(text: &str) -> Self {
        let mut steps = Vec::new();
        let (mut answers, mut into, mut tried) = (None, None, true);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(comment) = hidden(line) {
                let (key, value) = comment.split_once(": ").unwrap_or((comment, ""));
                let value = value.to_owned();
                match key.split_once(' ').unwrap_or((key, "")) {
                    ("desk", "") => steps.push(Step::Desk(value)),
                    ("first", "") => steps.push(Step::Meanwhile {
                        line: value,
                        answers: answers.take(),
                    }),
                    ("until", "") => steps.push(Step::Until(value)),
                    ("answers", "") => answers = Some(value),
                    ("into", "") => into = Some(value),
                    ("for", word) => steps.push(Step::Stands {
                        word: word.to_owned(),
                        command: value,
                    }),
                    _ => panic!("nobody knows what {line:?} means"),
                }
            } else if let Some(language) = line.strip_prefix("```") {
                let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
                match language {
                    "sh" if tried => steps.extend(commands(&block).map(|line| Step::Type {
                        line,
                        answers: answers.take(),
                    })),
                    "toml" => steps.extend(into.take().map(|file| Step::Settings {
                        file,
                        lines: block.join("\n"),
                    })),
                    _ => {}
                }
                tried = true;
            } else if line.to_lowercase().contains(NOT_TRIED) {
                tried = false;
            }
        }
        Self { steps }
    }

    /// How many commands are typed.
    pub fn typed(&self) -> usize {
        let typed = |step: &&Step| matches!(step, Step::Type { .. });
        self.steps.iter().filter(typed).count()
    }
}

fn hidden(line: &str) -> Option<&str> {
    let inner = line.strip_prefix("<!--")?.strip_suffix("-->")?;
    Some(inner.trim())
}

/// The commands of a block: a line that ends with a backslash goes on with the next.
fn commands(block: &[&str]) -> impl Iterator<Item = String> {
    let joined = block.join("\n").replace("\\\n", "");
    let lines: Vec<_> = joined.lines().map(str::trim).map(str::to_owned).collect();
    lines
        .into_iter()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[test]
fn cli_guides_are_read_with_their_hidden_comments() {
    let text = "Hello.\n\n<!-- desk: ann -->\n<!-- answers: cat x -->\n```sh\nnode join\n\nnode a \\\n  b\n```\n\
                This is *not tried*:\n```sh\nreboot\n```\n<!-- for 403ad9: node x -->\n<!-- into: a.toml -->\n\
                ```toml\na = 1\n```\n```sh\nnode 403ad9\n```\n";
    let type_it = |line: &str, answers: Option<&str>| Step::Type {
        line: line.to_owned(),
        answers: answers.map(str::to_owned),
    };
    let expected = [
        Step::Desk("ann".to_owned()),
        type_it("node join", Some("cat x")),
        type_it("node a   b", None),
        Step::Stands {
            word: "403ad9".to_owned(),
            command: "node x".to_owned(),
        },
        Step::Settings {
            file: "a.toml".to_owned(),
            lines: "a = 1".to_owned(),
        },
        type_it("node 403ad9", None),
    ];
    let page = Page::read(text);
    assert_eq!(page.steps, expected);
    assert_eq!(page.typed(), 3);
}
