#!/usr/bin/env bash
# npm run check: every static check. All are run; fails when one fails.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
failed=()
run() { # name, command...
  local name=$1 started=$SECONDS
  shift
  if "$@"; then echo "check: $name: ok ($((SECONDS - started)) s)"; else failed+=("$name"); echo "check: $name: FAILED"; fi
}
run types bin/node24 build/checks/typecheck.ts
run lint node_modules/.bin/oxlint --quiet agent electron renderer e2e build bench vm-assets
run layers bin/node24 node_modules/dependency-cruiser/bin/dependency-cruiser.mjs --config .dependency-cruiser.cjs --output-type err agent electron renderer
run format bin/node24 node_modules/prettier/bin/prettier.cjs --check --log-level warn '{agent,electron,renderer,e2e,build,bench,vm-assets}/**/*.{ts,vue,css,html}'
run sizes bin/node24 build/checks/sizes.ts
[ ${#failed[@]} -eq 0 ] || { echo "check: failed: ${failed[*]}"; exit 1; }
