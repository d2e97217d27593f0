const HIDDEN = '(hidden)';

/** What a report must not carry: passwords, tokens, keys, and the user's name where the home directory has it. */
const SECRETS: [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, HIDDEN],
  // https://user:password@host
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/:@]+:[^\s/@]+@/gi, `$1${HIDDEN}@`],
  [/\b(authorization|x-registry-auth|proxy-authorization|cookie)(["']?\s*[:=]\s*).+/gi, `$1$2${HIDDEN}`],
  [/\b(bearer|basic)\s+[\w.~+/-]{8,}=*/gi, `$1 ${HIDDEN}`],
  [
    /\b([\w-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|credential)[\w-]*)(["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi,
    `$1$2${HIDDEN}`,
  ],
];

export function redact(text: string, home: string): string {
  let clean = text;
  for (const [pattern, instead] of SECRETS) clean = clean.replace(pattern, instead);
  return home.length > 1 ? clean.replaceAll(home, '~') : clean;
}
