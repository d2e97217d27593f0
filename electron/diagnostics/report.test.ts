import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { STEPS } from '../contract/machine.ts';
import { redact } from './redact.ts';
import { makeReport } from './report.ts';

const directory = mkdtempSync(join(tmpdir(), 'berth-report-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it.each([
  ['pull https://me:hunter2@reg.example/v2/', 'hunter2'],
  ['Authorization: Basic bWU6aHVudGVyMg==', 'bWU6aHVudGVyMg'],
  ['{"X-Registry-Auth": "eyJ1c2VybmFtZSI6Im1lIn0="}', 'eyJ1c2VybmFt'],
  ['GET /?token=abcdefgh12345678 200', 'abcdefgh12345678'],
  ['{"password":"hunter2","x":1}', 'hunter2'],
  ['MYSQL_ROOT_PASSWORD=hunter2', 'hunter2'],
  ['aws_secret_access_key: hunter2', 'hunter2'],
  ['-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----', 'hunter2'],
  ['sent Bearer eyJhbGciOiJ.x.y', 'eyJhbGciOiJ'],
])('%s is hidden', (text, secret) => {
  const clean = redact(text, '/home/me');
  expect(clean).not.toContain(secret);
  expect(clean).toContain('(hidden)');
});

it('what is no secret stays', () => {
  const text = 'GET http://127.0.0.1:5000/v2/a/manifests/sha256:abc 404; user 1000; tokens are fine';
  expect(redact(text, '/home/me')).toBe(text);
});

it('a report tells the facts and the last lines of the logs, without the user’s name', async () => {
  const log = join(directory, 'engine.log');
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index} of /home/me/x`);
  writeFileSync(log, `${lines.join('\n')}\npassword=hunter2\n`);
  const text = await makeReport({
    version: '9.8.7',
    engine: {
      state: 'ready',
      endpoint: 'unix:///e.sock',
      version: '9.8.7',
      berth: true,
      kernel: '6.18',
      cgroupVersion: '2',
      warnings: ['a', 'b'],
    },
    chosen: { id: 'local', kind: 'local', name: 'This computer', endpoint: 'unix:///home/me/e.sock', source: 'berth' },
    machine: {
      state: 'failed',
      error: 'no image',
      socket: '',
      console: '',
      warnings: [],
      steps: STEPS.map((step) =>
        step === 'process' ? { step, at: 12 } : step === 'kernel' ? { step, error: 'no image' } : { step },
      ),
    },
    places: [{ name: 'Settings', path: '/home/me/.config/berth/settings.json', exists: false }],
    logs: [
      { name: 'Engine log', path: log },
      { name: 'Absent', path: join(directory, 'none') },
    ],
    home: '/home/me',
    now: new Date(0),
  });
  expect(text).toContain('version: 9.8.7');
  expect(text).toContain('kernel: 6.18');
  expect(text).toContain('cgroup: v2');
  expect(text).toContain('process 12 ms, kernel no image, init -');
  expect(text).toContain('Settings: ~/.config/berth/settings.json (not there)');
  expect(text).toContain('line 499 of ~/x');
  expect(text).not.toContain('line 400 of');
  expect(text).not.toContain('hunter2');
  expect(text).not.toContain('/home/me');
  expect(text).not.toContain('Absent');
});
