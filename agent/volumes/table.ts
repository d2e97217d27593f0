import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from '../store/layout.ts';
import { syncDirectory } from '../store/atomic.ts';
import { readRecord, writeRecord, type RecordKind } from '../store/record.ts';

/** A volume as it is kept in `volumes/NAME/volume.json`. */
export interface VolumeRecord {
  name: string;
  /** RFC 3339 */
  created: string;
  labels: Record<string, string> | null;
  options: Record<string, string> | null;
  /** of an anonymous one: the container it was made for */
  maker?: string;
}

const RECORD = 'volume.json';
/** What is being removed: not a name a volume can have. */
const GONE = '.gone-';

/** The volumes on disk and in memory: data in `volumes/NAME/_data`. */
export class VolumeTable {
  readonly #layout: Layout;
  readonly #kind: RecordKind<VolumeRecord>;
  readonly #volumes = new Map<string, VolumeRecord>();

  constructor(layout: Layout, report: (message: string) => void) {
    this.#layout = layout;
    this.#kind = {
      name: 'volume',
      migrations: [],
      isValid: (value) => typeof value['name'] === 'string' && typeof value['created'] === 'string',
      quarantine: layout.quarantine,
      report,
    };
  }

  directory = (name: string) => join(this.#layout.volumes, name);
  data = (name: string) => join(this.directory(name), '_data');
  get = (name: string) => this.#volumes.get(name);
  all = () => [...this.#volumes.values()];

  /** Reads what is there. A directory with data but no record (lost, or in quarantine) is a volume all the same. */
  async load(): Promise<void> {
    await mkdir(this.#layout.volumes, { recursive: true, mode: 0o700 });
    // A container's root may leave set-user-ID programs in a volume: other users of the machine must not get at them.
    await chmod(this.#layout.volumes, 0o700);
    for (const entry of await readdir(this.#layout.volumes, { withFileTypes: true })) {
      if (entry.name.startsWith(GONE)) {
        await rm(join(this.#layout.volumes, entry.name), { recursive: true, force: true });
        continue;
      }
      if (!entry.isDirectory()) continue;
      if (await this.#halfMade(entry.name)) continue;
      const record = await readRecord(this.#kind, join(this.directory(entry.name), RECORD));
      if (record?.name === entry.name) this.#volumes.set(entry.name, record);
      else if ((await readdir(this.data(entry.name)).catch(() => undefined)) !== undefined)
        await this.add({ name: entry.name, created: new Date().toISOString(), labels: null, options: null });
    }
  }

  /** Making it was cut off before its record: nobody was told of it. Goes, unless there is something in it. */
  async #halfMade(name: string): Promise<boolean> {
    const names = await readdir(this.directory(name));
    if (names.some((one) => one !== '_data' && !one.endsWith('.tmp'))) return false;
    if (names.includes('_data') && (await readdir(this.data(name))).length > 0) return false;
    await rm(this.directory(name), { recursive: true });
    return true;
  }

  async add(record: VolumeRecord): Promise<void> {
    const directory = this.directory(record.name);
    // not `recursive`, which says ENOENT on a read-only file system
    const made = await mkdir(directory, { mode: 0o711 }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    try {
      await mkdir(this.data(record.name), { recursive: true, mode: 0o755 });
      await writeRecord(this.#kind, join(directory, RECORD), record);
      await syncDirectory(this.#layout.volumes);
    } catch (error) {
      // One that was there before has somebody's data.
      if (made) await rm(directory, { recursive: true, force: true });
      throw error;
    }
    this.#volumes.set(record.name, record);
  }

  /** Gone for clients as soon as the directory has its other name; the deletion may take longer, and is finished at the next start. */
  async remove(name: string): Promise<void> {
    const gone = join(this.#layout.volumes, `${GONE}${name.slice(0, 200)}-${process.hrtime.bigint()}`);
    await rename(this.directory(name), gone);
    this.#volumes.delete(name);
    await syncDirectory(this.#layout.volumes);
    await rm(gone, { recursive: true, force: true }).catch((error: unknown) =>
      this.#kind.report(`The files of volume ${name} could not all be removed (${String(error)}): ${gone}.`),
    );
  }
}
