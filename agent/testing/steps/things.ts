import { expect } from 'vitest';
import { SIDE, removeVictim, runVictim, type Ground, type Operation } from './operation.ts';

/** What is asked of networks, volumes and images. */
export function operationsOnThings(ground: Ground): Operation[] {
  const { docker, ok, image } = ground;
  const networksOf = async () =>
    (await ok('inspect', '-f', '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}', 'victim')).split(' ');
  const interfaces = async () =>
    (await ok('exec', 'victim', 'ip', '-o', '-4', 'addr')).split('\n').filter((line) => line.includes('eth'));
  const clean = async () => {
    await removeVictim(ground);
    await docker(['network', 'rm', 'side']);
  };
  const listed = async (...args: string[]) => (await ok(...args)) !== '';
  return [
    {
      name: 'network connect',
      prepare: async () => {
        await ok('network', 'create', '--subnet', SIDE.subnet, 'side');
        await runVictim(ground);
      },
      act: () => docker(['network', 'connect', '--ip', SIDE.address, 'side', 'victim']),
      check: async (told) => {
        const connected = (await networksOf()).includes('side');
        if (told) expect(connected).toBe(true);
        if (!connected) await ok('network', 'connect', '--ip', SIDE.address, 'side', 'victim');
        expect(await interfaces()).toHaveLength(2);
      },
      clean,
    },
    {
      name: 'network disconnect',
      prepare: async () => {
        await ok('network', 'create', 'side');
        await runVictim(ground);
        await ok('network', 'connect', 'side', 'victim');
      },
      act: () => docker(['network', 'disconnect', 'side', 'victim']),
      check: async (told) => {
        const connected = (await networksOf()).includes('side');
        if (told) expect(connected).toBe(false);
        if (connected) await ok('network', 'disconnect', 'side', 'victim');
        expect(await interfaces()).toHaveLength(1);
        await ok('network', 'connect', 'side', 'victim');
      },
      clean,
    },
    {
      name: 'network create',
      act: () => docker(['network', 'create', 'side']),
      check: async (told) => {
        const there = await listed('network', 'ls', '-q', '--filter', 'name=side');
        if (told) expect(there).toBe(true);
        if (!there) await ok('network', 'create', 'side');
        await ok('run', '--rm', '--network', 'side', image, 'ip', 'addr');
      },
      clean,
    },
    {
      name: 'network remove',
      prepare: async () => {
        await ok('network', 'create', 'side');
        await ok('run', '--rm', '--network', 'side', image, 'true');
      },
      act: () => docker(['network', 'rm', 'side']),
      check: async (told) => {
        const there = await listed('network', 'ls', '-q', '--filter', 'name=side');
        if (told) expect(there).toBe(false);
        if (there) await ok('network', 'rm', 'side');
        await ok('network', 'create', 'side');
      },
      clean,
    },
    {
      name: 'volume create',
      act: () => docker(['volume', 'create', '--label', 'a=b', 'victim']),
      check: async (told) => {
        if (told) expect(await ok('volume', 'inspect', '-f', '{{.Labels.a}}', 'victim')).toBe('b');
        await ok('volume', 'create', '--label', 'a=b', 'victim');
        await ok('run', '--rm', '--network', 'none', '-v', 'victim:/data', image, 'touch', '/data/made');
      },
      clean: () => docker(['volume', 'rm', '-f', 'victim']),
    },
    {
      name: 'volume remove',
      prepare: () => ok('volume', 'create', 'victim'),
      act: () => docker(['volume', 'rm', 'victim']),
      check: async (told) => {
        const there = await listed('volume', 'ls', '-q', '--filter', 'name=victim');
        if (told) expect(there).toBe(false);
        if (there) await ok('volume', 'rm', 'victim');
        await ok('volume', 'create', 'victim');
      },
      clean: () => docker(['volume', 'rm', '-f', 'victim']),
    },
    {
      name: 'pull',
      prepare: () => ok('rmi', '-f', image),
      act: () => docker(['pull', '-q', image]),
      check: async (told) => {
        const there = await listed('images', '-q', image);
        if (told) expect(there).toBe(true);
        // half an image must not be seen
        if (there) await ok('run', '--rm', '--network', 'none', image, 'true');
        await ok('pull', '-q', image);
      },
      clean: () => ok('pull', '-q', image),
    },
    {
      name: 'tag',
      act: () => docker(['tag', image, 'victim:1']),
      check: async (told) => {
        if (told) expect(await listed('images', '-q', 'victim:1')).toBe(true);
        await ok('tag', image, 'victim:1');
        await ok('run', '--rm', '--network', 'none', 'victim:1', 'true');
      },
      clean: () => docker(['rmi', 'victim:1']),
    },
    {
      name: 'untag',
      prepare: () => ok('tag', image, 'victim:1'),
      act: () => docker(['rmi', 'victim:1']),
      check: async (told) => {
        const there = await listed('images', '-q', 'victim:1');
        if (told) expect(there).toBe(false);
        await ok('tag', image, 'victim:1');
        await ok('run', '--rm', '--network', 'none', image, 'true');
      },
      clean: () => docker(['rmi', 'victim:1']),
    },
    {
      name: 'image remove',
      act: () => docker(['rmi', image]),
      check: async (told) => {
        if (told) expect(await listed('images', '-q', image)).toBe(false);
        await ok('pull', '-q', image);
        await ok('run', '--rm', '--network', 'none', image, 'true');
      },
      clean: () => ok('pull', '-q', image),
    },
  ];
}
