import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Layout } from '../store/layout.ts';
import { startTestEngine, type TestEngine } from '../testing/engine.ts';
import { busyboxImage, pushImage, startRegistry, type TestRegistry } from '../testing/index.ts';

let registry: TestRegistry;
let engine: TestEngine;
let image: string;
beforeAll(async () => {
  registry = await startRegistry();
  engine = await startTestEngine();
  image = await pushImage(registry.host, 'test/busybox', '1', busyboxImage());
  await engine.docker(['pull', '-q', image]);
}, 60_000);
afterAll(async () => {
  await engine?.stop();
  await registry?.stop();
});

/** A profile under which only the one call fails, with an error of its own. */
async function refusing(...names: string[]): Promise<string[]> {
  const file = join(engine.directory, `${names[0] ?? ''}.json`);
  const rule = { names, action: 'SCMP_ACT_ERRNO', errnoRet: 95 };
  await writeFile(file, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }));
  return ['--security-opt', `seccomp=${file}`];
}
const PROBE = ['sh', '-c', 'grep -E "^Seccomp" /proc/self/status; mkdir /a 2>&1; ln -s /x /b 2>&1; exit 0'];
const probe = async (...args: string[]) => (await engine.docker(['run', '--rm', ...args, image, ...PROBE])).stdout;
const configOf = (id: string) =>
  readFile(join(new Layout(engine.root, engine.runDir).bundle(id), 'config.json'), 'utf8');

test('a filter that was compiled for an earlier container confines the later ones just so, in exec too', async () => {
  const profile = await refusing('mkdir', 'mkdirat');
  const first = await probe(...profile);
  expect(first).toMatch(/Seccomp:\s+2/);
  expect(first).toMatch(/^mkdir: .*not supported$/m);
  expect(first).not.toMatch(/^ln: /m);
  const id = (await engine.docker(['run', '-d', ...profile, image, 'sleep', '60'])).stdout.trim();
  expect(await configOf(id)).toContain('run.oci.seccomp_bpf_data');
  expect((await engine.docker(['exec', id, ...PROBE])).stdout).toBe(first);
  expect(await probe(...profile)).toBe(first);
});

test('another profile has another filter', async () => {
  for (let round = 0; round < 2; round++) {
    expect(await probe(...(await refusing('symlink', 'symlinkat')))).toMatch(/^ln: .*not supported$/m);
    expect(await probe()).toMatch(/^Seccomp:\s+2\nSeccomp_filters:\s+1\n$/);
    expect(await probe('--security-opt', 'seccomp=unconfined')).toMatch(/^Seccomp:\s+0\nSeccomp_filters:\s+0\n$/);
  }
});
