//! Which life of a data directory this is.

use super::{Disk, DiskError, RowChange, Table};
use crate::canonical;

/// `Meta` row that holds the number as a canonical integer.
const KEY: &[u8] = b"incarnation";

/// The number that was drawn at the first start of the database on `disk`; `drawn` if this is the first,
/// which is then on the disk.
///
/// # Errors
/// As for reading and writing `disk`, and [`DiskError::Corrupt`] if the row holds no number.
pub fn incarnation(disk: &dyn Disk, drawn: u64) -> Result<u64, DiskError> {
    if let Some(row) = disk.get(Table::Meta, KEY)? {
        return canonical::decode(&row).map_err(|error| DiskError::Corrupt {
            path: Table::Meta.name().into(),
            reason: format!("incarnation: {error}"),
        });
    }
    let row = RowChange::put(Table::Meta, KEY, canonical::encode(&drawn));
    disk.commit(&[row])?;
    Ok(drawn)
}

/// The change by which a restored database begins another life: the next start draws its number.
pub fn begin_incarnation() -> RowChange {
    RowChange::remove(Table::Meta, KEY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryDisk;

    #[test]
    fn a_directory_keeps_the_number_of_its_first_start_over_a_power_cut() {
        let disk = MemoryDisk::new();
        assert_eq!(incarnation(&disk, 7).unwrap(), 7);
        disk.power_cut(0);
        assert_eq!(incarnation(&disk, 8).unwrap(), 7);
        // A restored one.
        disk.commit(&[begin_incarnation()]).unwrap();
        assert_eq!(incarnation(&disk, 8).unwrap(), 8);
        // Another disk, another life.
        assert_eq!(incarnation(&MemoryDisk::new(), 8).unwrap(), 8);
    }
}
