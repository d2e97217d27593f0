import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';
import { busyboxLayer, makeTar } from './testing/index.ts';
import { stepControl } from './testing/steps/control.ts';

const steps = stepControl();
/** Neighbouring steps are much alike (one file of a layer, then the next), and each is a start of the engine. */
const EVERY = process.env['BERTH_EVERY_STEP'] ? 1 : 6;

let fixture: DockerFixture;
const archive = join(steps.directory, 'saved.tar');
const rootfs = join(steps.directory, 'rootfs.tar');
beforeAll(async () => {
  fixture = await dockerFixture({ env: steps.env });
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
  steps.disarm();
  await fixture?.close();
  steps.close();
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
        steps.arm(limit);
        const { code } = await act();
        steps.disarm();
        killed = steps.trace().length >= limit;
        if (killed) {
          await engine.kill();
          await engine.start();
        }
        const found = (await ok('images', '-q', 'victim:1')) !== '';
        if (code === 0) expect(found, `step ${limit}: told, but not there`).toBe(true);
        if (found) {
          await ok('save', '-o', join(steps.directory, 'again.tar'), 'victim:1');
          await ok('rmi', 'victim:1');
        }
        await docker(['image', 'prune', '-f']);
        expect(holdings(), `left by step ${limit}`).toEqual(before);
      }
      expect((await act()).code).toBe(0);
      await ok('rmi', 'victim:1');
    },
    process.env['BERTH_EVERY_STEP'] ? 300_000 : 60_000,
  );
});
