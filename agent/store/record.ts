import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeAtomic } from './atomic.ts';

/**
 * A kind of record: JSON with `schemaVersion`. `migrations[n]` turns version n+1 into n+2; the newest version is
 * `migrations.length + 1`. `isValid` rejects what cannot be used; such a file is moved to quarantine, never deleted.
 */
export interface RecordKind<T> {
  name: string;
  migrations: readonly ((old: Record<string, unknown>) => Record<string, unknown>)[];
  isValid: (value: Record<string, unknown>) => boolean;
  quarantine: string;
  /** Told of each quarantined file, in words for the user. */
  report: (message: string) => void;
  /** type only */
  readonly sample?: T;
}

export async function writeRecord<T extends object>(kind: RecordKind<T>, path: string, value: T): Promise<void> {
  await writeAtomic(path, JSON.stringify({ schemaVersion: kind.migrations.length + 1, ...value }));
}

/** Undefined when there is no file, or when it was unreadable and went to quarantine. */
export async function readRecord<T extends object>(kind: RecordKind<T>, path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  let why: string;
  try {
    let value = JSON.parse(text) as Record<string, unknown>;
    const version = value['schemaVersion'];
    const newest = kind.migrations.length + 1;
    if (typeof version !== 'number' || version < 1 || !Number.isInteger(version)) throw new Error('no schema version');
    if (version > newest) throw new Error(`written by a newer Berth (schema ${version}, this one knows ${newest})`);
    for (const migrate of kind.migrations.slice(version - 1)) value = migrate(value);
    delete value['schemaVersion'];
    if (kind.isValid(value)) return value as T;
    why = 'its content is not as expected';
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  const target = await setAside(kind.quarantine, kind.name, path);
  kind.report(`The ${kind.name} record ${path} could not be read (${why}); it was moved to ${target}.`);
  return undefined;
}

/** Moves a file to quarantine, which may be on another file system. Gives where it is. */
export async function setAside(quarantine: string, name: string, path: string): Promise<string> {
  await mkdir(quarantine, { recursive: true });
  const parent = path.split('/').slice(-2, -1)[0] ?? '';
  const target = join(quarantine, `${name}-${Date.now()}-${parent}-${basename(path)}`);
  await rename(path, target).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV') throw error;
    await copyFile(path, target);
    await rm(path);
  });
  return target;
}
