import { existsSync } from 'node:fs';
import type { EngineCheck, EngineChoices, EngineOption } from '../contract/engines.ts';
import { socketAddress } from '../contract/socket-address.ts';
import { EngineClient } from '../engine/client.ts';
import { dockerContexts } from '../engine/docker-contexts.ts';
import { formatEndpoint, parseEndpoint, type Endpoint } from '../engine/endpoint.ts';
import { openTransport } from '../engine/transport.ts';
import type { SettingsStore } from '../settings/settings.ts';
import type { EngineLink } from './engine-link.ts';
import type { OwnEngine } from './engine-process.ts';
import { HostError, toAppError } from './failures.ts';
import { machineEngine, type EngineSource } from './machine-engine.ts';
import type { MachineService } from './machine-service.ts';
import { Latest } from './signals.ts';

const DOCKER_SOCKET = '/var/run/docker.sock';
const LONGEST_NAME = 60;

export interface EnginesOptions {
  settings: SettingsStore;
  machine: MachineService;
  /** Berth's own on this kernel; undefined where the kernel is no Linux */
  own: OwnEngine | undefined;
  /** the address given at the start: nothing can be chosen then */
  pinned?: string;
  env?: NodeJS.ProcessEnv;
}

/** Which engines there are, which one is used, and the change from one to another. */
export class Engines {
  readonly #options: EnginesOptions;
  readonly #choices = new Latest<EngineChoices>({ current: '', pinned: false, options: [] });
  #link: EngineLink | undefined;

  constructor(options: EnginesOptions) {
    this.#options = options;
  }

  /** The engine to begin with: the one chosen before, else the platform's own. */
  async first(): Promise<EngineSource> {
    await this.#refresh();
    const { current, options } = this.#choices.value;
    return this.#open(options.find(({ id }) => id === current) as EngineOption);
  }

  /** The one in use. */
  get chosen(): EngineOption | undefined {
    const { current, options } = this.#choices.value;
    return options.find(({ id }) => id === current);
  }

  /** The connection that changes when another engine is chosen. */
  attach(link: EngineLink): void {
    this.#link = link;
  }

  /** Contexts of the docker command are read again for each that begins to watch. */
  async *watch(signal: AbortSignal): AsyncGenerator<EngineChoices> {
    await this.#refresh();
    yield* this.#choices.watch(signal);
  }

  async select(id: string): Promise<void> {
    if (this.#options.pinned !== undefined)
      throw new HostError({
        code: 'pinned',
        message: 'The engine was named when Berth was started (--engine).',
        action: 'Start Berth without --engine to choose one here.',
      });
    await this.#refresh();
    const option = this.#choices.value.options.find((each) => each.id === id);
    if (!option) throw new HostError({ code: 'not-found', message: 'This engine is not there any more.' });
    if (option.unusable) throw new HostError({ code: 'invalid-input', message: option.unusable });
    if (this.#choices.value.current === id) return;
    const { transport, start, startNow } = await this.#open(option);
    await this.#options.settings.change({ engine: id });
    this.#link?.switchTo(transport, start, startNow);
    await this.#refresh();
  }

  async add(name: string, address: string): Promise<{ id: string }> {
    const { settings } = this.#options;
    const { engines } = settings.current;
    const wanted = name.trim();
    if (wanted === '' || wanted.length > LONGEST_NAME)
      throw invalid('name', wanted === '' ? 'Give it a name.' : `A name has at most ${LONGEST_NAME} characters.`);
    if (engines.some((each) => each.name === wanted)) throw invalid('name', 'There is one of this name already.');
    const endpoint = formatEndpoint(readEndpoint(address));
    await settings.change({ engines: [...engines, { name: wanted, endpoint }] });
    await this.#refresh();
    return { id: ownId(wanted) };
  }

  async remove(id: string): Promise<void> {
    const { settings } = this.#options;
    if (this.#choices.value.current === id)
      throw new HostError({ code: 'conflict', message: 'It is in use.', action: 'Choose another engine first.' });
    await settings.change({ engines: settings.current.engines.filter(({ name }) => ownId(name) !== id) });
    await this.#refresh();
  }

  async check(address: string): Promise<EngineCheck> {
    const client = new EngineClient(await openTransport(readEndpoint(address)));
    try {
      const [version, info, berth] = await Promise.all([client.version(), client.info(), client.berthSystem()]);
      return {
        version: version.Version,
        apiVersion: version.ApiVersion,
        system: [info.OperatingSystem, info.Architecture].filter(Boolean).join(', '),
        kernel: info.KernelVersion,
        berth: berth !== undefined,
      };
    } catch (error) {
      throw new HostError(toAppError(error, 'endpoint'));
    } finally {
      client.close();
    }
  }

  async #open(option: EngineOption): Promise<EngineSource> {
    const { own, machine } = this.#options;
    if (option.kind === 'machine') return machineEngine(machine);
    const start = option.kind === 'local' ? own?.start : undefined;
    const transport = await openTransport(parseEndpoint(option.endpoint));
    return { transport, startNow: start !== undefined, ...(start ? { start } : {}) };
  }

  async #refresh(): Promise<void> {
    const { own, machine, settings, pinned, env } = this.#options;
    const options: EngineOption[] = [];
    const berth = (id: 'local' | 'machine', name: string, at: string) =>
      options.push({ id, kind: id, name, endpoint: at, source: 'berth' });
    if (own) berth('local', 'This computer', formatEndpoint(own.endpoint));
    berth('machine', 'The machine', socketAddress((await machine.status()).socket));
    for (const { name, endpoint } of settings.current.engines)
      options.push({ id: ownId(name), name, endpoint, source: 'user', ...readable(endpoint) });
    if (existsSync(DOCKER_SOCKET))
      options.push({
        id: 'docker:',
        name: 'Docker on this computer',
        endpoint: `unix://${DOCKER_SOCKET}`,
        source: 'docker',
        kind: 'socket',
      });
    for (const { name, host } of await dockerContexts(env))
      options.push({ id: `docker:${name}`, name, endpoint: host, source: 'docker', ...readable(host) });
    if (pinned !== undefined && !options.some(({ endpoint }) => endpoint === pinned))
      options.unshift({
        id: 'pinned',
        name: 'Named at the start',
        endpoint: pinned,
        source: 'user',
        ...readable(pinned),
      });
    const wanted = pinned === undefined ? settings.current.engine : options.find((o) => o.endpoint === pinned)?.id;
    const known = options.some(({ id, unusable }) => id === wanted && !unusable);
    const current = known ? (wanted as string) : own ? 'local' : 'machine';
    const next = { current, pinned: pinned !== undefined, options };
    if (JSON.stringify(next) !== JSON.stringify(this.#choices.value)) this.#choices.set(next);
  }
}

const ownId = (name: string): string => `own:${name}`;

const invalid = (field: string, message: string): HostError => new HostError({ code: 'invalid-input', message, field });

function readEndpoint(address: string): Endpoint {
  try {
    return parseEndpoint(address.trim());
  } catch (error) {
    throw invalid('endpoint', (error as Error).message);
  }
}

function readable(address: string): Pick<EngineOption, 'kind' | 'unusable'> {
  try {
    return { kind: parseEndpoint(address).kind === 'ssh' ? 'ssh' : 'socket' };
  } catch {
    return { kind: 'socket', unusable: 'Berth reaches engines through unix sockets and ssh.' };
  }
}
