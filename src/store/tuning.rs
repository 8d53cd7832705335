//! How RocksDB is set up: for a small machine that runs other things too.
//!
//! Together the numbers bound the memory to about 60 MiB, most of it cache, whatever the length of
//! the chain, and the files that are not rows (logs, manifest) to about 50 MiB.

use super::OpenOptions;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, LogLevel,
    Options, WriteOptions,
};

/// Cache of table blocks, indexes and filters, shared by all tables. A member's working set is the
/// balances and the newest thousand blocks' rows, which is less.
pub(super) const BLOCK_CACHE_BYTES: usize = 32 << 20;

/// Unflushed rows of all tables together. Enough for several full blocks (2 MiB each, with undo and
/// indexes), so that a table file is worth its creation.
pub(super) const WRITE_BUFFER_BYTES: usize = 16 << 20;

/// Unflushed rows of one table, after which it alone is flushed. A quarter of the total: bodies fill
/// theirs soonest, and need not take the small tables along.
const TABLE_WRITE_BUFFER_BYTES: usize = 4 << 20;

/// Step in which a table's unflushed rows take memory. RocksDB's own is 512 KiB here, times twelve
/// tables of which most hold a few rows.
const ARENA_BLOCK_BYTES: usize = 64 << 10;

/// Buffers of one table at a time: one filling, one being flushed.
const TABLE_WRITE_BUFFERS: i32 = 2;

/// Flushes and compactions at a time. One of each keeps up with a block every few seconds, and
/// leaves the cores to signatures and mining.
const BACKGROUND_JOBS: i32 = 2;

/// Table files held open. The usual limit of a process is 1,024 files, and sockets need theirs.
const OPEN_FILES: i32 = 256;

/// Least size of a compacted table file: a chain of 4 GiB is then 256 of them.
const TABLE_FILE_BYTES: u64 = 16 << 20;

/// Size of level 1, four files; each level below is ten times larger.
const LEVEL_BASE_BYTES: u64 = 4 * TABLE_FILE_BYTES;

/// Bits of Bloom filter per key: one look-up in a hundred for an absent key reads the disk.
const BLOOM_BITS: f64 = 10.0;

/// The same for rows that are not in a file yet, of the room for them: ten bits a key of 60 bytes with its value. Most
/// that is asked for of a new transaction is not there: a walk through the rows would find that out no sooner than
/// through those that are.
const UNFLUSHED_BLOOM: f64 = 0.02;

/// Write-ahead log kept for tables that were not flushed yet, and so the most a start replays: well
/// under a second.
pub(super) const WAL_BYTES: u64 = 32 << 20;

/// So many files of a table that are small on average are merged at the next start. Every stop moves the log into a
/// file of each table that changed, and where keys only grow, as heights do, RocksDB never merges them by itself:
/// after some years of daily stops they would be thousands.
pub(super) const SMALL_FILES: usize = 32;

/// What is small: merging [`SMALL_FILES`] of them takes a fraction of a second.
pub(super) const SMALL_FILE_BYTES: usize = 1 << 20;

/// The manifest is written anew beyond this. RocksDB's own limit is 1 GiB.
const MANIFEST_BYTES: usize = 4 << 20;

/// RocksDB's own log (`LOG`), which gets warnings only: size of a file, and how many are kept.
const INFO_LOG_BYTES: usize = 1 << 20;
/// See [`INFO_LOG_BYTES`].
const INFO_LOG_FILES: usize = 3;

/// Options of the database as a whole.
pub(super) fn database_options(options: &OpenOptions) -> Options {
    let mut db = Options::default();
    db.create_if_missing(true);
    db.create_missing_column_families(true);
    db.set_db_write_buffer_size(options.write_buffer_bytes);
    db.set_max_background_jobs(BACKGROUND_JOBS);
    db.set_max_open_files(OPEN_FILES);
    db.set_max_total_wal_size(WAL_BYTES);
    // What a cut log still proves is kept, up to the first record that is not whole: every start
    // comes up with the rows as they were after some commit.
    db.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    db.set_max_manifest_file_size(MANIFEST_BYTES);
    db.set_log_level(LogLevel::Warn);
    db.set_max_log_file_size(INFO_LOG_BYTES);
    db.set_keep_log_file_num(INFO_LOG_FILES);
    // RocksDB's statistics would be the bulk of its log, and a table of their own in memory.
    db.set_stats_dump_period_sec(0);
    db.set_stats_persist_period_sec(0);
    db
}

/// Options of the column families `names`, over one shared cache.
pub(super) fn table_descriptors(
    names: impl IntoIterator<Item = String>,
    cache: &Cache,
) -> Vec<ColumnFamilyDescriptor> {
    names
        .into_iter()
        .map(|name| ColumnFamilyDescriptor::new(name, table_options(cache)))
        .collect()
}

/// Options of one column family.
pub(super) fn table_options(cache: &Cache) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // In the cache they are bounded with it; outside they would grow with the chain.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    blocks.set_bloom_filter(BLOOM_BITS, false);

    let mut table = Options::default();
    table.set_block_based_table_factory(&blocks);
    table.set_write_buffer_size(TABLE_WRITE_BUFFER_BYTES);
    table.set_max_write_buffer_number(TABLE_WRITE_BUFFERS);
    table.set_arena_block_size(ARENA_BLOCK_BYTES);
    table.set_memtable_prefix_bloom_ratio(UNFLUSHED_BLOOM);
    table.set_memtable_whole_key_filtering(true);
    table.set_target_file_size_base(TABLE_FILE_BYTES);
    table.set_max_bytes_for_level_base(LEVEL_BASE_BYTES);
    // Hashes, keys, signatures and sealed notes do not compress.
    table.set_compression_type(DBCompressionType::None);
    table
}

/// Every commit goes to the log and is synced before it returns.
pub(super) fn synced() -> WriteOptions {
    let mut write = WriteOptions::default();
    write.set_sync(true);
    write
}
