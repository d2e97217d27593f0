/**
 * Wrapped lines have heights that only the browser knows, and a million of them are not measured. So the scroll bar counts in lines, each
 * of the average height, and the view is laid out around one place: the anchor, a fraction of a line that stands at a fraction of the
 * view. Both fractions are 0 at the start and reach the end together, so the first and the last line are always wholly in reach.
 */
export interface Anchor {
  /** row number with its fraction: 3.5 is the middle of row 3 */
  row: number;
  /** px from the top of the view */
  y: number;
}

/** How many rows a line of `length` characters takes at least. */
export const wrappedRows = (length: number, columns: number): number =>
  Math.max(1, Math.ceil(length / Math.max(1, columns)));

/** The average of `wrappedRows`, over lines spread evenly; 1 when there is none. */
export function averageRows(count: number, lengthOf: (row: number) => number, columns: number, samples = 256): number {
  const taken = Math.min(count, samples);
  if (taken === 0) return 1;
  let sum = 0;
  for (let i = 0; i < taken; i++) sum += wrappedRows(lengthOf(Math.floor((i * count) / taken)), columns);
  return sum / taken;
}

/** `unit`: px that a line counts for; `last`: the largest `top`. */
export function anchorAt(top: number, last: number, viewport: number, unit: number): Anchor {
  const fraction = last > 0 ? Math.min(1, Math.max(0, top / last)) : 0;
  return { row: (top + fraction * viewport) / unit, y: fraction * viewport };
}

/** The rows that surely fill the view around the anchor, from the first to one past the last. Lengths give the least height of each. */
export function rowsAround(
  anchor: Anchor,
  view: { viewport: number; rows: number; rowHeight: number; columns: number },
  lengthOf: (row: number) => number,
): [first: number, end: number] {
  const height = (row: number) => wrappedRows(lengthOf(row), view.columns) * view.rowHeight;
  const at = Math.min(Math.max(0, Math.floor(anchor.row)), Math.max(0, view.rows - 1));
  let first = at;
  for (let above = 0; first > 0 && above < anchor.y; above += height(first)) first--;
  let end = Math.min(view.rows, at + 1);
  // the anchor's own row may be nearly all above it
  for (let below = 0; end < view.rows && below < view.viewport - anchor.y; end++) below += height(end);
  return [first, end];
}

/** Where the rows' box stands, so that the anchor is at its place and nothing is empty above the first or below the last row. */
export function boxTop(
  anchor: Anchor,
  anchorRow: { top: number; height: number },
  box: { height: number; holdsFirst: boolean; holdsLast: boolean },
  viewport: number,
): number {
  const fraction = Math.min(1, Math.max(0, anchor.row - Math.floor(anchor.row)));
  // at the very end the anchor is one past the last row
  const inRow = box.holdsLast && anchorRow.top + anchorRow.height >= box.height && anchor.y >= viewport ? 1 : fraction;
  let top = anchor.y - (anchorRow.top + inRow * anchorRow.height);
  if (box.holdsLast) top = Math.max(top, viewport - box.height);
  if (box.holdsFirst) top = Math.min(top, 0);
  return top;
}
