import { expect } from 'vitest';
import { FIRST, PORT, cleanAll, removeVictim, runVictim, statusOf, type Ground, type Operation } from './operation.ts';

/** What is asked of one container. */
export function containerOperations(ground: Ground): Operation[] {
  const { docker, ok, image } = ground;
  const clean = () => removeVictim(ground);
  const state = () => statusOf(ground);
  const answers = async () => expect(await ok('exec', 'victim', 'echo', 'in')).toBe('in');
  return [
    {
      name: 'create',
      act: () => docker(['create', '--name', 'victim', '-v', '/data', image, 'true']),
      check: async (told) => {
        const found = await state();
        if (told) expect(found).toBe('created');
        if (found === undefined) await ok('create', '--name', 'victim', '-v', '/data', image, 'true');
        await ok('start', '-a', 'victim');
      },
      clean,
    },
    {
      name: 'start',
      // an address and a port of its own: whoever keeps them makes the next start fail
      prepare: () =>
        ok(
          ...['create', '--name', 'victim', '--network', 'first', '--ip', FIRST.address, '-p', `127.0.0.1:${PORT}:80`],
          ...['-v', '/data', image, 'sleep', '300'],
        ),
      act: () => docker(['start', 'victim']),
      check: async (told) => {
        if (told) expect(await state()).toBe('running');
        await ok('start', 'victim');
        await answers();
      },
      clean,
    },
    {
      name: 'exec',
      prepare: () => runVictim(ground, '--network', 'none'),
      act: () => docker(['exec', 'victim', 'touch', '/made']),
      check: async (told) => {
        expect(await state()).toBe('running');
        if (told) await ok('exec', 'victim', 'test', '-e', '/made');
        await answers();
      },
      clean,
    },
    {
      name: 'stop',
      prepare: () => runVictim(ground),
      act: () => docker(['stop', '-t', '0', 'victim']),
      check: async (told) => {
        if (told) expect(await state()).toBe('exited');
        await ok('stop', '-t', '0', 'victim');
        expect(await ok('inspect', '-f', '{{.State.ExitCode}}', 'victim')).toBe('137');
        await ok('start', 'victim');
      },
      clean,
    },
    {
      name: 'kill',
      prepare: () => runVictim(ground, '--network', 'none'),
      act: () => docker(['kill', 'victim']),
      check: async (told) => {
        if (!told) await docker(['kill', 'victim']);
        expect(await ok('wait', 'victim')).toBe('137');
        await ok('start', 'victim');
      },
      clean,
    },
    {
      name: 'restart',
      prepare: () => runVictim(ground),
      act: () => docker(['restart', '-t', '0', 'victim']),
      check: async (told) => {
        if (told) expect(await state()).toBe('running');
        await ok('start', 'victim');
        await answers();
        await ok('restart', '-t', '0', 'victim');
        await answers();
      },
      clean,
    },
    {
      name: 'pause',
      prepare: () => runVictim(ground, '--network', 'none'),
      act: () => docker(['pause', 'victim']),
      check: async (told) => {
        const found = await state();
        if (told) expect(found).toBe('paused');
        if (found !== 'paused') await ok('pause', 'victim');
        await ok('unpause', 'victim');
        await answers();
      },
      clean,
    },
    {
      name: 'unpause',
      prepare: async () => {
        await runVictim(ground, '--network', 'none');
        await ok('pause', 'victim');
      },
      act: () => docker(['unpause', 'victim']),
      check: async (told) => {
        const found = await state();
        if (told) expect(found).toBe('running');
        if (found === 'paused') await ok('unpause', 'victim');
        await answers();
      },
      clean,
    },
    {
      name: 'rename',
      prepare: () => runVictim(ground),
      act: () => docker(['rename', 'victim', 'renamed']),
      check: async (told) => {
        const names = (await ok('ps', '-a', '--format', '{{.Names}}')).split('\n');
        expect(names).toHaveLength(1);
        if (told) expect(names).toEqual(['renamed']);
        if (names[0] === 'victim') await ok('rename', 'victim', 'renamed');
        await ok('rename', 'renamed', 'victim');
        await answers();
      },
      clean: () => docker(['rm', '-f', 'victim', 'renamed']),
    },
    {
      name: 'update',
      prepare: () => runVictim(ground, '--network', 'none', '--memory', '64m', '--pids-limit', '40'),
      act: () => docker(['update', '--pids-limit', '50', 'victim']),
      check: async (told) => {
        const limit = await ok('inspect', '-f', '{{.HostConfig.PidsLimit}}', 'victim');
        if (told) expect(limit).toBe('50');
        await ok('update', '--pids-limit', '60', 'victim');
        expect(await ok('inspect', '-f', '{{.HostConfig.PidsLimit}}', 'victim')).toBe('60');
        await ok('restart', '-t', '0', 'victim');
      },
      clean,
    },
    {
      name: 'remove',
      prepare: () => runVictim(ground, '-v', '/data'),
      act: () => docker(['rm', '-f', '-v', 'victim']),
      check: async (told) => {
        if (told) expect(await state()).toBeUndefined();
        const again = await docker(['rm', '-f', '-v', 'victim']);
        expect(await state(), again.stderr).toBeUndefined();
        await runVictim(ground);
      },
      clean: () => cleanAll(ground),
    },
  ];
}
