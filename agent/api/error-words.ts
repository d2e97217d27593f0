/** What a user can do about the system's own refusals, by their words. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/no space left on device|disk quota exceeded/i, 'free some, for instance with "docker system prune", and try again'],
];
/** The same where the engine's own files are concerned. */
const OWN_HINTS: readonly (readonly [RegExp, string])[] = [
  [/^read-only file system/, 'the engine keeps its state there: make it writable'],
  [/^too many open files/, 'raise the limit of open files (ulimit -n) that the engine is started with'],
];

/** "ENOSPC: no space left on device, open '/path'", as Node has it */
const NODE = /^E[A-Z0-9]+: (?<why>[^,]+), (?<call>\w+)(?: '(?<path>.*?)'(?: -> '.*')?)?$/s;

/** A failure as a user reads it: the system's refusals in the form that Docker's users know, and with what to do about them. */
export function errorWords(error: unknown): string {
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  const { why, call, path } = NODE.exec(message)?.groups ?? {};
  const said = why === undefined ? message : `${[call, path].filter(Boolean).join(' ')}: ${why}`;
  const hint =
    HINTS.find(([pattern]) => pattern.test(said)) ??
    OWN_HINTS.find(([pattern]) => why !== undefined && pattern.test(why));
  return hint ? `${said} (${hint[1]})` : said;
}
