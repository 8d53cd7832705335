//! What people read: spans of time in words, texts of others that can't steer a terminal, and commands that work
//! when they are typed.

use std::sync::Arc;

/// A span of time for people, in the greatest unit of which there are two at least.
pub fn in_words(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} minutes", ms / 60_000),
        7_200_000..172_800_000 => format!("{} hours", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// A reason as a sentence of its own: with a capital letter, and a full stop unless it ends by itself.
pub fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// A text that does nothing but show. What would move the cursor, change colours, turn the direction
/// of writing, or take no room at all, is spelled out: `\u{202e}`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// JSON that says the same, with what [`visible`] spells out written as `\u202e`. Such characters stand
/// in the strings of a JSON text only, where that is the same character.
pub fn visible_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        // Line feeds and tabs stand between the values of a JSON text, and never in a string.
        if is_hidden(c) && !matches!(c, '\n' | '\r' | '\t') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Makes the commands in a text such that they work when typed: `` `node status` `` needs the program's path and its
/// settings file, which lower floors do not know. As it is, it leaves them as they stand.
#[derive(Clone)]
pub struct Typed(Arc<dyn Fn(&str) -> String + Send + Sync>);

impl Typed {
    /// By what knows how this program was called.
    pub fn by(typed: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(typed))
    }

    /// A text with every command in it as it is typed.
    pub fn text(&self, text: &str) -> String {
        (self.0)(text)
    }

    /// The line that is typed for a command, such as `wallet words`.
    pub fn line(&self, command: &str) -> String {
        let line = self.text(&format!("{0}node {command}{0}", '`'));
        let inner = line
            .strip_prefix('`')
            .and_then(|line| line.strip_suffix('`'));
        inner.unwrap_or(&line).to_owned()
    }
}

impl Default for Typed {
    fn default() -> Self {
        Self::by(str::to_owned)
    }
}

/// Control characters (C0, DEL, C1), and what has no width of its own but changes how others look.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, and the joiner that nobody sees.
            '\u{ad}' | '\u{34f}'
            // Marks and turns of the direction of writing.
            | '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // Spaces and joiners without width.
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{feff}'
            // Fillers that are letters by their class and show nothing.
            | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            // Ends of lines and paragraphs, and notes between the lines.
            | '\u{2028}'..='\u{2029}' | '\u{fff9}'..='\u{fffb}'
            // Tags: a whole text that nobody sees.
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_the_unit_of_people() {
        let told = [
            0,
            999,
            4_249,
            56_206,
            119_999,
            120_000,
            7_200_000,
            180 * 86_400_000,
            u64::MAX,
        ]
        .map(in_words);
        assert_eq!(
            told,
            [
                "0 ms",
                "999 ms",
                "4.2 s",
                "56 s",
                "119 s",
                "2 minutes",
                "2 hours",
                "180 days",
                "213503982334 days"
            ]
        );
    }

    #[test]
    fn a_reason_becomes_a_sentence_and_has_one_full_stop() {
        for (text, told) in [
            ("", ""),
            ("it is taken", "It is taken."),
            (
                "It is taken. Choose another.",
                "It is taken. Choose another.",
            ),
            ("is it?", "Is it?"),
            ("\u{e9}t\u{e9}", "\u{c9}t\u{e9}."),
        ] {
            assert_eq!(sentence(text), told);
        }
    }

    #[test]
    fn attack_del_c1_and_what_has_no_width_is_seen() {
        for hidden in [
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{202e}',
            '\u{200b}',
            '\u{feff}',
            '\u{2066}',
            '\u{ad}',
            '\u{3164}',
            '\u{e0041}',
            '\u{2028}',
        ] {
            let shown = visible(&format!("a{hidden}b"));
            assert!(shown.is_ascii() && shown.starts_with("a\\u{"), "{shown}");
            let json = serde_json::to_string(&format!("a{hidden}b")).unwrap();
            let shown = visible_json(&json);
            assert!(shown.is_ascii(), "{shown}");
            let same: String = serde_json::from_str(&shown).unwrap();
            assert_eq!(same, format!("a{hidden}b"));
        }
        assert_eq!(visible("é 漢 😀"), "é 漢 😀");
        assert_eq!(visible_json("{\n\t\"a\": 1\n}"), "{\n\t\"a\": 1\n}");
    }
}
