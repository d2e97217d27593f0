#!/usr/bin/env bash
# npm test: set-up, build, static checks, unit tests, end-to-end tests. All parts run even when one fails; the last line sums them up.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
export BERTH_TEST_RESULTS=$results
part() { # name, command...: each part's end and time are kept for the sum
  local name=$1 started=$SECONDS status=0
  shift
  printf '\n== %s\n' "$name"
  "$@" || status=$?
  printf '%s\t%s\t%s\n' "$name" "$status" "$((SECONDS - started))" >>"$results/parts"
  return $status
}
sum() { exec_status=0; bin/node24 build/checks/sum-results.ts "$results" || exec_status=$?; exit $exec_status; }

if ! part setup bash build/setup.sh --test; then
  echo '0 passed, 1 failed'
  exit 1
fi
part build bin/node24 build/bundle.ts || sum
part check bash build/check.sh
part unit bin/node24 node_modules/vitest/vitest.mjs run --reporter=default --reporter=json --outputFile.json="$results/unit.json"
if [ -f e2e/playwright.config.ts ]; then
  PLAYWRIGHT_JSON_OUTPUT_NAME=$results/e2e.json part e2e bin/node24 node_modules/@playwright/test/cli.js test -c e2e/playwright.config.ts --reporter=list,json
fi
sum
