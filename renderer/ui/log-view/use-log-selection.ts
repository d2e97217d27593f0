import { onBeforeUnmount, shallowRef } from 'vue';
import type { Ref } from 'vue';
import type { LogModel } from './log-model.ts';
import { ordered, selectedText, wordAt } from './selection.ts';
import type { Position, Selection } from './selection.ts';

/** What the selection needs to know of the view. */
export interface LogViewport {
  top: Ref<number>;
  rows: Ref<number>;
  moveTo: (top: number) => void;
}

/** Selecting text with the mouse over rows that come and go: the selection is of lines and columns, not of elements. */
export function useLogSelection(model: LogModel, scroller: Ref<HTMLElement | null>, view: LogViewport) {
  const selection = shallowRef<Selection>();
  let dragging = false;
  let pointer = { x: 0, y: 0 };
  let timer: ReturnType<typeof setInterval> | undefined;

  const positionAt = (x: number, y: number): Position | undefined => {
    const box = scroller.value?.getBoundingClientRect();
    if (!box) return undefined;
    const at = Math.min(Math.max(y, box.top), box.top + (scroller.value?.clientHeight ?? 1) - 1);
    const row = rowAt(scroller.value?.querySelectorAll<HTMLElement>('[data-seq]') ?? [], at);
    const text = row?.querySelector<HTMLElement>('.text');
    if (!row || !text) return undefined;
    return { seq: Number(row.dataset['seq']), column: columnAt(text, x, at) };
  };
  const extend = () => {
    const head = positionAt(pointer.x, pointer.y);
    if (head && selection.value) selection.value = { ...selection.value, head };
  };
  const onMove = (event: PointerEvent) => {
    pointer = { x: event.clientX, y: event.clientY };
    extend();
  };
  /** the pointer held above or below the view scrolls it */
  const creep = () => {
    const box = scroller.value?.getBoundingClientRect();
    if (!box) return;
    const beyond = pointer.y < box.top ? pointer.y - box.top : pointer.y > box.bottom ? pointer.y - box.bottom : 0;
    if (beyond === 0) return;
    view.moveTo(view.top.value + beyond);
    extend();
  };
  const stop = () => {
    dragging = false;
    clearInterval(timer);
    window.removeEventListener('pointermove', onMove);
    window.removeEventListener('pointerup', stop);
  };
  onBeforeUnmount(stop);

  const onDown = (event: PointerEvent) => {
    const box = scroller.value?.getBoundingClientRect();
    // not on the scroll bars
    if (
      event.button !== 0 ||
      !box ||
      !scroller.value ||
      event.clientX > box.left + scroller.value.clientWidth ||
      event.clientY > box.top + scroller.value.clientHeight
    )
      return;
    const at = positionAt(event.clientX, event.clientY);
    if (!at) return;
    selection.value =
      event.shiftKey && selection.value ? { anchor: selection.value.anchor, head: at } : { anchor: at, head: at };
    pointer = { x: event.clientX, y: event.clientY };
    if (dragging) stop();
    dragging = true;
    window.addEventListener('pointermove', onMove);
    window.addEventListener('pointerup', stop);
    timer = setInterval(creep, 30);
  };
  const onDouble = (event: MouseEvent) => {
    const at = positionAt(event.clientX, event.clientY);
    if (!at) return;
    const text = model.store.text(at.seq);
    const [start, end] = event.detail > 2 ? [0, text.length] : wordAt(text, at.column);
    selection.value = { anchor: { seq: at.seq, column: start }, head: { seq: at.seq, column: end } };
  };

  return {
    selection,
    onDown,
    onClick: (event: MouseEvent) => {
      if (event.detail >= 2) onDouble(event);
    },
    clear: () => (selection.value = undefined),
    all: () => {
      const last = model.seqOf(view.rows.value - 1);
      if (last < 0) return;
      selection.value = {
        anchor: { seq: model.seqOf(0), column: 0 },
        head: { seq: last, column: model.store.text(last).length },
      };
    },
    /** '' when nothing is selected */
    text: (): string => {
      if (!selection.value) return '';
      const [from, to] = ordered(selection.value);
      return selectedText(model.store, selection.value, model.rowsBetween(from.seq, to.seq));
    },
  };
}

/** The row that a vertical place is in; the last above it, where it is below all. */
function rowAt(rows: Iterable<HTMLElement>, y: number): HTMLElement | undefined {
  let found: HTMLElement | undefined;
  for (const row of rows) {
    found ??= row;
    if (row.getBoundingClientRect().top > y) break;
    found = row;
  }
  return found;
}

/** True when what is in the box stands before the place, in reading order. */
const isBefore = (box: DOMRect, edge: number, x: number, y: number): boolean =>
  box.bottom <= y || (box.top <= y && edge <= x);

/** The column of a line's text that a place is at: between characters, by the nearer edge. The text may be wrapped. */
function columnAt(element: HTMLElement, x: number, y: number): number {
  const range = document.createRange();
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let before = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.textContent?.length ?? 0;
    range.selectNodeContents(node);
    const end = range.getClientRects();
    const last = end[end.length - 1];
    if (length === 0 || !last || isBefore(last, last.right, x, y)) {
      before += length;
      continue;
    }
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >> 1;
      range.setStart(node, middle);
      range.setEnd(node, middle + 1);
      const box = range.getBoundingClientRect();
      if (isBefore(box, box.left + box.width / 2, x, y)) low = middle + 1;
      else high = middle;
    }
    return before + low;
  }
  return before;
}
