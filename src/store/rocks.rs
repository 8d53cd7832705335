//! The disk of a running node: RocksDB.

use super::disk::ScanBudget;
use super::migration::{self, Migrating, STEPS, Step};
use super::schema::{self, Role};
use super::{Disk, DiskError, DiskRead, Row, RowChange, Table, tuning};
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BottommostLevelCompaction, Cache, ColumnFamily, CompactOptions, DB, DBRawIterator,
    FlushOptions, Options, ReadOptions, Snapshot, WriteBatch,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The column family every RocksDB database has. We keep nothing in it.
const DEFAULT_FAMILY: &str = "default";

/// The file by which a directory shows that it holds a RocksDB database.
const CURRENT_FILE: &str = "CURRENT";

/// How to open a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whose it is; a new one is recorded as this, another one's is refused.
    pub role: Role,
    /// Cache of what was read, in bytes.
    pub block_cache_bytes: usize,
    /// Rows kept in memory before they move from the log to table files, in bytes.
    pub write_buffer_bytes: usize,
}

impl OpenOptions {
    /// The figures a node runs with.
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            block_cache_bytes: tuning::BLOCK_CACHE_BYTES,
            write_buffer_bytes: tuning::WRITE_BUFFER_BYTES,
        }
    }
}

/// Rows in a RocksDB database, one column family per [`Table`]. The directory is locked while this
/// lives, and the operating system releases the lock however the process ends.
pub struct RocksDisk {
    db: DB,
    path: PathBuf,
    /// What the first commit that failed met. RocksDB may recover by itself, when there is space
    /// again, say; but a commit in doubt must be the last one.
    broken: OnceLock<DiskError>,
}

impl RocksDisk {
    /// Opens the database in the directory `path`; makes directory and database if there are none.
    ///
    /// A start that was cut off while making them is finished. Nothing is changed in a database
    /// that is refused.
    ///
    /// # Errors
    /// - [`DiskError::InUse`]: another node runs on it.
    /// - [`DiskError::NotAccessible`], [`DiskError::NoSpace`]: the directory cannot be used.
    /// - [`DiskError::SchemaVersion`], [`DiskError::WrongRole`], [`DiskError::NotOurs`]: it is not
    ///   for this program, this role, or any node.
    /// - [`DiskError::Corrupt`], [`DiskError::Failed`]: RocksDB cannot make sense of it.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, DiskError> {
        Self::open_telling(path, options, &mut |_| ())
    }

    /// As [`open`](Self::open), and tells how far it is where a database of an older schema is brought to this
    /// program's.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_telling(
        path: &Path,
        options: &OpenOptions,
        tell: &mut dyn FnMut(Migrating),
    ) -> Result<Self, DiskError> {
        Self::open_migrating(path, options, STEPS, tell)
    }

    /// The same, with these steps from older schemas.
    pub(super) fn open_migrating(
        path: &Path,
        options: &OpenOptions,
        steps: &[Step],
        tell: &mut dyn FnMut(Migrating),
    ) -> Result<Self, DiskError> {
        let database = tuning::database_options(options);
        Self::open_by(path, options, &database, (steps, tell))
    }

    /// [`open`](Self::open) with a database set up by the caller.
    pub(super) fn open_by(
        path: &Path,
        options: &OpenOptions,
        database: &Options,
        (steps, tell): (&[Step], &mut dyn FnMut(Migrating)),
    ) -> Result<Self, DiskError> {
        fs::create_dir_all(path).map_err(|e| DiskError::from_io(path, &e))?;
        let cache = Cache::new_lru_cache(options.block_cache_bytes);
        let families = families_to_open(path)?;
        let mut disk = Self::open_families(path, database, &cache, &families)?;
        match disk.version()? {
            Some(found) => {
                match migration::way(steps, found, schema::SCHEMA_VERSION) {
                    None => schema::check_version(found, path)?,
                    Some(way) => {
                        schema::check_role(&disk, path, options.role)?;
                        disk.create_families(&cache)?;
                        migration::migrate(&disk, path, &way, tell)?;
                    }
                }
                disk.check_families(&families)?;
                schema::check_role(&disk, path, options.role)?;
            }
            None => {
                disk.check_unused(&families)?;
                disk.create_families(&cache)?;
                schema::record(&disk, options.role)?;
            }
        }
        disk.merge_small_files()?;
        Ok(disk)
    }

    /// Merges the files of each table that has many small ones.
    fn merge_small_files(&self) -> Result<(), DiskError> {
        let files = self.db.live_files().map_err(|e| self.error(&e))?;
        for table in Table::ALL {
            let own = files
                .iter()
                .filter(|file| file.column_family_name == table.name());
            let (count, bytes) = own.fold((0, 0), |(count, bytes), file| {
                (count + 1, bytes + file.size)
            });
            if count > tuning::SMALL_FILES && bytes / count < tuning::SMALL_FILE_BYTES {
                let mut options = CompactOptions::default();
                options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
                let all = None::<&[u8]>;
                let family = self.family(table.name())?;
                self.db.compact_range_cf_opt(family, all, all, &options);
            }
        }
        Ok(())
    }

    fn open_families(
        path: &Path,
        database: &Options,
        cache: &Cache,
        families: &[String],
    ) -> Result<Self, DiskError> {
        let descriptors = tuning::table_descriptors(families.iter().cloned(), cache);
        DB::open_cf_descriptors(database, path, descriptors)
            .map(|db| Self {
                db,
                path: path.to_owned(),
                broken: OnceLock::new(),
            })
            .map_err(|e| DiskError::from_rocks(path, e.as_ref()))
    }

    fn version(&self) -> Result<Option<u32>, DiskError> {
        if self.db.cf_handle(Table::Meta.name()).is_none() {
            return Ok(None);
        }
        schema::recorded_version(self, &self.path)
    }

    /// Refuses a database of our schema version that has not exactly our tables.
    fn check_families(&self, found: &[String]) -> Result<(), DiskError> {
        let missing = Table::ALL
            .iter()
            .map(|table| table.name())
            .find(|name| self.db.cf_handle(name).is_none());
        let reason = match (missing, found.iter().find(|name| !is_ours(name))) {
            (Some(name), _) => format!("the table {name:?} is missing"),
            (None, Some(name)) => format!("there is an unknown table {name:?}"),
            (None, None) => return Ok(()),
        };
        Err(DiskError::Corrupt {
            path: self.path.clone(),
            reason,
        })
    }

    /// Refuses a database without schema version, unless it is a new one of ours that was cut off
    /// before its first commit: then there is no row in it.
    fn check_unused(&self, found: &[String]) -> Result<(), DiskError> {
        let reason = match found.iter().find(|name| !is_ours(name)) {
            Some(name) => format!("it has a table {name:?}"),
            None => match self.first_used(found)? {
                Some(name) => {
                    format!("there are rows in its table {name:?}, and no schema version")
                }
                None => return Ok(()),
            },
        };
        Err(DiskError::NotOurs {
            path: self.path.clone(),
            reason,
        })
    }

    fn first_used<'a>(&self, families: &'a [String]) -> Result<Option<&'a String>, DiskError> {
        for name in families {
            let mut rows = self.db.raw_iterator_cf(self.family(name)?);
            rows.seek_to_first();
            rows.status().map_err(|e| self.error(&e))?;
            if rows.valid() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Makes the tables that are missing in a database whose creation was cut off.
    fn create_families(&mut self, cache: &Cache) -> Result<(), DiskError> {
        for table in Table::ALL {
            if self.db.cf_handle(table.name()).is_none() {
                self.db
                    .create_cf(table.name(), &tuning::table_options(cache))
                    .map_err(|e| DiskError::from_rocks(&self.path, e.as_ref()))?;
            }
        }
        Ok(())
    }

    fn family(&self, name: &str) -> Result<&ColumnFamily, DiskError> {
        self.db.cf_handle(name).ok_or_else(|| DiskError::Corrupt {
            path: self.path.clone(),
            reason: format!("the table {name:?} is missing"),
        })
    }

    fn error(&self, error: &rocksdb::Error) -> DiskError {
        DiskError::from_rocks(&self.path, error.as_ref())
    }

    fn get_with(
        &self,
        options: &ReadOptions,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, DiskError> {
        self.db
            .get_cf_opt(self.family(table.name())?, key, options)
            .map_err(|e| self.error(&e))
    }

    fn scan_with(
        &self,
        options: ReadOptions,
        table: Table,
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, DiskError> {
        let mut rows = self
            .db
            .raw_iterator_cf_opt(self.family(table.name())?, options);
        rows.seek(from);
        let page = take_page(&mut rows, limit);
        // An iterator that met an error looks like one that met the end.
        rows.status().map_err(|e| self.error(&e))?;
        Ok(page)
    }
}

impl DiskRead for RocksDisk {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        self.get_with(&ReadOptions::default(), table, key)
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
        self.scan_with(ReadOptions::default(), table, from, limit)
    }
}

impl Disk for RocksDisk {
    fn commit(&self, rows: &[RowChange]) -> Result<(), DiskError> {
        if let Some(error) = self.broken.get() {
            return Err(error.clone());
        }
        // At once as large as it gets: growing by doubling, a large one would take three times that for a moment.
        let mut batch = WriteBatch::with_capacity_bytes(batch_bytes(rows));
        for row in rows {
            let family = self.family(row.table.name())?;
            match &row.value {
                Some(value) => batch.put_cf(family, &row.key, value),
                None => batch.delete_cf(family, &row.key),
            }
        }
        self.db
            .write_opt(batch, &tuning::synced())
            .map_err(|e| self.broken.get_or_init(|| self.error(&e)).clone())
    }

    fn snapshot(&self) -> Box<dyn DiskRead + '_> {
        Box::new(RocksSnapshot {
            disk: self,
            snapshot: self.db.snapshot(),
        })
    }

    fn checkpoint(&self, to: &Path) -> Result<(), DiskError> {
        let checkpoint = Checkpoint::new(&self.db).map_err(|e| self.error(&e))?;
        // With the log as it is: moving it into table files for each backup would leave one of each table behind.
        let made = checkpoint.create_checkpoint_with_log_size(to, tuning::WAL_BYTES);
        made.map_err(|e| DiskError::from_rocks(to, e.as_ref()).of_copy())
    }

    fn flush(&self) -> Result<(), DiskError> {
        let families: Vec<_> = Table::ALL
            .iter()
            .map(|table| self.family(table.name()))
            .collect::<Result<_, _>>()?;
        let families: Vec<_> = families.iter().collect();
        self.db
            .flush_cfs_opt(&families, &FlushOptions::default())
            .map_err(|e| self.error(&e))
    }
}

/// The rows as they were when it was made.
struct RocksSnapshot<'a> {
    disk: &'a RocksDisk,
    snapshot: Snapshot<'a>,
}

impl RocksSnapshot<'_> {
    fn read_options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_snapshot(&self.snapshot);
        options
    }
}

impl DiskRead for RocksSnapshot<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        self.disk.get_with(&self.read_options(), table, key)
    }

    fn scan(&self, table: Table, from: &[u8], limit: usize) -> Result<Vec<Row>, DiskError> {
        self.disk.scan_with(self.read_options(), table, from, limit)
    }
}

/// The column families to open: of a new database all of ours, of one that exists exactly those it
/// has, since one that we refuse must not gain any.
fn families_to_open(path: &Path) -> Result<Vec<String>, DiskError> {
    let exists = path
        .join(CURRENT_FILE)
        .try_exists()
        .map_err(|e| DiskError::from_io(path, &e))?;
    if exists {
        return DB::list_cf(&Options::default(), path)
            .map_err(|e| DiskError::from_rocks(path, e.as_ref()));
    }
    let ours = Table::ALL.iter().map(|table| table.name());
    Ok(ours.chain([DEFAULT_FAMILY]).map(str::to_owned).collect())
}

fn is_ours(family: &str) -> bool {
    family == DEFAULT_FAMILY || Table::ALL.iter().any(|table| table.name() == family)
}

/// Rows from where the iterator stands, as many as one scan gives.
fn take_page(rows: &mut DBRawIterator<'_>, limit: usize) -> Vec<Row> {
    let mut budget = ScanBudget::new(limit);
    let mut page = Vec::new();
    while let Some((key, value)) = rows.item() {
        if !budget.takes(key, value) {
            break;
        }
        page.push((key.to_vec(), value.to_vec()));
        rows.next();
    }
    page
}

/// No less than the bytes of a batch of these rows.
fn batch_bytes(rows: &[RowChange]) -> usize {
    /// Head of a batch: its number, and that of its rows.
    const HEAD: usize = 12;
    /// Beside key and value: what it is, the table, and two lengths, of no more than 5 bytes each.
    const ROW: usize = 1 + 3 * 5;
    let row = |row: &RowChange| ROW + row.key.len() + row.value.as_ref().map_or(0, Vec::len);
    HEAD + rows.iter().map(row).sum::<usize>()
}
