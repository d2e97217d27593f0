export interface Variable {
  name: string;
  value: string;
}

/**
 * Variables from pasted lines ("NAME=value", also with "export " or "-e " in front and with quotes around the value, as in .env
 * files); empty lines and comments are left out. Undefined when the text is not of that kind.
 */
export function parseEnvLines(text: string): Variable[] | undefined {
  const result: Variable[] = [];
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const match = /^(?:export\s+|-e\s+|--env[ =])?([A-Za-z_][\w.-]*)=(.*)$/s.exec(line);
    if (!match) return undefined;
    result.push({ name: match[1] ?? '', value: unquoted(match[2] ?? '') });
  }
  return result.length > 0 ? result : undefined;
}

function unquoted(value: string): string {
  const quote = value[0];
  if (value.length >= 2 && (quote === '"' || quote === "'") && value.at(-1) === quote) return value.slice(1, -1);
  return value;
}

/** The rows with the pasted variables in place of the row they were pasted into (when that was empty); names given again are replaced. */
export function mergeVariables(rows: readonly Variable[], at: number, pasted: readonly Variable[]): Variable[] {
  const given = new Set(pasted.map(({ name }) => name));
  const kept = rows
    .map((row, index) => ({ row, index }))
    .filter(({ row, index }) => index !== at && (row.name || row.value) && !given.has(row.name));
  const before = kept.filter(({ index }) => index < at).map(({ row }) => row);
  const after = kept.filter(({ index }) => index > at).map(({ row }) => row);
  return [...before, ...pasted, ...after];
}
