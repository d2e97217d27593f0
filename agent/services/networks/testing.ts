import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { createSocket } from 'node:dgram';
import type { EndpointSettings } from '../../api/container.ts';
import type { NetworkSubject, NetworkUsers } from '../../networks/types.ts';
import { Layout } from '../../store/layout.ts';
import { exec } from '../../system/exec.ts';
import { syscalls } from '../../system/syscalls.ts';
import { createNetworks, type Networks } from './create.ts';
import { engineTag, type NetworksOptions } from './state.ts';

/** An engine's networks on directories of its own, with real netavark; `end` leaves nothing in the kernel or on disk. */
export interface TestNetworks {
  networks: Networks;
  layout: Layout;
  /** the start of every bridge's name */
  tag: string;
  /** the start of every address: of the default bridge `${prefix}.0.*`, of the first network made `${prefix}.1.*` */
  prefix: string;
  users: Map<string, { id: string; name: string; running: boolean; netns?: string }>;
  changed: { id: string; network: string; endpoint: EndpointSettings | undefined }[];
  events: { action: string; id: string; attributes: Record<string, string> }[];
  warnings: string[];
  /** Another engine on the same directories, after the first was killed: nothing was told to it, only its sockets are closed. */
  restart(): Promise<void>;
  end(): Promise<void>;
}

let chosen: Promise<string> | undefined;

/**
 * The first two bytes of subnets that nobody on this machine has, and no default pool: engines of developers are left alone, and so is
 * what another run of the tests is using or has left. One for all engines of a test file, as those of one machine share theirs.
 */
const freePrefix = (): Promise<string> =>
  (chosen ??= exec(['ip', '-4', '-o', 'address']).then(({ stdout }) => {
    const first = randomInt(100);
    const prefixes = Array.from({ length: 100 }, (_, index) => `10.${130 + ((first + index) % 100)}`);
    return prefixes.find((prefix) => !stdout.includes(` ${prefix}.`)) ?? '10.213';
  }));

export async function testNetworks(
  config: Partial<NetworksOptions['config']> = {},
  hostPorts?: NetworksOptions['hostPorts'],
): Promise<TestNetworks> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-networks-'));
  const layout = new Layout(join(directory, 'root'), join(directory, 'run'));
  const prefix = await freePrefix();
  const users: TestNetworks['users'] = new Map();
  const changed: TestNetworks['changed'] = [];
  const events: TestNetworks['events'] = [];
  const warnings: string[] = [];
  const find = (reference: string) =>
    users.get(reference) ?? [...users.values()].find((user) => user.id === reference || user.name === reference);
  const finder: NetworkUsers = {
    find,
    endpointChanged: (id, network, endpoint) => {
      changed.push({ id, network, endpoint });
      return Promise.resolve();
    },
  };
  const start = () =>
    createNetworks({
      ...(hostPorts ? { hostPorts } : {}),
      layout,
      sys: syscalls(),
      exec,
      log: {
        info: () => undefined,
        warn: (message) => void warnings.push(message),
        error: (message, cause) => void warnings.push(`${message}: ${String(cause)}`),
      },
      config: {
        defaultAddressPools: [{ base: `${prefix}.0.0/16`, size: 24 }],
        dns: [],
        dnsOpts: [],
        dnsSearch: [],
        bip: '',
        fixedCidrV6: '',
        ipv6: false,
        hostMachine: '',
        ...config,
      },
      users: finder,
      events: { emit: (_type, action, id, attributes = {}) => void events.push({ action, id, attributes }) },
    });
  const test: TestNetworks = {
    networks: await start(),
    layout,
    tag: `bth${engineTag(layout.root)}`,
    prefix,
    users,
    changed,
    events,
    warnings,
    restart: async () => {
      test.networks.abandon();
      test.networks = await start();
    },
    end: async () => {
      await test.networks.close({ purge: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
  return test;
}

export function subject(name: string, more: Partial<NetworkSubject> = {}): NetworkSubject {
  return {
    id: createHash('sha256').update(name).update(randomBytes(8)).digest('hex'),
    name,
    hostname: name,
    domainname: '',
    endpoints: { bridge: {} },
    portBindings: {},
    exposedPorts: [],
    publishAll: false,
    hostConfig: {},
    ...more,
  };
}

/** Runs a program in a network namespace and gives what it printed; '' when it failed. */
export async function inside(netns: string, ...argv: string[]): Promise<string> {
  const { stdout } = await exec(['nsenter', `--net=${netns}`, ...argv], {
    okCodes: [0, 1, 2, 124, 143],
    timeout: 20_000,
  });
  return stdout;
}

/** A TCP or UDP server in a namespace (busybox nc for each client) that says `answer`. Ready when this resolves. */
export async function serve(
  netns: string,
  port: number,
  answer: string,
  kind: 'tcp' | 'tcp6' | 'udp' = 'tcp',
): Promise<ChildProcess> {
  const script = kind === 'udp' ? UDP_SERVER : TCP_SERVER;
  const child = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', script, String(port), answer], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((done, fail) => {
    child.stdout?.once('data', done);
    child.once('exit', fail);
  });
  return child;
}

const TCP_SERVER = `const [port, answer] = process.argv.slice(1);
require('net').createServer((s) => { s.on('error', () => {}); s.end(answer + ' ' + s.remoteAddress); }).listen({ port, host: '::' }, () => console.log('up'));`;
const UDP_SERVER = `const [port, answer] = process.argv.slice(1);
const s = require('dgram').createSocket('udp6'); s.on('message', (m, from) => s.send(answer + ' ' + m, from.port, from.address)); s.bind(+port, () => console.log('up'));`;

/** The first word a TCP server says; '' when it cannot be reached in time. */
export function ask(host: string, port: number, timeout = 3000): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = connect({ host, port });
    socket.setTimeout(timeout, () => socket.destroy());
    socket.on('data', (data) => (text += data.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => done(text.split(' ')[0] ?? ''));
  });
}

export function askUdp(host: string, port: number, message: string): Promise<string> {
  return new Promise((done) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const end = (text: string) => {
      clearTimeout(timer);
      socket.close();
      done(text);
    };
    const timer = setTimeout(() => end(''), 3000);
    socket.on('message', (data) => end(data.toString()));
    socket.on('error', () => end(''));
    socket.send(message, port, host);
  });
}

/** Everything in the kernel that has to do with this engine: rules of its subnets and chains, its interfaces. */
export async function traces(test: TestNetworks, networkIds: readonly string[]): Promise<string[]> {
  const runs = [['iptables-save'], ['ip6tables-save'], ['ip', '-o', 'link']].map((argv) => exec(argv));
  const lines = (await Promise.all(runs)).flatMap(({ stdout }) => stdout.split('\n'));
  const chains = networkIds.map((id) =>
    createHash('sha512')
      .update(`berth-${id.slice(0, 32)}`)
      .digest('hex')
      .toUpperCase()
      .slice(0, 13),
  );
  const own = [test.tag, `BERTH-${test.tag.slice(3)}`, ...chains];
  // The kernel tells of a link's state some time after it has changed.
  const found = lines.filter((line) => own.some((name) => line.includes(name)));
  return found.map((line) => line.replace(/<[A-Z,_-]+>|state [A-Z]+/g, ''));
}
