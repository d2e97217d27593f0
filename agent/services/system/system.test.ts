import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImageSummary } from '../../api/image.ts';
import type { VolumeInspect } from '../../api/network.ts';
import { addSystemRoutes } from '../../http/system-router.ts';
import { Router } from '../../http/router.ts';
import { createEngineServer } from '../../http/server.ts';
import type { KernelFacts } from '../../runtime/types.ts';
import { Layout } from '../../store/layout.ts';
import type { EngineConfig } from '../config.ts';
import { FakeContainers } from '../logs/testing.ts';
import { createSystem, parseOsRelease } from './create.ts';
import { directorySize, layersSize } from './disk-usage.ts';

let directory: string;
let server: Server;
let containers: FakeContainers;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'berth-system-'));
  containers = new FakeContainers();
  const router = new Router();
  addSystemRoutes(router, createSystem(parts()));
  server = createEngineServer({ router, onError: () => undefined });
  await new Promise<void>((done) => server.listen(join(directory, 'socket'), done));
});
afterEach(async () => {
  await new Promise((done) => server.close(done));
  rmSync(directory, { recursive: true, force: true });
});

const image = (Id: string, Size: number, SharedSize: number): ImageSummary => ({
  Id,
  Size,
  SharedSize,
  ParentId: '',
  RepoTags: [],
  RepoDigests: [],
  Created: 0,
  Labels: null,
  Containers: -1,
});

function parts(): Parameters<typeof createSystem>[0] {
  const config = {
    root: join(directory, 'root'),
    runDir: join(directory, 'run'),
    logDriver: 'json-file',
    labels: ['a=b'],
    debug: false,
    insecureRegistries: ['registry.test:5000', '10.0.0.0/8'],
    registryMirrors: ['https://mirror.test/'],
    defaultAddressPools: [{ base: '172.17.0.0/16', size: 24 }],
  } as unknown as EngineConfig;
  const facts = {
    cpus: 2,
    memory: 1024,
    swapLimit: false,
    seccomp: true,
    apparmor: false,
    kernelVersion: '6.1.0',
  } as KernelFacts;
  mkdirSync(join(directory, 'volume'));
  writeFileSync(join(directory, 'volume/data'), 'x'.repeat(300));
  const volume = { Name: 'data', Mountpoint: join(directory, 'volume') } as VolumeInspect;
  return {
    config,
    facts,
    cgroups: { version: 1, controllers: new Set(['memory', 'cpu', 'cpuset', 'pids']) },
    containers,
    images: { list: () => Promise.resolve([image('sha256:0', 500, 200), image('sha256:1', 300, 200)]) },
    volumes: { list: () => Promise.resolve({ Volumes: [volume] }) },
    runtime: { name: 'crun', version: '1.8.1', path: '/usr/bin/crun' },
    warnings: () => ['something was moved to quarantine'],
  };
}

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}
const ask = (path: string, method = 'GET'): Promise<Answer> =>
  new Promise((done, fail) => {
    const sent = request({ socketPath: join(directory, 'socket'), path, method, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on('error', fail);
    sent.end();
  });
const body = async (path: string) => JSON.parse((await ask(path)).text) as Record<string, never>;

test('ping tells the API version and that there is no swarm', async () => {
  const expected = {
    'api-version': '1.51',
    'builder-version': '1',
    'docker-experimental': 'false',
    swarm: 'inactive',
    ostype: 'linux',
    'cache-control': 'no-cache, no-store, must-revalidate',
  };
  const get = await ask('/_ping');
  expect([get.status, get.text, get.headers['content-length']]).toEqual([200, 'OK', '2']);
  expect(get.headers).toMatchObject(expected);
  const head = await ask('/v1.40/_ping', 'HEAD');
  expect([head.status, head.text]).toEqual([200, '']);
  expect(head.headers).toMatchObject(expected);
});

test('version names the engine and its parts', async () => {
  expect(await body('/version')).toMatchObject({
    Platform: { Name: 'Berth Engine' },
    ApiVersion: '1.51',
    MinAPIVersion: '1.24',
    Os: 'linux',
    KernelVersion: '6.1.0',
    Components: [{ Name: 'Engine' }, { Name: 'crun', Version: '1.8.1' }],
  });
});

test('info counts containers and tells what this kernel can do', async () => {
  containers.add('a');
  containers.add('b', { state: { Paused: true, Status: 'paused' } });
  containers.add('c', { state: { Running: false, Status: 'exited' } });
  const info = await body('/info');
  expect(info).toMatchObject({
    Containers: 3,
    ContainersRunning: 1,
    ContainersPaused: 1,
    ContainersStopped: 1,
    Images: 2,
    Driver: 'overlay2',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: '1',
    NCPU: 2,
    MemTotal: 1024,
    MemoryLimit: true,
    SwapLimit: false,
    OSType: 'linux',
    DefaultRuntime: 'crun',
    Runtimes: { crun: { path: '/usr/bin/crun' } },
    Swarm: { LocalNodeState: 'inactive' },
    Labels: ['a=b'],
    RegistryConfig: {
      InsecureRegistryCIDRs: ['10.0.0.0/8', '::1/128', '127.0.0.0/8'],
      IndexConfigs: {
        'docker.io': { Mirrors: ['https://mirror.test/'], Secure: true },
        'registry.test:5000': { Secure: false },
      },
    },
    DefaultAddressPools: [{ Base: '172.17.0.0/16', Size: 24 }],
    SecurityOptions: expect.arrayContaining(['name=seccomp,profile=builtin']),
    Warnings: expect.arrayContaining(['WARNING: No swap limit support', 'something was moved to quarantine']),
  });
  expect((await body('/info'))['ID']).toBe(info['ID']);
});

describe('disk usage', () => {
  test('of images, containers and volumes', async () => {
    const record = containers.add('a', { imageId: 'sha256:0', mounts: [{ Type: 'volume', Name: 'data' } as never] });
    const upper = new Layout(join(directory, 'root'), join(directory, 'run')).overlay(record.id).upper;
    mkdirSync(upper, { recursive: true });
    writeFileSync(join(upper, 'file'), 'y'.repeat(40));
    const usage = await body('/system/df');
    expect(usage).toMatchObject({
      LayersSize: 600,
      Images: [{ Containers: 1 }, { Containers: 0 }],
      Containers: [{ Id: 'a', SizeRw: 40, SizeRootFs: 540 }],
      Volumes: [{ Name: 'data', UsageData: { Size: 300, RefCount: 1 } }],
      BuildCache: [],
    });
    expect(await body('/system/df?type=volume')).toMatchObject({ Images: null, Containers: null, BuildCache: null });
    // Kinds came with 1.42, and images had two sizes until 1.44.
    expect(await body('/v1.41/system/df?type=volume')).toMatchObject({
      Images: [{ VirtualSize: expect.any(Number) }, {}],
    });
    expect((await body('/system/df'))['Images']).not.toMatchObject([{ VirtualSize: expect.any(Number) }, {}]);
    expect(await body('/v1.41/system/df')).toHaveProperty('BuilderSize', 0);
    expect(await ask('/system/df?type=nonsense')).toMatchObject({
      status: 400,
      text: '{"message":"unknown object type: nonsense"}\n',
    });
  });

  test('a file with two names counts once; layers shared by images count once', async () => {
    const place = join(directory, 'place');
    mkdirSync(join(place, 'below'), { recursive: true });
    writeFileSync(join(place, 'one'), 'z'.repeat(100));
    linkSync(join(place, 'one'), join(place, 'below/two'));
    expect(await directorySize(place)).toBe(100);
    expect(await directorySize(join(directory, 'not there'))).toBe(0);
    expect(layersSize([])).toBe(0);
  });
});

test('what needs a swarm is refused in dockerd’s words; there are no plugins', async () => {
  const message =
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
  for (const path of ['/swarm', '/nodes', '/services/x', '/v1.41/tasks', '/secrets', '/configs/y'])
    expect(await ask(path)).toMatchObject({ status: 503, text: `${JSON.stringify({ message })}\n` });
  expect((await ask('/swarm/init', 'POST')).status).toBe(503);
  expect((await ask('/plugins')).text).toBe('[]\n');
});

test('os-release in all its spellings', () => {
  expect(parseOsRelease(`# c\nNAME=Debian\nPRETTY_NAME="Debian \\"12\\""\nVERSION_ID='12'\n`)).toEqual({
    NAME: 'Debian',
    PRETTY_NAME: 'Debian "12"',
    VERSION_ID: '12',
  });
});
