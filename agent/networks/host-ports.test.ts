import { expect, test } from 'vitest';
import type { HostPortMessage } from '../api/berth.ts';
import { HostPortDesk } from './host-ports.ts';

const c = { id: 'c', name: 'web' };
const port = { protocol: 'tcp', containerPort: 80, hostIp: '0.0.0.0', hostPort: 8080 } as const;

test('the last who listens is asked, answers, and hears when the port is not needed any more', async () => {
  const desk = new HostPortDesk();
  expect(await desk.hold(c, port)).toBeUndefined();
  desk.listen(() => expect.unreachable());
  const heard: HostPortMessage[] = [];
  desk.listen((message) => {
    heard.push(message);
    if ('ask' in message) desk.answer(message.ask, message.hostPort === 8080 ? undefined : 'taken by somebody');
  });
  const holder = await desk.hold(c, port);
  expect(heard).toEqual([{ ask: 1, container: 'c', name: 'web', protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080 }]);
  await expect(desk.hold(c, { ...port, hostPort: 81 })).rejects.toThrow('taken by somebody');
  holder?.close();
  expect(heard.at(-1)).toEqual({ release: 1 });
});

test('who goes away without an answer does not keep a container from its start', async () => {
  const desk = new HostPortDesk();
  const gone = desk.listen(() => undefined);
  const held = desk.hold(c, port);
  gone();
  await held;
  expect(await desk.hold(c, port)).toBeUndefined();
});
