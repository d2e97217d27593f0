import type { Server } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { detectCgroups } from './cgroups/detect.ts';
import { addArchiveRoutes } from './http/archive-router.ts';
import { addBerthRoutes } from './http/berth-router.ts';
import { addBuildRoutes } from './http/build-router.ts';
import { addContainerRoutes } from './http/containers-router.ts';
import { addEventRoutes } from './http/events-router.ts';
import { addExecRoutes } from './http/exec-router.ts';
import { addCommitRoute } from './http/image-archives-router.ts';
import { addImageRoutes } from './http/images-router.ts';
import { addLogRoutes } from './http/logs-router.ts';
import { addNetworkRoutes } from './http/networks-router.ts';
import { Router } from './http/router.ts';
import { createEngineServer } from './http/server.ts';
import { addStatsRoutes } from './http/stats-router.ts';
import { addSystemRoutes } from './http/system-router.ts';
import { addVolumeRoutes } from './http/volumes-router.ts';
import { readMap } from './namespaces/subordinate-ids.ts';
import { HostPortDesk } from './networks/host-ports.ts';
import type { Programs } from './requirements.ts';
import { createChoosingSupervisor } from './runtime/choosing-supervisor.ts';
import { createConmonSupervisor } from './runtime/conmon-supervisor.ts';
import { ageOf } from './runtime/process-identity.ts';
import { buildSpec } from './runtime/spec/build-spec.ts';
import { checkCreate } from './runtime/spec/check-create.ts';
import { checkUpdate } from './runtime/spec/check-update.ts';
import { buildExecProcess } from './runtime/spec/exec-process.ts';
import { readKernelFacts } from './runtime/spec/kernel-facts.ts';
import { checkLogConfig } from './runtime/spec/log-config.ts';
import { createArchive } from './services/archive/create.ts';
import type { EngineConfig } from './services/config.ts';
import { containerUsers } from './services/containers/users.ts';
import { createContainers, createLookup, runContainers } from './services/containers/service.ts';
import type { ContainersContext } from './services/containers/context.ts';
import { containerRecordKind } from './services/containers/record-kind.ts';
import { createMappedMounts } from './services/containers/mapped-mounts.ts';
import { createResolveMounts } from './services/containers/resolve-mounts.ts';
import { hasProcesses } from './services/containers/state.ts';
import { ContainerTable } from './services/containers/table.ts';
import { createEvents } from './services/events/create.ts';
import { createExec } from './services/exec/create.ts';
import type { ExecContext } from './services/exec/session.ts';
import { startHealth } from './services/health/create.ts';
import { probe } from './services/health/probe.ts';
import { createImages } from './services/images/create.ts';
import { createIsolation } from './services/isolation/create.ts';
import { createLogs } from './services/logs/create.ts';
import { LogGates } from './services/logs/gate.ts';
import { trimLog } from './services/logs/trim.ts';
import { createNetworks } from './services/networks/create.ts';
import { createStats } from './services/stats/create.ts';
import { createSystem } from './services/system/create.ts';
import { createVolumes } from './services/volumes/create.ts';
import { Layout } from './store/layout.ts';
import { systemClock } from './system/clock.ts';
import { exec } from './system/exec.ts';
import { createIdleMemory } from './system/idle-memory.ts';
import { idmapCalls } from './system/idmap.ts';
import { stderrLog } from './system/log.ts';
import { syscalls } from './system/syscalls.ts';

export interface Engine {
  readonly server: Server;
  /** the socket answers: restart policies may act */
  ready(): void;
  /** Stops serving; containers go on. Gives how many run. */
  close(): Promise<number>;
}

/** What every container would be refused for is refused at once. */
function checkLogDefaults({ logDriver, logOpts }: EngineConfig): void {
  try {
    checkLogConfig({ Type: logDriver, Config: logOpts });
  } catch (error) {
    throw new Error(`failed to set log opts: ${(error as Error).message}`, { cause: error });
  }
}

/** Puts the parts together, recovers what an earlier engine left, and gives a server that is not yet listening. */
export async function createEngine(config: EngineConfig, programs: Programs): Promise<Engine> {
  checkLogDefaults(config);
  const layout = new Layout(config.root, config.runDir);
  for (const directory of [
    layout.containers,
    layout.images,
    layout.networks,
    layout.volumes,
    layout.exits,
    layout.netns,
    layout.runtimeState,
  ])
    await mkdir(directory, { recursive: true, mode: 0o711 });
  const warnings: string[] = [];
  const log = {
    ...stderrLog,
    warn: (message: string) => {
      warnings.push(message);
      if (warnings.length > 100) warnings.shift();
      stderrLog.warn(message);
    },
  };
  const base = { config, layout, sys: syscalls(), log, clock: systemClock, events: createEvents() };
  const table = new ContainerTable(
    layout,
    containerRecordKind(layout, (message) => log.warn(message)),
  );
  await table.load();

  const mapped = createMappedMounts({
    calls: idmapCalls(),
    sys: base.sys,
    layout,
    map: await readMap(config.usernsRemap),
    byDefault: config.usernsRemap !== '',
  });
  mapped.sweep();
  const cgroups = await detectCgroups();
  const users = containerUsers(table, layout);
  const hostPorts = new HostPortDesk();
  const [facts, images, volumes, networks] = await Promise.all([
    readKernelFacts(cgroups),
    createImages({ ...base, users: users.ofImages }),
    createVolumes({ ...base, users: users.ofVolumes }),
    createNetworks({ ...base, exec, users: users.ofNetworks, hostPorts }),
  ]);
  const gates = new LogGates();
  const runtimes = {
    defaultName: programs.runtime.name,
    names: new Set(programs.runtimes.map(({ name }) => name)),
  };
  const ctx: ContainersContext = {
    ...base,
    table,
    supervisor: createChoosingSupervisor(
      new Map(
        programs.runtimes.map((runtime) => [
          runtime.name,
          createConmonSupervisor({ conmon: programs.conmon, runtime, layout }),
        ]),
      ),
      runtimes,
      (id) => table.find(id)?.record.hostConfig.Runtime,
    ),
    runtimes,
    images,
    networking: networks,
    volumes,
    mapped,
    cgroups,
    facts,
    checkCreate,
    buildSpec,
    resolveMounts: createResolveMounts(volumes, config.root, config.socket, config.hostFolders),
    checkUpdate,
    trimLog: (record) => trimLog(layout, gates, record),
  };
  const lookup = createLookup(ctx);
  const logs = createLogs({ containers: lookup, layout, gates, log, reopenLog: ctx.supervisor.reopenLog });
  const replay: Parameters<typeof createContainers>[1] = (id, { stdout, stderr }, connection) => {
    const everything = {
      follow: false,
      timestamps: false,
      details: false,
      since: undefined,
      until: undefined,
      tail: undefined,
    };
    const write = (bytes: Uint8Array) => new Promise<void>((done) => connection.writable.write(bytes, () => done()));
    return logs.open(id, { stdout, stderr, ...everything }).run(write, connection.signal);
  };
  const stats = createStats({ cgroups, containers: lookup, clock: systemClock });
  const system = createSystem({
    config,
    facts,
    cgroups,
    containers: lookup,
    images,
    volumes,
    networks,
    runtime: programs.runtime,
    runtimes: programs.runtimes,
    warnings: () => warnings,
    listeners: base.events.listeners,
  });

  const router = new Router();
  addSystemRoutes(router, system);
  addArchiveRoutes(router, createArchive({ containers: lookup, images, layout, sys: base.sys, events: base.events }));
  addStatsRoutes(router, stats);
  addLogRoutes(router, logs);
  const containers = createContainers(ctx, replay);
  addContainerRoutes(router, containers, { cgroupVersion: cgroups.version });
  addCommitRoute(router, images.commitOf({ containers: lookup, pausing: containers, layout, sys: base.sys }));
  const execs: ExecContext = { containers: ctx, buildExecProcess, sessions: new Map() };
  addExecRoutes(router, createExec(execs));
  addImageRoutes(router, images);
  addBuildRoutes(router);
  addNetworkRoutes(router, networks);
  addVolumeRoutes(router, volumes);
  addEventRoutes(router, base.events);
  const isolation = createIsolation({ containers: lookup, cgroups, stats, cgroupParent: config.cgroupParent });
  addBerthRoutes(router, { stats, isolation, system, hostPorts });

  const run = await runContainers(ctx);
  const stopHealth = startHealth({
    containers: ctx,
    probe: (live, signal) => probe(execs, live, signal),
    age: (record) => ageOf(record.pidStartTime),
  });
  const server = createEngineServer({ router, onError: (error, request) => log.error(request, error) });
  const memory = createIdleMemory();
  server.on('request', memory.active);
  server.on('connection', (socket) => socket.once('close', memory.active));
  return {
    server,
    ready: () => {
      run.ready();
      memory.active();
    },
    close: async () => {
      run.stop();
      stopHealth();
      memory.stop();
      stats.close();
      await new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      });
      logs.close();
      await networks.close();
      await images.close();
      return [...table.values()].filter((live) => hasProcesses(live.record)).length;
    },
  };
}
