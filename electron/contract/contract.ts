import { eventIterator, oc, type } from '@orpc/contract';
import { z } from 'zod';
import type * as engines from './engines.ts';
import type * as machine from './machine.ts';
import { START_MODES } from './machine.ts';
import type { AppError } from './model.ts';
import type * as model from './model.ts';
import { runRequest } from './run-request.ts';

/**
 * The one contract between window and host: server, client and test doubles derive from it. Input is validated; output is the
 * host's own and typed only. Every expected failure is the error `FAILED` with an AppError as data. A stream ends when its consumer
 * stops iterating, which also cancels what it stands for (a pull, a terminal).
 */
const base = oc.errors({ FAILED: { message: 'The operation failed', data: type<AppError>() } });

/** A stream of T: validated nowhere, since the host makes it. */
const streamOf = <T>() => eventIterator(type<T, T>((value) => value));
const id = z.string().min(1).max(256);
const ids = z.object({ ids: z.array(id).min(1).max(1000) });
const reference = z.string().min(1).max(1024);

const newNetwork = z.object({
  name: z.string().max(255),
  /** "10.5.0.0/24"; empty: the engine chooses */
  subnet: z.string().max(255),
  gateway: z.string().max(255),
  internal: z.boolean(),
  ipv6: z.boolean(),
});
export type NewNetwork = z.infer<typeof newNetwork>;

/** The bounds are the host's to know: what is out of them is refused with the field's name. */
const machineSettings = z
  .object({
    cpus: z.number(),
    memory: z.number(),
    disk: z.number(),
    folders: z.array(z.object({ path: z.string().max(4096), writable: z.boolean() })).max(64),
    start: z.enum(START_MODES),
    idleMinutes: z.number(),
  })
  .partial();
const endpoint = z.string().max(4096);

export const contract = {
  engine: {
    /** first the present state, then each change */
    watch: base.output(streamOf<model.EngineStatus>()),
    /** starts the engine where it is not running, or connects again */
    start: base.output(type<void>()),
    /** what the engine in use is configured with */
    defaults: base.output(type<engines.EngineDefaults>()),
  },
  engines: {
    /** first the present choice, then each change */
    watch: base.output(streamOf<engines.EngineChoices>()),
    /** uses another engine from now on, in every window, and at the next start */
    select: base.input(z.object({ id })).output(type<void>()),
    add: base.input(z.object({ name: z.string().max(255), endpoint })).output(type<{ id: string }>()),
    remove: base.input(z.object({ id })).output(type<void>()),
    /** asks the engine at an address what it is, without using it */
    check: base.input(z.object({ endpoint })).output(type<engines.EngineCheck>()),
  },
  machine: {
    /** first the present state, then each change; memory and disk are measured while somebody watches */
    watch: base.output(streamOf<machine.MachineStatus>()),
    host: base.output(type<machine.MachineHost>()),
    /** resolves when its engine answers */
    start: base.output(type<void>()),
    stop: base.output(type<void>()),
    /** ends it at once */
    kill: base.output(type<void>()),
    restart: base.output(type<void>()),
    /** removes its disk with every image, container and volume */
    reset: base.output(type<void>()),
    console: base.output(streamOf<machine.ConsoleUpdate>()),
    settings: base.output(type<machine.MachineSettings>()),
    setSettings: base.input(machineSettings).output(type<machine.SettingsOutcome>()),
  },
  containers: {
    watch: base.output(streamOf<model.ContainerChange>()),
    usage: base.output(streamOf<model.UsageUpdate>()),
    history: base.input(z.object({ id })).output(streamOf<model.UsageHistoryUpdate>()),
    /** pulls when the image is not stored, creates, starts */
    run: base.input(runRequest).output(streamOf<model.RunUpdate>()),
    start: base.input(ids).output(type<model.ActionResult[]>()),
    stop: base.input(ids).output(type<model.ActionResult[]>()),
    restart: base.input(ids).output(type<model.ActionResult[]>()),
    pause: base.input(ids).output(type<model.ActionResult[]>()),
    unpause: base.input(ids).output(type<model.ActionResult[]>()),
    kill: base.input(ids).output(type<model.ActionResult[]>()),
    remove: base.input(ids.extend({ force: z.boolean(), volumes: z.boolean() })).output(type<model.ActionResult[]>()),
    rename: base.input(z.object({ id, name: z.string() })).output(type<void>()),
    inspect: base.input(z.object({ id })).output(type<model.ContainerInspect>()),
    processes: base.input(z.object({ id })).output(type<model.ProcessTable>()),
    /** `tail` lines of what is stored (0: all) and not older than `since` (ms since the epoch; 0: all), then what comes when `follow` */
    logs: base
      .input(z.object({ id, follow: z.boolean(), tail: z.number().int().min(0), since: z.number().min(0).default(0) }))
      .output(streamOf<model.LogBatch>()),
    isolation: base.input(z.object({ id })).output(type<model.Isolation | null>()),
    pressure: base.input(z.object({ id })).output(type<model.Pressure | null>()),
  },
  terminals: {
    /** a shell (the first found of bash, ash, sh when `command` is empty) in a container, on a real TTY */
    open: base
      .input(
        z.object({
          id,
          command: z.array(z.string()),
          user: z.string(),
          columns: z.number().int().min(1),
          rows: z.number().int().min(1),
        }),
      )
      .output(streamOf<model.TerminalUpdate>()),
    write: base.input(z.object({ session: id, data: z.string() })).output(type<void>()),
    resize: base
      .input(
        z.object({ session: id, columns: z.number().int().min(1).max(1000), rows: z.number().int().min(1).max(1000) }),
      )
      .output(type<void>()),
  },
  /** null: the engine is another one, which does not tell */
  kernel: {
    cgroups: base.output(type<model.CgroupNode | null>()),
    /** one group of that tree, whole; null when it is gone */
    cgroup: base.input(z.object({ path: z.string().min(1).max(4096) })).output(type<model.CgroupDetail | null>()),
    namespaces: base.output(type<model.NamespaceMap | null>()),
  },
  images: {
    watch: base.output(streamOf<model.ImageChange>()),
    pull: base.input(z.object({ reference, platform: z.string() })).output(streamOf<model.PullUpdate>()),
    inspect: base.input(z.object({ reference })).output(type<model.ImageDetails>()),
    tag: base.input(z.object({ reference, target: z.string() })).output(type<void>()),
    /** each reference is a tag (untagged) or an id (all its tags) */
    remove: base
      .input(z.object({ references: z.array(reference).min(1), force: z.boolean() }))
      .output(type<model.ActionResult[]>()),
  },
  registries: {
    /** signs in, and keeps that where `docker login` keeps it; refused with the field "password" when it is wrong */
    signIn: base
      .input(
        z.object({
          registry: z.string().min(1).max(255),
          username: z.string().min(1).max(1024),
          password: z.string().min(1).max(65_536),
        }),
      )
      .output(type<void>()),
  },
  networks: {
    list: base.output(type<model.NetworkRow[]>()),
    create: base.input(newNetwork).output(type<void>()),
    remove: base.input(ids).output(type<model.ActionResult[]>()),
  },
  volumes: {
    list: base.output(type<model.VolumeRow[]>()),
    /** an empty name: the engine chooses one */
    create: base.input(z.object({ name: z.string().max(255) })).output(type<{ name: string }>()),
    remove: base.input(z.object({ names: z.array(z.string()).min(1) })).output(type<model.ActionResult[]>()),
  },
  settings: {
    watch: base.output(streamOf<{ theme: 'system' | 'light' | 'dark' }>()),
    set: base.input(z.object({ theme: z.enum(['system', 'light', 'dark']) })).output(type<void>()),
  },
  system: {
    /** what everything takes on disk; takes as long as the engine needs to measure it */
    diskUsage: base.output(type<model.DiskUsage>()),
    /** opens a link in the user's browser; only http(s) to this machine and to published ports */
    /** where things are on this machine's disk */
    places: base.output(type<engines.Place[]>()),
    /** all that helps to find a fault, as text and without secrets */
    report: base.output(type<{ text: string }>()),
    openExternal: base.input(z.object({ url: z.url() })).output(type<void>()),
  },
};
export type Contract = typeof contract;
