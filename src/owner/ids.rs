//! Ids as people type them: whole, or any beginning of six digits and more, with or without the dots that
//! stand behind a beginning where it is shown.

use super::codes::Code;
use super::refusal::Refused;
use crate::chain::Internal;
use crate::store::chain_rows::internal;
use crate::store::{DiskRead, Table};

/// Bytes of an id: of a block, of a transaction.
pub const ID_BYTES: usize = 32;
/// Hexadecimal digits of an id.
pub const ID_DIGITS: usize = 2 * ID_BYTES;
/// Digits that must be given of one at least: fewer are more likely a slip than an id.
pub const MIN_DIGITS: usize = 6;

/// Characters of what was typed that a refusal repeats.
const REPEATED: usize = 80;

/// An id as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedId {
    /// Its first digits, in lower case.
    digits: String,
}

impl TypedId {
    /// Reads one.
    ///
    /// # Errors
    /// [`Code::BadId`] if it has other characters than hexadecimal digits, fewer than [`MIN_DIGITS`] or more
    /// than [`ID_DIGITS`].
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let digits = without_dots(text.trim());
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hexadecimal || !(MIN_DIGITS..=ID_DIGITS).contains(&digits.len()) {
            let shown: String = text.chars().take(REPEATED).collect();
            return Err(Refused::new(
                Code::BadId,
                format!(
                    "{shown:?} is no id: an id is {ID_DIGITS} hexadecimal digits, and its first \
                     {MIN_DIGITS} or more will do"
                ),
            ));
        }
        Ok(Self {
            digits: digits.to_ascii_lowercase(),
        })
    }

    /// The id, if all of it was typed.
    pub(super) fn whole(&self) -> Option<[u8; ID_BYTES]> {
        (self.digits.len() == ID_DIGITS).then(|| self.lowest())
    }

    /// How many digits were typed.
    pub(super) fn digits(&self) -> usize {
        self.digits.len()
    }

    /// The least id that begins like this.
    pub(super) fn lowest(&self) -> [u8; ID_BYTES] {
        let mut id = [0; ID_BYTES];
        for (byte, pair) in id.iter_mut().zip(self.digits.as_bytes().chunks(2)) {
            let digit = |at: usize| pair.get(at).map_or(0, |c| value_of(*c));
            *byte = digit(0) << 4 | digit(1);
        }
        id
    }

    /// Whether this id begins like that.
    pub(super) fn begins(&self, id: &[u8]) -> bool {
        let typed = self.digits.bytes().enumerate();
        let mut digits = typed.map(|(at, digit)| {
            let byte = id.get(at / 2).copied().unwrap_or_default();
            let here = if at % 2 == 0 { byte >> 4 } else { byte & 15 };
            (here, value_of(digit))
        });
        digits.all(|(here, typed)| here == typed)
    }

    /// Ids in `table`, whose keys are ids, that begin like this: two at most, for who means one must not get
    /// another.
    pub(super) fn in_table(
        &self,
        disk: &dyn DiskRead,
        table: Table,
    ) -> Result<Vec<[u8; ID_BYTES]>, Internal> {
        let rows = disk.scan(table, &self.lowest(), 2).map_err(internal)?;
        let ids = rows.into_iter().map(|(key, _)| key);
        let like = ids.filter(|id| self.begins(id));
        Ok(like.filter_map(|id| id.try_into().ok()).collect())
    }

    /// The only one among what was found, which may have the same id twice; `None` if nothing was.
    ///
    /// # Errors
    /// [`Code::AmbiguousId`] if there are several.
    pub(super) fn the_only<T: PartialEq>(
        &self,
        found: impl IntoIterator<Item = T>,
    ) -> Result<Option<T>, Refused> {
        let mut found = found.into_iter();
        let first = found.next();
        if let Some(first) = &first
            && found.any(|other| other != *first)
        {
            return Err(Refused::new(
                Code::AmbiguousId,
                format!(
                    "several ids begin with {}: give more of its digits",
                    self.digits
                ),
            ));
        }
        Ok(first)
    }
}

impl std::fmt::Display for TypedId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.digits)
    }
}

/// The text without the dots that show that something was cut off; those are two ways to write them.
pub fn without_dots(text: &str) -> &str {
    let bare = text.strip_suffix('…').or_else(|| text.strip_suffix("..."));
    bare.unwrap_or(text)
}

/// The value of a hexadecimal digit.
fn value_of(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Disk, MemoryDisk, RowChange};

    #[test]
    fn any_beginning_of_six_digits_is_an_id_with_or_without_dots() {
        for (typed, digits) in [
            ("403ad9", "403ad9"),
            ("403ad9bd18…", "403ad9bd18"),
            ("403AD9bd1...", "403ad9bd1"),
            (" 403ad9b\n", "403ad9b"),
        ] {
            assert_eq!(TypedId::parse(typed).unwrap().to_string(), digits);
        }
        let whole = "ab".repeat(32);
        assert_eq!(TypedId::parse(&whole).unwrap().whole(), Some([0xab; 32]));
        assert_eq!(TypedId::parse(&whole[1..]).unwrap().whole(), None);
        for wrong in [
            "",
            "403ad",
            "403ad…",
            "……403ad9",
            "403xd9",
            "äöüäöü",
            &(whole + "a"),
        ] {
            let refused = TypedId::parse(wrong).unwrap_err();
            assert_eq!(refused.code, Code::BadId, "{wrong}");
            assert!(refused.detail.len() < 300);
        }
    }

    #[test]
    fn a_beginning_finds_what_it_begins_and_tells_two_apart() {
        let disk = MemoryDisk::new();
        let id = |last: u8| {
            let mut id = [0x40; 32];
            id[3] = last;
            id
        };
        let row = |last| RowChange::put(Table::Mined, id(last), Vec::new());
        disk.commit(&[row(0x10), row(0x1f), row(0xff)]).unwrap();
        let find = |typed: &str| {
            let typed = TypedId::parse(typed).unwrap();
            typed.the_only(typed.in_table(&disk, Table::Mined).unwrap())
        };
        assert_eq!(find("404040ff"), Ok(Some(id(0xff))));
        assert_eq!(find("404040f"), Ok(Some(id(0xff))));
        assert_eq!(find("4040401f"), Ok(Some(id(0x1f))));
        assert_eq!(find("4040401").unwrap_err().code, Code::AmbiguousId);
        assert_eq!(find("404040").unwrap_err().code, Code::AmbiguousId);
        assert_eq!(find("4040402"), Ok(None));
        assert_eq!(find("404041"), Ok(None));
    }
}
