import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { RangeSetBuilder, StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView } from '@codemirror/view';
import type { DecorationSet } from '@codemirror/view';
import { tags } from '@lezer/highlight';

export interface Found {
  from: number;
  to: number;
}

/** Places of a text in a document, whatever the case; at most 10,000. */
export function findAll(document: string, text: string): Found[] {
  if (!text) return [];
  const found: Found[] = [];
  const pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi');
  for (const match of document.matchAll(pattern)) {
    found.push({ from: match.index, to: match.index + match[0].length });
    if (found.length >= 10_000) break;
  }
  return found;
}

export const setFound = StateEffect.define<{ found: Found[]; current: number }>();

/** Marks what a search has found; the current one stands out. */
export const foundMarks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks;
    for (const effect of transaction.effects) {
      if (!effect.is(setFound)) continue;
      const builder = new RangeSetBuilder<Decoration>();
      for (const [index, { from, to }] of effect.value.found.entries()) {
        builder.add(
          from,
          to,
          Decoration.mark({ class: index === effect.value.current ? 'json-found current' : 'json-found' }),
        );
      }
      next = builder.finish();
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export const jsonColors = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.propertyName, color: 'var(--accent-text)' },
    { tag: tags.string, color: 'var(--success-text)' },
    { tag: tags.number, color: 'var(--warning-text)' },
    { tag: [tags.bool, tags.null], color: 'var(--danger-text)' },
    { tag: tags.punctuation, color: 'var(--text-3)' },
  ]),
);

export const jsonTheme = EditorView.theme({
  '&': { height: '100%', fontSize: '12.5px', backgroundColor: 'transparent', color: 'var(--text)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--text-3)', border: 'none' },
  '.cm-content': { caretColor: 'var(--text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'var(--accent-soft) !important' },
  '.json-found': { backgroundColor: 'color-mix(in srgb, var(--warning) 35%, transparent)' },
  '.json-found.current': { outline: '2px solid var(--warning)' },
});
