//! The whole chain as text, while somebody reads it.

use super::long_read::LongReads;
use super::refusal::Refused;
use crate::archive::{archive_of, json_line};
use crate::chain::Rules;
use crate::store::Disk;
use crate::store::chain_rows::ChainRows;
use futures_util::Stream;
use std::io;
use std::sync::Arc;

/// Bytes of lines that are sent together, about: a line for itself takes longer to send than to read.
const TOGETHER: usize = 64 * 1024;

/// Starts an export of the chain on `disk`, an entry a line, all from one snapshot.
///
/// # Errors
/// As [`LongReads::start`].
pub(super) fn start(
    exports: &LongReads,
    disk: Arc<dyn Disk>,
    rules: Rules,
) -> Result<impl Stream<Item = io::Result<Vec<u8>>> + use<>, Refused> {
    exports.start(move |lines| {
        let snapshot = disk.snapshot();
        let view = lines.watched(ChainRows(&*snapshot));
        let mut gathered = Vec::new();
        for entry in archive_of(&view, rules.genesis()).map_err(io::Error::other)? {
            let entry = entry.map_err(io::Error::other)?;
            if gathered.len() > TOGETHER {
                lines.send(std::mem::take(&mut gathered))?;
            }
            gathered.extend(json_line(&entry)?);
        }
        Ok(gathered)
    })
}
