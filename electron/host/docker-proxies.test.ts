import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { proxyVariables, withProxies } from './docker-proxies.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-docker-config-'));
const env = { DOCKER_CONFIG: folder };
afterAll(() => rmSync(folder, { recursive: true }));

it('sets what docker’s configuration has for the engine, else for all, in both ways of writing', async () => {
  expect(await proxyVariables('unix:///s', env)).toEqual([]);
  const all = { httpProxy: 'http://proxy:3128', noProxy: '*.test' };
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ proxies: { default: all, 'ssh://far': { httpsProxy: 'http://far:1', httpProxy: 7 } } }),
  );
  expect(await proxyVariables('unix:///s', env)).toEqual([
    'HTTP_PROXY=http://proxy:3128',
    'http_proxy=http://proxy:3128',
    'NO_PROXY=*.test',
    'no_proxy=*.test',
  ]);
  expect(await proxyVariables('ssh://far', env)).toEqual(['HTTPS_PROXY=http://far:1', 'https_proxy=http://far:1']);
});

it('what the user gives counts more', () =>
  expect(withProxies(['HTTP_PROXY=', 'A=1'], ['HTTP_PROXY=x', 'http_proxy=x'])).toEqual([
    'HTTP_PROXY=',
    'A=1',
    'http_proxy=x',
  ]));
