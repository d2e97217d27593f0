import { describe, expect, test } from 'vitest';
import {
  contains,
  formatAddress,
  formatCidr,
  networkOf,
  overlaps,
  parseAddress,
  parseCidr,
  type Cidr,
} from './cidr.ts';
import { parseRoutes4, parseRoutes6 } from './host-routes.ts';
import { Leases, macAddressFor } from './leases.ts';
import { chooseSubnet, DEFAULT_POOLS, ulaPool } from './pools.ts';
import { exposed, parseBindings, portMap, portWishes } from './ports.ts';
import { parseResolvConf, reachable } from './resolver.ts';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(text);
  return parsed.network;
};

describe('addresses', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['fd00:0:0:0:0:0:0:1', 'fd00::1'],
    ['::', '::'],
    ['1::', '1::'],
    ['2001:DB8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
  ])('%s is %s', (text, canonical) => expect(formatAddress(parseAddress(text)!)).toBe(canonical));

  test.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.01',
    '10.0.0.1.1',
    '1:2:3',
    '1::2::3',
    ':::',
    'g::1',
    '1:2:3:4:5:6:7:8:9',
    'fe80::1%eth0',
    ' 10.0.0.1',
  ])('%j is no address', (text) => expect(parseAddress(text)).toBeUndefined());

  test('prefixes: host bits are cleared, wrong ones refused', () => {
    expect(formatCidr(cidr('10.1.2.3/8'))).toBe('10.0.0.0/8');
    expect(formatCidr(cidr('fd00::1:2:3/64'))).toBe('fd00::/64');
    for (const text of ['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/-1', '10.0.0.0/', 'x/8'])
      expect(parseCidr(text)).toBeUndefined();
  });

  test('contains and overlaps', () => {
    expect(contains(cidr('10.0.0.0/24'), parseAddress('10.0.0.255')!)).toBe(true);
    expect(contains(cidr('10.0.0.0/24'), parseAddress('10.0.1.0')!)).toBe(false);
    expect(overlaps(cidr('10.0.0.0/8'), cidr('10.9.0.0/16'))).toBe(true);
    expect(overlaps(cidr('10.0.0.0/9'), cidr('10.128.0.0/9'))).toBe(false);
    expect(overlaps(cidr('0.0.0.0/0'), cidr('::/0'))).toBe(false);
  });
});

describe('the choice of a subnet', () => {
  test('is the first of the pools that nothing overlaps', () => {
    expect(formatCidr(chooseSubnet(DEFAULT_POOLS, 4, [])!)).toBe('172.17.0.0/16');
    expect(formatCidr(chooseSubnet(DEFAULT_POOLS, 4, [cidr('172.16.0.0/14')])!)).toBe('172.20.0.0/16');
    expect(formatCidr(chooseSubnet(DEFAULT_POOLS, 4, [cidr('172.16.0.0/12'), cidr('192.168.1.0/24')])!)).toBe(
      '192.168.16.0/20',
    );
    expect(chooseSubnet(DEFAULT_POOLS, 4, [cidr('0.0.0.0/0')])).toBeUndefined();
  });

  test('does not try every subnet of a large IPv6 pool', () => {
    const pool = ulaPool(Buffer.from('0102030405', 'hex'));
    expect(pool.base).toBe('fd01:0203:0405::/48');
    const taken = [cidr('fd01:203:405::/52'), cidr('fd01:203:405:1000::/64')];
    expect(formatCidr(chooseSubnet([pool], 6, taken)!)).toBe('fd01:203:405:1001::/64');
    expect(chooseSubnet([{ base: 'fd00::/8', size: 64 }], 6, [cidr('fd00::/8')])).toBeUndefined();
  });

  test('reads what the kernel routes', () => {
    const text =
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n' +
      'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\neth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n';
    expect(parseRoutes4(text).map(formatCidr)).toEqual(['192.0.2.0/24']);
    const line = (address: string, length: string) =>
      `${address} ${length} ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000100 00000001 00000000 00000001     eth0`;
    const six = [
      line('fd000000000000000000000000000000', '40'),
      line('fe800000000000000000000000000000', '40'),
      line('0'.repeat(32), '00'),
    ];
    expect(parseRoutes6(six.join('\n')).map(formatCidr)).toEqual(['fd00::/64']);
  });
});

describe('leases', () => {
  test('leave out network, broadcast, gateway and auxiliary addresses, and let a freed one rest', () => {
    const leases = new Leases([
      { Subnet: '10.0.0.0/29', Gateway: '10.0.0.1', AuxiliaryAddresses: { router: '10.0.0.3' } },
    ]);
    expect([leases.allocate(4), leases.allocate(4)]).toEqual(['10.0.0.2', '10.0.0.4']);
    leases.release('10.0.0.2');
    expect([leases.allocate(4), leases.allocate(4), leases.allocate(4), leases.allocate(4)]).toEqual([
      '10.0.0.5',
      '10.0.0.6',
      '10.0.0.2',
      undefined,
    ]);
  });

  test('give a static address once, inside the subnet', () => {
    const leases = new Leases([{ Subnet: '10.0.0.0/24', IPRange: '10.0.0.128/25', Gateway: '10.0.0.1' }]);
    expect(['10.0.0.9', '10.0.0.9', '10.0.0.1', '10.0.1.9', 'x'].map((text) => leases.reserve(text))).toEqual([
      'ok',
      'taken',
      'taken',
      'outside',
      'outside',
    ]);
    expect(leases.allocate(4)).toBe('10.0.0.128');
    expect(leases.has(6)).toBe(false);
  });

  test('MAC addresses follow the IPv4 address', () => {
    expect(macAddressFor('172.17.0.2', () => Buffer.alloc(4))).toBe('02:42:ac:11:00:02');
    expect(macAddressFor(undefined, () => Buffer.from('01020304', 'hex'))).toBe('02:42:01:02:03:04');
  });
});

describe('ports', () => {
  test('bindings: host address, port, range', () => {
    expect(
      parseBindings({ '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080-8090' }], '53/udp': [{}], '81': null }),
    ).toEqual([
      { protocol: 'tcp', containerPort: 80, hostIp: '127.0.0.1', first: 8080, last: 8090 },
      { protocol: 'udp', containerPort: 53, hostIp: '', first: 0, last: 0 },
    ]);
  });

  test.each([
    [{ 'x/tcp': [{}] }, 'invalid port specification: "x"'],
    [{ '70000/tcp': [{}] }, 'invalid port specification: "70000"'],
    [{ '80/tcp': [{ HostPort: '8x' }] }, 'invalid port specification: "8x"'],
    [{ '80/tcp': [{ HostPort: '90-80' }] }, 'invalid port specification: "90-80"'],
    [{ '80/icmp': [{}] }, 'invalid proto: icmp'],
    [{ '80/tcp': [{ HostIp: '1.2.3' }] }, 'invalid IP address: 1.2.3'],
  ])('%j is refused', (bindings, message) => expect(() => parseBindings(bindings)).toThrow(message));

  test('-P publishes what is exposed and not bound; inspect shows the rest as null', () => {
    expect(exposed(['8000-8002/tcp', '53/udp']).map(({ port, protocol }) => `${port}/${protocol}`)).toEqual([
      '53/udp',
      '8000/tcp',
      '8001/tcp',
      '8002/tcp',
    ]);
    const wishes = portWishes({ '80/tcp': [{ HostPort: '8080' }] }, ['80/tcp', '81/tcp'], true);
    expect(wishes.map((wish) => [wish.containerPort, wish.first])).toEqual([
      [80, 8080],
      [81, 0],
    ]);
    const published = [{ protocol: 'tcp' as const, containerPort: 80, hostIp: '::', hostPort: 8080 }];
    expect(portMap(published, ['80/tcp', '81/tcp'])).toEqual({
      '80/tcp': [{ HostIp: '::', HostPort: '8080' }],
      '81/tcp': null,
    });
  });
});

describe('resolv.conf', () => {
  test('is read; what a container cannot reach is left out', () => {
    const host = parseResolvConf(
      '# x\nnameserver 127.0.0.1\nnameserver 10.0.0.53 # y\nnameserver fd00::53\nsearch a.example b.example\noptions ndots:2 rotate\n',
    );
    expect(host).toEqual({
      servers: ['127.0.0.1', '10.0.0.53', 'fd00::53'],
      search: ['a.example', 'b.example'],
      options: ['ndots:2', 'rotate'],
    });
    expect(reachable(host, false).servers).toEqual(['10.0.0.53']);
    expect(reachable(host, true).servers).toEqual(['10.0.0.53', 'fd00::53']);
    expect(reachable(parseResolvConf('nameserver 127.0.0.53'), false).servers).toEqual(['8.8.8.8', '8.8.4.4']);
  });
});

test('networkOf clears host bits', () =>
  expect(formatCidr(networkOf(parseAddress('10.0.0.9')!, 30))).toBe('10.0.0.8/30'));
