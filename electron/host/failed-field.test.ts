import { expect, test } from 'vitest';
import { runRequest } from '../contract/run-request.ts';
import { failedField } from './failed-field.ts';

const request = runRequest.parse({
  image: 'x',
  entrypoint: '/bin/nothing -v',
  environment: [
    { name: 'A', value: '1' },
    { name: 'BROKEN', value: '2' },
  ],
  ports: [
    { hostIp: '', hostPort: '80', containerPort: '1', protocol: 'tcp' },
    { hostIp: '192.0.2.1', hostPort: '8080', containerPort: '2', protocol: 'tcp' },
  ],
  mounts: [
    { kind: 'volume', source: 'data', target: '/data', readOnly: false },
    { kind: 'bind', source: '/srv/gone', target: '/gone', readOnly: false },
    { kind: 'tmpfs', source: '', target: '/scratch', readOnly: false },
  ],
});

test.each([
  ['Bind for 0.0.0.0:8080 failed: port is already allocated', 'ports.1.hostPort'],
  ['failed to bind host port for 127.0.0.1:80:172.17.0.2:1/tcp: address already in use', 'ports.0.hostPort'],
  [
    'failed to bind host port for 0.0.0.0:8080:172.17.0.2:1/tcp: address already in use on this computer by nginx (pid 80)',
    'ports.1.hostPort',
  ],
  ['failed to bind port 192.0.2.1:8080/tcp: cannot assign requested address', 'ports.1.hostIp'],
  ['invalid mount config for type "bind": bind source path does not exist: /srv/gone', 'mounts.1.source'],
  ['error mounting "tmpfs" to rootfs at "/scratch": invalid argument', 'mounts.2.target'],
  ['Cannot mkdir: /etc/passwd is not a directory', 'workingDir'],
  ['unable to start container process: exec: "/bin/nothing": no such file or directory: unknown', 'entrypoint'],
  ['unable to start container process: exec: "other": executable file not found in $PATH: unknown', 'command'],
  ['unable to find group ghost: no matching entries in group file', 'user'],
  ['Requested CPUs are not available - requested 99, available: 0-1', 'cpuset'],
  ['writing file `pids.max`: Invalid argument: unknown', 'pids'],
  ['invalid environment variable: BROKEN', 'environment.1.name'],
  ['something else went wrong', undefined],
])('%s', (message, field) => {
  expect(failedField(message, request)).toBe(field);
});

test('a list without rows has no field', () => {
  expect(failedField('port is already allocated', runRequest.parse({ image: 'x' }))).toBeUndefined();
});
