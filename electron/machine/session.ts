import type { MachineStatus } from '../contract/machine.ts';
import { EngineClient } from '../engine/client.ts';
import { EngineHttp } from '../engine/http.ts';
import { pause } from '../host/signals.ts';
import { clockLag, onWake, setClock } from './clock.ts';
import { engineTransport } from './engine-stream.ts';
import { FolderNotices } from './folder-notices.ts';
import type { Machine } from './machine.ts';
import { PortForwards } from './port-forwards.ts';
import { RunningContainers } from './running-containers.ts';
import { runOver } from './ssh.ts';

/** Milliseconds between looks at what changes slowly: the clock, refused ports. */
const BEAT = 15_000;

export interface Session {
  /** containers that run */
  running(): number;
  /** when the last one ended: `performance.now()` */
  lastEnded(): number;
  /** this host woke up: the connection is made anew, and the guest's clock set */
  woke(): Promise<void>;
  close(): void;
}

/** What goes on beside a machine that runs: published ports, notices of changed files, its clock. `tell` hears what changes. */
export function openSession(machine: Machine, tell: (change: Partial<MachineStatus>) => void): Session {
  const over = new AbortController();
  const transport = engineTransport('machine', machine.engine);
  const client = new EngineClient(transport);
  const http = new EngineHttp(transport);
  const forwards = new PortForwards(machine.process, (ports) => tell({ ports }));
  const notices = new FolderNotices(machine.shares, async (command, input) =>
    runOver(await machine.ssh.client(), command, input),
  );
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
  });
  machine.ssh.onChange = (connected) => tell({ connection: connected ? 'connected' : 'reconnecting' });
  tell({ connection: 'connected', ports: [] });
  const correctClock = async () => {
    if ((await clockLag(http)) !== 0) await runOver(await machine.ssh.client(), setClock());
  };
  const woke = async () => {
    await machine.ssh.renew();
    await correctClock();
  };
  const stopWaking = onWake(() => void woke().catch(() => undefined));
  const beat = async () => {
    for (; !over.signal.aborted; await pause(BEAT, over.signal)) {
      await forwards.retry();
      await correctClock().catch(() => undefined);
    }
  };
  void running.follow(over.signal);
  void beat();
  return {
    running: () => running.size,
    lastEnded: () => ended,
    woke,
    close() {
      over.abort();
      stopWaking();
      forwards.close();
      notices.close();
      client.close();
      http.close();
      machine.ssh.onChange = () => undefined;
    },
  };
}
