#!/usr/bin/env bash
# Puts the docker clients that the tests run into .berth, where they find them; prints nothing where all are there already.
# A machine's own program is taken where it is of the version meant. Else it comes from the Debian suite that has it, each one static
# binary of one package, which apt fetches with lists and sources of its own, so that the machine's sources and packages stay as they
# are. Its signature is checked as apt always does: the suite's signed index names the package's hash.
# Ends with 1 and one line on stderr (what went wrong) where one cannot be had.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

fail() { echo "$1" >&2; exit 1; }
place=
trap 'rm -rf "$place"' EXIT

# suite, package, its program, where it goes, what its version says, the machine's own places
wanted() {
  local plugins='/usr/libexec/docker/cli-plugins /usr/lib/docker/cli-plugins /usr/local/lib/docker/cli-plugins /usr/local/libexec/docker/cli-plugins'
  provide trixie docker-compose usr/libexec/docker/cli-plugins/docker-compose .berth/cli-plugins/docker-compose \
    ' v?([2-9]|[1-9][0-9])\.' "$(printf '%s/docker-compose ' $plugins)"
  provide bookworm docker.io usr/bin/docker .berth/docker-20.10 ' 20\.10\.' /usr/bin/docker
  provide sid docker-cli usr/bin/docker .berth/docker-newest ' (2[89]|[3-9][0-9])\.' ''
}

works() { [ -x "$1" ] && "$1" --version 2>/dev/null | grep -qE "$2"; }

provide() {
  local suite=$1 package=$2 program=$3 target=$4 version=$5 known
  works "$target" "$version" && return
  mkdir -p "${target%/*}"
  for known in $6; do
    works "$known" "$version" && { ln -sf "$known" "$target"; return; }
  done
  echo "setup: fetching $package from Debian $suite"
  lists "$suite"
  (cd "$place/$suite" && apt-get "${apart[@]}" download "$package") >"$place/log" 2>&1 || fail "apt-get download $package from $suite failed: $(tail -1 "$place/log")"
  dpkg-deb -x "$place/$suite/${package}"_*.deb "$place/$suite/unpacked" || fail "the package $package of $suite could not be unpacked"
  works "$place/$suite/unpacked/$program" "$version" || fail "the package $package of $suite has no $program of the version meant that runs here"
  # Whole or not at all: tests may be looking.
  mv "$place/$suite/unpacked/$program" "$target.new" && mv "$target.new" "$target"
}

# The suite's lists, apart from the machine's; sets `apart`, the options of an apt-get that looks there.
lists() {
  local suite=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror
  command -v apt-get >/dev/null 2>&1 || fail 'there is no apt-get'
  [ -r "$keyring" ] || fail "the keys of the Debian archive are not there ($keyring)"
  [ -n "$place" ] || place=$(mktemp -d)
  mkdir -p "$place/$suite"/{sources,state/lists/partial,cache/archives/partial,unpacked}
  # The mirror this machine uses for Debian, as its own sources name it.
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
  cat >"$place/$suite/sources/suite.sources" <<SOURCE
Types: deb
URIs: ${mirror:-http://deb.debian.org/debian}
Suites: $suite
Components: main
Architectures: $(dpkg --print-architecture)
Signed-By: $keyring
SOURCE
  apart=(-qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$place/$suite/sources" -o "Dir::State=$place/$suite/state"
    -o Dir::State::status=/dev/null -o "Dir::Cache=$place/$suite/cache" -o "APT::Sandbox::User=$(id -un)" -o Acquire::Languages=none
    -o Acquire::Retries=3 -o APT::Update::Error-Mode=any -o Dpkg::Use-Pty=0)
  apt-get "${apart[@]}" update >"$place/log" 2>&1 || fail "apt-get update for $suite failed: $(tail -1 "$place/log")"
}

wanted
