import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZERO_TIME } from '../../system/clock.ts';
import { Layout } from '../../store/layout.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerLookup } from '../containers/types.ts';
import { notFound } from '../../api/errors.ts';

/** For tests: a table of containers that can be changed. */
export class FakeContainers implements ContainerLookup {
  readonly records = new Map<string, ContainerRecord>();
  readonly #listeners = new Set<(record: ContainerRecord, action: string) => void>();

  add(
    id: string,
    change: Partial<Omit<ContainerRecord, 'state'>> & { state?: Partial<ContainerRecord['state']> } = {},
  ): ContainerRecord {
    const state: ContainerRecord['state'] = {
      Status: 'running',
      Running: true,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: 0,
      ExitCode: 0,
      Error: '',
      StartedAt: ZERO_TIME,
      FinishedAt: ZERO_TIME,
      ...change.state,
    };
    const record: ContainerRecord = {
      id,
      name: `name-${id}`,
      created: ZERO_TIME,
      imageId: 'sha256:0',
      imageName: 'busybox',
      platform: 'linux',
      path: 'sh',
      args: [],
      config: {},
      hostConfig: { LogConfig: { Type: 'json-file', Config: {} } },
      mounts: [],
      endpoints: {},
      attached: { networks: {}, ports: {} },
      restartCount: 0,
      stoppedByUser: false,
      pidStartTime: 0,
      monitorPid: 0,
      cgroupPath: '/none',
      netns: '',
      ...change,
      state,
    };
    this.records.set(id, record);
    return record;
  }

  stop(id: string): void {
    const record = this.get(id);
    Object.assign(record.state, { Running: false, Status: 'exited', Pid: 0 });
    this.changed(record, 'die');
  }

  changed(record: ContainerRecord, action: string): void {
    for (const listener of this.#listeners) listener(record, action);
  }

  get(reference: string): ContainerRecord {
    const found = this.find(reference);
    if (!found) throw notFound(`No such container: ${reference}`);
    return found;
  }
  find = (reference: string) => this.records.get(reference);
  all = () => this.records.values();
  withRoot<T>(): Promise<T> {
    return Promise.reject(new Error('there is no root in this test'));
  }
  onChange(listener: (record: ContainerRecord, action: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  get listeners(): number {
    return this.#listeners.size;
  }
}

/** For tests: a layout in a temporary directory, and a log in it that conmon might have written. */
export class LogFixture {
  readonly directory = mkdtempSync(join(tmpdir(), 'berth-logs-'));
  readonly layout = new Layout(join(this.directory, 'root'), join(this.directory, 'run'));
  readonly containers = new FakeContainers();
  #nanoseconds = 0;

  path(id: string): string {
    mkdirSync(this.layout.container(id), { recursive: true });
    return this.layout.containerLog(id);
  }

  /** Entries as "o:F:text" (stream, tag, text), one nanosecond apart. */
  append(id: string, entries: readonly string[], suffix = ''): void {
    appendFileSync(this.path(id) + suffix, Buffer.concat(entries.map((entry) => this.entry(entry))));
  }

  entry(entry: string, zone = '+00:00'): Buffer {
    const [stream, tag] = [entry[0] === 'o' ? 'stdout' : 'stderr', entry[2]];
    const stamp = `2020-11-23T20:11:12.${String(this.#nanoseconds++).padStart(9, '0')}${zone}`;
    return Buffer.from(`${stamp} ${stream} ${tag} ${entry.slice(4)}\n`, 'latin1');
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Collects what a log writes, and takes Docker's frames apart. */
export class LogCollector {
  readonly #chunks: Buffer[] = [];
  readonly write = (bytes: Uint8Array): Promise<void> => {
    this.#chunks.push(Buffer.from(bytes));
    return Promise.resolve();
  };

  get raw(): Buffer {
    return Buffer.concat(this.#chunks);
  }
  /** Frames as "1:text". */
  get frames(): string[] {
    const raw = this.raw;
    const frames: string[] = [];
    for (let at = 0; at < raw.length;) {
      const size = raw.readUInt32BE(at + 4);
      frames.push(`${raw[at]}:${raw.toString('latin1', at + 8, at + 8 + size)}`);
      at += 8 + size;
    }
    return frames;
  }
}
