import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestImages, type TestImages } from '../../testing/image-service.ts';
import { bigImage, pushImage, startRegistry, type TestRegistry } from '../../testing/index.ts';
import { startProxy, type RegistryProxy } from '../../testing/registry-proxy.ts';

// Needs docker-registry, and root for ownership.
const image = bigImage({ layerCount: 2, layerSize: 4 << 20 });
const layers = image.blobs.slice(1).sort((a, b) => b.content.length - a.content.length);
const largest = layers[0] as (typeof layers)[number];
let registry: TestRegistry;
let proxy: RegistryProxy;
let service: TestImages;
beforeAll(async () => {
  registry = await startRegistry();
  await pushImage(registry.host, 'big', '1', image);
});
afterAll(() => registry.stop());
beforeEach(async () => {
  proxy = await startProxy(registry.host);
  service = await openTestImages();
});
afterEach(async () => {
  await service.close();
  await proxy.stop();
});

const asked = () => proxy.requests.filter(({ method, url }) => method === 'GET' && url.includes(largest.digest));
const sent = () => asked().reduce((sum, request) => sum + request.sent, 0);
const entries = (root: string, place: string) => readdirSync(join(root, 'images', place));
const name = () => `${proxy.host}/big:1`;
/** Resolves when the first half of the largest layer has gone through; then nothing more does. */
function holdAtHalf(): Promise<void> {
  return new Promise((reached) => {
    proxy.options = {
      beforePiece: (request) => {
        if (!request.url.includes(largest.digest) || request.sent < largest.content.length / 2) return undefined;
        reached();
        return new Promise(() => undefined);
      },
    };
  });
}

describe('an interrupted pull', () => {
  it('goes on after a cut connection from where it was', async () => {
    const third = Math.ceil(largest.content.length / 3);
    proxy.options = { cutAfter: (request) => (request.url.includes(largest.digest) ? third : undefined) };
    const messages = await service.pull(name());
    expect(messages.map(({ status }) => status)).toContain('Retrying in 1 second');
    // what was still in a buffer when the connection broke may be asked for again
    const from = asked().map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0));
    expect(from[0]).toBe(0);
    for (const [index, at] of from.entries())
      if (index > 0) expect(at).toBeGreaterThan((from[index - 1] as number) + third * 0.9);
    expect(sent()).toBeLessThan(largest.content.length * 1.1);
    expect(service.images.resolve(name()).id).toBe(image.id);
  });

  it('starts over where the server has no ranges', async () => {
    let cuts = 0;
    proxy.options = {
      answer: (req) => {
        delete req.headers.range;
        return false;
      },
      cutAfter: (request) => (request.url.includes(largest.digest) && cuts++ === 0 ? 1_000_000 : undefined),
    };
    await service.pull(name());
    expect(sent()).toBe(1_000_000 + largest.content.length);
    expect(service.images.resolve(name()).id).toBe(image.id);
  });

  it('when cancelled shows nothing, and the next goes on', async () => {
    const half = holdAtHalf();
    const abort = new AbortController();
    const pull = service.pull(name(), { signal: abort.signal });
    await half;
    // until what has gone through is on disk
    await new Promise((done) => setTimeout(done, 200));
    abort.abort();
    await expect(pull).rejects.toMatchObject({ kind: 'cancelled' });
    expect(await service.images.list({ all: true, filters: new Map(), sharedSize: false })).toEqual([]);
    expect([entries(service.root, 'layers'), entries(service.root, 'l'), entries(service.root, 'staging')]).toEqual([
      [],
      [],
      [],
    ]);
    proxy.options = {};
    await service.pull(name());
    expect(Number(/^bytes=(\d+)-$/.exec(asked()[1]?.range ?? '')?.[1])).toBeGreaterThan(100_000);
    expect(service.images.resolve(name()).id).toBe(image.id);
    expect(entries(service.root, 'ingest')).toEqual([]);
  });

  it('of an engine that was killed leaves nothing visible, and the next goes on', async () => {
    const root = mkdtempSync(join(tmpdir(), 'berth-killed-'));
    let kill = () => undefined as unknown;
    try {
      const half = holdAtHalf();
      // (a pull alone does not keep a process alive, as the engine's socket does)
      const source = `setInterval(() => undefined, 1000); const { openTestImages } = await import(${JSON.stringify(new URL('../../testing/image-service.ts', import.meta.url).href)});
        const service = await openTestImages({ root: ${JSON.stringify(root)} });
        await service.pull(${JSON.stringify(name())});`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'ignore' });
      kill = () => child.kill('SIGKILL');
      const ended = new Promise((done) => child.on('close', done));
      await half;
      // the other layers are whole, and some of the largest is written
      const written = () => {
        const path = join(root, 'images/ingest', largest.digest.replace(':', '-'));
        return existsSync(path) ? statSync(path).size : 0;
      };
      for (const until = Date.now() + 10_000; Date.now() < until;) {
        if (entries(root, 'layers').length >= layers.length - 1 && written() > 100_000) break;
        await new Promise((done) => setTimeout(done, 50));
      }
      kill();
      await ended;
      expect(entries(root, 'staging').length).toBeGreaterThan(0);
      const again = await openTestImages({ root });
      expect(await again.images.list({ all: true, filters: new Map(), sharedSize: false })).toEqual([]);
      expect([entries(root, 'staging'), entries(root, 'layers'), entries(root, 'l')]).toEqual([[], [], []]);
      expect(statSync(join(root, 'images/ingest', largest.digest.replace(':', '-'))).size).toBeGreaterThan(100_000);
      proxy.options = {};
      await again.pull(name());
      expect(asked()[1]?.range).toMatch(/^bytes=\d{6,}-$/);
      // the other layers were whole: taken from disk
      for (const { digest } of layers.slice(1))
        expect(proxy.requests.filter(({ url }) => url.includes(digest))).toHaveLength(1);
      expect(again.images.resolve(name()).id).toBe(image.id);
      await again.close();
    } finally {
      kill();
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe('pulls at the same time', () => {
  it('fetch each layer once, and one that is cancelled does not stop the other', async () => {
    await pushImage(registry.host, 'copy', '1', image);
    const half = holdAtHalf();
    const abort = new AbortController();
    const first = service.pull(name(), { signal: abort.signal });
    await half;
    const second = service.pull(`${proxy.host}/copy:1`);
    // the second has joined when it has said what it waits for
    await expect.poll(() => proxy.requests.filter(({ url }) => url.includes('/copy/manifests/')).length).toBe(1);
    await new Promise((done) => setTimeout(done, 200));
    abort.abort();
    await expect(first).rejects.toMatchObject({ kind: 'cancelled' });
    // the held connection is cut: the shared job goes on by itself
    await proxy.stop();
    proxy = await startProxyAt(proxy.host);
    await second;
    expect(service.images.resolve(`${proxy.host}/copy:1`).id).toBe(image.id);
    expect(() => service.images.resolve(name())).toThrow('No such image');
  });

  it('of the same name both succeed with one fetch', async () => {
    await Promise.all([service.pull(name()), service.pull(name()), service.pull(name())]);
    for (const { digest } of layers) expect(proxy.requests.filter(({ url }) => url.includes(digest))).toHaveLength(1);
  });
});

/** A new proxy under the old address. */
async function startProxyAt(host: string): Promise<RegistryProxy> {
  return startProxy(registry.host, {}, Number(host.split(':')[1]));
}
