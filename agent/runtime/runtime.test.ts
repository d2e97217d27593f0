import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createFailure, execFailure, lastLoggedError } from './failures.ts';
import { isAlive, signalProcess, startTimeOf } from './process-identity.ts';
import { windowSize } from './control-fifo.ts';
import { parseSignal } from './signals.ts';

describe('parseSignal', () => {
  it.each([
    ['SIGTERM', 15],
    ['term', 15],
    ['9', 9],
    ['RTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['RTMAX-1', 63],
    ['64', 64],
  ])('%s is %d', (text, number) => expect(parseSignal(text)).toBe(number));
  it.each(['', '0', '65', 'SIGNOPE', 'RTMIN+40', '-9', '9x'])('refuses %j', (text) =>
    expect(() => parseSignal(text)).toThrow(`invalid signal: ${text}`),
  );
});

describe('failures of the runtime', () => {
  const create = (said: string) => createFailure('crun', said, 'prog');
  it("have Docker's words and codes", () => {
    expect(create('executable file `prog` not found in $PATH: No such file or directory')).toMatchObject({
      exitCode: 127,
      faultOfRequest: true,
      message:
        'failed to create task for container: failed to create shim task: OCI runtime create failed: crun create failed: unable to start container process: exec: "prog": executable file not found in $PATH: unknown',
    });
    expect(create('executable file `/bin/x` not found: No such file or directory').message).toContain(
      'exec: "/bin/x": stat /bin/x: no such file or directory',
    );
    expect(create('open executable: Permission denied')).toMatchObject({ exitCode: 126 });
    expect(create('open executable: Operation not permitted')).toMatchObject({
      exitCode: 126,
      message: expect.stringContaining('exec: "prog": is a directory') as string,
    });
    expect(create('mount `/a` to `b`: Not a directory').message).toContain(
      'Are you trying to mount a directory onto a file (or vice-versa)?',
    );
    expect(create('cgroups: something odd')).toMatchObject({ exitCode: 128, faultOfRequest: false });
  });
  it('understand runc too', () => {
    const said =
      'runc create failed: unable to start container process: exec: "prog": executable file not found in $PATH';
    expect(createFailure('runc', said, 'prog').message).toMatch(
      /runc create failed: unable to start container process: exec: "prog": executable file not found in \$PATH: unknown$/,
    );
    expect(createFailure('runc', said, 'prog').exitCode).toBe(127);
    expect(
      execFailure(
        'exec failed: unable to start container process: exec: "/p": stat /p: no such file or directory',
        '/p',
      ).exitCode,
    ).toBe(127);
    expect(
      execFailure('exec failed: unable to start container process: exec: "prog": permission denied', 'prog'),
    ).toMatchObject({
      exitCode: 126,
      message:
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "prog": permission denied: unknown',
    });
  });
  it('are found in the log', () => {
    const log = '{"msg":"odd","level":"warning"}\n{"msg":"bad","level":"error"}\n';
    expect(lastLoggedError(log)).toBe('bad');
    expect(lastLoggedError('')).toBeUndefined();
  });
});

describe('a process', () => {
  it('is its pid and its start time; a zombie is none', async () => {
    const start = startTimeOf(process.pid);
    expect(start).toBeGreaterThan(0);
    expect(isAlive(process.pid, start as number)).toBe(true);
    expect(isAlive(process.pid, (start as number) + 1)).toBe(false);
    expect(signalProcess(process.pid, (start as number) + 1, 9)).toBe(false);
    // sh forks a child that ends at once and replaces itself by a program that never waits for it
    const parent = spawn('sh', ['-c', 'sh -c "exit 0" & echo $!; exec sleep 5'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    await new Promise((done) => setTimeout(done, 200));
    expect(startTimeOf(Number(line.toString()))).toBeUndefined();
    parent.kill('SIGKILL');
  });
  it('has no start time when there is none', () => expect(startTimeOf(0)).toBeUndefined());
});

it('keeps window sizes in what conmon takes', () => expect(windowSize(24.7, 4000)).toBe('24 1000'));
