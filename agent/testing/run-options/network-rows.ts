import { expect } from 'vitest';
import { eventually } from '../../docker-cli-fixture.ts';
import { freePort } from '../registry.ts';
import { modern, inspect, refuses, shows, type OptionRow } from './row.ts';

/** Names, addresses and ports. */
/* prettier-ignore */
export const NETWORK_ROWS: readonly OptionRow[] = [
  {
    modern: true, option: 'add-host',
    does: 'adds names, one of them for the host itself',
    check: async (b) => {
      const hosts = await b.ok('run', '--rm', '--add-host', 'crane:10.9.8.7', '--add-host', 'six=[2001:db8::1]', '--add-host', 'up:host-gateway', b.image, 'cat', '/etc/hosts');
      expect(hosts).toContain('10.9.8.7\tcrane');
      expect(hosts).toContain('2001:db8::1\tsix');
      const gateway = await b.ok('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', 'bridge');
      expect(hosts).toContain(`${gateway}\tup`);
    },
  },
  refuses('add-host', 'takes addresses', '--add-host a:b', 'invalid IP address in add-host: "b"'),
  {
    option: 'dns dns-option dns-search',
    does: 'are what names are looked up with',
    check: async (b) => {
      const text = await b.ok('run', '--rm', '--dns', '192.0.2.53', '--dns', '192.0.2.54', '--dns-option', 'ndots:3', '--dns-search', 'sea.test', b.image, 'cat', '/etc/resolv.conf');
      expect(text.split('\n').filter((line) => !line.startsWith('#') && line !== '')).toEqual(['nameserver 192.0.2.53', 'nameserver 192.0.2.54', 'search sea.test', 'options ndots:3']);
      expect(await b.ok('run', '--rm', '--dns', '192.0.2.53', '--dns-search', '.', b.image, 'cat', '/etc/resolv.conf')).not.toContain('search');
    },
  },
  modern(refuses('dns', 'takes addresses', '--dns nameserver', 'IP address is not correctly formatted: nameserver')),
  {
    modern: true, option: 'expose publish-all',
    does: 'publish what is exposed, on free ports',
    check: async (b) => {
      await b.ok('run', '-d', '--name', 'open', '--no-healthcheck', '-P', '--expose', '90', '--expose', '100-101/udp', '--entrypoint', 'httpd', b.rich, '-f', '-p', '90', '-h', '/seed');
      const ports = (await b.ok('port', 'open')).split('\n').filter((line) => !line.includes('[::]'));
      expect(ports.map((line) => line.split(' ')[0]).sort()).toEqual(['100/udp', '101/udp', '81/tcp', '82/udp', '90/tcp']);
      const port = /^90\/tcp -> 0\.0\.0\.0:(\d+)$/m.exec(ports.join('\n'))?.[1];
      const ask = () => fetch(`http://127.0.0.1:${port}/file`).then((answer) => answer.text(), () => '');
      expect(await eventually(ask, (text) => text !== '', 'an answer')).toBe('from the image\n');
      await b.ok('rm', '-f', 'open');
    },
  },
  {
    option: 'publish',
    does: 'takes addresses, ranges and protocols',
    check: async (b) => {
      const port = await freePort();
      const opts = ['-p', `127.0.0.1:${port}:80`, '-p', `127.0.0.1:${port}:53/udp`, '-p', '127.0.0.1::81', '-p', '127.0.0.2:40000-45000:82'];
      await b.ok('run', '-d', '--name', 'ports', ...opts, b.image, 'httpd', '-f', '-h', '/etc');
      const published = await b.ok('port', 'ports');
      expect(published).toContain(`80/tcp -> 127.0.0.1:${port}`);
      expect(published).toContain(`53/udp -> 127.0.0.1:${port}`);
      expect(published).toMatch(/81\/tcp -> 127\.0\.0\.1:\d+/);
      expect(published).toMatch(/82\/tcp -> 127\.0\.0\.2:4[0-5]\d{3}/);
      await b.ok('rm', '-f', 'ports');
    },
  },
  refuses('publish', 'takes ports', '-p 80:x', /invalid (containerPort|port)/i),
  refuses('publish', 'takes ranges of one length', '-p 8000-8002:80-81', /invalid ranges specified for container and host Ports/i),
  {
    option: 'network network-alias ip ip6 mac-address link-local-ip',
    does: 'place it on a network',
    check: async (b) => {
      // Of this run's own: another may go on beside it.
      const [v4, v6] = [`10.231.${process.pid % 250}`, `fd00:${(process.pid % 9000) + 1000}:`];
      await b.ok('network', 'create', '--ipv6', '--subnet', `${v4}.0/24`, '--subnet', `${v6}:/64`, 'placed');
      const opts = ['--network', 'placed', '--network-alias', 'nick', '--ip', `${v4}.9`, '--ip6', `${v6}:9`, '--mac-address', '02:42:aa:bb:cc:dd', '--link-local-ip', '169.254.8.8'];
      const text = await b.ok('run', '--rm', ...opts, b.image, 'sh', '-c', 'ip addr show eth0; for i in 1 2 3 4 5; do nslookup nick && break; sleep 0.3; done 2>&1');
      for (const part of [`inet ${v4}.9/24`, `${v6}:9/64`, '02:42:aa:bb:cc:dd', '169.254.8.8']) expect(text).toContain(part);
      expect(text).toMatch(new RegExp(`Address.*: ${v4}\\.9`));
      await b.ok('network', 'rm', 'placed');
    },
  },
  { option: 'network', does: 'none has no interface but lo', script: 'ls /sys/class/net', out: 'lo' },
  {
    option: 'network',
    does: 'host is the host’s',
    check: async (b) => {
      const seen = await b.ok('run', '--rm', '--network', 'host', b.image, 'ls', '-l', '/proc/self/ns/net');
      const { readlinkSync } = await import('node:fs');
      expect(seen).toContain(readlinkSync('/proc/self/ns/net'));
      const { readFileSync } = await import('node:fs');
      expect(await b.ok('run', '--rm', '--network', 'host', b.image, 'cat', '/etc/hosts')).toBe(readFileSync('/etc/hosts', 'utf8').trim());
    },
  },
  { option: 'network', does: 'must be there', check: async (b) => expect((await b.docker(['run', '--rm', '--network', 'nowhere', b.image])).stderr).toContain('network nowhere not found') },
  { modern: true, option: 'ip', does: 'needs a network of the user’s', check: async (b) => expect((await b.docker(['run', '--rm', '--ip', '172.17.0.99', b.image])).stderr).toContain('user specified IP address is supported on user defined networks only') },
  {
    option: 'link',
    does: 'names another container on the default bridge',
    check: async (b) => {
      await b.ok('run', '-d', '--name', 'target', '-e', 'SECRET=1', b.image, 'sleep', '100');
      const address = await inspect(b, 'target', '.NetworkSettings.Networks.bridge.IPAddress');
      const hosts = await b.ok('run', '--rm', '--link', 'target:other', b.image, 'cat', '/etc/hosts');
      expect(hosts).toMatch(new RegExp(`^${String(address)}\tother .*target`, 'm'));
      await b.ok('rm', '-f', 'target');
    },
  },
  modern(shows('mac-address', 'needs a network', '--mac-address 02:42:aa:bb:cc:01', 'ls /sys/class/net', 'lo')),
  refuses('mac-address', 'has a form', '--mac-address 02:42', /is not a valid mac address|invalid MAC/i),
];
