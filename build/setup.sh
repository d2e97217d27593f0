#!/usr/bin/env bash
# Sets a machine up to run Berth: Debian packages, npm packages, and a look at the kernel. A second run finds all there and is quick.
# --test adds what the tests need. Says which step cannot be done, why, and what to do; then exits with 1.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

RUNTIME_PACKAGES=(crun runc conmon netavark aardvark-dns iptables nftables iproute2 uidmap slirp4netns
  golang-github-containers-common procps tini ca-certificates util-linux)
TEST_PACKAGES=(busybox-static xz-utils debootstrap docker-registry chromium fonts-dejavu-core python3-docker
  qemu-system-x86 erofs-utils kmod openssh-server openssh-client)
[ "${1:-}" = --test ] && WITH_TESTS=1 || WITH_TESTS=

. build/fail.sh

[ "$(uname -s)" = Linux ] || fail 'this machine has no Linux kernel' "it runs $(uname -s)" \
  'containers need Linux: start Berth on a Linux machine, or connect to one: bin/berth ui --engine ssh://USER@HOST'

# Node, only to begin with: Berth brings the version it runs on as an npm package.
command -v node >/dev/null 2>&1 || fail 'Node is missing' 'there is no `node` command' 'install Node 20 or later: apt-get install nodejs npm, or https://nodejs.org'
command -v npm >/dev/null 2>&1 || fail 'npm is missing' 'there is no `npm` command' 'install npm: apt-get install npm'
node_major=$(node -p 'process.versions.node.split(".")[0]')
[ "$node_major" -ge 20 ] || fail "Node $node_major is too old" 'the tools need Node 20 or later to begin with' 'install a newer Node: https://nodejs.org'

# --- Debian packages -------------------------------------------------------------------------------------------------
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
if command -v dpkg-query >/dev/null 2>&1; then
  for package in "${RUNTIME_PACKAGES[@]}"; do installed "$package" || missing+=("$package"); done
  if [ -n "$WITH_TESTS" ]; then
    for package in "${TEST_PACKAGES[@]}"; do installed "$package" || missing+=("$package"); done
    # Only its client is used, and dockerd by the benchmarks, which start it themselves; the service is not started (below).
    command -v docker >/dev/null 2>&1 || missing+=(docker.io)
  fi
else
  for program in crun:crun conmon:conmon iptables:iptables ip:iproute2; do
    command -v "${program%%:*}" >/dev/null 2>&1 || missing+=("${program##*:}")
  done
  [ ${#missing[@]} -eq 0 ] || fail "programs are missing: ${missing[*]}" 'this is not Debian or Ubuntu, so the set-up cannot install them' \
    "install with your package manager: ${RUNTIME_PACKAGES[*]}"
fi

if [ ${#missing[@]} -gt 0 ]; then
  step "installing ${missing[*]}"
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || fail "packages are missing: ${missing[*]}" 'you are not root and there is no sudo' \
      "run as root: apt-get install --no-install-recommends ${missing[*]}"
    if ! sudo -n true 2>/dev/null && [ ! -t 0 ]; then
      fail "packages are missing: ${missing[*]}" 'sudo asks for a password, and there is no terminal to ask on' \
        "run: sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
    sudo=(sudo)
  fi
  log=$(mktemp)
  # Only the program is used: this file keeps the package from serving anybody, also after the next boot (sshd's init script and unit).
  case " ${missing[*]} " in *' openssh-server '*) "${sudo[@]}" sh -c 'mkdir -p /etc/ssh && : >/etc/ssh/sshd_not_to_be_run' ;; esac
  # RUNLEVEL=1 keeps packages from starting their services (invoke-rc.d asks for the runlevel).
  apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -y -o DPkg::Lock::Timeout=300 "$@"; }
  if ! apt install --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
    # the lists of packages may be old or absent
    apt update >"$log" 2>&1 || { tail -5 "$log" >&2; fail 'apt-get update failed' 'the package archive cannot be reached, or refuses (see above)' \
      'check the network and /etc/apt/sources.list, then try again'; }
    apt install --no-install-recommends "${missing[@]}" >"$log" 2>&1 || { tail -8 "$log" >&2; fail "these packages could not all be installed: ${missing[*]}" \
      'apt-get failed (see above)' "run: apt-get install ${missing[*]}"; }
  fi
  rm -f "$log"
fi

if [ -n "$WITH_TESTS" ]; then
  exec 3>&1
  why=$(bash build/docker-clients.sh 2>&1 >&3) || fail 'docker clients, which the tests run, could not be had' "$why" \
    'check the network and the Debian mirror in /etc/apt/sources.list, or put docker 20.10, docker 28 or newer, and docker-compose v2 where build/docker-clients.sh says'
fi

# --- npm packages ----------------------------------------------------------------------------------------------------
# Installed again when the lock file's content is another than the one that was installed; a checkout alone changes only its time.
lock=$(sha256sum package-lock.json | cut -d' ' -f1)
stamp=node_modules/.berth-lock
stale() {
  [ -f node_modules/.package-lock.json ] || return 0
  if [ -f "$stamp" ]; then [ "$(cat "$stamp")" != "$lock" ]; else [ package-lock.json -nt node_modules/.package-lock.json ]; fi
}
if stale; then
  step 'installing npm packages'
  log=$(mktemp)
  # Not `npm ci`: it refuses a lock file without the packages of other platforms, which not every registry has.
  npm install --no-save --no-audit --no-fund >"$log" 2>&1 || { tail -15 "$log" >&2; fail 'npm packages could not be installed' 'npm install failed (see above)' \
    'check the network and the registry (npm config get registry), then try again'; }
  rm -f "$log"
fi
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$lock" ] || printf '%s\n' "$lock" 2>/dev/null >"$stamp" || true
bin/node24 --version >/dev/null 2>&1 || fail 'Node 24 does not run' "$(bin/node24 --version 2>&1 | tail -1)" \
  'there is a build for x86-64 and arm64 with glibc: install Node 24 yourself and put it on the PATH'

# --- the kernel ------------------------------------------------------------------------------------------------------
lacks=()
grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || lacks+=('overlayfs (CONFIG_OVERLAY_FS)')
for namespace in mnt pid net ipc uts cgroup; do
  [ -e "/proc/self/ns/$namespace" ] || lacks+=("$namespace namespaces")
done
grep -q '^Seccomp:' /proc/self/status || lacks+=('seccomp (CONFIG_SECCOMP_FILTER)')
grep -qwE 'cgroup2?' /proc/self/mounts || lacks+=('a mounted cgroup file system')
if grep -qw cgroup /proc/self/mounts; then
  for controller in memory cpu pids; do
    awk -v c="$controller" '$1 == c && $4 == 1 { found = 1 } END { exit !found }' /proc/cgroups || lacks+=("the cgroup controller $controller")
  done
fi
if [ "$(id -u)" -eq 0 ]; then
  # tried in a network namespace of its own, which goes with its process
  unshare --net sh -c 'ip link add berth0 type bridge && ip link add berth1 type veth peer name berth2' >/dev/null 2>&1 \
    || lacks+=('bridge and veth interfaces, or the right to make network namespaces')
fi
if [ ${#lacks[@]} -gt 0 ]; then
  list=$(printf '%s; ' "${lacks[@]}")
  fail "this kernel lacks what containers need: ${list%; }" "kernel $(uname -r), as this user may use it" \
    'use a distribution kernel (Debian: linux-image-amd64), outside of a restricted container'
fi
[ -e /proc/self/ns/user ] || step 'user namespaces are not there: --userns and rootless do not work'
exit 0
