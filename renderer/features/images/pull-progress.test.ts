import { expect, test } from 'vitest';
import type { LayerProgress } from '../../../electron/contract/model.ts';
import { readableCommand } from './layer-command.ts';
import { layerBytes, overallFraction } from './pull-progress.ts';

const layer = (phase: LayerProgress['phase'], current = 0, total = 0): LayerProgress => ({
  id: phase,
  phase,
  current,
  total,
});

test('the whole goes from 0 to 1 as layers go through their phases', () => {
  expect(overallFraction([])).toBeUndefined();
  const stages = [
    layer('waiting'),
    layer('downloading', 0, 100),
    layer('downloading', 50, 100),
    layer('verifying', 0, 100),
    layer('unpacking', 50, 100),
    layer('done', 100, 100),
  ];
  const fractions = stages.map((stage) => overallFraction([stage]) ?? -1);
  expect(fractions[0]).toBe(0);
  expect(fractions.at(-1)).toBe(1);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
});
test('a large layer weighs more than a small one', () => {
  expect(overallFraction([layer('done', 10, 10), layer('downloading', 0, 990)])).toBeCloseTo(0.01);
  expect(overallFraction([layer('exists'), layer('waiting')])).toBeCloseTo(0.5);
});
test('bytes are shown while they move', () => {
  expect(layerBytes(layer('downloading', 1_500_000, 3_000_000))).toBe('1.50 MB of 3.00 MB');
  expect(layerBytes(layer('verifying', 3, 3))).toBe('');
});
test('history is read as a Dockerfile', () => {
  expect(readableCommand('/bin/sh -c #(nop)  CMD ["bash"]')).toBe('CMD ["bash"]');
  expect(readableCommand('RUN /bin/sh -c apt-get update # buildkit')).toBe('RUN apt-get update');
  expect(readableCommand('/bin/sh -c apt-get update')).toBe('RUN apt-get update');
  expect(readableCommand('COPY a /b # buildkit')).toBe('COPY a /b');
});
