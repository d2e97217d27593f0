import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { constants, openSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { createEngine } from './engine.ts';
import { listen } from './listen.ts';
import { dropMountNamespace } from './namespaces/mount-namespace.ts';
import type { Programs } from './requirements.ts';
import type { EngineConfig } from './services/config.ts';
import { Layout } from './store/layout.ts';
import { keepReserve } from './store/reserve.ts';
import { stderrLog } from './system/log.ts';
import { syscalls } from './system/syscalls.ts';

/** Holds the locks, serves the socket, and ends on SIGTERM or SIGINT. Gives the exit code. */
export async function runEngine(config: EngineConfig, programs: Programs): Promise<number> {
  const layout = new Layout(config.root, config.runDir);
  await mkdir(config.root, { recursive: true, mode: 0o711 });
  await mkdir(config.runDir, { recursive: true, mode: 0o711 });
  if (config.lock === 'take') {
    lockDirectory(config.root, '--root');
    lockDirectory(config.runDir, '--run-dir');
  }
  await freeSocket(config.socket);

  const engine = await createEngine(config, programs);
  await listen(engine.server, config.socket);
  await writeFile(join(config.runDir, 'engine.pid'), `${process.pid}\n`);
  stderrLog.info(
    `ready on ${config.socket} (${programs.runtime.name} ${programs.runtime.version}, root ${config.root})`,
  );
  engine.ready();
  const stopReserve = keepReserve(layout.reserve);

  const signal = await new Promise<string>((done) => {
    process.once('SIGTERM', () => done('SIGTERM'));
    process.once('SIGINT', () => done('SIGINT'));
  });
  stderrLog.info(`${signal}: stopping; containers go on`);
  stopReserve();
  const running = await engine.close();
  await rm(config.socket, { force: true });
  await rm(join(config.runDir, 'engine.pid'), { force: true });
  if (running === 0) dropMountNamespace(layout.mountNamespace, programs.nsenter);
  return 0;
}

/** A lock that ends with this process, however it ends. The descriptor stays open on purpose. */
function lockDirectory(directory: string, flag: string): void {
  const fd = openSync(join(directory, '.lock'), constants.O_RDONLY | constants.O_CREAT, 0o600);
  if (!syscalls().flock(fd, true))
    throw new Error(`another engine uses ${directory} (${flag}): stop it, or give this one directories of its own`);
}

/** Removes the socket of an engine that is gone; refuses one that answers, and anything that is no socket. */
async function freeSocket(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const info = await stat(path).catch(() => undefined);
  if (!info) return;
  if (!info.isSocket()) throw new Error(`${path} (--socket) is there and is no socket`);
  const answers = await new Promise<boolean>((done) => {
    const probe = createConnection(path, () => {
      probe.destroy();
      done(true);
    });
    probe.once('error', () => done(false));
  });
  if (answers) throw new Error(`another engine listens on ${path} (--socket)`);
  await rm(path);
}
