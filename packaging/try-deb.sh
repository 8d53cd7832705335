#!/usr/bin/env bash
# Tries a .deb in a clean Debian tree: installs it, starts a network by its command lines, upgrades the package
# under it, removes and purges it, and sees that settings, wallets and chain are still there.
#
#   packaging/try-deb.sh PACKAGE.deb [TREE]
#
# TREE is a tree that `debootstrap --variant=minbase` made; without one, it is made, which takes Debian's
# mirrors and some minutes. Wants root, for chroot.
set -euo pipefail

deb="$(realpath "$1")"
tree="${2:-}"
work="$(mktemp -d)"
say() { printf 'try-deb: %s\n' "$*"; }

# Processes that were started in the tree, by id.
started=()
finish() {
    for id in "${started[@]}"; do kill "$id" 2>/dev/null || true; done
    wait || true
    rm -rf "$work"
}
trap finish EXIT

if [[ -z "$tree" ]]; then
    tree="$work/tree"
    say "a clean tree"
    debootstrap --variant=minbase "${SUITE:-bookworm}" "$tree" >"$work/debootstrap.log"
fi
within() { chroot "$tree" "$@"; }

say "install"
cp "$deb" "$tree/tmp/raclette.deb"
within sh -c 'apt-get update -q >/dev/null && apt-get install -q -y /tmp/raclette.deb' >"$work/install.log" 2>&1 ||
    { cat "$work/install.log"; exit 1; }
within raclette --version
within getent passwd raclette >/dev/null
within test -f /usr/lib/systemd/system/raclette-peer.service
within test -f /usr/share/man/man1/raclette.1.gz

say "start, as the units do: that user, these settings, that directory"
mkdir -p "$tree/dev/shm" "$tree/var/lib/raclette"
within chown raclette:raclette /var/lib/raclette
within sh -c 'cd /etc/raclette && raclette init network chess --member ann >/dev/null &&
    mv ann.toml peer.toml && chmod 644 ./*.toml &&
    mv tracker-data /var/lib/raclette/tracker && mv ann-data /var/lib/raclette/peer &&
    chown -R raclette:raclette /var/lib/raclette'
# Blocks that cost nothing, and ports that nobody else has.
sed -i 's/start_work = 4_194_304/start_work = 64/; s/127.0.0.1:700/127.83.21.9:700/' "$tree"/etc/raclette/*.toml
as_unit() {
    local part="$1"
    shift
    within runuser -u raclette -- env "RACLETTE_DATA_DIR=/var/lib/raclette/$part" \
        raclette --config "/etc/raclette/$part.toml" "$@"
}
start() {
    # Without the shell in between, so that its id is the program's.
    (exec chroot "$tree" setpriv --reuid raclette --regid raclette --clear-groups \
        env "RACLETTE_DATA_DIR=/var/lib/raclette/$1" raclette --config "/etc/raclette/$1.toml") \
        >>"$work/$1.log" 2>&1 &
    started+=("$!")
    for _ in $(seq 100); do
        as_unit "$1" --json status 2>/dev/null | grep -q -v '"chain":null' && return
        sleep 0.2
    done
    cat "$work/$1.log"
    return 1
}
start tracker
start peer
as_unit peer mine --blocks 3
as_unit peer record add minutes --file /etc/debian_version >/dev/null
as_unit peer mine
before="$(as_unit peer --json chain show)"
address="$(as_unit peer wallet address)"

say "upgrade"
version="$(dpkg-deb --field "$deb" Version)"
dpkg-deb --raw-extract "$deb" "$work/newer"
sed -i "s/^Version: .*/Version: $version+1/" "$work/newer/DEBIAN/control"
dpkg-deb --root-owner-group --build "$work/newer" "$tree/tmp/newer.deb" >/dev/null
within dpkg --install /tmp/newer.deb >"$work/upgrade.log" 2>&1 || { cat "$work/upgrade.log"; exit 1; }
within dpkg-query --show raclette
as_unit peer status >/dev/null # it runs on
as_unit peer stop >/dev/null
start peer
[[ "$(as_unit peer --json chain show)" == "$before" ]] || { say "the chain is another"; exit 1; }
[[ "$(as_unit peer wallet address)" == "$address" ]] || { say "the wallet is another"; exit 1; }
as_unit peer chain verify

say "remove and purge"
as_unit peer stop >/dev/null
as_unit tracker stop >/dev/null
kept() { (cd "$tree" && find etc/raclette var/lib/raclette -type f ! -path '*/logs/*' | sort | xargs sha256sum); }
kept >"$work/before"
within dpkg --remove raclette >"$work/remove.log" 2>&1
within dpkg --purge raclette >>"$work/remove.log" 2>&1
[[ ! -e "$tree/usr/bin/raclette" ]]
kept >"$work/after"
diff "$work/before" "$work/after"
grep -q 'var/lib/raclette/peer/key.pem' "$work/after"

say "install again: it goes on"
within dpkg --install /tmp/raclette.deb >>"$work/install.log" 2>&1
start tracker
start peer
[[ "$(as_unit peer --json chain show)" == "$before" ]] || { say "the chain is another"; exit 1; }
say "all of it is there: $(wc -l <"$work/after") files, untouched by upgrade, removal and purge"
