import { describe, expect, it } from 'vitest';
import { SampleWindow } from './sample-window.ts';
import { axisTop, units } from './units.ts';

const at = (seconds: number, cpu = seconds) => ({ time: seconds * 1000, cpu });

describe('SampleWindow', () => {
  it('shows a pause as a gap, and not an odd late sample', () => {
    const window = new SampleWindow(['cpu'], 600_000);
    for (const second of [100, 101, 102.9, 110, 111]) window.push(at(second));
    expect(window.times).toEqual([100, 101, 102.9, 102.901, 110, 111]);
    expect(window.columns.cpu).toEqual([100, 101, 102.9, null, 110, 111]);
  });
  it('takes history, then only what is newer', () => {
    const window = new SampleWindow(['cpu'], 600_000);
    window.push(at(5));
    window.reset([at(100), at(102), at(104)], 2000);
    window.push(at(103));
    window.push(at(106));
    expect(window.columns.cpu).toEqual([100, 102, 104, 106]);
    expect(window.newest).toBe(106_000);
  });
  it('keeps the span and little more', () => {
    const window = new SampleWindow(['cpu'], 60_000);
    for (let second = 0; second < 1000; second++) window.push(at(second));
    expect(window.times.length).toBeLessThan(95);
    expect(window.times.length).toBeGreaterThanOrEqual(61);
    expect(window.columns.cpu.length).toBe(window.times.length);
    expect(window.times.at(-1)).toBe(999);
  });
  it('leaves out what is no number', () => {
    const window = new SampleWindow(['cpu'], 60_000);
    window.push(at(1, Number.NaN));
    expect(window.columns.cpu).toEqual([null]);
  });
});

describe('axisTop', () => {
  it('gives few, readable lines above the largest value', () => {
    expect(axisTop(37, units.percent)).toEqual({ top: 40, step: 10 });
    expect(axisTop(0, units.percent)).toEqual({ top: 6, step: 2 });
    expect(axisTop(100 * 1024 ** 2, units.memory)).toEqual({ top: 128 * 1024 ** 2, step: 32 * 1024 ** 2 });
    expect(axisTop(1_500_000, units.rate)).toEqual({ top: 2_000_000, step: 500_000 });
  });
  it('reaches the limit only when the values come near it', () => {
    expect(axisTop(60 * 1024 ** 2, units.memory, 100 * 1024 ** 2).top).toBeGreaterThanOrEqual(100 * 1024 ** 2);
    expect(axisTop(6 * 1024 ** 2, units.memory, 100 * 1024 ** 2).top).toBeLessThan(20 * 1024 ** 2);
  });
  it('has a step for the greatest values', () => {
    for (const unit of Object.values(units))
      for (const value of [0, 1, 1e3, 1e6, 1e9, 1e12]) {
        const { top, step } = axisTop(value, unit);
        expect(top).toBeGreaterThanOrEqual(value);
        expect(step).toBeGreaterThan(0);
      }
  });
});
