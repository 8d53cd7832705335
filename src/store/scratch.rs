//! A database for a moment: where a verification puts the state that memory has no room for.

use super::{Disk, DiskError, OpenOptions, RocksDisk, Role, RowChange, Table, rows_from};
use crate::canonical;
use crate::chain::Internal;
use crate::chain::rows::StateKey;
use crate::chain::verify::{Scratch, VerifyError};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Name of the scratch database's directory, beside the database it serves.
pub const SCRATCH: &str = "scratch";

/// Cache and write buffer of the scratch database, in bytes: rows are put once and read a few times.
const SMALL: usize = 8 << 20;
/// Rows read at a time at the end.
const PAGE: usize = 1_000;

/// A scratch database in a directory of its own, made when it is first needed, and removed with this
/// value. What an earlier one left behind, in a process that was killed, is removed as well.
pub struct DiskScratch {
    path: PathBuf,
    disk: Option<RocksDisk>,
}

impl DiskScratch {
    /// One that will be at `path`, which must be nobody else's.
    pub fn new(path: PathBuf) -> Self {
        Self { path, disk: None }
    }

    fn disk(&mut self) -> Result<&RocksDisk, Internal> {
        match &mut self.disk {
            Some(disk) => Ok(disk),
            none => {
                let options = OpenOptions {
                    role: Role::Peer,
                    block_cache_bytes: SMALL,
                    write_buffer_bytes: SMALL,
                };
                // Whatever is there was left by a process that was killed.
                remove(&self.path).map_err(|e| internal(DiskError::from_io(&self.path, &e)))?;
                let disk = RocksDisk::open(&self.path, &options).map_err(internal)?;
                Ok(none.insert(disk))
            }
        }
    }
}

impl Drop for DiskScratch {
    fn drop(&mut self) {
        if self.disk.take().is_some() {
            // Left behind, it costs space until the next one is made; nothing else.
            let _ = remove(&self.path);
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn internal(error: DiskError) -> Internal {
    Internal(error.to_string())
}

fn decoded<T: serde::de::DeserializeOwned + serde::Serialize>(bytes: &[u8]) -> Result<T, Internal> {
    canonical::decode(bytes).map_err(|error| Internal(format!("a scratch row is damaged: {error}")))
}

/// A value, or that it was removed.
type Value = Option<ByteBuf>;

impl Scratch for DiskScratch {
    fn read(&self, key: &StateKey) -> Result<Option<Option<Vec<u8>>>, Internal> {
        let Some(disk) = &self.disk else {
            return Ok(None);
        };
        let row = super::DiskRead::get(disk, Table::State, &canonical::encode(key));
        let row = row.map_err(internal)?;
        row.map(|bytes| Ok(decoded::<Value>(&bytes)?.map(ByteBuf::into_vec)))
            .transpose()
    }

    fn put(&mut self, rows: BTreeMap<StateKey, Option<Vec<u8>>>) -> Result<(), Internal> {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(key, value)| {
                let value: Value = value.map(ByteBuf::from);
                let (key, value) = (canonical::encode(&key), canonical::encode(&value));
                RowChange::put(Table::State, key, value)
            })
            .collect();
        self.disk()?.commit(&rows).map_err(internal)
    }

    fn each(
        &self,
        show: &mut dyn FnMut(StateKey, Option<Vec<u8>>) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        for row in rows_from(disk, Table::State, &[], PAGE) {
            let (key, value) = row.map_err(internal)?;
            show(
                decoded(&key)?,
                decoded::<Value>(&value)?.map(ByteBuf::into_vec),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::PublicKey;

    fn balance(owner: u8) -> StateKey {
        StateKey::Balance(PublicKey([owner; 32]))
    }

    #[test]
    fn what_was_put_last_is_read_and_nothing_stays_behind() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(SCRATCH);
        let mut scratch = DiskScratch::new(path.clone());
        assert_eq!(scratch.read(&balance(1)), Ok(None));
        assert!(!path.exists(), "it is made when it is needed");
        // What another process left.
        fs::create_dir(&path).unwrap();
        fs::write(path.join("rest"), "").unwrap();
        let first = [(balance(1), Some(vec![1])), (balance(2), Some(vec![2]))];
        scratch.put(first.into()).unwrap();
        let then = [(balance(2), None), (balance(3), Some(Vec::new()))];
        scratch.put(then.into()).unwrap();
        assert_eq!(scratch.read(&balance(1)), Ok(Some(Some(vec![1]))));
        assert_eq!(scratch.read(&balance(2)), Ok(Some(None)));
        assert_eq!(scratch.read(&balance(4)), Ok(None));
        let mut rows = Vec::new();
        scratch
            .each(&mut |key, value| {
                rows.push((key, value));
                Ok(())
            })
            .unwrap();
        assert_eq!(
            rows,
            [
                (balance(1), Some(vec![1])),
                (balance(2), None),
                (balance(3), Some(Vec::new()))
            ]
        );
        drop(scratch);
        assert!(!path.exists());
    }
}
