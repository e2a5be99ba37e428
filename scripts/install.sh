#!/bin/sh
# Installs a released vqctl: downloads the archive for this machine, verifies its checksum, and puts vqctl into PREFIX/bin.
#
#   sh install.sh [VERSION]       VERSION: a tag such as v0.1.0; the latest release unless given
#
#   PREFIX           where to install: /usr/local if this user may write there, else ~/.local
#   VQCTL_RELEASES   address of the releases, https://HOST/OWNER/NAME/releases
set -eu

releases=${VQCTL_RELEASES:-@RELEASES@}
version=${1:-latest}

fail() { echo "install.sh: $*" >&2; exit 1; }

case $version in
  -h | --help) sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) fail "unknown option $version; run sh install.sh --help" ;;
esac
case $releases in
  @*) fail "no address to download from: set VQCTL_RELEASES=https://HOST/OWNER/NAME/releases" ;;
  https://* | http://127.0.0.1:*) releases=${releases%/} ;;
  *) fail "VQCTL_RELEASES is $releases, but it must begin with https://" ;;
esac

case $(uname -s)-$(uname -m) in
  Linux-x86_64 | Linux-amd64) platform=linux-amd64 ;;
  Linux-aarch64 | Linux-arm64) platform=linux-arm64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  *) fail "there is no release for $(uname -s) on $(uname -m): build from source with make" ;;
esac
archive=vqctl-$platform.tar.gz
if [ "$version" = latest ]; then from=$releases/latest/download; else from=$releases/download/$version; fi

if [ -z "${PREFIX:-}" ]; then
  PREFIX=/usr/local
  [ -w /usr/local/bin ] || PREFIX=${HOME:?set PREFIX: there is no home folder to install to}/.local
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

download() { # download FILE: into $work
  status=0
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 3 -o "$work/$1" "$from/$1" 2>"$work/said" || status=$?
    refused=22
  elif command -v wget >/dev/null 2>&1; then
    wget -nv -O "$work/$1" "$from/$1" 2>"$work/said" || status=$?
    refused=8
  else
    fail "needs curl or wget: install either and try again"
  fi
  case $status in
    0) ;;
    "$refused") fail "cannot download $from/$1: the server does not have it. Check the version: $releases lists all" ;;
    *) cat "$work/said" >&2; fail "cannot download $from/$1: check the network" ;;
  esac
}
checksum() { # checksum FILE
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

download SHA256SUMS
download "$archive"
want=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS")
[ -n "$want" ] || fail "SHA256SUMS of this release does not list $archive"
got=$(checksum "$work/$archive")
[ "$got" = "$want" ] || fail "$archive is damaged: its checksum is $got, not $want. Nothing was installed; try again"

tar -xzf "$work/$archive" -C "$work" vqctl || fail "$archive does not contain vqctl"
"$work/vqctl" --version >/dev/null || fail "vqctl does not run on this machine (see above): build from source with make"
mkdir -p "$PREFIX/bin" || fail "cannot create $PREFIX/bin: set PREFIX to a folder of your own"
# Copied into the folder, then renamed: an interrupted copy never leaves half a program.
if ! { cp "$work/vqctl" "$PREFIX/bin/.vqctl.new" && chmod 755 "$PREFIX/bin/.vqctl.new" &&
  mv -f "$PREFIX/bin/.vqctl.new" "$PREFIX/bin/vqctl"; }; then
  rm -f "$PREFIX/bin/.vqctl.new"
  fail "cannot write to $PREFIX/bin: set PREFIX to a folder of your own"
fi

echo "installed $("$PREFIX/bin/vqctl" --version) in $PREFIX/bin"
case :$PATH: in
  *":$PREFIX/bin:"*) ;;
  *) echo "add it to your PATH: export PATH=\"$PREFIX/bin:\$PATH\"" ;;
esac
