import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { OciSpec } from './oci.ts';
import { SeccompFilters } from './seccomp-filters.ts';

let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'berth-seccomp-'));
});
afterEach(() => rm(state, { recursive: true, force: true }));

const spec = (seccomp: object | undefined, annotations?: Record<string, string>): OciSpec =>
  ({ ...(annotations && { annotations }), linux: { ...(seccomp && { seccomp }) } }) as unknown as OciSpec;
const compiled = async (id: string, filter: Buffer) => {
  await mkdir(join(state, id));
  await writeFile(join(state, id, 'seccomp.bpf'), filter);
};
const filterIn = (given: OciSpec) => given.annotations?.['run.oci.seccomp_bpf_data'];

test('what was compiled for one container is given to the next with the same profile, and to no other', async () => {
  const filters = new SeccompFilters(state);
  const profile = { defaultAction: 'SCMP_ACT_ERRNO' };
  expect(filterIn(filters.apply('a', spec(profile)))).toBeUndefined();
  await compiled('a', Buffer.alloc(16, 7));
  await filters.learn('a', true);
  const next = filters.apply('b', spec({ ...profile }, { mine: 'kept' }));
  expect(filterIn(next)).toBe(Buffer.alloc(16, 7).toString('base64'));
  expect(next.annotations?.['mine']).toBe('kept');
  expect(filterIn(filters.apply('c', spec({ defaultAction: 'SCMP_ACT_ALLOW' })))).toBeUndefined();
  expect(filterIn(filters.apply('d', spec(undefined)))).toBeUndefined();
});

test('nothing is learnt from a failure, a missing file, or what is no filter', async () => {
  const filters = new SeccompFilters(state);
  const profile = spec({ defaultAction: 'SCMP_ACT_ERRNO' });
  await compiled('failed', Buffer.alloc(16));
  await compiled('odd', Buffer.alloc(15));
  for (const [id, made] of [
    ['failed', false],
    ['missing', true],
    ['odd', true],
  ] as const) {
    filters.apply(id, profile);
    await filters.learn(id, made);
  }
  expect(filterIn(filters.apply('next', profile))).toBeUndefined();
});

test('a listener and annotations of the user are left alone', async () => {
  const filters = new SeccompFilters(state);
  const profile = { defaultAction: 'SCMP_ACT_ERRNO' };
  await compiled('a', Buffer.alloc(8));
  filters.apply('a', spec(profile));
  await filters.learn('a', true);
  const own = spec(profile, { 'run.oci.seccomp.receiver': '/x' });
  expect(filters.apply('b', own)).toBe(own);
  const listening = spec({ ...profile, listenerPath: '/x' });
  expect(filters.apply('c', listening)).toBe(listening);
});

test('only so many profiles are remembered, those used last', async () => {
  const filters = new SeccompFilters(state);
  const profile = (number: number) => spec({ defaultAction: `ACT_${number}` });
  for (let number = 0; number < 20; number++) {
    filters.apply(`c${number}`, profile(number));
    await compiled(`c${number}`, Buffer.alloc(8, number));
    await filters.learn(`c${number}`, true);
    filters.apply('again', profile(0));
  }
  expect(filterIn(filters.apply('x', profile(0)))).toBeDefined();
  expect(filterIn(filters.apply('x', profile(1)))).toBeUndefined();
  expect(filterIn(filters.apply('x', profile(19)))).toBeDefined();
});
