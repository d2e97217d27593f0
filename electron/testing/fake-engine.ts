import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerSummary } from '../../agent/api/container.ts';
import type { EventMessage } from '../../agent/api/system.ts';

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

/** A little of a Docker engine, on a unix socket: what tests change is theirs to change. Not Berth's: /berth/v1 answers 404. */
export class FakeEngine {
  readonly directory = mkdtempSync(join(tmpdir(), 'berth-fake-'));
  readonly socket = join(this.directory, 's');
  readonly containers = new Map<string, ContainerSummary>();
  /** "GET /path" without query, as they came */
  readonly seen: string[] = [];
  /** answers of the test's own, by "METHOD /path" */
  readonly answers = new Map<string, Answer>();
  readonly #watchers = new Set<ServerResponse>();
  #server: Server | undefined;

  async start(): Promise<void> {
    const server = createServer((req, res) => this.#answer(req, res));
    this.#server = server;
    await new Promise<void>((done) => server.listen(this.socket, done));
  }

  /** As when the engine is killed. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    await new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    });
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  emit(action: string, id: string, attributes: Record<string, string> = {}): void {
    const event: EventMessage = {
      Type: 'container',
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: 'local',
      time: 0,
      timeNano: 0,
    };
    for (const watcher of this.#watchers) watcher.write(`${JSON.stringify(event)}\n`);
  }

  /** Puts a container there, and tells of it. */
  put(id: string, change: Partial<ContainerSummary> = {}, action = 'start'): void {
    const before = this.containers.get(id) ?? {
      Id: id,
      Names: [`/${id}`],
      Image: 'image',
      ImageID: 'sha256:1',
      Command: 'sh',
      Created: 1,
      Ports: [],
      Labels: {},
      State: 'running',
      Status: 'Up 1 second',
      HostConfig: { NetworkMode: 'bridge' },
      NetworkSettings: { Networks: {} },
      Mounts: [],
    };
    this.containers.set(id, { ...before, ...change });
    this.emit(action, id);
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    const url = new URL(req.url ?? '/', 'http://x');
    const key = `${req.method} ${url.pathname}`;
    this.seen.push(key);
    const own = this.answers.get(key);
    const json = (body: unknown, status = 200) => {
      res.writeHead(status, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(body));
    };
    if (own) own(req, res);
    else if (key === 'GET /_ping') res.end('OK');
    else if (key === 'GET /version') json({ Version: '1', ApiVersion: '1.41', Os: 'linux', Arch: 'amd64' });
    else if (key === 'GET /info')
      json({ ServerVersion: '1', OperatingSystem: 'x', KernelVersion: '6', Architecture: 'x', NCPU: 2, MemTotal: 1 });
    else if (key === 'GET /containers/json') json(this.#list(url));
    else if (key === 'GET /images/json') json([]);
    else if (key === 'GET /events') {
      res.writeHead(200, { 'Content-Type': 'application/json' });
      res.flushHeaders();
      this.#watchers.add(res);
      res.on('close', () => this.#watchers.delete(res));
    } else json({ message: `page not found` }, 404);
  }

  #list(url: URL): ContainerSummary[] {
    const filters = JSON.parse(url.searchParams.get('filters') ?? '{}') as { id?: string[] };
    return [...this.containers.values()].filter(({ Id }) => !filters.id || filters.id.includes(Id));
  }
}
