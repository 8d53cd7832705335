#!/usr/bin/env bash
# Packages: an archive with checksums for any Linux of this machine's kind, and a .deb. One member builds them,
# the others copy one file. With an argument, that binary is packed instead of a fresh build.
#
# The .deb is put together by dpkg-deb itself: a dozen files and two scripts need no packaging tool beside it.
# It installs the program as `raclette`, since `node` is what Node.js is called there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'dist: %s\n' "$*" >&2; }

built="${1:-}"
if [[ -z "$built" ]]; then
    scripts/cargo.sh build --release --locked --bin node
    built="${CARGO_TARGET_DIR:-target}/release/node"
fi
out="${DIST_DIR:-${CARGO_TARGET_DIR:-target}/dist}"
version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
machine="$(uname -m)"
name="raclette-$version-$machine-linux"
stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
mkdir -p "$out"

say "stripping"
mkdir "$stage/$name"
strip -o "$stage/$name/node" "$built"
node="$stage/$name/node"

cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$stage/$name/"
cp -r docs config "$stage/$name/"
mkdir "$stage/$name/scripts"
cp scripts/check_vote.py scripts/follow_records.py "$stage/$name/scripts/"
"$node" man --dir "$stage/$name/man1" >/dev/null
mkdir "$stage/$name/completions"
for shell in bash zsh fish; do
    "$node" completions "$shell" >"$stage/$name/completions/$shell"
done

say "the archive"
# The same files give the same archive, whoever packs them when.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='2026-01-01 00:00Z' \
    -C "$stage" -cf - "$name" | gzip -n >"$out/$name.tar.gz"

if command -v dpkg-deb >/dev/null 2>&1; then
    say "the .deb"
    root="$stage/deb"
    arch="$(dpkg --print-architecture)"
    install -D -m 755 "$node" "$root/usr/bin/raclette"
    for page in "$stage/$name"/man1/*.1; do
        as="$(basename "$page")"
        mkdir -p "$root/usr/share/man/man1"
        gzip -n -9 -c "$page" >"$root/usr/share/man/man1/raclette${as#node}.gz"
    done
    install -D -m 644 packaging/raclette.desktop "$root/usr/share/applications/raclette.desktop"
    for unit in peer tracker; do
        install -D -m 644 "packaging/raclette-$unit.service" \
            "$root/usr/lib/systemd/system/raclette-$unit.service"
    done
    install -D -m 644 packaging/raclette.sysusers "$root/usr/lib/sysusers.d/raclette.conf"
    mkdir -p "$root/usr/share/doc/raclette"
    cp -r README.md CHANGELOG.md docs config "$stage/$name/scripts" "$root/usr/share/doc/raclette/"
    cat LICENSE-MIT LICENSE-APACHE >"$root/usr/share/doc/raclette/copyright"
    mkdir "$root/DEBIAN"
    size="$(du -sk "$root" | cut -f 1)"
    sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/" packaging/control >"$root/DEBIAN/control"
    install -m 755 packaging/postinst packaging/prerm packaging/postrm "$root/DEBIAN/"
    dpkg-deb --root-owner-group --build "$root" "$out/raclette_${version}_$arch.deb" >/dev/null
else
    say "no dpkg-deb here, so no .deb"
fi

say "checksums"
(cd "$out" && sha256sum "$name.tar.gz" ./*.deb >SHA256SUMS 2>/dev/null || sha256sum "$name.tar.gz" >SHA256SUMS)
say "in $out:"
(cd "$out" && cat SHA256SUMS)
