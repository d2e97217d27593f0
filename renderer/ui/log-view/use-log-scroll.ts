import { computed, nextTick, onBeforeUnmount, onMounted, ref, watch } from 'vue';
import type { Ref } from 'vue';
import type { LogModel } from './log-model.ts';
import { clampTop, contentTop, isScaled, lastTop, trackHeight, trackTop } from './scroll-map.ts';
import type { ScrollGeometry } from './scroll-map.ts';

/** Pixels a row takes; the style sheet says the same. A line that is wrapped takes several rows. */
export const rowHeight = 20;

/** Where the log view stands: follows the newest row until the user goes up, and again once at the bottom. */
export function useLogScroll(model: LogModel, scroller: Ref<HTMLElement | null>) {
  const top = ref(0);
  const viewport = ref(600);
  const rows = ref(0);
  const follow = ref(true);
  /** row number (counting those gone) up to which the user has seen, while not following */
  const seen = ref(0);
  /** pixels a line counts for: more than a row's when lines are wrapped */
  const unit = ref(rowHeight);
  const geometry = computed<ScrollGeometry>(() => ({ content: rows.value * unit.value, viewport: viewport.value }));
  const unseen = computed(() => (follow.value ? 0 : Math.max(0, rows.value + trimmed.value - seen.value)));
  const trimmed = ref(0);
  /** where the scroll bar is known to be: an event that reports this place is no wish of the user */
  let knownTrack = 0;

  const showTrack = () => {
    const element = scroller.value;
    if (!element) return;
    const wanted = Math.round(trackTop(top.value, geometry.value));
    if (Math.abs(element.scrollTop - wanted) >= 1) element.scrollTop = wanted;
    // also where the browser has moved it by itself, when the view was resized
    knownTrack = element.scrollTop;
  };

  /** Moves to `next`; follows when that is the end. */
  const moveTo = (next: number) => {
    const before = top.value;
    top.value = clampTop(next, geometry.value);
    const atEnd = top.value >= lastTop(geometry.value) - 2;
    if (follow.value && !atEnd && top.value < before) {
      follow.value = false;
      seen.value = rows.value + trimmed.value;
    } else if (atEnd) follow.value = true;
    showTrack();
  };

  const sync = async () => {
    rows.value = model.rowCount;
    const gone = model.trimmedRows - trimmed.value;
    trimmed.value = model.trimmedRows;
    if (gone > 0) top.value -= gone * unit.value;
    top.value = follow.value ? lastTop(geometry.value) : clampTop(top.value, geometry.value);
    // the track has its new height once the document is up to date
    await nextTick();
    showTrack();
  };
  watch(model.version, sync);

  const onScroll = () => {
    const element = scroller.value;
    if (!element) return;
    if (Math.abs(element.scrollTop - knownTrack) < 1) return;
    knownTrack = element.scrollTop;
    // a larger view is moved by the browser, which may be told before its new size is
    if (element.clientHeight > 0) viewport.value = element.clientHeight;
    const next = contentTop(element.scrollTop, geometry.value);
    // while the content grows the browser may report where it was before
    if (Math.abs(next - top.value) >= 1) moveTo(next);
  };
  /** On a shortened track a wheel step must still be its own pixels. */
  const onWheel = (event: WheelEvent) => {
    if (event.ctrlKey || event.shiftKey || event.deltaY === 0) return;
    if (event.deltaY < 0 && follow.value && lastTop(geometry.value) > 0) {
      follow.value = false;
      seen.value = rows.value + trimmed.value;
    }
    if (!isScaled(geometry.value)) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? rowHeight : event.deltaMode === 2 ? viewport.value : 1;
    moveTo(top.value + event.deltaY * unit);
  };
  const page = () => Math.max(rowHeight, viewport.value - 2 * rowHeight);
  const onKey = (event: KeyboardEvent) => {
    if (event.altKey || event.metaKey) return;
    const steps: Record<string, number> = {
      ArrowDown: top.value + rowHeight,
      ArrowUp: top.value - rowHeight,
      PageDown: top.value + page(),
      PageUp: top.value - page(),
      Home: 0,
      End: lastTop(geometry.value),
    };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    moveTo(next);
  };

  let observer: ResizeObserver | undefined;
  onMounted(() => {
    if (!scroller.value) return;
    observer = new ResizeObserver(() => {
      // hidden tabs have no height; the place is kept
      if (!scroller.value || scroller.value.clientHeight === 0) return;
      viewport.value = scroller.value.clientHeight;
      void sync();
    });
    observer.observe(scroller.value);
    scroller.value.addEventListener('wheel', onWheel, { passive: false });
    void sync();
  });
  onBeforeUnmount(() => observer?.disconnect());

  return {
    top,
    viewport,
    rows,
    follow,
    unseen,
    geometry,
    unit,
    last: computed(() => lastTop(geometry.value)),
    /** the same line stays in sight */
    setUnit: (next: number) => {
      if (Math.abs(next - unit.value) < 0.01) return;
      const line = top.value / unit.value;
      unit.value = next;
      top.value = follow.value ? lastTop(geometry.value) : clampTop(line * next, geometry.value);
      void nextTick(showTrack);
    },
    onScroll,
    onKey,
    moveTo,
    trackPx: computed(() => trackHeight(geometry.value)),
    toEnd: () => {
      follow.value = true;
      moveTo(lastTop(geometry.value));
    },
    /** brings a row into the middle unless it is in sight already */
    reveal: (row: number) => {
      const at = row * unit.value;
      const inSight = at >= top.value + rowHeight && at <= top.value + viewport.value - 2 * rowHeight;
      if (inSight && unit.value === rowHeight) {
        if (follow.value) [follow.value, seen.value] = [false, rows.value + trimmed.value];
        return;
      }
      // wrapped: so that the anchor, which is not always at the top, is on the line
      const last = lastTop(geometry.value);
      const toAnchor =
        last > 0 && unit.value !== rowHeight ? (last * at) / (last + viewport.value) : at - viewport.value / 2;
      moveTo(toAnchor);
    },
  };
}
export type LogScroll = ReturnType<typeof useLogScroll>;
