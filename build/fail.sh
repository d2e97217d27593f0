# Sourced by the scripts a user starts: how a step that cannot be done is told.
fail() { # what, why, what to do
  printf '\nberth setup: %s\n  why:        %s\n  what to do: %s\n' "$1" "$2" "$3" >&2
  exit 1
}
step() { printf 'setup: %s\n' "$*"; }
