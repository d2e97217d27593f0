import { expect } from 'vitest';
import { eventually } from '../../docker-cli-fixture.ts';
import { cleanAll, removeVictim, runVictim, statusOf, type Ground, type Operation } from './operation.ts';

/** What the engine does without being asked: logs, health checks, restarts, removal at the end. */
export function operationsByItself(ground: Ground): Operation[] {
  const { docker, ok, image, engine } = ground;
  const clean = () => removeVictim(ground);
  const UNTIL_GO = 'until [ -e /go ]; do sleep 0.02; done; rm /go;';
  const runScript = (script: string, ...options: string[]) =>
    ok('run', '-d', '--name', 'victim', '--network', 'none', ...options, image, 'sh', '-c', script);
  const go = () => docker(['exec', 'victim', 'touch', '/go']);
  /** 0 when it came to hold before the engine, or the time, was over. */
  const comes = async (what: string, holds: () => Promise<boolean>, within = 3000): Promise<{ code: number }> =>
    eventually(holds, (value) => value, what, within).then(
      () => ({ code: 0 }),
      () => ({ code: 1 }),
    );
  const inspected = async (format: string) => (await docker(['inspect', '-f', format, 'victim'])).stdout;
  /** while the engine answers */
  const alive = async () => (await docker(['version'])).code === 0;

  return [
    {
      name: 'log rotation',
      prepare: () =>
        runScript(
          'i=0; until [ -e /go ]; do sleep 0.02; done; while [ $i -lt 4000 ]; do i=$((i+1)); echo line-$i; done; touch /done; sleep 300',
          ...['--log-opt', 'max-size=20k', '--log-opt', 'max-file=100'],
        ),
      act: async () => {
        const begun = await docker(['exec', '-d', 'victim', 'touch', '/go']);
        if (begun.code !== 0) return begun;
        return docker([
          'exec',
          'victim',
          'sh',
          '-c',
          'for i in $(seq 250); do [ -e /done ] && sleep 0.3 && exit 0; sleep 0.02; done; exit 1',
        ]);
      },
      check: async () => {
        await go();
        const lines = await eventually(
          () => ok('logs', 'victim'),
          (text) => text.includes('line-4000'),
          'the last line',
        );
        expect(lines.split('\n')).toEqual(Array.from({ length: 4000 }, (_value, index) => `line-${index + 1}`));
        expect(engine.log()).not.toContain('quarantine');
      },
      clean,
    },
    {
      name: 'removal at the end',
      prepare: () => runScript(`${UNTIL_GO} echo bye; exit 3`, '--rm', '-v', '/data'),
      act: async () => {
        await go();
        return comes('removed', async () => !(await alive()) || (await statusOf(ground)) === undefined);
      },
      check: async () => {
        await go();
        const gone = async () => (await statusOf(ground)) === undefined;
        const { code } = await comes('removed', gone);
        // Where its removal was made to fail, it stays, and can be removed.
        if (code !== 0 && engine.log().includes('made to fail')) await ok('rm', '-f', '-v', 'victim');
        else expect(code, 'removed at its end').toBe(0);
        await ok('run', '--rm', '--name', 'victim', '--network', 'none', image, 'true');
      },
      clean: () => cleanAll(ground),
    },
    {
      name: 'restart by policy',
      prepare: () => runScript(`${UNTIL_GO} exit 3`, '--restart', 'always'),
      act: async () => {
        await go();
        return comes(
          'restarted',
          async () => !(await alive()) || (await inspected('{{.RestartCount}} {{.State.Status}}')) === '1 running',
        );
      },
      check: async () => {
        const { code } = await comes('running', async () => (await statusOf(ground)) === 'running');
        // A start that was made to fail is not tried again, as dockerd has it.
        if (code !== 0 && engine.log().includes('made to fail')) await ok('start', 'victim');
        else expect(code, 'restarted').toBe(0);
        const before = await inspected('{{.State.StartedAt}}');
        await go();
        await eventually(
          () => inspected('{{.State.StartedAt}} {{.State.Status}}'),
          (text) => text.endsWith(' running') && !text.startsWith(before),
          'a container that is restarted again',
        );
        await ok('stop', '-t', '0', 'victim');
        expect(await statusOf(ground)).toBe('exited');
      },
      clean,
    },
    {
      name: 'health check',
      prepare: () =>
        runVictim(ground, ...['--network', 'none', '--health-interval', '200ms', '--health-cmd', 'test -e /bin/sh']),
      act: () =>
        comes('healthy', async () => !(await alive()) || (await inspected('{{.State.Health.Status}}')) === 'healthy'),
      check: async () => {
        await eventually(
          () => inspected('{{.State.Health.Status}}'),
          (status) => status === 'healthy',
          'a healthy container',
        );
        await ok('stop', '-t', '0', 'victim');
      },
      clean,
      steps: 12,
    },
  ];
}
