import type { LineStore } from './line-store.ts';
import type { Range } from './segments.ts';

/** A place in the text: a line and a column in its plain text. */
export interface Position {
  seq: number;
  column: number;
}
export interface Selection {
  anchor: Position;
  head: Position;
}

export const before = (a: Position, b: Position): boolean => a.seq < b.seq || (a.seq === b.seq && a.column <= b.column);

/** The selection from its first to its last place. */
export function ordered(selection: Selection): [Position, Position] {
  return before(selection.anchor, selection.head)
    ? [selection.anchor, selection.head]
    : [selection.head, selection.anchor];
}

/** What of a line is selected; an empty line inside the selection counts as one column. */
export function selectedRange(selection: Selection | undefined, seq: number, length: number): Range | undefined {
  if (!selection) return undefined;
  const [from, to] = ordered(selection);
  if (seq < from.seq || seq > to.seq) return undefined;
  const start = seq === from.seq ? from.column : 0;
  const end = seq === to.seq ? to.column : Math.max(length, 1);
  return end > start ? [start, end] : undefined;
}

/** The word around a column: letters, digits and what belongs in names and paths; else the one character. */
export function wordAt(text: string, column: number): Range {
  const part = /[\p{L}\p{N}_./:@-]/u;
  const at = Math.min(column, Math.max(0, text.length - 1));
  if (!part.test(text[at] ?? '')) return [at, Math.min(at + 1, text.length)];
  let [start, end] = [at, at + 1];
  while (start > 0 && part.test(text[start - 1] ?? '')) start--;
  while (end < text.length && part.test(text[end] ?? '')) end++;
  return [start, end];
}

/** The selected text of the rows given (in order), with line breaks between. */
export function selectedText(store: LineStore, selection: Selection, rows: Iterable<number>): string {
  const [from, to] = ordered(selection);
  const parts: string[] = [];
  for (const seq of rows) {
    if (seq < from.seq) continue;
    if (seq > to.seq) break;
    const text = store.text(seq);
    parts.push(text.slice(seq === from.seq ? from.column : 0, seq === to.seq ? to.column : undefined));
  }
  return parts.join('\n');
}
