import { constants } from 'node:os';
import { invalid } from '../api/errors.ts';

/** Linux real-time signals as Docker names them: RTMIN is 34, RTMAX 64. */
const RTMIN = 34;
const RTMAX = 64;

/** "SIGTERM", "term", "15", "RTMIN+3" → number. Throws invalid-parameter `invalid signal: X`. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= RTMAX) return number;
    throw invalid(`invalid signal: ${text}`);
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const known = (constants.signals as Record<string, number | undefined>)[`SIG${name}`];
  if (known !== undefined) return known;
  const real = /^(RTMIN|RTMAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (real) {
    const offset = Number(real[3] ?? 0) * (real[2] === '-' ? -1 : 1);
    const number = (real[1] === 'RTMIN' ? RTMIN : RTMAX) + offset;
    if (number >= RTMIN && number <= RTMAX) return number;
  }
  throw invalid(`invalid signal: ${text}`);
}
