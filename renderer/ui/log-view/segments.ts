import { parseAnsi } from './ansi.ts';
import type { AnsiStyle } from './ansi.ts';
import type { StoredLine } from './line-store.ts';

/** A piece of a line that looks the same throughout. */
export interface Segment {
  text: string;
  style?: AnsiStyle;
  match?: boolean;
  selected?: boolean;
}
export type Range = [start: number, end: number];

/** More of one line than this is not drawn: browsers stall on rows of megabytes. Copying and searching have all of it. */
export const drawnCharacters = 20_000;

/** The pieces to draw of a line: cut wherever style, match or selection changes. */
export function segmentsOf(line: StoredLine, matches: readonly Range[], selected: Range | undefined): Segment[] {
  const { text: all, spans } = line.raw === line.text ? { text: line.text, spans: [] } : parseAnsi(line.raw);
  const text = all.length > drawnCharacters ? all.slice(0, drawnCharacters) : all;
  if (spans.length === 0 && matches.length === 0 && !selected) return [{ text }];
  const cuts = new Set([0, text.length]);
  const cut = (start: number, end: number) => {
    if (start < text.length) cuts.add(start);
    if (end < text.length) cuts.add(end);
  };
  for (const span of spans) cut(span.start, span.end);
  for (const [start, end] of matches) cut(start, end);
  if (selected) cut(selected[0], selected[1]);
  const points = [...cuts].sort((a, b) => a - b);
  const segments: Segment[] = [];
  let span = 0;
  let match = 0;
  for (let i = 0; i + 1 < points.length; i++) {
    const [start = 0, end = 0] = [points[i], points[i + 1]];
    while (span < spans.length && (spans[span]?.end ?? 0) <= start) span++;
    while (match < matches.length && (matches[match]?.[1] ?? 0) <= start) match++;
    const styled = spans[span];
    const segment: Segment = { text: text.slice(start, end) };
    if (styled && styled.start <= start) segment.style = styled.style;
    if ((matches[match]?.[0] ?? Infinity) <= start) segment.match = true;
    if (selected && selected[0] <= start && end <= selected[1]) segment.selected = true;
    segments.push(segment);
  }
  return segments.length > 0 ? segments : [{ text: '' }];
}

/** CSS classes and inline colours of a style; the 16 named colours are the theme's. */
export function look(style: AnsiStyle | undefined): { classes: string[]; css: Record<string, string> } {
  const classes: string[] = [];
  const css: Record<string, string> = {};
  if (!style) return { classes, css };
  const named = (color: AnsiStyle['foreground']) => (typeof color === 'number' ? `var(--ansi-${color})` : color);
  let [foreground, background] = [named(style.foreground), named(style.background)];
  if (style.inverse) [foreground, background] = [background ?? 'var(--log-bg)', foreground ?? 'var(--text)'];
  if (foreground) css['color'] = foreground;
  if (background) css['background-color'] = background;
  if (style.bold) classes.push('bold');
  if (style.dim) classes.push('dim');
  if (style.italic) classes.push('italic');
  if (style.underline) classes.push('underline');
  if (style.strike) classes.push('strike');
  return { classes, css };
}
