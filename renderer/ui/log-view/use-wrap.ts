import { computed, ref, watch } from 'vue';
import type { Ref } from 'vue';
import type { LogModel } from './log-model.ts';
import type { LogScroll } from './use-log-scroll.ts';
import { rowHeight } from './use-log-scroll.ts';
import { anchorAt, averageRows, boxTop, rowsAround } from './wrap.ts';

/** px beside the text: paddings, the edge that marks stderr, the scroll bar's rest */
const besideText = 26;
const stampColumns = 14;

/** Lines wrapped at the view's width. `average` is what the scroll needs to know; `range` and `place` are for drawing. */
export function useWrap(
  model: LogModel,
  scroller: Ref<HTMLElement | null>,
  scroll: LogScroll,
  on: () => boolean,
  timestamps: () => boolean,
) {
  const character = ref(7.5);
  const width = ref(800);
  const columns = computed(() =>
    Math.max(10, Math.floor((width.value - besideText) / character.value) - (timestamps() ? stampColumns : 0)),
  );
  const lengthOf = (row: number) => model.store.text(model.seqOf(row)).length;

  /** How wide a character and the view are. */
  const measure = () => {
    const element = scroller.value;
    if (!element || element.clientWidth === 0) return;
    width.value = element.clientWidth;
    const context = document.createElement('canvas').getContext('2d');
    if (!context) return;
    context.font = getComputedStyle(element).font;
    character.value = context.measureText('0'.repeat(100)).width / 100 || character.value;
  };

  // lines keep coming: the average is taken anew when there are a good deal more of them
  let taken = { rows: -1, columns: 0 };
  const estimate = () => {
    if (!on()) {
      taken = { rows: -1, columns: 0 };
      scroll.setUnit(rowHeight);
      return;
    }
    const { rowCount } = model;
    const near = rowCount <= taken.rows * 1.25 && rowCount >= taken.rows * 0.8;
    if (near && taken.columns === columns.value && rowCount > 256) return;
    taken = { rows: rowCount, columns: columns.value };
    scroll.setUnit(rowHeight * averageRows(rowCount, lengthOf, columns.value));
  };
  watch([on, columns, model.version], estimate, { flush: 'sync' });

  const anchor = computed(() =>
    anchorAt(scroll.top.value, scroll.last.value, scroll.viewport.value, scroll.unit.value),
  );
  const range = computed(() => {
    void model.version.value;
    return rowsAround(
      anchor.value,
      { viewport: scroll.viewport.value, rows: scroll.rows.value, rowHeight, columns: columns.value },
      lengthOf,
    );
  });

  /** Puts the drawn rows to their place; to be called once they are in the document, before they are painted. */
  const place = (box: HTMLElement) => {
    const [first, end] = range.value;
    const at = Math.min(Math.max(first, Math.floor(anchor.value.row)), end - 1);
    const row = box.children[at - first];
    if (!(row instanceof HTMLElement)) return;
    const top = boxTop(
      anchor.value,
      { top: row.offsetTop, height: row.offsetHeight },
      { height: box.offsetHeight, holdsFirst: first === 0, holdsLast: end === scroll.rows.value },
      scroll.viewport.value,
    );
    box.style.transform = `translateY(${top}px)`;
    // few lines are all measured: then their height is known and not guessed
    if (first === 0 && end === scroll.rows.value && end > 0) scroll.setUnit(box.offsetHeight / end);
  };
  return { range, place, measure, estimate };
}
