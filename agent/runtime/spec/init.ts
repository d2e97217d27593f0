import { existsSync } from 'node:fs';
import { invalid } from '../../api/errors.ts';

/** Small init programs that reap children and pass signals on, by where distributions put them. */
const PROGRAMS: readonly string[] = [
  '/usr/libexec/docker/docker-init',
  '/usr/bin/docker-init',
  '/usr/bin/tini-static',
  '/usr/bin/tini',
  '/usr/libexec/podman/catatonit',
  '/usr/bin/catatonit',
];

/** Where `--init` puts the program in the container. */
export const INIT_IN_CONTAINER = '/sbin/docker-init';

/** Path of the init program of this machine. Throws invalid-parameter saying what to install. */
export function findInit(): string {
  const found = PROGRAMS.find((path) => existsSync(path));
  if (!found)
    throw invalid(
      'exec: "docker-init": executable file not found in $PATH: install the package \'tini\' to use --init',
    );
  return found;
}
