#!/usr/bin/env bash
# npm start: sets the machine up, builds what has changed, opens Berth: in Electron where its binary and a display are there, else in a
# browser. Arguments are passed on to `berth ui`.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. build/fail.sh
[ -w . ] || fail 'Berth cannot be built here' "you may not write to $PWD" 'start it as the user who cloned it, or clone it again as yourself'
bash build/setup.sh
bin/node24 build/bundle.ts || fail 'Berth could not be built' 'see above' 'if you changed nothing here, remove the folder dist and try again, then clone anew'
case " $* " in *' --engine'*) ;; *) bash build/start-engine.sh ;; esac
electron=node_modules/electron/dist/electron
if [ -x "$electron" ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ $# -eq 0 ]; then
  # Chromium does not use its sandbox as root; the window's other walls stay.
  if [ "$(id -u)" -eq 0 ]; then exec "$electron" --no-sandbox .; fi
  exec "$electron" .
fi
exec bin/berth ui "$@"
