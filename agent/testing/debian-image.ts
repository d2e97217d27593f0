import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeImage, type ImageOptions, type TestImage } from './image.ts';

const run = promisify(execFile);

/** Where what takes long to make is kept between test runs of this machine. */
export const testCache = () => process.env['BERTH_TEST_CACHE'] ?? join(homedir(), '.cache', 'berth-test');

const BUILD = `
set -e
mount --make-rprivate /
debootstrap --variant=minbase --include="$3" bookworm "$1/root" "$MIRROR" >"$1/log" 2>&1 || { tail -n 20 "$1/log" >&2; exit 1; }
rm -rf "$1/root/var/cache/apt/archives/"*.deb "$1/root/var/lib/apt/lists/"* "$1/root/var/log/"* "$1/root/debootstrap"
tar --numeric-owner --xattrs --xattrs-include='*' --sort=name --one-file-system --exclude='./dev/*' -C "$1/root" -cf "$2" .
`;

/** Path of a tar archive with Debian 12 (minbase), made with debootstrap once a machine. */
export async function debianTar(): Promise<string> {
  const cache = testCache();
  const path = join(cache, 'debian-bookworm-minbase.tar');
  if (await stat(path).catch(() => undefined)) return path;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'debootstrap-'));
  try {
    // a private mount namespace: whatever debootstrap mounts goes when it ends, also when it fails
    await run('unshare', ['-m', 'sh', '-c', BUILD, 'build', work, join(work, 'out.tar'), 'ca-certificates'], {
      env: { ...process.env, MIRROR: process.env['BERTH_DEBIAN_MIRROR'] ?? (await aptMirror()) },
      timeout: 600_000,
    });
    await rename(join(work, 'out.tar'), path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}

/** The mirror this machine's apt uses, since another may not be reached. */
async function aptMirror(): Promise<string> {
  const { stdout } = await run('sh', [
    '-c',
    'apt-get indextargets --format "\\$(REPO_URI)" "Codename: bookworm" "Created-By: Packages" | head -n 1',
  ]);
  return stdout.trim() || 'http://deb.debian.org/debian';
}

/** Debian 12 as an image with `Cmd: ["bash"]`. Slow the first time on a machine (debootstrap). `options` goes over it. */
export async function debianImage(options: ImageOptions = {}): Promise<TestImage> {
  const tar = await readFile(await debianTar());
  return makeImage([tar], {
    ...options,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Cmd: ['bash'],
      ...options.config,
    },
  });
}
