/** Deeper than this a faulty text is not looked into (Go looks further, and then says the same). */
const MAX_DEPTH = 1000;

/** Where a text leaves JSON, as Go's encoding/json says it (scanner.go): clients and tests look for its words. */
class Scanner {
  readonly #text: string;
  at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.at] ?? '')) this.at++;
  }

  /** Throws the words, or "unexpected EOF" at the end of the text. */
  fail(where: string): never {
    throw new Fault(
      this.at >= this.#text.length
        ? 'unexpected EOF'
        : `invalid character ${quoted(String.fromCodePoint(this.#text.codePointAt(this.at) as number))} ${where}`,
    );
  }

  take(wanted: RegExp, where: string): string {
    const char = this.#text[this.at] ?? '';
    if (!wanted.test(char)) this.fail(where);
    this.at++;
    return char;
  }

  next(char: string): boolean {
    if (this.#text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  value(): void {
    this.space();
    const char = this.#text[this.at] ?? '';
    if (char === '{') this.list('}', () => this.pair(), 'after object key:value pair');
    else if (char === '[') this.list(']', () => this.value(), 'after array element');
    else if (char === '"') this.string();
    else if (/[-0-9]/.test(char)) this.number();
    else if (char === 't') this.literal('true');
    else if (char === 'f') this.literal('false');
    else if (char === 'n') this.literal('null');
    else this.fail('looking for beginning of value');
  }

  list(end: '}' | ']', item: () => void, after: string): void {
    if (++this.#depth > MAX_DEPTH) throw new Fault('exceeded max depth');
    this.at++;
    this.space();
    for (let more = !this.next(end); more;) {
      item();
      this.space();
      more = !this.next(end);
      if (more) this.take(/,/, after);
    }
    this.#depth--;
  }

  pair(): void {
    this.space();
    if (this.#text[this.at] !== '"') this.fail('looking for beginning of object key string');
    this.string();
    this.space();
    this.take(/:/, 'after object key');
    this.value();
  }

  string(): void {
    this.at++;
    for (;;) {
      if (this.next('"')) return;
      if (!this.next('\\')) this.take(/\P{Cc}|[\x7f-\x9f]/u, 'in string literal');
      else if (this.take(/["\\/bfnrtu]/, 'in string escape code') === 'u')
        for (let digit = 0; digit < 4; digit++) this.take(/[0-9a-fA-F]/, 'in \\u hexadecimal character escape');
    }
  }

  number(): void {
    this.next('-');
    if (this.take(/\d/, 'in numeric literal') !== '0') this.digits();
    if (this.next('.')) {
      this.take(/\d/, 'after decimal point in numeric literal');
      this.digits();
    }
    if (this.next('e') || this.next('E')) {
      if (!this.next('+')) this.next('-');
      this.take(/\d/, 'in exponent of numeric literal');
      this.digits();
    }
  }

  digits(): void {
    while (/\d/.test(this.#text[this.at] ?? '')) this.at++;
  }

  literal(word: string): void {
    for (const char of word) if (!this.next(char)) this.fail(`in literal ${word} (expecting ${quoted(char)})`);
  }

  /** What follows the value, where anything does. */
  get rest(): boolean {
    this.space();
    return this.at < this.#text.length;
  }
}

class Fault extends Error {}

function quoted(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}

/** The fault of a text that is not one JSON value; dockerd reads one value, and then looks whether more follows. */
export function jsonFault(text: string): string {
  const scanner = new Scanner(text);
  try {
    scanner.value();
  } catch (error) {
    if (error instanceof Fault) return `invalid JSON: ${error.message}`;
    throw error;
  }
  return scanner.rest ? 'unexpected content after JSON' : 'invalid JSON';
}
