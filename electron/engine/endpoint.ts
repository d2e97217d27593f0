import { PIPE_PATH, socketAddress } from '../contract/socket-address.ts';

/** Where an engine is: a socket (Windows: a pipe) on this machine, or one on another reached through ssh, whose configuration has what is not said. */
export type Endpoint = { kind: 'unix'; path: string } | SshEndpoint;

interface SshEndpoint {
  kind: 'ssh';
  host: string;
  user?: string;
  port?: number;
  path?: string;
}

const PIPE = /^npipe:\/\/\/\/\.\/pipe\/(.+)$/;

/** Reads `unix:///PATH`, an absolute path, `npipe:////./pipe/NAME`, or `ssh://[USER@]HOST[:PORT][/SOCKET]`. Throws a plain Error in words for the user. */
export function parseEndpoint(text: string): Endpoint {
  if (text.startsWith('/')) return { kind: 'unix', path: text };
  if (text.startsWith('unix://')) {
    const path = text.slice('unix://'.length);
    if (!path.startsWith('/'))
      throw new Error(`the engine address "${text}" needs an absolute path, as in unix:///run/docker.sock`);
    return { kind: 'unix', path };
  }
  const [, pipe] = PIPE.exec(text) ?? [];
  if (pipe !== undefined) return { kind: 'unix', path: `${PIPE_PATH}${pipe}` };
  if (text.startsWith('ssh://')) return parseSsh(text);
  throw new Error(`the engine address "${text}" is neither unix:///PATH nor ssh://USER@HOST`);
}

function parseSsh(text: string): Endpoint {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`the engine address "${text}" is not of the form ssh://USER@HOST[:PORT]`);
  }
  if (url.password) throw new Error('a password in an ssh:// address is not used: add your key to the ssh agent');
  if (!url.hostname) throw new Error(`the engine address "${text}" names no host`);
  return {
    kind: 'ssh',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.username ? { user: decodeURIComponent(url.username) } : {}),
    ...(url.port ? { port: Number(url.port) } : {}),
    ...(url.pathname && url.pathname !== '/' ? { path: decodeURIComponent(url.pathname) } : {}),
  };
}

/** The address as it is shown and given again. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return socketAddress(endpoint.path);
  const { user, port, path = '' } = endpoint;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `ssh://${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}${path}`;
}
