#!/usr/bin/env bash
# Starts the system's engine for a user who is not root, with sudo, and lets him in. Root has it started by Berth itself. A second run finds
# it running. Says what cannot be done, why, and what to do; then exits with 1.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
. build/fail.sh

[ "$(id -u)" -ne 0 ] || exit 0
socket=/run/berth/engine.sock
log=/var/log/berth-engine.log
berth=$PWD/bin/berth
alone="as root: $berth engine --socket $socket --root /var/lib/berth --run-dir /run/berth; or use an engine elsewhere: npm start -- --engine ssh://USER@HOST"

answers() {
  [ -w "$socket" ] && bin/node24 -e '
    const request = require("node:http").get({ socketPath: process.argv[1], path: "/_ping", timeout: 2000 }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1));
    request.on("error", () => process.exit(1)).on("timeout", () => process.exit(1));' "$socket"
}
answers && exit 0

command -v sudo >/dev/null 2>&1 || fail 'the engine is not running, and starting it needs root' 'you are not root and there is no sudo' "start it $alone"
if ! sudo -n true 2>/dev/null; then
  [ -t 0 ] || fail 'the engine is not running, and starting it needs root' 'sudo asks for a password, and there is no terminal to ask on' "start it $alone"
  step 'the engine makes namespaces, mounts and networks, which takes root: sudo may ask for your password'
  sudo true || fail 'the engine is not running, and starting it needs root' 'sudo refused' "start it $alone"
fi

if [ ! -S "$socket" ] || ! sudo "$PWD/bin/node24" -e 'require("node:net").connect(process.argv[1]).on("connect", () => process.exit(0)).on("error", () => process.exit(1))' "$socket"; then
  step 'starting the engine'
  sudo mkdir -p /run/berth /var/lib/berth
  sudo sh -c 'exec setsid "$1" engine --socket "$2" --root /var/lib/berth --run-dir /run/berth >>"$3" 2>&1 </dev/null &' sh "$berth" "$socket" "$log"
  for _ in $(seq 300); do [ -S "$socket" ] && break; sleep 0.1; done
  [ -S "$socket" ] || { sudo tail -5 "$log" >&2; fail 'the engine did not start' "see above, and $log" 'put right what it says, then try again'; }
fi
# Until it is started again, this user's group may use it: what members of the groups berth and docker always may.
[ -w "$socket" ] || sudo chgrp "$(id -g)" "$socket"
for _ in $(seq 100); do answers && exit 0; sleep 0.1; done
fail 'the engine does not answer' "it has a socket, $socket, and is silent" "see $log, then try again"
