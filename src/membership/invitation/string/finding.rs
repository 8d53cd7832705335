//! An invitation in the midst of a message: with words around it, and with what mail programs, chats and shells put
//! into it, such as line ends, marks of quotation, quotes and brackets.

use super::{
    InvitationString, InvitationStringError, MAX_INVITATION_CHARACTERS, START, whole_length,
};
use zeroize::Zeroizing;

/// Longest text in which an invitation is looked for, in bytes: a long message. Whoever pastes more has taken
/// something else.
pub const MAX_INVITATION_TEXT: usize = 16 * 1024;

impl InvitationString {
    /// The one invitation in a text.
    ///
    /// # Errors
    /// [`InvitationStringError::LongText`], [`InvitationStringError::Several`]; if there is none, what
    /// [`parse`](Self::parse) says against what comes nearest to one.
    pub fn find(text: &str) -> Result<Self, InvitationStringError> {
        if text.len() > MAX_INVITATION_TEXT {
            return Err(InvitationStringError::LongText);
        }
        let mut found: Option<(Zeroizing<String>, Self)> = None;
        let mut nearest: Option<(usize, InvitationStringError)> = None;
        for start in starts(text) {
            let candidate = candidate(&text[start..]);
            match read(&candidate) {
                Ok(one) => {
                    let one = (one.reveal(), one);
                    if found.as_ref().is_some_and(|other| other.0 != one.0) {
                        return Err(InvitationStringError::Several);
                    }
                    found = Some(one);
                }
                Err(wrong) => {
                    let length = candidate.len();
                    if nearest.as_ref().is_none_or(|(other, _)| length > *other) {
                        nearest = Some((length, wrong));
                    }
                }
            }
        }
        match (found, nearest) {
            (Some((_, found)), _) => Ok(found),
            (None, Some((_, wrong))) => Err(wrong),
            // It may be broken within its first letters, or be something else that is known.
            (None, None) => Self::parse(text),
        }
    }
}

/// Where invitations may begin in a text, in bytes.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let places = text.as_bytes().windows(START.len()).enumerate();
    let begins = |part: &[u8]| part.eq_ignore_ascii_case(START.as_bytes());
    places.filter_map(move |(at, part)| begins(part).then_some(at))
}

/// The letters and digits from the start of an invitation on, until one that can't stand in it, which is kept: it
/// is named then. So each text is gone through once, however many starts there are.
fn candidate(text: &str) -> Zeroizing<String> {
    let (start, rest) = text.split_at(START.len());
    let mut kept = Zeroizing::new(start.to_owned());
    let letters = rest.chars().filter(|c| c.is_alphanumeric());
    for letter in letters.take(MAX_INVITATION_CHARACTERS) {
        kept.push(letter);
        if bech32::Fe32::from_char(letter).is_err() {
            break;
        }
    }
    kept
}

/// A candidate as it is, or without the words that follow the invitation, which says how long it is.
fn read(candidate: &str) -> Result<InvitationString, InvitationStringError> {
    let as_it_is = InvitationString::parse(candidate);
    if matches!(
        as_it_is,
        Ok(_) | Err(InvitationStringError::Mistyped { .. })
    ) {
        return as_it_is;
    }
    let whole = whole_length(&candidate.as_bytes()[START.len()..]);
    match whole.and_then(|whole| candidate.get(..whole)) {
        Some(whole) => InvitationString::parse(whole),
        None => as_it_is,
    }
}
