//! Every way in which a node says no: one stable code each, for programs, and what it means, for people.
//!
//! A code never changes its meaning and is never used again for another. What went wrong in one case, with
//! its names and numbers, is said in [`Refused::detail`](super::Refused); here stands what is true of all of
//! them. `node explain CODE` prints it, `GET /api/v1/codes/CODE` answers with it.

use crate::readable::Typed;
use serde::{Deserialize, Serialize, de};
use std::fmt;
use std::str::FromStr;

/// What kind of "no" it is: what follows from it for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was asked in a way that can't be right: asking again does not help.
    Misuse,
    /// Whoever asks has not shown that it may.
    Unproven,
    /// Whoever asks may not.
    Forbidden,
    /// There is no such thing.
    Unknown,
    /// It is asked in another way.
    WrongMethod,
    /// As things stand it can't be done.
    Conflict,
    /// It is understood, and no.
    Unacceptable,
    /// Not now: asking again helps.
    NotNow,
    /// The node failed.
    Failed,
}

macro_rules! codes {
    ($($variant:ident = $text:literal, $kind:ident, $title:literal:
        $happened:literal, $why:literal, $todo:literal;)*) => {
        /// The code of a refusal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $happened] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the list that people are shown.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As programs read it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// What kind of "no" it is.
            pub fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind::$kind,)*
                }
            }

            /// What it means.
            pub fn explanation(self) -> Explanation {
                let (title, happened, why, todo) = match self {
                    $(Self::$variant => ($title, $happened, $why, $todo),)*
                };
                Explanation {
                    code: self,
                    title: title.to_owned(),
                    happened: happened.to_owned(),
                    why: why.to_owned(),
                    todo: todo.to_owned(),
                }
            }
        }
    };
}

mod list;
pub use list::Code;

/// What a code means, whatever it was said about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// In a few words.
    pub title: String,
    /// What happened, in one sentence.
    pub happened: String,
    /// Why, in one sentence.
    pub why: String,
    /// What to do.
    pub todo: String,
}

impl Explanation {
    /// The same, with the commands in it as they are typed.
    pub fn typed(self, typed: &Typed) -> Self {
        Self {
            todo: typed.text(&self.todo),
            ..self
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// It is none of the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such code")]
pub struct NoSuchCode;

impl FromStr for Code {
    type Err = NoSuchCode;

    fn from_str(text: &str) -> Result<Self, NoSuchCode> {
        let mut all = Self::ALL.iter();
        all.find(|code| code.as_str() == text)
            .copied()
            .ok_or(NoSuchCode)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_one_text_and_an_explanation_in_sentences() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            let plain = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(code.as_str().chars().all(plain), "{code}");
            let told = code.explanation();
            assert!(!told.title.ends_with('.'), "{code}");
            for sentence in [&told.happened, &told.why, &told.todo] {
                assert!(sentence.ends_with('.'), "{code}: {sentence}");
            }
        }
        assert_eq!("no_such_thing".parse::<Code>(), Err(NoSuchCode));
    }

    #[test]
    fn n7_no_remedy_costs_a_wallet_or_tells_anybody_to_delete_something() {
        for code in Code::ALL {
            let todo = code.explanation().todo.to_lowercase();
            for word in ["delete", "remove", "erase", "empty data", " rm "] {
                assert!(!todo.contains(word), "{code}: {todo}");
            }
            let moves = todo.contains("database") || todo.contains("data directory");
            let keeps = todo.contains("wallet") || !todo.contains("move");
            assert!(!moves || keeps, "{code}: {todo}");
        }
    }
}
