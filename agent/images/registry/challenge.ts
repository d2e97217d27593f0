/** `WWW-Authenticate` (RFC 9110 §11.6.1), as registries use it. */
export interface Challenge {
  scheme: 'basic' | 'bearer';
  parameters: Record<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`^\\s*,?\\s*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`);
const SCHEME = new RegExp(`^\\s*,?\\s*(${TOKEN})(?:\\s+|$)`);

/** All challenges of a header that are understood. What is malformed ends the reading. */
export function parseChallenges(header: string | undefined): Challenge[] {
  const found: Challenge[] = [];
  let rest = header ?? '';
  for (;;) {
    const scheme = SCHEME.exec(rest);
    if (!scheme) return found;
    rest = rest.slice(scheme[0].length);
    const parameters: Record<string, string> = {};
    for (let match = PARAMETER.exec(rest); match; match = PARAMETER.exec(rest)) {
      parameters[(match[1] ?? '').toLowerCase()] = match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '';
      rest = rest.slice(match[0].length);
    }
    const name = (scheme[1] ?? '').toLowerCase();
    if (name === 'basic' || name === 'bearer') found.push({ scheme: name, parameters });
  }
}
