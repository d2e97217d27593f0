import { constants } from 'node:os';
import { invalid } from '../../api/errors.ts';

const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** "SIGTERM", "term", "15", "RTMIN+3" to a number. Throws invalid-parameter `invalid signal: X`. */
export function signalNumber(text: string): number {
  if (/^-?\d+$/.test(text)) {
    const number = Number(text);
    if (number < 1 || number > SIGRTMAX) throw invalid(`invalid signal: ${text}`);
    return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const real = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (real) {
    const base = real[1] === 'MIN' ? SIGRTMIN : SIGRTMAX;
    const number = base + (real[2] === '-' ? -1 : 1) * Number(real[3] ?? 0);
    if (number >= SIGRTMIN && number <= SIGRTMAX) return number;
    throw invalid(`invalid signal: ${text}`);
  }
  const known = (constants.signals as Record<string, number | undefined>)[`SIG${name}`];
  if (known === undefined) throw invalid(`invalid signal: ${text}`);
  return known;
}
