//! What was looked at, and how it stands.

use serde::Serialize;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Right,
    /// Worth a word; nothing fails by it now.
    Note,
    /// It needs the owner.
    Trouble,
}

impl Verdict {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Note => "note",
            Self::Trouble => "TROUBLE",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) found: String,
    /// What to do, if there is something to do.
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn right(what: &'static str, found: String) -> Self {
        Self {
            what,
            verdict: Verdict::Right,
            found,
            remedy: None,
        }
    }

    pub(super) fn note(what: &'static str, found: String, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Note,
            remedy: Some(remedy.into()),
            ..Self::right(what, found)
        }
    }

    pub(super) fn trouble(what: &'static str, found: String, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Trouble,
            remedy: Some(remedy.into()),
            ..Self::right(what, found)
        }
    }

    /// Whether it stands like that, with these words in its remedy.
    #[cfg(test)]
    pub(super) fn tells(&self, verdict: Verdict, remedy: &str) -> bool {
        let told = self.remedy.as_deref().unwrap_or_default();
        self.verdict == verdict && told.contains(remedy)
    }
}
