import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { makeImage, type ImageOptions, type TestImage } from './image.ts';
import type { TarEntry } from './tar.ts';

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;
const GROUP = `root:x:0:
daemon:x:1:
bin:x:2:
tty:x:5:
www-data:x:33:
users:x:100:nobody
nogroup:x:65534:
`;

let entries: TarEntry[] | undefined;

/** The layer: Debian's static busybox with a link for each applet, and the few files that programs expect. */
export function busyboxLayer(): TarEntry[] {
  if (entries) return entries;
  const dir = (name: string, mode = 0o755): TarEntry => ({ name: `${name}/`, type: 'dir', mode });
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  entries = [
    ...['bin', 'dev', 'etc', 'home', 'proc', 'run', 'sys', 'usr', 'usr/bin', 'usr/sbin', 'var', 'var/www'].map((name) =>
      dir(name),
    ),
    dir('root', 0o700),
    dir('tmp', 0o1777),
    dir('var/tmp', 0o1777),
    { name: 'etc/passwd', content: PASSWD },
    { name: 'etc/group', content: GROUP },
    { name: 'etc/shadow', content: 'root:*:19000:0:99999:7:::\n', mode: 0o640, gid: 42 },
    { name: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 },
    ...applets
      .filter((applet) => applet !== 'busybox')
      .map((applet): TarEntry => ({ name: `bin/${applet}`, type: 'link', linkname: 'bin/busybox', mode: 0o755 })),
    { name: 'usr/bin/env', type: 'link', linkname: 'bin/busybox', mode: 0o755 },
  ];
  return entries;
}

/** busybox as an image: a shell, `Cmd: ["sh"]`, users root, daemon, www-data and nobody. `options` goes over it. */
export function busyboxImage(options: ImageOptions = {}): TestImage {
  return makeImage([busyboxLayer()], {
    ...options,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Cmd: ['sh'],
      ...options.config,
    },
  });
}
