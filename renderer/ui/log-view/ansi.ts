/** Colours and weights of terminal output (ECMA-48 SGR, xterm's 256 and true colours). Every other escape sequence is dropped. */

/** A colour: one of the 16 by number (the theme decides how it looks), else a CSS colour. */
export type AnsiColor = number | string;
export interface AnsiStyle {
  foreground?: AnsiColor;
  background?: AnsiColor;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  strike?: boolean;
  inverse?: boolean;
}
/** `start` to `end` of the plain text, half open. Unstyled text has no span. */
export interface AnsiSpan {
  start: number;
  end: number;
  style: AnsiStyle;
}

const ESC = 27;
// CSI … final byte; OSC, DCS, PM, APC and SOS strings up to BEL or ST; character set choices; other two-character sequences
// oxlint-disable-next-line no-control-regex
const sequence = /\x1b(?:\[([0-?]*)([ -/]*)([@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]+[0-~]|[0-~]|$)/g;
// oxlint-disable-next-line no-control-regex
const control = /[\x00-\x08\x0b-\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;
// oxlint-disable-next-line no-control-regex
const anyControl = /[\x00-\x08\x0b-\x1f\x7f]/;

/** True when the text is not shown as it is: it has escape sequences, carriage returns or other control characters. */
export const hasControls = (text: string): boolean => anyControl.test(text);

/** The text as one reads it, without escape sequences and control characters. */
export function stripAnsi(text: string): string {
  const bare = text.includes('\x1b') ? text.replace(sequence, '') : text;
  return anyControl.test(bare) ? bare.replace(control, '') : bare;
}

/** The SGR sequences in force at the end of the text, when `before` was in force at its start: '' after a reset. */
export function carriedSgr(text: string, before: string): string {
  let carried = before;
  for (const match of text.matchAll(sequence)) {
    if (match[3] !== 'm' || match[2]) continue;
    const parameters = match[1] ?? '';
    if (parameters === '' || /^0*$/.test(parameters)) carried = '';
    // a sequence that begins with a reset makes what came before irrelevant
    else carried = /^0*;/.test(parameters) ? match[0] : (carried + match[0]).slice(-256);
  }
  return carried;
}

/** The plain text and its styled spans. */
export function parseAnsi(raw: string): { text: string; spans: AnsiSpan[] } {
  if (raw.charCodeAt(0) !== ESC && !raw.includes('\x1b')) return { text: stripAnsi(raw), spans: [] };
  const spans: AnsiSpan[] = [];
  let text = '';
  let style: AnsiStyle = {};
  let at = 0;
  const take = (piece: string) => {
    const clean = piece.replace(control, '');
    if (!clean) return;
    const last = spans.at(-1);
    if (Object.keys(style).length > 0) {
      if (last && last.end === text.length && last.style === style) last.end += clean.length;
      else spans.push({ start: text.length, end: text.length + clean.length, style });
    }
    text += clean;
  };
  for (const match of raw.matchAll(sequence)) {
    take(raw.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[3] === 'm' && !match[2]) style = applySgr(style, match[1] ?? '');
  }
  take(raw.slice(at));
  return { text, spans };
}

/** The style after the parameters of one SGR sequence. */
export function applySgr(before: AnsiStyle, parameters: string): AnsiStyle {
  // "38:2::r:g:b" is the standard's form of "38;2;r;g;b"
  const codes = parameters
    .replace(/([34]8):2::?/g, '$1;2;')
    .split(/[;:]/)
    .map((part) => (part === '' ? 0 : Number(part)));
  let style: AnsiStyle = { ...before };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) style = {};
    else if (code === 38 || code === 48) {
      const { color, used } = extendedColor(codes, i + 1);
      if (color !== undefined) style[code === 38 ? 'foreground' : 'background'] = color;
      i += used;
    } else applySimple(style, code);
  }
  return style;
}

function applySimple(style: AnsiStyle, code: number): void {
  if (code >= 30 && code <= 37) style.foreground = code - 30;
  else if (code >= 90 && code <= 97) style.foreground = code - 82;
  else if (code >= 40 && code <= 47) style.background = code - 40;
  else if (code >= 100 && code <= 107) style.background = code - 92;
  else if (code === 39) delete style.foreground;
  else if (code === 49) delete style.background;
  else if (code === 22) {
    delete style.bold;
    delete style.dim;
  } else if (code >= 1 && code <= 9) setFlag(style, code, true);
  else if (code >= 23 && code <= 29) setFlag(style, code - 20, false);
}

const flags = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 7: 'inverse', 9: 'strike' } as const;
function setFlag(style: AnsiStyle, code: number, on: boolean): void {
  const flag = flags[code as keyof typeof flags];
  if (!flag) return;
  if (on) style[flag] = true;
  else delete style[flag];
}

function extendedColor(codes: number[], at: number): { color?: AnsiColor; used: number } {
  if (codes[at] === 5) {
    const index = codes[at + 1];
    return index === undefined || index > 255 ? { used: 2 } : { color: paletteColor(index), used: 2 };
  }
  if (codes[at] === 2) {
    const [r = 0, g = 0, b = 0] = codes.slice(at + 1, at + 4).map((part) => Math.min(255, part));
    return { color: `rgb(${r} ${g} ${b})`, used: 4 };
  }
  return { used: codes.length };
}

/** xterm's 256 colours: 16 named, a 6×6×6 cube, 24 greys. */
export function paletteColor(index: number): AnsiColor {
  if (index < 16) return index;
  if (index >= 232) {
    const level = (index - 232) * 10 + 8;
    return `rgb(${level} ${level} ${level})`;
  }
  const cube = (digit: number) => (digit === 0 ? 0 : digit * 40 + 55);
  const n = index - 16;
  return `rgb(${cube(Math.floor(n / 36))} ${cube(Math.floor(n / 6) % 6)} ${cube(n % 6)})`;
}

/**
 * What a terminal would show of a line that was written over with carriage returns (progress bars): each piece overwrites the
 * beginning of what was there. With colours in it the last piece that says something wins, since columns are not counted then.
 */
export function settleCarriageReturns(text: string): string {
  if (!text.includes('\r')) return text;
  const pieces = text.split('\r').filter((piece) => piece !== '');
  if (text.includes('\x1b')) return pieces.findLast((piece) => stripAnsi(piece) !== '') ?? pieces.join('');
  let shown = '';
  for (const piece of pieces) shown = piece.length >= shown.length ? piece : piece + shown.slice(piece.length);
  return shown;
}
