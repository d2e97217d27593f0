import { describe, expect, it } from 'vitest';
import type { EventMessage } from '../../api/system.ts';
import { createEvents } from './create.ts';

const filters = (entries: Record<string, string[]> = {}) =>
  new Map(Object.entries(entries).map(([name, values]) => [name, new Set(values)]));

describe('events', () => {
  it('have the old fields too', async () => {
    let now = 1_700_000_000_123;
    const events = createEvents(() => now);
    events.emit('container', 'start', 'abc', { image: 'busybox', name: 'n' });
    events.emit('network', 'create', 'net', { name: 'q' });
    const seen: EventMessage[] = [];
    now += 10;
    await events.follow({ since: 0n, until: 1n, filters: filters(), signal: new AbortController().signal }, async () =>
      Promise.resolve(),
    );
    const collect = new AbortController();
    await events.follow(
      { since: 0n, until: BigInt(now) * 1_000_000n, filters: filters(), signal: collect.signal },
      async (event) => Promise.resolve(void seen.push(event)),
    );
    expect(seen[0]).toEqual({
      status: 'start',
      id: 'abc',
      from: 'busybox',
      Type: 'container',
      Action: 'start',
      Actor: { ID: 'abc', Attributes: { image: 'busybox', name: 'n' } },
      scope: 'local',
      time: 1_700_000_000,
      timeNano: 1_700_000_000_123 * 1e6,
    });
    expect(seen[1]).not.toHaveProperty('status');
  });

  it('come to those who listen, filtered, in order, until they leave', async () => {
    const events = createEvents();
    const leave = new AbortController();
    const seen: string[] = [];
    const over = events.follow(
      {
        filters: filters({ type: ['container'], event: ['die', 'exec_create'], label: ['a=1'] }),
        signal: leave.signal,
      },
      async (event) => {
        await new Promise((done) => setTimeout(done, 2));
        seen.push(event.Action);
      },
    );
    events.emit('container', 'start', 'x', { a: '1' });
    events.emit('container', 'exec_create: sh', 'x', { a: '1' });
    events.emit('container', 'die', 'x', { a: '2' });
    events.emit('container', 'die', 'x', { a: '1' });
    events.emit('image', 'die', 'x', { a: '1' });
    await new Promise((done) => setTimeout(done, 30));
    leave.abort();
    await over;
    expect(seen).toEqual(['exec_create: sh', 'die']);
  });

  it('are chosen by what dockerd looks at', async () => {
    const events = createEvents();
    events.emit('container', 'create', 'aaa1', { image: 'busybox:1', name: 'web-1' });
    events.emit('container', 'exec_create: sh', 'aaa1', { image: 'busybox:1', name: 'web-1' });
    events.emit('container', 'exec_die', 'bbb2', { image: 'host:5000/other@sha256:abc', name: 'db' });
    events.emit('network', 'connect', 'net1', { name: 'mynet', container: 'aaa1' });
    events.emit('image', 'pull', 'busybox:1', { name: 'busybox' });
    const chosen = async (asked: Record<string, string[]>) => {
      const seen: string[] = [];
      const until = BigInt(Date.now() + 1) * 1_000_000n;
      const options = { until, filters: filters(asked), signal: new AbortController().signal };
      await events.follow(options, async (event) => Promise.resolve(void seen.push(`${event.Type} ${event.Action}`)));
      return seen;
    };
    // `until` alone asks for the past
    expect(await chosen({})).toHaveLength(5);
    expect(await chosen({ container: ['web'] })).toEqual(['container create', 'container exec_create: sh']);
    expect(await chosen({ container: ['bbb'] })).toEqual(['container exec_die']);
    expect(await chosen({ event: ['exec_'] })).toEqual([]);
    expect(await chosen({ event: ['exec_create', 'cre'] })).toEqual(['container create', 'container exec_create: sh']);
    expect(await chosen({ image: ['busybox'] })).toHaveLength(3);
    expect(await chosen({ image: ['host:5000/other'] })).toEqual(['container exec_die']);
    expect(await chosen({ network: ['mynet'], type: ['network'] })).toEqual(['network connect']);
    expect(await chosen({ scope: ['swarm'] })).toEqual([]);
    expect(await chosen({ plugin: ['x'] })).toEqual([]);
    expect(await chosen({ unheard: ['x'] })).toHaveLength(5);
  });

  it('do not pile up for a client that does not take them', async () => {
    const events = createEvents();
    const leave = new AbortController();
    let got = 0;
    let take: () => void = () => undefined;
    const taken = new Promise<void>((done) => (take = done));
    const over = events.follow({ filters: filters(), signal: leave.signal }, () => {
      got += 1;
      return taken;
    });
    for (let index = 0; index < 5000; index += 1) events.emit('volume', 'create', `v${index}`);
    take();
    await new Promise((done) => setTimeout(done, 50));
    leave.abort();
    await over;
    expect(got).toBeGreaterThan(1000);
    expect(got).toBeLessThan(1100);
  });

  it('keep a bounded past', async () => {
    const events = createEvents();
    for (let index = 0; index < 2000; index += 1) events.emit('volume', 'create', `v${index}`);
    const seen: string[] = [];
    await events.follow(
      {
        since: 0n,
        until: BigInt(Date.now() - 1) * 1_000_000n + 10_000_000n,
        filters: filters(),
        signal: AbortSignal.timeout(200),
      },
      async (event) => Promise.resolve(void seen.push(event.Actor.ID)),
    );
    expect(seen.length).toBe(512);
    expect(seen.at(-1)).toBe('v1999');
  });
});
