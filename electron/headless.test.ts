import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeEngine } from './testing/fake-engine.ts';

const headless = fileURLToPath(new URL('headless.ts', import.meta.url));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function run(...args: string[]): { child: ChildProcess; out: () => string; end: Promise<number | null> } {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', headless, '--no-open', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, out: () => text, end: new Promise((done) => child.once('close', done)) };
}

describe('berth ui', () => {
  it('prints its address last, serves it, and ends when it is told to', async () => {
    const engine = new FakeEngine();
    await engine.start();
    const ui = run('--engine', `unix://${engine.socket}`);
    await expect.poll(() => ui.out(), { timeout: 20_000 }).toMatch(/token=.*\n$/);
    const last = ui.out().trimEnd().split('\n').at(-1) as string;
    expect(last).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/);
    expect((await fetch(last, { redirect: 'manual' })).status).toBe(303);
    ui.child.kill('SIGTERM');
    expect(await ui.end).toBe(0);
    await engine.remove();
  });

  it.each([
    [['--port', 'x'], '"x" is not a port'],
    [['--port', '65536'], '"65536" is not a port'],
    [['--engine', 'tcp://x'], 'is neither unix:///PATH nor ssh://USER@HOST'],
    [['--what'], "Unknown option '--what'"],
  ])('%j is refused', async (args, message) => {
    const ui = run(...args);
    expect(await ui.end).toBe(2);
    expect(ui.out()).toContain(message);
  });

  it('a port in use is said, with what to do', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const ui = run('--port', String(port), '--engine', 'unix:///nowhere.sock');
    expect(await ui.end).toBe(1);
    expect(ui.out()).toContain(`port ${port} is in use; choose another`);
    server.close();
  });
});
