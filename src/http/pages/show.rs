//! How things are shown: people, coins, moments, states. All text of others goes through
//! [`visible`]; askama escapes what it is given.

use crate::chain::{Amount, Height, Timestamp};
use crate::owner::answers::{NoteView, PeerStatusView, PeerView, PersonView, StatementView};
use crate::owner::{Peer, Refused};
use crate::readable::{Typed, in_words, sentence, visible};
use askama::Template;
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Characters at each end of an address that is cut short.
const ENDS: usize = 8;

/// Bytes as hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Somebody.
#[derive(Clone, Template)]
#[template(path = "who.html")]
pub(super) struct Who {
    pub(super) name: Option<String>,
    pub(super) address: String,
    /// A picture of the key, as SVG: only numbers and colours are put into it.
    pub(super) picture: String,
    /// Whether the admin has put them out: they keep their name, and are marked wherever they are seen.
    pub(super) out: bool,
}

impl Who {
    /// Somebody on a page of a peer: whoever is no member any more, since the admin put them out, has a name still.
    pub(super) fn of(peer: &Peer, person: &PersonView) -> Self {
        // What can't be read just now leaves the address.
        match person.name {
            None => match peer.out(&person.address) {
                Ok(Some(out)) => Self::put_out(&out),
                Ok(None) | Err(_) => Self::new(person),
            },
            Some(_) => Self::new(person),
        }
    }

    /// Whom a statement of the admin puts out.
    pub(super) fn put_out(said: &StatementView) -> Self {
        let name = said.name.as_ref().map(|name| name.as_str());
        Self {
            out: true,
            ..Self::called(name, &said.address)
        }
    }

    /// Whom a statement of the admin lets back: it goes by its name still, and is found by it.
    pub(super) fn let_back(said: &StatementView) -> Self {
        let name = said.name.as_ref().map(|name| name.as_str());
        Self::called(name, &said.address)
    }

    pub(super) fn new(person: &PersonView) -> Self {
        let name = person.name.as_ref().map(|name| name.as_str());
        Self {
            out: person.put_out,
            ..Self::called(name, &person.address)
        }
    }

    pub(super) fn called(name: Option<&str>, address: &str) -> Self {
        Self {
            name: name.map(visible),
            address: visible(address),
            picture: picture(address),
            out: false,
        }
    }

    /// The node's owner.
    pub(super) fn me(status: &PeerStatusView) -> Self {
        Self::called(Some(status.name.as_str()), &status.address)
    }

    pub(super) fn member(peer: &PeerView) -> Self {
        Self::called(peer.name.as_ref().map(|name| name.as_str()), &peer.address)
    }

    /// The name, or the two ends of the address.
    pub(super) fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.short())
    }

    /// The two ends of the address.
    pub(super) fn short(&self) -> String {
        short(&self.address)
    }

    /// How the path of its page names it. A name leads to nobody any more once its owner is put out.
    pub(super) fn path(&self) -> &str {
        let name = self.name.as_deref().filter(|_| !self.out);
        name.unwrap_or(&self.address)
    }
}

/// The two ends of a long text.
pub(super) fn short(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= 2 * ENDS + 1 {
        return text.to_owned();
    }
    let (start, end) = (
        &characters[..ENDS + 4],
        &characters[characters.len() - ENDS..],
    );
    start.iter().chain(['…'].iter()).chain(end).collect()
}

/// A picture of a key: a pattern that is the same on both sides, in two of its colours. Who looks twice sees
/// another key under a known name.
fn picture(address: &str) -> String {
    let hash = blake3::hash(address.as_bytes());
    let bytes = hash.as_bytes();
    let hue = u32::from(bytes[0]) * 360 / 256;
    // A dark square is a dash in its row: some hundred pictures stand on a page.
    let mut dashes = String::new();
    for row in 0..5 {
        let is_dark = |column: usize| {
            let column = column.min(4 - column);
            bytes[1 + row * 3 + column] & 1 == 1
        };
        let mut column = 0;
        while column < 5 {
            let long = (column..5).take_while(|column| is_dark(*column)).count();
            if long > 0 {
                let _ = write!(dashes, "M{column} {row}h{long}");
            }
            column += long + 1;
        }
    }
    format!(
        "<svg class=\"picture\" viewBox=\"-1 -1.5 7 7\" aria-hidden=\"true\" color=\"hsl({hue},60%,35%)\">\
         <path d=\"{dashes}\"/></svg>"
    )
}

/// A moment.
#[derive(Clone, Template)]
#[template(
    source = "<time datetime=\"{{ iso }}\" title=\"{{ exact }}\" tabindex=\"0\">{{ ago }}</time>",
    ext = "html"
)]
pub(super) struct When {
    /// For programs.
    pub(super) iso: String,
    /// For people, whole, in UTC; a script shows it in the reader's own time.
    pub(super) exact: String,
    /// For people, as seen now.
    pub(super) ago: String,
}

impl When {
    pub(super) fn new(at: Timestamp) -> Self {
        let moment = i64::try_from(at.0)
            .ok()
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let Some(moment) = moment else {
            return Self {
                iso: String::new(),
                exact: "beyond all calendars".into(),
                ago: "in the far future".into(),
            };
        };
        let whole = moment.to_string();
        let iso = moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        debug_assert!(whole.starts_with(&iso[..10]));
        Self {
            exact: moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            iso,
            ago: ago(at.0, now()),
        }
    }
}

/// A moment of which the date is wanted, not how long ago it is.
#[derive(Clone, Template)]
#[template(
    source = "<time datetime=\"{{ when.iso }}\" title=\"{{ when.exact }}\" tabindex=\"0\" data-date>{{ when.exact }}</time>",
    ext = "html"
)]
pub(super) struct Moment {
    pub(super) when: When,
}

impl Moment {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            when: When::new(at),
        }
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

fn ago(at: u64, now: u64) -> String {
    match (now.checked_sub(at), at.checked_sub(now)) {
        (Some(0..10_000), _) => "just now".into(),
        (Some(ms), _) => format!("{} ago", in_words(ms)),
        (None, Some(ms)) => format!("in {}", in_words(ms)),
        (None, None) => String::new(),
    }
}

/// A text that names commands between backticks, as HTML in which each stands as what one types. Whose words it is
/// does not matter: all else in it is text.
pub(super) fn coded(text: &str) -> String {
    let mut html = String::new();
    for (at, part) in text.split('`').enumerate() {
        match at % 2 {
            0 if at > 0 => html.push_str("</code>"),
            1 if text.split('`').nth(at + 1).is_some() => html.push_str("<code>"),
            // The last one has no partner, and stays.
            1 => html.push('`'),
            _ => {}
        }
        for character in part.chars() {
            match character {
                '&' => html.push_str("&#38;"),
                '<' => html.push_str("&#60;"),
                '>' => html.push_str("&#62;"),
                '"' => html.push_str("&#34;"),
                '\'' => html.push_str("&#39;"),
                plain => html.push(plain),
            }
        }
    }
    html
}

/// A block, and about when it comes to that if blocks come as the network wants them: a height tells nobody a time.
pub(super) fn expected(peer: &Peer, status: &PeerStatusView, height: Height) -> String {
    let block = format!("block {}", grouped(&height.0.to_string()));
    let tip = status.chain.as_ref().map(|chain| chain.tip.height);
    let left = tip.and_then(|tip| height.0.checked_sub(tip.0));
    match (left, left.and_then(|left| peer.usual_ms(left))) {
        (None | Some(0), _) | (_, None) => block,
        (Some(_), Some(ms)) => {
            format!("{block}, in about {} if blocks come as usual", in_words(ms))
        }
    }
}

/// Why not, with the commands in it as they are typed.
pub(super) fn told(refused: &Refused, typed: &Typed) -> String {
    sentence(&visible(&refused.typed(typed).detail))
}

/// The admin's reason, in a sentence of its own: the words are the admin's, and need not fit into one.
pub(super) fn given(reason: &str) -> String {
    format!("The reason given: “{}”.", visible(reason))
}

/// So many of something.
pub(super) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{} {one}s", grouped(&number.to_string())),
    }
}

/// Bytes, in the unit that leaves few digits.
pub(super) fn size(bytes: u64) -> String {
    match bytes as f64 {
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b if b >= 1e3 => format!("{:.0} kB", b / 1e3),
        _ => count(bytes as usize, "byte"),
    }
}

/// Coins, with their word.
pub(super) fn coins(amount: Amount) -> String {
    match amount.0 {
        1 => "1 coin".into(),
        number => format!("{} coins", grouped(&number.to_string())),
    }
}

/// Digits in groups of three.
pub(super) fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            // A narrow space at which no line breaks.
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// What is written in a note.
#[derive(Clone)]
pub(super) struct Note {
    pub(super) text: String,
    /// Whether it could be opened; else the text says why not.
    pub(super) opened: bool,
}

impl Note {
    pub(super) fn new(note: &NoteView) -> Self {
        match note {
            NoteView::Text(text) => Self {
                text: lines(text),
                opened: true,
            },
            NoteView::Unreadable(why) => Self {
                text: visible(why),
                opened: false,
            },
        }
    }
}

/// A text of several lines, with nothing in it that hides.
pub(super) fn lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// The lines that were typed into a field, without the empty ones.
pub(super) fn typed_lines(typed: Option<&str>) -> Vec<String> {
    let lines = typed.unwrap_or_default().lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_threes() {
        assert_eq!(grouped("1"), "1");
        assert_eq!(grouped("123"), "123");
        assert_eq!(grouped("1234"), "1\u{202f}234");
        let most = coins(Amount(u64::MAX));
        assert_eq!(
            most.replace('\u{202f}', " "),
            "18 446 744 073 709 551 615 coins"
        );
        assert_eq!(coins(Amount(1)), "1 coin");
    }

    #[test]
    fn moments_beyond_calendars_are_no_panic() {
        assert_eq!(When::new(Timestamp(u64::MAX)).iso, "");
        assert_eq!(When::new(Timestamp(0)).exact, "1970-01-01 00:00:00 UTC");
        assert_eq!(ago(1_000, 5_000), "just now");
        assert_eq!(ago(0, 120_000), "2 minutes ago");
        assert_eq!(ago(20_000, 5_000), "in 15 s");
    }

    #[test]
    fn attack_notes_keep_their_lines_and_nothing_that_hides() {
        let note = Note::new(&NoteView::Text("one\ntwo\u{202e}\u{1b}[2J".into()));
        assert_eq!(note.text, "one\ntwo\\u{202e}\\u{1b}[2J");
    }

    #[test]
    fn attack_what_is_typed_stands_as_code_and_nothing_else_is_more_than_text() {
        assert_eq!(
            coded("type `x <b>` or `x`"),
            "type <code>x &#60;b&#62;</code> or <code>x</code>"
        );
        assert_eq!(coded("a `b"), "a `b");
        assert_eq!(coded("``"), "<code></code>");
        assert_eq!(coded("\"'&"), "&#34;&#39;&#38;");
        assert_eq!(coded(""), "");
    }

    #[test]
    fn a_picture_is_of_the_key_and_of_nothing_else() {
        assert_ne!(picture("rac1a"), picture("rac1b"));
        assert!(!picture("\"><script>").contains("script"));
    }
}
