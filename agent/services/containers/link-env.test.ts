import { expect, test } from 'vitest';
import type { ContainersContext } from './context.ts';
import type { ContainerRecord } from '../container-record.ts';
import { linkEnvironment, withLinks } from './link-env.ts';

const other = (running: boolean) =>
  ({
    name: 'database-1',
    state: { Status: running ? 'running' : 'exited' },
    attached: { networks: { bridge: { IPAddress: '172.17.0.2' } } },
    config: {
      ExposedPorts: { '53/udp': {}, '5433/tcp': {}, '5432/tcp': {}, '80/tcp': {} },
      Env: ['PATH=/bin', 'HOME=/', 'USER=me', 'URL=a=b'],
    },
  }) as unknown as ContainerRecord;
const context = (record: ContainerRecord | undefined) =>
  ({ table: { find: () => record && { record } } }) as unknown as ContainersContext;
const linking = (NetworkMode: string, ...Links: string[]) =>
  ({ name: 'web', hostConfig: { NetworkMode, Links } }) as unknown as ContainerRecord;

test('variables of a linked container, ports in a row as a range', () => {
  expect(linkEnvironment(context(other(true)), linking('default', '/database-1:/web/my-db'))).toEqual([
    'MY_DB_PORT=tcp://172.17.0.2:80',
    'MY_DB_PORT_80_TCP=tcp://172.17.0.2:80',
    'MY_DB_PORT_80_TCP_ADDR=172.17.0.2',
    'MY_DB_PORT_80_TCP_PORT=80',
    'MY_DB_PORT_80_TCP_PROTO=tcp',
    'MY_DB_PORT_5432_TCP=tcp://172.17.0.2:5432',
    'MY_DB_PORT_5432_TCP_ADDR=172.17.0.2',
    'MY_DB_PORT_5432_TCP_PORT=5432',
    'MY_DB_PORT_5432_TCP_PROTO=tcp',
    'MY_DB_PORT_5433_TCP=tcp://172.17.0.2:5433',
    'MY_DB_PORT_5433_TCP_ADDR=172.17.0.2',
    'MY_DB_PORT_5433_TCP_PORT=5433',
    'MY_DB_PORT_5433_TCP_PROTO=tcp',
    'MY_DB_PORT_53_UDP=udp://172.17.0.2:53',
    'MY_DB_PORT_53_UDP_ADDR=172.17.0.2',
    'MY_DB_PORT_53_UDP_PORT=53',
    'MY_DB_PORT_53_UDP_PROTO=udp',
    'MY_DB_PORT_5432_TCP_START=tcp://172.17.0.2:5432',
    'MY_DB_PORT_5432_TCP_PORT_START=5432',
    'MY_DB_PORT_5432_TCP_END=tcp://172.17.0.2:5433',
    'MY_DB_PORT_5432_TCP_PORT_END=5433',
    'MY_DB_NAME=/web/my-db',
    'MY_DB_ENV_USER=me',
    'MY_DB_ENV_URL=a=b',
  ]);
});

test('only on the default bridge, only of running containers', () => {
  expect(linkEnvironment(context(other(true)), linking('mine', 'database-1:db'))).toEqual([]);
  expect(() => linkEnvironment(context(other(false)), linking('bridge', 'database-1:db'))).toThrow(
    'Cannot link to a non running container: /database-1 AS /web/db',
  );
});

test("the user's variables stand", () => {
  expect(withLinks(['DB_NAME=mine'], ['DB_NAME=/web/db', 'DB_PORT=x'])).toEqual(['DB_NAME=mine', 'DB_PORT=x']);
});
