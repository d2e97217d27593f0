import { invalid } from '../../api/errors.ts';

/** One instruction of a Dockerfile (https://docs.docker.com/reference/dockerfile/), its variables not yet put in. */
export interface Instruction {
  /** in capitals */
  name: string;
  /** as it was written */
  written: string;
  /** "--interval=5s", without quotes */
  flags: string[];
  /** what follows the flags, in one piece */
  rest: string;
}

export interface Dockerfile {
  instructions: Instruction[];
  escape: '\\' | '`';
}

const SPACE = /[\t\v\f\r ]+/;

/** Splits the text into instructions: comments, continued lines and the `escape` directive are done with. */
export function parseDockerfile(text: string): Dockerfile {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const escape = escapeDirective(lines);
  const continued = escape === '`' ? /(^|[^`])`[ \t]*$/ : /(^|[^\\])\\[ \t]*$/;
  const instructions: Instruction[] = [];
  let joined = '';
  let open = false;
  for (const line of lines) {
    const content = line.replace(/\r$/, '');
    if (/^\s*#/.test(content) || (open && content.trim() === '')) continue;
    const part = open ? content : content.trimStart();
    open = continued.test(part);
    joined += open ? part.replace(continued, '$1') : part;
    if (open) continue;
    if (joined.trim() !== '') instructions.push(instructionOf(joined, escape));
    joined = '';
  }
  if (joined.trim() !== '') instructions.push(instructionOf(joined, escape));
  if (instructions.length === 0) throw invalid('file with no instructions');
  return { instructions, escape };
}

/** `# escape=…` counts among the first comments only, before anything else. */
function escapeDirective(lines: readonly string[]): '\\' | '`' {
  for (const line of lines) {
    const match = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line);
    if (!match) break;
    if (match[1]?.toLowerCase() !== 'escape') continue;
    const value = match[2] as string;
    if (value !== '`' && value !== '\\') throw invalid(`invalid escape token '${value}' does not match \` or \\`);
    return value;
  }
  return '\\';
}

/** Reads one line, also that of an ONBUILD. */
export function instructionOf(line: string, escape: string): Instruction {
  const written = line.trim();
  const at = written.search(SPACE);
  const name = at < 0 ? written : written.slice(0, at);
  const { flags, rest } = splitFlags(at < 0 ? '' : written.slice(at).replace(SPACE, ''), escape);
  return { name: name.toUpperCase(), written: line, flags, rest: rest.trim() };
}

/** Words that begin with "--", up to the first that does not, or "--" itself. */
function splitFlags(text: string, escape: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/.test(text[at] as string)) at += 1;
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at) };
    const { word, end } = unquotedWord(text, at, escape);
    at = end;
    if (word === '--') return { flags, rest: text.slice(at) };
    flags.push(word);
  }
}

function unquotedWord(text: string, start: number, escape: string): { word: string; end: number } {
  let word = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at += 1) {
    const char = text[at] as string;
    if (quote === '' && /\s/.test(char)) break;
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === escape) word += text[(at += 1)] ?? '';
    else word += char;
  }
  return { word, end: at };
}

/** Words apart by spaces; quotes and escapes hold them together and stay in them. */
export function splitWords(text: string, escape: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (char === escape && quote !== "'") {
      // at the very end it escapes nothing
      if (at + 1 < text.length) word = (word ?? '') + char + (text[(at += 1)] as string);
      else word ??= '';
      continue;
    }
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    word = (word ?? '') + char;
  }
  if (word !== undefined && word !== '') words.push(word);
  return words;
}

export interface Pair {
  key: string;
  value: string;
}

/** "a=b c=d", or the older "a b". */
export function parsePairs({ name, rest }: Instruction, escape: string): Pair[] {
  const words = splitWords(rest, escape);
  if (words.length === 0) throw invalid(`${name} requires at least one argument`);
  if (!words[0]?.includes('=')) {
    const at = rest.search(SPACE);
    if (at < 0) throw invalid(`${name} must have two arguments`);
    return [{ key: rest.slice(0, at), value: rest.slice(at).replace(SPACE, '') }];
  }
  return words.map((word) => {
    const at = word.indexOf('=');
    if (at < 0)
      throw invalid(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    if (at === 0) throw invalid(`${name} names can not be blank`);
    return { key: word.slice(0, at), value: word.slice(at + 1) };
  });
}

/** The strings of a JSON array; undefined for what is not one. Throws for an array of anything else. */
export function parseJsonArray(text: string): string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (!value.every((item) => typeof item === 'string'))
    throw invalid('when using JSON array syntax, arrays must be comprised of strings only');
  return value as string[];
}

/** A JSON array, or words apart by spaces. */
export const parseList = (text: string) =>
  parseJsonArray(text) ?? (text === '' ? [] : text.split(new RegExp(SPACE, 'g')));
