import { isIP } from 'node:net';
import { lookup } from 'node:dns/promises';
import { readFile, readdir } from 'node:fs/promises';
import { EngineError, conflict, invalid, notFound } from '../../api/errors.ts';
import type { VolumeCreateRequest, VolumeInspect } from '../../api/network.ts';
import { matchLabels, type Filters } from '../../http/query.ts';
import type { Layout } from '../../store/layout.ts';
import type { Log } from '../../system/log.ts';
import { MNT, type Syscalls } from '../../system/syscalls.ts';
import { copyTree } from '../../volumes/copy-tree.ts';
import { ANONYMOUS_LABEL, anonymousName, checkVolumeName } from '../../volumes/names.ts';
import { checkVolumeOptions, mountFlags, withoutPassword } from '../../volumes/options.ts';
import { directorySize } from '../../system/directory-size.ts';
import { VolumeTable, type VolumeRecord } from '../../volumes/table.ts';
import type { VolumeBackend, VolumeSource, VolumeUsers } from '../../volumes/types.ts';
import type { EventSink } from '../events/types.ts';

export interface VolumeParts {
  layout: Layout;
  sys: Syscalls;
  log: Log;
  users: VolumeUsers;
  events: EventSink;
}

export type Volumes = VolumeSource &
  VolumeBackend & {
    /** With `UsageData`, for `docker system df`; reads every file's size. */
    usage(): Promise<VolumeInspect[]>;
  };

const DRIVER = 'local';

/** The volumes of the local driver: directories, and mounts of a device where options ask for one. */
export async function createVolumes(parts: VolumeParts): Promise<Volumes> {
  const table = new VolumeTable(parts.layout, (message) => parts.log.warn(message));
  await table.load();
  return new LocalVolumes(parts, table);
}

class LocalVolumes implements Volumes {
  readonly #parts: VolumeParts;
  readonly #table: VolumeTable;
  /** creations under way by name: two at once make one volume */
  readonly #creating = new Map<string, Promise<VolumeInspect>>();
  /** which containers use which mounted volume, since this engine started */
  readonly #mountedFor = new Map<string, Set<string>>();

  constructor(parts: VolumeParts, table: VolumeTable) {
    this.#parts = parts;
    this.#table = table;
  }

  #inspect(record: VolumeRecord): VolumeInspect {
    return {
      CreatedAt: record.created,
      Driver: DRIVER,
      Labels: record.labels,
      Mountpoint: this.#table.data(record.name),
      Name: record.name,
      Options: record.options,
      Scope: 'local',
    };
  }

  find = (name: string): VolumeInspect | undefined => {
    const record = this.#table.get(name);
    return record && this.#inspect(record);
  };

  #must(name: string): VolumeRecord {
    const record = this.#table.get(name);
    if (!record) throw notFound(`get ${name}: no such volume`);
    return record;
  }

  inspect = async (name: string): Promise<VolumeInspect> => this.#inspect(this.#must(name));
  create = (request: VolumeCreateRequest): Promise<VolumeInspect> => this.ensure(request);

  async ensure(request: VolumeCreateRequest, maker?: string): Promise<VolumeInspect> {
    const driver = request.Driver || DRIVER;
    const anonymous = !request.Name;
    const name = request.Name || anonymousName();
    if (driver !== DRIVER && driver !== 'default')
      throw notFound(
        `create ${name}: error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`,
      );
    checkVolumeName(name);
    const options = request.DriverOpts ?? {};
    checkVolumeOptions(name, options);
    const labels = anonymous ? { ...request.Labels, [ANONYMOUS_LABEL]: '' } : (request.Labels ?? null);
    // No await before the entry in the table: the second of two at once must see the first.
    const existing = this.find(name) ?? this.#creating.get(name);
    if (existing) return existing;
    const making = this.#make({
      name,
      created: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      labels: labels && Object.keys(labels).length > 0 ? labels : null,
      options: Object.keys(options).length > 0 ? options : null,
      ...(anonymous && maker !== undefined && { maker }),
    });
    this.#creating.set(name, making);
    try {
      return await making;
    } finally {
      this.#creating.delete(name);
    }
  }

  async #make(record: VolumeRecord): Promise<VolumeInspect> {
    await this.#table.add(record);
    this.#parts.events.emit('volume', 'create', record.name, { driver: DRIVER });
    return this.#inspect(record);
  }

  async list(filters: Filters): Promise<{ Volumes: VolumeInspect[]; Warnings: string[] | null }> {
    const dangling = filters.has('dangling') ? readBool('dangling', filters.get('dangling')) : undefined;
    const volumes = this.#table
      .all()
      .filter((record) => {
        if (filters.has('name') && ![...(filters.get('name') ?? [])].some((part) => matchesName(record.name, part)))
          return false;
        if (filters.get('driver')?.has(DRIVER) === false) return false;
        if (!matchLabels(filters.get('label'), record.labels)) return false;
        return dangling === undefined || (this.#parts.users.usersOf(record.name).length === 0) === dangling;
      })
      .map((record) => this.#inspect(record));
    return { Volumes: volumes, Warnings: null };
  }

  async removeMadeFor(container: string): Promise<void> {
    for (const { name, maker } of this.#table.all()) if (maker === container) await this.remove(name);
  }

  async remove(name: string, force = false): Promise<void> {
    if (!this.#table.get(name)) {
      if (force) return;
      throw notFound(`get ${name}: no such volume`);
    }
    const users = this.#parts.users.usersOf(name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(', ')}]`);
    await this.#unmount(name);
    await this.#table.remove(name);
    this.#parts.events.emit('volume', 'destroy', name, { driver: DRIVER });
  }

  async prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }> {
    const all = filters.has('all') && readBool('all', filters.get('all'));
    const without = filters.get('label!');
    const deleted: string[] = [];
    let reclaimed = 0;
    for (const record of this.#table.all()) {
      if (!all && record.labels?.[ANONYMOUS_LABEL] === undefined) continue;
      if (!matchLabels(filters.get('label'), record.labels)) continue;
      if (without && [...without].some((label) => matchLabels(new Set([label]), record.labels))) continue;
      if (this.#parts.users.usersOf(record.name).length > 0) continue;
      const size = record.options ? 0 : await directorySize(this.#table.data(record.name));
      try {
        await this.remove(record.name);
      } catch (error) {
        this.#parts.log.warn(
          `volume ${record.name} could not be pruned: ${error instanceof Error ? error.message : String(error)}`,
        );
        continue;
      }
      deleted.push(record.name);
      reclaimed += size;
    }
    this.#parts.events.emit('volume', 'prune', '', { reclaimed: String(reclaimed) });
    return { VolumesDeleted: deleted, SpaceReclaimed: reclaimed };
  }

  async usage(): Promise<VolumeInspect[]> {
    const out: VolumeInspect[] = [];
    for (const record of this.#table.all())
      out.push({
        ...this.#inspect(record),
        UsageData: {
          Size: await directorySize(this.#table.data(record.name)),
          RefCount: this.#parts.users.usersOf(record.name).length,
        },
      });
    return out;
  }

  async copyUp(name: string, from: string): Promise<void> {
    const record = this.#must(name);
    if (record.options) await this.#mount(record);
    const data = this.#table.data(name);
    if ((await readdir(data)).length > 0) return;
    await copyTree(from, data, this.#parts.sys);
  }

  async use(names: readonly string[], container?: string): Promise<void> {
    for (const name of names) {
      const record = this.#table.get(name);
      if (!record?.options) continue;
      await this.#mount(record);
      if (container === undefined) continue;
      const users = this.#mountedFor.get(name) ?? new Set();
      this.#mountedFor.set(name, users.add(container));
    }
  }

  async release(container: string): Promise<void> {
    for (const [name, users] of this.#mountedFor)
      if (users.delete(container) && users.size === 0) await this.#unmount(name);
  }

  async #mount(record: VolumeRecord): Promise<void> {
    const { type = '', device = '', o = '' } = record.options ?? {};
    const target = this.#table.data(record.name);
    if (device === '' || (await isMounted(target))) return;
    const { flags, data } = mountFlags(await withAddress(type, o));
    try {
      this.#parts.sys.mount(device, target, type, flags, data);
    } catch (error) {
      const why = withoutPassword(error instanceof Error ? error.message : String(error));
      throw new EngineError(
        'system',
        `error while mounting volume '${target}': failed to mount local volume: mount ${device}:${target}${data && `, data: ${withoutPassword(data)}`}: ${why}`,
      );
    }
  }

  async #unmount(name: string): Promise<void> {
    this.#mountedFor.delete(name);
    const target = this.#table.data(name);
    if (await isMounted(target)) this.#parts.sys.umount(target, MNT.DETACH);
  }
}

/** NFS and CIFS take the address, not the name, of their server. */
async function withAddress(type: string, o: string): Promise<string> {
  const match = /(?:^|,)addr=([^,]+)/.exec(o);
  const name = match?.[1];
  if ((type !== 'nfs' && type !== 'cifs') || !name || isIP(name)) return o;
  const { address } = await lookup(name);
  return o.replace(`addr=${name}`, `addr=${address}`);
}

async function isMounted(path: string): Promise<boolean> {
  const escaped = path.replaceAll('\\', '\\134').replaceAll(' ', '\\040');
  return (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').some((line) => line.split(' ')[4] === escaped);
}

/** Docker matches a name filter as a regular expression, and as a part of the name where that cannot be read. */
function matchesName(name: string, pattern: string): boolean {
  try {
    return new RegExp(pattern).test(name);
  } catch {
    return name.includes(pattern);
  }
}

function readBool(filter: string, values: ReadonlySet<string> | undefined): boolean {
  const given = [...(values ?? [])];
  const only = given[0]?.toLowerCase() ?? '';
  if (given.length === 1 && ['1', 't', 'true'].includes(only)) return true;
  if (given.length === 1 && ['0', 'f', 'false'].includes(only)) return false;
  throw invalid(`invalid filter '${filter}=[${given.map((value) => JSON.stringify(value)).join(' ')}]'`);
}
