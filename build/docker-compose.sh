#!/usr/bin/env bash
# Puts Docker Compose v2 into .berth/cli-plugins, where the tests find it; prints nothing where it is there already.
# A machine's own Compose v2 is taken where there is one. Else it comes from Debian trixie: one static binary of one package, which
# apt fetches with lists and sources of its own, so that the machine's sources and packages stay as they are. Its signature is checked
# as apt always does: the suite's signed index names the package's hash.
# Ends with 1 and one line on stderr (what went wrong) where it cannot be had.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

plugin=.berth/cli-plugins/docker-compose
works() { [ -x "$1" ] && "$1" version --short 2>/dev/null | grep -qE '^v?([2-9]|[1-9][0-9])\.'; }
works "$plugin" && exit 0
mkdir -p "${plugin%/*}"
for known in /usr/libexec/docker/cli-plugins /usr/lib/docker/cli-plugins /usr/local/lib/docker/cli-plugins /usr/local/libexec/docker/cli-plugins; do
  works "$known/docker-compose" && { ln -sf "$known/docker-compose" "$plugin" && exit 0; }
done

fail() { echo "$1" >&2; exit 1; }
command -v apt-get >/dev/null 2>&1 || fail 'there is no apt-get, and no Docker Compose v2 among the plugins of the docker command'
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || fail "the keys of the Debian archive are not there ($keyring)"
echo 'setup: fetching Docker Compose v2 from Debian trixie'

place=$(mktemp -d) && trap 'rm -rf "$place"' EXIT
mkdir -p "$place"/{sources,state/lists/partial,cache/archives/partial,unpacked}
# The mirror this machine uses for Debian, as its own sources name it.
mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
cat >"$place/sources/trixie.sources" <<SOURCE
Types: deb
URIs: ${mirror:-http://deb.debian.org/debian}
Suites: trixie
Components: main
Architectures: $(dpkg --print-architecture)
Signed-By: $keyring
SOURCE
apart=(-qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$place/sources" -o "Dir::State=$place/state"
  -o Dir::State::status=/dev/null -o "Dir::Cache=$place/cache" -o "APT::Sandbox::User=$(id -un)" -o Acquire::Languages=none
  -o Acquire::Retries=3 -o APT::Update::Error-Mode=any -o Dpkg::Use-Pty=0)
log=$place/log
apt-get "${apart[@]}" update >"$log" 2>&1 || fail "apt-get update for trixie failed: $(tail -1 "$log")"
(cd "$place" && apt-get "${apart[@]}" download docker-compose) >"$log" 2>&1 || fail "apt-get download docker-compose failed: $(tail -1 "$log")"
dpkg-deb -x "$place"/docker-compose_*.deb "$place/unpacked" || fail 'the package docker-compose could not be unpacked'
found=$place/unpacked/usr/libexec/docker/cli-plugins/docker-compose
works "$found" || fail 'the package docker-compose of trixie has no Compose v2 that runs here'
# Whole or not at all: tests may be looking.
mv "$found" "$plugin.new" && mv "$plugin.new" "$plugin"
