//! Whose a data directory is: the wallet that it was first used with.

use super::{Disk, DiskError, DiskRead, RowChange, Table};
use crate::canonical;
use crate::keys::PublicKey;

/// `Meta` row that holds the public key as canonical bytes.
const KEY: &[u8] = b"belongs_to";

/// The key that the database on `disk` belongs to, `None` before its first start.
///
/// # Errors
/// As for reading `disk`, and [`DiskError::Corrupt`] if the row holds no key.
pub fn belongs_to(disk: &dyn DiskRead) -> Result<Option<PublicKey>, DiskError> {
    let Some(row) = disk.get(Table::Meta, KEY)? else {
        return Ok(None);
    };
    let key = canonical::decode(&row).map_err(|error| DiskError::Corrupt {
        path: Table::Meta.name().into(),
        reason: format!("belongs_to: {error}"),
    })?;
    Ok(Some(key))
}

/// Makes the database on `disk` that of `key`, if it is nobody's yet. The key that it belongs to.
///
/// # Errors
/// As for [`belongs_to`], and for writing `disk`.
pub fn claim(disk: &dyn Disk, key: PublicKey) -> Result<PublicKey, DiskError> {
    if let Some(owner) = belongs_to(disk)? {
        return Ok(owner);
    }
    disk.commit(&[RowChange::put(Table::Meta, KEY, canonical::encode(&key))])?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryDisk;

    #[test]
    fn a_directory_belongs_to_the_wallet_of_its_first_start_over_a_power_cut() {
        let disk = MemoryDisk::new();
        let [first, second] = [1, 2].map(|byte| PublicKey([byte; 32]));
        assert_eq!(belongs_to(&disk).unwrap(), None);
        assert_eq!(claim(&disk, first).unwrap(), first);
        disk.power_cut(0);
        assert_eq!(claim(&disk, second).unwrap(), first);
        assert_eq!(belongs_to(&disk).unwrap(), Some(first));
    }
}
