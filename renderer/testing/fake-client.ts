import type { Client } from '../app/client.ts';

type Procedure = (...args: never[]) => Promise<unknown>;
type FakeOf<P> = P extends (input: infer I, ...rest: never[]) => Promise<infer O>
  ? (
      input: I,
      options?: { signal?: AbortSignal },
    ) => O extends AsyncIterable<infer V> ? AsyncIterable<V> | Promise<AsyncIterable<V>> : O | Promise<O>
  : never;
export type FakeOverrides = {
  [G in keyof Client]?: { [P in keyof Client[G]]?: Client[G][P] extends Procedure ? FakeOf<Client[G][P]> : never };
};

const streams = new Set([
  'engine.watch',
  'engines.watch',
  'machine.watch',
  'machine.console',
  'containers.watch',
  'containers.usage',
  'containers.history',
  'containers.logs',
  'images.watch',
  'settings.watch',
]);

/**
 * A host for tests: what `overrides` has answers, streams it does not have stay silent, and every other call fails by name.
 */
export function fakeClient(overrides: FakeOverrides = {}): Client {
  const groups = overrides as Record<
    string,
    Record<string, ((input: unknown, options?: { signal?: AbortSignal }) => unknown) | undefined> | undefined
  >;
  const call = (group: string, name: string) => async (input: unknown, options?: { signal?: AbortSignal }) => {
    const fake = groups[group]?.[name];
    if (fake) return fake(input, options);
    if (streams.has(`${group}.${name}`)) return new PushStream<never>();
    throw new Error(`the fake client does not have ${group}.${name}`);
  };
  return new Proxy({} as Client, {
    get: (_, group) => new Proxy({}, { get: (__, name) => call(String(group), String(name)) }),
  });
}

/** A stream whose values a test pushes by hand. It may be iterated many times, one after the other or at once. */
export class PushStream<T> implements AsyncIterable<T> {
  private readonly readers = new Set<(result: IteratorResult<T>) => void>();
  private readonly first: T[];
  constructor(...first: T[]) {
    this.first = first;
  }

  push(value: T): void {
    if (this.readers.size === 0) this.first.push(value);
    for (const deliver of this.readers) deliver({ done: false, value });
  }

  end(): void {
    for (const deliver of this.readers) deliver({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    const queue: IteratorResult<T>[] = this.first.map((value) => ({ done: false, value }));
    let wake: ((result: IteratorResult<T>) => void) | undefined;
    const deliver = (result: IteratorResult<T>) => {
      if (wake) {
        const resolve = wake;
        wake = undefined;
        resolve(result);
      } else {
        queue.push(result);
      }
    };
    this.readers.add(deliver);
    return {
      next: () => {
        const ready = queue.shift();
        return ready ? Promise.resolve(ready) : new Promise((resolve) => (wake = resolve));
      },
      return: () => {
        this.readers.delete(deliver);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

/** A stream that gives these values and ends. */
export async function* valuesOf<T>(...values: T[]): AsyncGenerator<T> {
  yield* values;
}
