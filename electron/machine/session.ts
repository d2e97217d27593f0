import type { MachineStatus, Standstill } from '../contract/machine.ts';
import { EngineClient } from '../engine/client.ts';
import { EngineHttp } from '../engine/http.ts';
import { pause } from '../host/signals.ts';
import { boundLog } from './bounded-log.ts';
import { clockLag, onWake, setClock } from './clock.ts';
import { engineTransport } from './engine-stream.ts';
import { FolderNotices, withLimits } from './folder-notices.ts';
import { Delayed } from './delayed.ts';
import { answerHostPorts } from './host-port-asks.ts';
import type { MachinePaths } from './paths.ts';
import { PortForwards } from './port-forwards.ts';
import { RunningContainers } from './running-containers.ts';
import { watchStandstill } from './standstill.ts';
import { runOver } from '../engine/ssh-exec.ts';
import type { HeldMachine } from './start-with.ts';

/** Milliseconds between looks at what changes slowly: the clock, refused ports. */
const BEAT = 3_000;
/** Beats between looks into the guest, which cost it something. */
const GUEST_BEATS = 20;
/** Milliseconds after a removal until its room is given back to this host: removals come in groups. */
const TRIM_AFTER = 5_000;
/** Milliseconds that a connection has to show, after a sleep, that it still is one. */
const WAKE_PATIENCE = 10_000;

export interface Session {
  /** containers that run */
  running(): number;
  /** when the last one ended: `performance.now()` */
  lastEnded(): number;
  /** this host woke up: the guest's clock is set, over a new connection where the old one is dead */
  woke(): Promise<void>;
  close(): void;
}

/** What goes on beside a machine that runs: published ports, notices of changed files, its clock. `tell` hears what changes. */
export function openSession(
  machine: HeldMachine,
  /** what is on this host: the data disk and the logs */
  paths: Pick<MachinePaths, 'data' | 'console' | 'log' | 'folderLog'>,
  /** looks at what changes slowly, and tells it */
  look: () => Promise<unknown>,
  tell: (change: Partial<MachineStatus>) => void,
): Session {
  const over = new AbortController();
  const transport = engineTransport('machine', machine.engine);
  const client = new EngineClient(transport);
  const http = new EngineHttp(transport);
  const forwards = new PortForwards(machine.process, (ports) => tell({ ports }));
  const notices = new FolderNotices(
    machine.shares,
    async (command, input) => runOver(await machine.ssh.client(), command, input),
    (limits) => tell({ folders: withLimits(machine.folders, limits) }),
  );
  const guest = async (command: string) => runOver(await machine.ssh.client(), command);
  const trim = new Delayed(TRIM_AFTER, () => guest('sync; fstrim /var/lib/berth'));
  let ended = performance.now();
  const running = new RunningContainers(client, {
    runs: ({ Id, Names, Ports, Mounts }) => {
      void forwards.set(Id, (Names[0] ?? Id).replace(/^\//, ''), Ports);
      notices.set(Id, Mounts);
    },
    ended: (id) => {
      ended = performance.now();
      void forwards.set(id, '', []);
      notices.set(id, []);
    },
    all: (ids) => void forwards.keep(ids),
    freed: () => trim.schedule(),
  });
  machine.ssh.onChange = (connection, refusal) =>
    tell({ connection, refusal: refusal && { error: refusal.message, hint: refusal.hint } });
  tell({ connection: 'connected', refusal: undefined, ports: [] });
  const correctClock = async () => {
    if ((await clockLag(http)) !== 0) await guest(setClock());
  };
  const woke = async () => {
    // Without asking: the date of an answer may be a second old, from before the sleep or the change. The connection, which stays on this
    // host, usually outlives the sleep, and with it what clients follow; only one that is silent is made anew.
    const set = guest(setClock()).then(
      () => true,
      () => false,
    );
    if (await Promise.race([set, pause(WAKE_PATIENCE, over.signal).then(() => false)])) return;
    await machine.ssh.renew();
    await guest(setClock());
  };
  const stopWaking = onWake(() => void woke().catch(() => undefined));
  const beat = async () => {
    for (let count = 0; !over.signal.aborted; await pause(BEAT, over.signal)) {
      await forwards.retry();
      for (const log of [paths.console, paths.log, paths.folderLog]) boundLog(log);
      if (count++ % GUEST_BEATS !== 0) continue;
      await look().catch(() => undefined);
      await correctClock().catch(() => undefined);
    }
  };
  const still = (standstill: Standstill | undefined) => tell({ standstill });
  void watchStandstill(machine.process, paths.data, still, woke, over.signal);
  void running.follow(over.signal);
  void beat();
  void answerHostPorts(http, forwards, over.signal);
  return {
    running: () => running.size,
    lastEnded: () => ended,
    woke,
    close() {
      over.abort();
      stopWaking();
      forwards.close();
      notices.close();
      trim.close();
      client.close();
      http.close();
      machine.ssh.onChange = () => undefined;
    },
  };
}
