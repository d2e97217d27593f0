import { chown, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { invalid } from '../../api/errors.ts';
import * as smallFiles from '../../system/small-files.ts';
import { resolveInRoot } from './root-path.ts';

/**
 * Makes the working directory inside `root` when it is missing, as Docker does, without leaving the root by a link.
 * Throws invalid-parameter when something else is in its place. Returns the path the process starts in.
 */
export async function prepareWorkingDirectory(
  root: string,
  workingDir: string | undefined,
  owner?: { uid: number; gid: number },
): Promise<string> {
  if (!workingDir || workingDir === '/') return '/';
  const { path, exists } = await resolveInRoot(root, workingDir, true, smallFiles);
  if (exists) {
    if (!(await stat(path)).isDirectory()) throw invalid(`Cannot mkdir: ${workingDir} is not a directory`);
    return workingDir;
  }
  await makeParents(root, path, owner);
  return workingDir;
}

async function makeParents(root: string, path: string, owner: { uid: number; gid: number } | undefined): Promise<void> {
  if (path === root) return;
  await makeParents(root, dirname(path), owner);
  try {
    await mkdir(path, 0o755);
    if (owner) await chown(path, owner.uid, owner.gid);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTDIR') throw invalid(`Cannot mkdir: ${path.slice(root.length)} is not a directory`, error);
    if (code !== 'EEXIST') throw error;
    if (!(await stat(path)).isDirectory()) throw invalid(`Cannot mkdir: ${path.slice(root.length)} is not a directory`);
  }
}
