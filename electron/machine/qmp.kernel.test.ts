import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { Conversation, Monitor } from './qmp.ts';

it('QEMU is asked over its own input and output, as on Windows, for as long as it lives', async () => {
  const args = ['-nodefaults', '-display', 'none', '-machine', 'none', '-S', '-qmp', 'stdio'];
  const child = spawn('qemu-system-x86_64', args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  const monitor = new Monitor(new Conversation(child.stdout, child.stdin));
  const [status, version] = await Promise.all([
    monitor.run({ execute: 'query-status' }),
    monitor.human('info version'),
  ]);
  expect(status).toMatchObject({ running: false });
  expect(version).toMatch(/^\d+\.\d+/);
  await expect(monitor.run({ execute: 'no-such-command' })).rejects.toThrow('no-such-command');
  expect(await monitor.human('no-such-line')).toContain('unknown command');
  await monitor.run({ execute: 'quit' });
  await ended;
  await expect(monitor.run({ execute: 'query-status' })).rejects.toThrow('the machine has ended');
});
