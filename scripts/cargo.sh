#!/usr/bin/env bash
# cargo, with a word before a first build and a sign of life during it: the database RocksDB takes minutes
# to compile, in which cargo says nothing. Everything else is cargo's own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# How often it says how far it is, in seconds.
BEAT=30

say() { printf 'build: %s\n' "$*" >&2; }

built="${CARGO_TARGET_DIR:-target}/release/build"

# RocksDB, compiled. Who brings their own (ROCKSDB_LIB_DIR) has it.
is_compiled() {
    [[ -n "${ROCKSDB_LIB_DIR:-}" ]] ||
        compgen -G "$built/librocksdb-sys-*/out/librocksdb.a" >/dev/null
}

if is_compiled; then
    exec cargo "$@"
fi

# Source files of RocksDB, as its crate lists them, once cargo has fetched it; else nothing.
files() {
    local list
    list="${CARGO_HOME:-${HOME:-}/.cargo}/registry/src/*/librocksdb-sys-*/rocksdb_lib_sources.txt"
    list="$(compgen -G "$list" | sort -V | tail -n 1)"
    [[ -n "$list" ]] && wc -w <"$list"
}

# How many of them are compiled.
compiled() { find "$built" -path '*/librocksdb-sys-*' -name '*.o' 2>/dev/null | wc -l; }

# Says how far it is until RocksDB is compiled, or this script is gone.
beat() {
    local total
    # A sleep that is left over must not keep a pipe behind this script open.
    while sleep "$BEAT" >/dev/null 2>&1 && kill -0 "$$" 2>/dev/null; do
        # On a terminal, over cargo's own line, which it draws anew.
        if [[ -t 2 ]]; then
            printf '\r\033[K' >&2
        fi
        if is_compiled; then
            say "$((SECONDS / 60)) min: RocksDB is compiled; the rest takes a minute or two"
            return
        fi
        total="$(files || true)"
        say "$((SECONDS / 60)) min: $(compiled) of ${total:-about 340} files of RocksDB are compiled"
    done
}

say "the first build compiles the database RocksDB: about ten minutes on two cores, less on more."
say "It is kept in ${CARGO_TARGET_DIR:-target}, and not repeated."
beat &
# However this ends, Ctrl-C included, which a process in the background does not hear.
trap 'kill "$beating" 2>/dev/null || true' EXIT
beating=$!
cargo "$@"
