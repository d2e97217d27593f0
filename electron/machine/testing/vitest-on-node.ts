import assert from 'node:assert/strict';
import * as runner from 'node:test';

/**
 * What a conformance suite uses of Vitest, on Node's own test runner: the guest has Node and nothing else. A matcher that is not here
 * fails the test that asks for it.
 */
type Value = unknown;
const number = (value: Value): number => {
  assert.equal(typeof value, 'number', `${String(value)} is no number`);
  return value as number;
};
const hold = (condition: boolean, what: string) => assert.ok(condition, what);

const matchers = (actual: Value) => ({
  toBe: (expected: Value) => assert.ok(Object.is(actual, expected), `${String(actual)} is not ${String(expected)}`),
  toEqual: (expected: Value) => assert.deepEqual(actual, expected),
  toBeDefined: () => assert.notEqual(actual, undefined),
  toBeUndefined: () => assert.equal(actual, undefined),
  toBeGreaterThan: (least: number) => hold(number(actual) > least, `${String(actual)} is not above ${least}`),
  toBeGreaterThanOrEqual: (least: number) => hold(number(actual) >= least, `${String(actual)} is below ${least}`),
  toBeLessThan: (most: number) => hold(number(actual) < most, `${String(actual)} is not below ${most}`),
  toMatchObject(expected: Record<string, Value>) {
    for (const [key, value] of Object.entries(expected))
      assert.deepEqual((actual as Record<string, Value>)[key], value);
  },
});

export const expect = (actual: Value) => ({
  ...matchers(actual),
  rejects: {
    async toMatchObject(expected: Record<string, Value>) {
      const error = await (actual as Promise<Value>).then(
        () => assert.fail('it did not reject'),
        (reason: Value) => reason,
      );
      matchers(error).toMatchObject(expected);
    },
  },
});

export const { describe, test, beforeEach, afterEach } = runner;
export const it = test;
