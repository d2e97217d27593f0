import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statusOf } from '../../api/errors.ts';
import type { NetworkCreateRequest } from '../../api/network.ts';
import { subject, testNetworks, type TestNetworks } from './testing.ts';

let net: TestNetworks;
beforeAll(async () => {
  net = await testNetworks();
  await net.networks.create({
    Name: 'taken',
    Labels: { team: 'blue' },
    IPAM: { Config: [{ Subnet: '10.213.50.0/24' }] },
  });
  await net.networks.create({ Name: 'plain' });
});
afterAll(() => net.end());

const failure = async (run: () => unknown) => {
  try {
    await run();
  } catch (error) {
    return [statusOf(error), (error as Error).message];
  }
  return 'no failure';
};
const pool = (Subnet: string, more: object = {}): NetworkCreateRequest => ({
  Name: 'x',
  IPAM: { Config: [{ Subnet, ...more }] },
});

describe('what is refused, in the words of the Docker Engine', () => {
  test.each<[NetworkCreateRequest, number, string]>([
    [{}, 400, 'invalid network name: name is empty'],
    [{ Name: 'bridge' }, 403, 'operation is not permitted on predefined bridge network '],
    [{ Name: 'taken' }, 409, 'network with name taken already exists'],
    [{ Name: 'x', Driver: 'nope' }, 404, 'could not find plugin nope in v1 plugin registry: plugin "nope" not found'],
    [{ Name: 'x', Driver: 'host' }, 403, 'only one instance of "host" network is allowed'],
    [pool('10.213.50.128/25'), 403, 'invalid pool request: Pool overlaps with other one on this address space'],
    [
      pool('10.213.51.7/24'),
      400,
      'invalid network config:\ninvalid subnet 10.213.51.7/24: it should be 10.213.51.0/24',
    ],
    [pool('nonsense'), 400, 'invalid network config:\ninvalid subnet nonsense: invalid CIDR block notation'],
    [
      pool('10.213.51.0/24', { Gateway: '10.0.0.1', IPRange: '10.213.0.0/16' }),
      400,
      'invalid network config:\ninvalid ip-range 10.213.0.0/16: CIDR block is bigger than its parent subnet 10.213.51.0/24\n' +
        "invalid gateway 10.0.0.1: parent subnet 10.213.51.0/24 doesn't contain this address",
    ],
  ])('create %j', async (request, status, message) => {
    expect(await failure(() => net.networks.create(request))).toEqual([status, message]);
  });

  test('remove, inspect, connect and disconnect', async () => {
    expect(await failure(() => net.networks.remove('bridge'))).toEqual([
      403,
      'bridge is a pre-defined network and cannot be removed',
    ]);
    expect(await failure(() => net.networks.remove('nope'))).toEqual([404, 'network nope not found']);
    expect(await failure(() => net.networks.inspect('nope'))).toEqual([404, 'network nope not found']);
    expect(await failure(() => net.networks.connect('taken', 'ghost', {}))).toEqual([404, 'No such container: ghost']);
    expect(await failure(() => net.networks.disconnect('taken', 'ghost', false))).toEqual([
      404,
      'No such container: ghost',
    ]);
  });

  test('check of a container that is being created', async () => {
    const at = (network: string, IPv4Address: string) => ({
      ...subject('x'),
      endpoints: { [network]: { IPAMConfig: { IPv4Address } } },
    });
    expect(await failure(() => net.networks.check('nope', subject('x')))).toEqual([404, 'network nope not found']);
    expect(await failure(() => net.networks.check('bridge', at('bridge', `${net.prefix}.0.9`)))).toEqual([
      400,
      'invalid config for network bridge: invalid endpoint settings:\nuser specified IP address is supported on user defined networks only',
    ]);
    expect(await failure(() => net.networks.check('plain', at('plain', `${net.prefix}.1.9`)))).toEqual([
      400,
      'invalid config for network plain: invalid endpoint settings:\nuser specified IP address is supported only when connecting to networks with user configured subnets',
    ]);
    expect(await failure(() => net.networks.check('taken', at('taken', '10.0.0.9')))).toEqual([
      400,
      'invalid config for network taken: invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.0.0.9',
    ]);
    expect(
      await failure(() => net.networks.check('default', { endpoints: {}, portBindings: { '80x/tcp': [{}] } })),
    ).toEqual([400, 'invalid port specification: "80x"']);
    net.networks.check('taken', at('taken', '10.213.50.9'));
  });
});

describe('list', () => {
  const names = async (filters: Record<string, string[]>) =>
    (await net.networks.list(new Map(Object.entries(filters).map(([name, values]) => [name, new Set(values)]))))
      .map((network) => network.Name)
      .sort();

  test('by each filter', async () => {
    expect(await names({})).toEqual(['bridge', 'host', 'none', 'plain', 'taken']);
    expect(await names({ driver: ['bridge'] })).toEqual(['bridge', 'plain', 'taken']);
    expect(await names({ name: ['tak', 'non'] })).toEqual(['none', 'taken']);
    expect(await names({ label: ['team=blue'] })).toEqual(['taken']);
    expect(await names({ type: ['custom'], dangling: ['true'] })).toEqual(['plain', 'taken']);
    expect(await names({ id: [(await net.networks.inspect('plain')).Id.slice(0, 12)] })).toEqual(['plain']);
  });

  test('prune takes what no container is on', async () => {
    expect(await net.networks.prune(new Map([['label', new Set(['team=red'])]]))).toEqual({ NetworksDeleted: null });
    await net.networks.create({ Name: 'gone', Labels: { team: 'red' } });
    expect(await net.networks.prune(new Map([['label', new Set(['team=red'])]]))).toEqual({
      NetworksDeleted: ['gone'],
    });
  });
});
