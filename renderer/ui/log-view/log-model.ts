import { computed, ref, shallowRef, triggerRef, watch } from 'vue';
import { LineIndex } from './line-index.ts';
import type { StreamChoice } from './line-index.ts';
import { LineStore } from './line-store.ts';
import type { IncomingLine, LineStoreLimits } from './line-store.ts';
import { createMatcher } from './matcher.ts';
import type { Matcher } from './matcher.ts';

export type LogModel = ReturnType<typeof createLogModel>;

/** One step of searching takes at most about this long, so that the window stays quick. */
const sliceMs = 8;

/**
 * The lines, which of them are rows (all, one stream, only matches) and what the search has found. `version` changes, at most
 * once a frame, whenever any of it does; the rest is plain data, read after that.
 */
export function createLogModel(limits?: LineStoreLimits) {
  const store = new LineStore(limits);
  const version = shallowRef(0);
  const stream = ref<StreamChoice>('both');
  const text = ref('');
  const matchCase = ref(false);
  const regex = ref(false);
  const onlyMatches = ref(false);
  const compiled = computed(() => createMatcher({ text: text.value, matchCase: matchCase.value, regex: regex.value }));
  const problem = computed(() => (compiled.value && 'error' in compiled.value ? compiled.value.error : ''));
  const matcher = computed<Matcher | undefined>(() =>
    compiled.value && !('error' in compiled.value) ? compiled.value : undefined,
  );

  let shown: LineIndex | undefined;
  let matches: LineIndex | undefined;
  /** rows that have gone at the front since the beginning; the view keeps its place with it */
  let trimmed = 0;
  let seenFirst = store.first;
  /** the match that next and previous go from; -1 is none */
  let current = -1;

  let frame = 0;
  const touch = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      version.value++;
      triggerRef(version);
    });
  };

  let timer: ReturnType<typeof setTimeout> | undefined;
  const scanMore = () => {
    timer = undefined;
    const done = [shown, matches].map((index) => index?.scan(sliceMs) ?? true);
    touch();
    if (done.includes(false)) timer = setTimeout(scanMore, 0);
  };
  const schedule = () => {
    if ((shown || matches) && timer === undefined) timer = setTimeout(scanMore, 0);
  };

  const rebuild = () => {
    current = -1;
    matches = matcher.value && new LineIndex(store, stream.value, matcher.value);
    if (onlyMatches.value && matches) shown = matches;
    else shown = stream.value === 'both' ? undefined : new LineIndex(store, stream.value, undefined);
    schedule();
    touch();
  };
  watch([stream, matcher, onlyMatches], rebuild, { flush: 'sync' });

  const dropRows = () => {
    const gone = store.first - seenFirst;
    seenFirst = store.first;
    if (gone > 0 && !shown) trimmed += gone;
    if (shown) trimmed += shown.trim();
    if (matches && matches !== shown) matches.trim();
  };

  return {
    store,
    version,
    stream,
    text,
    matchCase,
    regex,
    onlyMatches,
    problem,
    matcher,
    get rowCount(): number {
      return shown ? shown.found.length : store.length;
    },
    get trimmedRows(): number {
      return trimmed;
    },
    get matchCount(): number {
      return matches?.found.length ?? 0;
    },
    get searching(): boolean {
      return matches !== undefined && !matches.complete;
    },
    get progress(): number {
      return matches?.progress ?? 1;
    },
    /** sequence number of the match the search stands on; -1 when none */
    get current(): number {
      return current;
    },
    /** its place among the matches, from 1; 0 when none */
    get currentNumber(): number {
      return current < 0 || !matches ? 0 : matches.found.lowerBound(current) + 1;
    },
    /** sequence number of a row */
    seqOf: (row: number): number => (shown ? (shown.found.at(row) ?? -1) : store.first + row),
    /** the row of a line, or where it would be */
    rowOf: (seq: number): number => (shown ? shown.found.lowerBound(seq) : seq - store.first),
    append(lines: readonly IncomingLine[]): void {
      store.append(lines);
      dropRows();
      schedule();
      touch();
    },
    clear(): void {
      store.clear();
      seenFirst = store.first;
      trimmed = 0;
      rebuild();
    },
    /** Goes to the next match after the current one (or after `from`), round at the end; its sequence number, or -1. */
    step(direction: 1 | -1, from: number): number {
      const found = matches?.found;
      if (!found || found.length === 0) return -1;
      const start = current >= store.first ? current : from;
      let at = found.lowerBound(start);
      if (direction === 1) at = found.at(at) === current && current >= 0 ? at + 1 : at;
      else at -= 1;
      current = found.at((at + found.length) % found.length) ?? -1;
      touch();
      return current;
    },
    /** the rows from one line to another, in order */
    *rowsBetween(from: number, to: number): Generator<number> {
      const count = shown ? shown.found.length : store.length;
      for (let row = Math.max(0, shown ? shown.found.lowerBound(from) : from - store.first); row < count; row++) {
        const seq = shown ? (shown.found.at(row) ?? -1) : store.first + row;
        if (seq > to) return;
        yield seq;
      }
    },
    dispose(): void {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    },
  };
}
