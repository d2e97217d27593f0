import { implement } from '@orpc/server';
import type { VolumeInspect } from '../../agent/api/network.ts';
import { contract } from '../contract/contract.ts';
import type { MachineSettings } from '../contract/machine.ts';
import type { ActionResult } from '../contract/model.ts';
import type { EngineClient } from '../engine/client.ts';
import { splitReference } from '../engine/reference.ts';
import { createNetwork } from './create-network.ts';
import { diskUsage } from './disk-usage.ts';
import { failed, HostError, toAppError } from './failures.ts';
import type { HostServices } from './host.ts';
import { readLogs } from './logs.ts';
import { pullImage } from './pull.ts';
import { runContainer } from './run.ts';
import { signIn } from './sign-in.ts';

/** A stream whose failures are the contract's. */
async function* guarded<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, void> {
  try {
    yield* source;
  } catch (error) {
    throw failed(error);
  }
}

/** The same for each, at once; one's failure does not stop the others. */
async function each(ids: readonly string[], act: (id: string) => Promise<unknown>): Promise<ActionResult[]> {
  return Promise.all(
    ids.map(async (id) => {
      try {
        await act(id);
        return { id };
      } catch (error) {
        return { id, error: toAppError(error) };
      }
    }),
  );
}

async function createVolume(client: EngineClient, name: string): Promise<VolumeInspect> {
  try {
    return await client.createVolume(name.trim());
  } catch (error) {
    throw new HostError(toAppError(error, 'name'));
  }
}

const noSignal = new AbortController().signal;

/** The contract, implemented with the host's services. */
export function createRouter(host: HostServices) {
  const { link, engines, machine, containers, images, usage, terminals } = host;
  const { client } = link;
  const os = implement(contract).use(async ({ next }) => {
    try {
      return await next();
    } catch (error) {
      throw failed(error);
    }
  });
  const verb = (name: 'start' | 'stop' | 'restart' | 'pause' | 'unpause' | 'kill') =>
    os.containers[name].handler(({ input }) => each(input.ids, (id) => client.containerVerb(id, name)));

  return os.router({
    engine: {
      watch: os.engine.watch.handler(({ signal = noSignal }) => guarded(link.status.watch(signal))),
      start: os.engine.start.handler(() => link.start()),
      defaults: os.engine.defaults.handler(() => host.engineDefaults()),
    },
    engines: {
      watch: os.engines.watch.handler(({ signal = noSignal }) => guarded(engines.watch(signal))),
      select: os.engines.select.handler(({ input }) => engines.select(input.id)),
      add: os.engines.add.handler(({ input }) => engines.add(input.name, input.endpoint)),
      remove: os.engines.remove.handler(({ input }) => engines.remove(input.id)),
      check: os.engines.check.handler(({ input }) => engines.check(input.endpoint)),
    },
    machine: {
      watch: os.machine.watch.handler(({ signal = noSignal }) => guarded(machine.watch(signal))),
      host: os.machine.host.handler(() => machine.host()),
      start: os.machine.start.handler(() => machine.start()),
      stop: os.machine.stop.handler(() => machine.stop()),
      kill: os.machine.kill.handler(() => machine.kill()),
      restart: os.machine.restart.handler(() => machine.restart()),
      reset: os.machine.reset.handler(() => machine.reset()),
      console: os.machine.console.handler(({ signal = noSignal }) => guarded(machine.console(signal))),
      settings: os.machine.settings.handler(() => machine.settings()),
      setSettings: os.machine.setSettings.handler(({ input }) =>
        machine.setSettings(input as Partial<MachineSettings>),
      ),
    },
    containers: {
      watch: os.containers.watch.handler(({ signal = noSignal }) => guarded(containers.watch(signal))),
      usage: os.containers.usage.handler(({ signal = noSignal }) => guarded(usage.watch(signal))),
      history: os.containers.history.handler(({ input, signal = noSignal }) =>
        guarded(usage.history(input.id, signal)),
      ),
      run: os.containers.run.handler(({ input, signal = noSignal }) =>
        guarded(runContainer(client, input, host.authFor, signal)),
      ),
      start: verb('start'),
      stop: verb('stop'),
      restart: verb('restart'),
      pause: verb('pause'),
      unpause: verb('unpause'),
      kill: verb('kill'),
      remove: os.containers.remove.handler(({ input }) =>
        each(input.ids, (id) => client.removeContainer(id, input.force, input.volumes)),
      ),
      rename: os.containers.rename.handler(({ input }) => client.renameContainer(input.id, input.name)),
      inspect: os.containers.inspect.handler(({ input }) => client.inspectContainer(input.id)),
      processes: os.containers.processes.handler(async ({ input }) => {
        const table = await client.top(input.id);
        return { titles: table.Titles, rows: table.Processes ?? [] };
      }),
      logs: os.containers.logs.handler(({ input, signal = noSignal }) => guarded(readLogs(client, input, signal))),
      isolation: os.containers.isolation.handler(async ({ input }) => (await client.isolation(input.id)) ?? null),
      pressure: os.containers.pressure.handler(async ({ input }) => (await client.pressure(input.id)) ?? null),
    },
    terminals: {
      open: os.terminals.open.handler(({ input, signal = noSignal }) => guarded(terminals.open(input, signal))),
      write: os.terminals.write.handler(({ input }) => terminals.write(input.session, input.data)),
      resize: os.terminals.resize.handler(({ input }) => terminals.resize(input.session, input.columns, input.rows)),
    },
    kernel: {
      cgroups: os.kernel.cgroups.handler(async () => (await client.cgroups()) ?? null),
      cgroup: os.kernel.cgroup.handler(async ({ input }) => (await client.cgroup(input.path)) ?? null),
      namespaces: os.kernel.namespaces.handler(async () => (await client.namespaces()) ?? null),
    },
    images: {
      watch: os.images.watch.handler(({ signal = noSignal }) => guarded(images.watch(signal))),
      pull: os.images.pull.handler(async function* ({ input, signal = noSignal }) {
        const auth = await host.authFor(input.reference);
        yield* guarded(pullImage(client, { ...input, auth }, signal));
      }),
      inspect: os.images.inspect.handler(async ({ input }) => {
        const [inspect, history] = await Promise.all([
          client.inspectImage(input.reference),
          client.imageHistory(input.reference),
        ]);
        return { inspect, history };
      }),
      tag: os.images.tag.handler(({ input }) => {
        const { name, tag } = splitReference(input.target);
        return client.tagImage(input.reference, name, tag);
      }),
      remove: os.images.remove.handler(({ input }) =>
        each(input.references, (id) => client.removeImage(id, input.force)),
      ),
    },
    registries: {
      signIn: os.registries.signIn.handler(({ input }) => signIn(client, input)),
    },
    networks: {
      list: os.networks.list.handler(() => host.listNetworks()),
      create: os.networks.create.handler(({ input }) => createNetwork(client, input)),
      remove: os.networks.remove.handler(({ input }) => each(input.ids, client.removeNetwork)),
    },
    volumes: {
      list: os.volumes.list.handler(() => host.listVolumes()),
      create: os.volumes.create.handler(async ({ input }) => ({ name: (await createVolume(client, input.name)).Name })),
      remove: os.volumes.remove.handler(({ input }) => each(input.names, client.removeVolume)),
    },
    settings: {
      watch: os.settings.watch.handler(({ signal = noSignal }) => guarded(host.watchSettings(signal))),
      set: os.settings.set.handler(({ input }) => host.changeSettings(input)),
    },
    system: {
      diskUsage: os.system.diskUsage.handler(() => diskUsage(client, containers.rows)),
      places: os.system.places.handler(() => host.places()),
      report: os.system.report.handler(() => host.report()),
      openExternal: os.system.openExternal.handler(({ input }) => host.openExternal(input.url)),
    },
  });
}
export type HostRouter = ReturnType<typeof createRouter>;
