import { invalid } from '../../api/errors.ts';

/** Puts variables into a word as the shell does, of which quotes and escapes go away (Dockerfile reference, "Environment replacement"). */
export function expandWord(word: string, env: ReadonlyMap<string, string>, escape: string): string {
  return run(word, env, escape).text;
}

/** As `expandWord`, then split at the spaces that were not quoted. */
export function expandWords(word: string, env: ReadonlyMap<string, string>, escape: string): string[] {
  return run(word, env, escape).words;
}

function run(word: string, env: ReadonlyMap<string, string>, escape: string) {
  try {
    return new Expansion([...word], env, escape).until(undefined, false);
  } catch (error) {
    if (error instanceof SyntaxFault) throw invalid(`failed to process ${JSON.stringify(word)}: ${error.message}`);
    throw error;
  }
}

class SyntaxFault extends Error {}

const isSpace = (char: string) => /\s/.test(char);
const isName = (char: string) => /[\p{L}\p{Nd}_]/u.test(char);
const MODIFIERS = ['+', '-', '?', '#', '%'];

class Words {
  readonly done: string[] = [];
  #current = '';

  quoted(text: string): void {
    this.#current += text;
  }
  plain(text: string): void {
    for (const char of text) {
      if (!isSpace(char)) this.#current += char;
      else this.end();
    }
  }
  end(): string[] {
    if (this.#current !== '') this.done.push(this.#current);
    this.#current = '';
    return this.done;
  }
}

class Expansion {
  readonly #chars: readonly string[];
  readonly #env: ReadonlyMap<string, string>;
  readonly #escape: string;
  #at = 0;

  constructor(chars: readonly string[], env: ReadonlyMap<string, string>, escape: string) {
    this.#chars = chars;
    this.#env = env;
    this.#escape = escape;
  }

  /** Up to `stop` (which is taken), or the end. `raw`: escapes stay, for a pattern. */
  until(stop: string | undefined, raw: boolean): { text: string; words: string[] } {
    const words = new Words();
    let text = '';
    for (let char = this.#peek(); char !== undefined; char = this.#peek()) {
      if (char === stop) {
        this.#at += 1;
        return { text, words: words.end() };
      }
      if (char === "'" || char === '"') {
        const quoted = char === "'" ? this.#single() : this.#double(raw);
        text += quoted;
        words.quoted(quoted);
      } else if (char === '$') {
        const value = this.#dollar();
        text += value;
        words.plain(value);
      } else {
        this.#at += 1;
        if (char !== this.#escape) {
          text += char;
          words.plain(char);
          continue;
        }
        const escaped = (raw ? char : '') + (this.#next() ?? '');
        text += escaped;
        words.quoted(escaped);
      }
    }
    if (stop !== undefined)
      throw new SyntaxFault(stop === '/' ? "syntax error: missing '/' in ${}" : "syntax error: missing '}'");
    return { text, words: words.end() };
  }

  #peek = () => this.#chars[this.#at];
  #next = () => this.#chars[this.#at++];

  #single(): string {
    this.#at += 1;
    const end = this.#chars.indexOf("'", this.#at);
    if (end < 0) throw new SyntaxFault('unexpected end of statement while looking for matching single-quote');
    const text = this.#chars.slice(this.#at, end).join('');
    this.#at = end + 1;
    return text;
  }

  #double(raw: boolean): string {
    this.#at += 1;
    let text = '';
    for (;;) {
      const char = this.#peek();
      if (char === undefined)
        throw new SyntaxFault('unexpected end of statement while looking for matching double-quote');
      if (char === '$') {
        text += this.#dollar();
        continue;
      }
      this.#at += 1;
      if (char === '"') return text;
      if (char !== this.#escape) {
        text += char;
        continue;
      }
      const next = this.#peek();
      if (next === undefined) continue;
      if (next === '"' || next === '$' || next === this.#escape) text += (raw ? char : '') + (this.#next() as string);
      else text += char;
    }
  }

  #dollar(): string {
    this.#at += 1;
    if (this.#peek() !== '{') {
      const name = this.#name();
      return name === '' ? '$' : (this.#env.get(name) ?? '');
    }
    this.#at += 1;
    const first = this.#peek();
    if (first === undefined) throw new SyntaxFault("syntax error: missing '}'");
    if (first === '{' || first === '}' || first === ':') throw new SyntaxFault('syntax error: bad substitution');
    const name = this.#name();
    const value = this.#env.get(name);
    const sign = this.#next();
    if (sign === '}') return value ?? '';
    if (sign === '/') return this.#replace(value ?? '');
    const colon = sign === ':';
    const modifier = colon ? this.#next() : sign;
    const shown = `${colon ? ':' : ''}${modifier ?? ''}`;
    if (modifier === undefined) throw new SyntaxFault("syntax error: missing '}'");
    const isPattern = modifier === '#' || modifier === '%';
    if (!MODIFIERS.includes(modifier) || (colon && isPattern))
      throw new SyntaxFault(`unsupported modifier (${shown}) in substitution`);
    const { text: word } = this.until('}', isPattern);
    return isPattern ? trim(value ?? '', word, modifier) : choose(name, value, word, modifier, colon);
  }

  #replace(value: string): string {
    const all = this.#peek() === '/';
    if (all) this.#at += 1;
    const { text: pattern } = this.until('/', true);
    const { text: replacement } = this.until('}', true);
    return value.replace(new RegExp(patternSource(pattern, true), all ? 'gs' : 's'), () => replacement);
  }

  /** Letters, digits and "_"; a number; or one of the shell's own, as "$?". */
  #name(): string {
    const first = this.#peek();
    if (first === undefined) return '';
    let test = isName;
    if (/\p{Nd}/u.test(first)) test = (char) => /\p{Nd}/u.test(char);
    else if ('@*#?-$!'.includes(first)) {
      this.#at += 1;
      return first;
    }
    let name = '';
    for (let char = this.#peek(); char !== undefined && test(char); char = this.#peek()) {
      name += char;
      this.#at += 1;
    }
    return name;
  }
}

function choose(name: string, value: string | undefined, word: string, modifier: string, colon: boolean): string {
  const missing = value === undefined || (colon && value === '');
  if (modifier === '-') return missing ? word : (value ?? '');
  if (modifier === '+') return missing ? '' : word;
  if (!missing) return value;
  const problem = value === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty';
  throw new SyntaxFault(`${name}: ${word === '' ? problem : word}`);
}

/** `#` and `##` take a pattern away at the beginning, `%` and `%%` at the end: the shortest match, or doubled the longest. */
function trim(value: string, word: string, modifier: string): string {
  const longest = word.startsWith(modifier);
  const pattern = longest ? word.slice(1) : word;
  if (modifier === '#') return value.replace(new RegExp(`^(?:${patternSource(pattern, longest)})`, 's'), '');
  const whole = new RegExp(`^(?:${patternSource(pattern, true)})$`, 's');
  const starts = Array.from({ length: value.length + 1 }, (_, index) => (longest ? index : value.length - index));
  const start = starts.find((at) => whole.test(value.slice(at)));
  return start === undefined ? value : value.slice(0, start);
}

/** A shell pattern (`*`, `?`, escapes) as a regular expression. */
function patternSource(pattern: string, greedy: boolean): string {
  let source = '';
  const chars = [...pattern];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] as string;
    if (char === '*') source += greedy ? '.*' : '.*?';
    else if (char === '?') source += '.';
    else source += (char === '\\' ? (chars[(at += 1)] ?? '\\') : char).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  }
  return source;
}
