/**
 * Where the view stands in content that may be taller than a browser lets an element be (Firefox: 17.8 million px, Chromium:
 * 33.5 million). The scroll bar then works on a shorter track, in proportion, while the wheel and the keys move by real pixels.
 */
export const tallestTrack = 12_000_000;

export interface ScrollGeometry {
  /** px of all rows */
  content: number;
  /** px of what is seen */
  viewport: number;
}

export const trackHeight = (geometry: ScrollGeometry): number =>
  Math.min(Math.max(geometry.content, geometry.viewport), tallestTrack);

export const lastTop = (geometry: ScrollGeometry): number => Math.max(0, geometry.content - geometry.viewport);

/** True when a pixel of the track stands for more than one of the content. */
export const isScaled = (geometry: ScrollGeometry): boolean => geometry.content > tallestTrack;

/** The content's top for a position of the scroll bar. */
export function contentTop(scrollTop: number, geometry: ScrollGeometry): number {
  const track = trackHeight(geometry) - geometry.viewport;
  if (track <= 0) return 0;
  if (!isScaled(geometry)) return clampTop(scrollTop, geometry);
  // browsers stop up to a pixel before the end
  if (scrollTop >= track - 1) return lastTop(geometry);
  return clampTop((scrollTop / track) * lastTop(geometry), geometry);
}

/** The scroll bar's position for a top of the content. */
export function trackTop(top: number, geometry: ScrollGeometry): number {
  if (!isScaled(geometry)) return clampTop(top, geometry);
  return (clampTop(top, geometry) / lastTop(geometry)) * (trackHeight(geometry) - geometry.viewport);
}

export const clampTop = (top: number, geometry: ScrollGeometry): number =>
  Math.min(Math.max(0, top), lastTop(geometry));
