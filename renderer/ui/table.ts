/** A column of DataTable. `width`: CSS pixels, fixed; without it the column shares what is left. */
export interface Column {
  key: string;
  label: string;
  width?: number;
  align?: 'start' | 'end';
  sortable?: boolean;
  /** left out where the table is narrower than this many pixels */
  hideBelow?: number;
  /** the header is there for assistive technology only */
  hideLabel?: boolean;
}
export interface Sort {
  key: string;
  descending: boolean;
}

/** What is drawn of `count` rows of one height: the ones in sight and a few more, and the space of the others. */
export function rowWindow(count: number, rowHeight: number, scrollTop: number, viewHeight: number, spare = 8) {
  const first = Math.max(0, Math.min(Math.floor(scrollTop / rowHeight) - spare, count));
  const end = Math.min(count, Math.ceil((scrollTop + viewHeight) / rowHeight) + spare);
  return {
    first,
    end: Math.max(first, end),
    before: first * rowHeight,
    after: Math.max(0, count - Math.max(first, end)) * rowHeight,
  };
}

/** Sorts a copy by the value that `of` gives; equal values keep their order, text compares naturally ("web2" before "web10"). */
export function sorted<T>(rows: readonly T[], of: (row: T) => string | number, descending: boolean): T[] {
  const sign = descending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: of(row) }));
  keyed.sort((a, b) => {
    if (typeof a.key === 'number' && typeof b.key === 'number') return (a.key - b.key) * sign;
    return collator.compare(String(a.key), String(b.key)) * sign;
  });
  return keyed.map(({ row }) => row);
}
const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
