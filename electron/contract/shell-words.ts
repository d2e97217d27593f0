/** Splitting and quoting as a POSIX shell does it, without expansions. */

export type WordsResult = { ok: true; words: string[] } | { ok: false; message: string };

/** Words of a command line: single and double quotes, backslash. */
export function splitWords(text: string): WordsResult {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (quote === "'") {
      if (char === "'") quote = '';
      else word += char;
    } else if (char === '\\') {
      const next = text[++at];
      if (next === undefined) return { ok: false, message: 'nothing follows the last backslash' };
      word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next);
    } else if (quote === '"') {
      if (char === '"') quote = '';
      else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote) return { ok: false, message: `a quotation mark ${quote} is not closed` };
  if (word !== undefined) words.push(word);
  return { ok: true, words };
}

/** Quoted for a POSIX shell, whatever is in it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** One word, quoted where a shell would need it. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word);
}
