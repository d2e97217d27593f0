import { onBeforeUnmount, onMounted, shallowRef } from 'vue';

const names = [
  '--text-3',
  '--border',
  '--surface',
  '--danger',
  '--chart-cpu',
  '--chart-memory',
  '--warning',
  '--info',
  '--success',
] as const;
export type ColorName = (typeof names)[number];
export type ChartColors = Record<ColorName, string>;

function read(): ChartColors {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    names.map((name) => [name, style.getPropertyValue(name).trim() || '#888888']),
  ) as ChartColors;
}

/** The theme's colours as values, for canvases; new ones when the theme changes. */
export function useChartColors() {
  const colors = shallowRef(read());
  const observer = new MutationObserver(() => (colors.value = read()));
  onMounted(() =>
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class'] }),
  );
  onBeforeUnmount(() => observer.disconnect());
  return colors;
}
