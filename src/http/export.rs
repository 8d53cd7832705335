//! The whole chain as text, while somebody reads it.

use super::error::Refused;
use super::long_read::LongReads;
use crate::archive::{archive_of, json_line};
use crate::chain::Rules;
use crate::store::Disk;
use crate::store::chain_rows::ChainRows;
use actix_web::web::Bytes;
use futures_util::Stream;
use std::io;
use std::sync::Arc;

/// Starts an export of the chain on `disk`, an entry a line, all from one snapshot.
///
/// # Errors
/// As [`LongReads::start`].
pub(super) fn start(
    exports: &LongReads,
    disk: Arc<dyn Disk>,
    rules: Rules,
) -> Result<impl Stream<Item = io::Result<Bytes>> + use<>, Refused> {
    exports.start(move |lines| {
        let snapshot = disk.snapshot();
        let view = lines.watched(ChainRows(&*snapshot));
        let mut last = Bytes::new();
        for entry in archive_of(&view, rules.genesis()).map_err(io::Error::other)? {
            let line = json_line(&entry.map_err(io::Error::other)?)?;
            let before = std::mem::replace(&mut last, line.into());
            if !before.is_empty() {
                lines.send(before)?;
            }
        }
        Ok(last)
    })
}
