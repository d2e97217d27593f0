import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseEndpoint } from './engine/endpoint.ts';
import { openTransport } from './engine/transport.ts';
import { socketChannel } from './host/channel.ts';
import { HostError } from './host/failures.ts';
import { createHost } from './host/host.ts';
import { settingsPath } from './settings/settings.ts';
import { startWebServer } from './web/server.ts';

const USAGE = `Usage: berth ui [--port N] [--engine unix:///PATH | ssh://USER@HOST] [--no-open]

  --port N     the port on 127.0.0.1; 0 (the default) takes a free one
  --engine     a Docker-compatible engine; without it Berth uses its own, and starts it where needed
  --no-open    does not open a browser`;

/** The built window lies beside the built host; from the sources, in dist. */
function rendererRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return here.endsWith(join('dist', 'electron')) ? join(here, '..', 'renderer') : join(here, '..', 'dist', 'renderer');
}

function fail(message: string, code = 1): never {
  console.error(`berth ui: ${message}`);
  process.exit(code);
}

interface Arguments {
  port: number;
  engine: string | undefined;
  open: boolean;
}

function readArguments(argv: string[]): Arguments {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        port: { type: 'string' },
        engine: { type: 'string' },
        'no-open': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    fail(`${(error as Error).message}\n\n${USAGE}`, 2);
  }
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const port = values.port ?? '0';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) fail(`"${port}" is not a port: it must be 0 to 65535`, 2);
  return { port: Number(port), engine: values.engine, open: !values['no-open'] };
}

/** Rejects where there is no browser to open. */
function openExternal(url: string): Promise<void> {
  return new Promise((done, reject) => {
    const child = spawn('xdg-open', [url], { stdio: 'ignore', detached: true });
    child.once('error', () =>
      reject(
        new HostError({
          code: 'no-browser',
          message: 'No browser could be opened.',
          detail: url,
          action: 'Open the address yourself.',
        }),
      ),
    );
    child.once('spawn', () => {
      child.unref();
      done();
    });
  });
}

async function main(): Promise<void> {
  const { port, engine, open } = readArguments(process.argv.slice(2));
  let endpoint;
  try {
    endpoint = engine === undefined ? undefined : parseEndpoint(engine);
  } catch (error) {
    fail((error as Error).message, 2);
  }
  const host = await createHost({
    ...(endpoint ? { transport: await openTransport(endpoint) } : {}),
    settingsFile: settingsPath(),
    openExternal,
  });
  const server = await startWebServer({ port, root: rendererRoot(), onSocket: socketChannel(host.router) }).catch(
    (error: NodeJS.ErrnoException) =>
      fail(error.code === 'EADDRINUSE' ? `port ${port} is in use; choose another, or --port 0` : error.message),
  );
  const stop = () => {
    host.close();
    void server.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  console.log(`Berth serves its window to one browser on this machine; the engine is ${host.link.client.address}.`);
  console.log(server.url);
  if (open && (process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']))
    await openExternal(server.url).catch(() => undefined);
}

await main();
