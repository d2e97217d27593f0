import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';
import { busyboxLayer, makeTar } from './testing/index.ts';

const PRELOAD = fileURLToPath(new URL('testing/step-killer.ts', import.meta.url));
const steps = mkdtempSync(join(tmpdir(), 'berth-steps-'));
const limitFile = join(steps, 'limit');
const traceFile = join(steps, 'trace');
/** Neighbouring steps are much alike (one file of a layer, then the next), and each is a start of the engine. */
const EVERY = 6;

let fixture: DockerFixture;
const archive = join(steps, 'saved.tar');
const rootfs = join(steps, 'rootfs.tar');
beforeAll(async () => {
  fixture = await dockerFixture({
    env: { NODE_OPTIONS: `--import=${PRELOAD}`, BERTH_STEP_LIMIT: limitFile, BERTH_STEP_TRACE: traceFile },
  });
  const { ok, image } = fixture;
  const entries = busyboxLayer().slice(0, 8);
  writeFileSync(rootfs, makeTar([...entries, { name: 'mark', content: 'imported' }]));
  await ok('create', '--name', 'changed', image, 'true');
  await ok('cp', rootfs, 'changed:/');
  await ok('import', rootfs, 'victim:1');
  await ok('save', '-o', archive, 'victim:1');
  await ok('rmi', 'victim:1');
}, 60_000);
afterAll(async () => {
  rmSync(limitFile, { force: true });
  await fixture?.close();
  rmSync(steps, { recursive: true, force: true });
});

const list = (directory: string) => (existsSync(directory) ? readdirSync(directory).sort() : []);
/** All that images take on disk, but for the table's own files. */
const holdings = () => {
  const images = join(fixture.engine.root, 'images');
  return ['blobs/sha256', 'layers', 'l', 'staging'].flatMap((name) => {
    const found = list(join(images, name));
    return [`${name}: ${name === 'l' ? found.length : found.join(' ')}`];
  });
};

describe('an engine killed before any step', () => {
  it.each([
    ['load', () => fixture.docker(['load', '-q', '-i', archive])],
    ['import', () => fixture.docker(['import', rootfs, 'victim:1'])],
    ['commit', () => fixture.docker(['commit', 'changed', 'victim:1'])],
  ])(
    'of %s shows the image whole or not at all, and keeps nothing of half a one',
    async (_name, act) => {
      const { ok, docker, engine } = fixture;
      const before = holdings();
      for (let limit = 1, killed = true; killed; limit += EVERY) {
        rmSync(traceFile, { force: true });
        writeFileSync(limitFile, String(limit));
        const { code } = await act();
        rmSync(limitFile, { force: true });
        killed = readFileSync(traceFile, 'utf8').length / 151 >= limit;
        if (killed) {
          await engine.kill();
          await engine.start();
        }
        const found = (await ok('images', '-q', 'victim:1')) !== '';
        if (code === 0) expect(found, `step ${limit}: told, but not there`).toBe(true);
        if (found) {
          await ok('save', '-o', join(steps, 'again.tar'), 'victim:1');
          await ok('rmi', 'victim:1');
        }
        await docker(['image', 'prune', '-f']);
        expect(holdings(), `left by step ${limit}`).toEqual(before);
      }
      expect((await act()).code).toBe(0);
      await ok('rmi', 'victim:1');
    },
    60_000,
  );
});
