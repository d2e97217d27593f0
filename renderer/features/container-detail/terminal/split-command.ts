/** Splits a command line as a shell does: blanks, quotes and backslashes. Nothing is expanded. */
export function splitCommand(line: string): string[] | { error: string } {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const char = line[i] ?? '';
    if (quote === "'") {
      if (char === "'") quote = '';
      else word += char;
    } else if (char === '\\' && (quote === '' || '"\\$`'.includes(line[i + 1] ?? ''))) {
      if (i + 1 >= line.length) return { error: 'Ends with a backslash' };
      word = (word ?? '') + (line[++i] ?? '');
    } else if (quote === '"') {
      if (char === '"') quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote) return { error: `A ${quote} is not closed` };
  if (word !== undefined) words.push(word);
  return words;
}
