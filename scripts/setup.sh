#!/usr/bin/env bash
# Sees to everything the build needs besides the crates: make, and for RocksDB clang, as a compiler and as
# the library libclang; and Rust itself. Installs the packages that are missing where it may (as root, or
# with a sudo that asks for no password, and apt-get); says what to install where it may not. Never installs
# Rust. Does nothing, quickly, if all is there. With the word "browser" it sees to one for the tests, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
    say "$@"
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Whether one of the files exists that the arguments, patterns without spaces, stand for.
any() {
    local pattern
    for pattern in "$@"; do
        if compgen -G "$pattern" >/dev/null; then
            return 0
        fi
    done
    return 1
}

# The one that cargo will call: .cargo/config.toml names clang++, and CXX another.
has_compiler() {
    local compiler="${CXX:-clang++}"
    has "${compiler%% *}"
}

# The library alone is not enough to read RocksDB's header: libclang brings headers of its own.
has_libclang() {
    if [[ "$(uname -s)" == Darwin ]]; then
        xcode-select -p >/dev/null 2>&1
        return
    fi
    if [[ -n "${LIBCLANG_PATH:-}" ]]; then
        return 0
    fi
    any /usr/lib/llvm-*/lib/libclang{.so*,-[0-9]*.so*} /usr/local/lib/libclang{.so*,-[0-9]*.so*} \
        /usr/lib{,64}/libclang{.so*,-[0-9]*.so*} /usr/lib/*-linux-*/libclang{.so*,-[0-9]*.so*} &&
        any /usr/lib/llvm-*/lib/clang/*/include/stddef.h /usr/local/lib/clang/*/include/stddef.h \
            /usr/lib{,64}/clang/*/include/stddef.h
}

# Debian's names of the packages that are missing. Its package clang brings libclang and the headers.
missing_packages() {
    has make || echo make
    if ! has_compiler; then
        echo clang
    elif ! has_libclang; then
        echo "$([[ -z "${CXX:-}" ]] && echo clang || echo libclang-dev)"
    fi
}

# What to do with another compiler, for those who have one and can't install clang.
other_compiler() {
    if [[ -z "${CXX:-}" ]] && has g++; then
        echo "Or use the g++ that is here, with libclang-dev: CXX=g++ make build (it takes three times as long)."
    fi
}

install_packages() {
    local root=()
    if [[ "$(id -u)" != 0 ]]; then
        root=(sudo -n)
    fi
    local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120)
    say "installing $*"
    "${apt[@]}" update >&2 || say "apt-get update failed; trying with the lists at hand"
    "${apt[@]}" install -y --no-install-recommends "$@" >&2
}

see_to_packages() {
    local missing
    missing="$(missing_packages | tr '\n' ' ')"
    missing="${missing% }"
    if [[ -z "$missing" ]]; then
        return
    fi
    if [[ -n "${CXX:-}" ]] && ! has_compiler; then
        fail "CXX names the compiler $CXX, which is not here. Unset it for clang++, or name another."
    fi
    if ! has apt-get; then
        fail "missing, by their names on Debian: $missing. Install them with this system's" \
            "package manager (Fedora: make clang clang-devel; Arch: base-devel clang;" \
            "macOS: xcode-select --install) and run this again. $(other_compiler)"
    fi
    if [[ "$(id -u)" != 0 ]] && ! { has sudo && sudo -n true 2>/dev/null; }; then
        fail "missing: $missing. Install with: sudo apt-get install $missing; then run this again." \
            "$(other_compiler)"
    fi
    # Names of packages have no spaces.
    # shellcheck disable=SC2086
    install_packages $missing || fail "apt-get could not install: $missing. Its message is above."
    missing="$(missing_packages | tr '\n' ' ')"
    if [[ -n "$missing" ]]; then
        fail "installed, and still not found: ${missing% }. If libclang is in an unusual place," \
            "set LIBCLANG_PATH to its directory."
    fi
}

# The browser that the tests of the pages drive. Nothing else needs it: where it can't be had, the run says
# which tests it leaves out.
see_to_browser() {
    if has chromedriver && { has chromium || has chromium-browser || has google-chrome; }; then
        return
    fi
    if ! has apt-get || [[ "$(id -u)" != 0 ]] && ! { has sudo && sudo -n true 2>/dev/null; }; then
        say "without a browser the tests of the pages are left out (Debian: apt-get install chromium chromium-driver)"
        return
    fi
    install_packages chromium chromium-driver ||
        say "no chromium here: the tests of the pages are left out"
}

# The first of two versions is at least the second.
at_least() { [[ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" == "$2" ]]; }

see_to_rust() {
    local needed found
    needed="$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)"
    export PATH="$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin"
    if ! has cargo; then
        fail "cargo is missing: install Rust $needed or newer from https://rustup.rs:" \
            "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    fi
    found="$(rustc --version | cut -d ' ' -f 2)"
    if ! at_least "$found" "$needed"; then
        fail "Rust $found is too old, $needed or newer is needed: run rustup update stable" \
            "(a distribution's package is often older; see https://rustup.rs)"
    fi
}

see_to_packages
see_to_rust
if [[ "${1:-}" == browser ]]; then
    see_to_browser
fi
