/** Where an engine is: a socket on this machine, or one on another reached through ssh. */
export type Endpoint =
  { kind: 'unix'; path: string } | { kind: 'ssh'; user: string; host: string; port: number; path: string };

/** The socket on the far side where the address names none. */
const REMOTE_SOCKET = '/var/run/docker.sock';

/** Reads `unix:///PATH`, an absolute path, or `ssh://[USER@]HOST[:PORT][/SOCKET]`. Throws a plain Error in words for the user. */
export function parseEndpoint(text: string, defaultUser = 'root'): Endpoint {
  if (text.startsWith('/')) return { kind: 'unix', path: text };
  if (text.startsWith('unix://')) {
    const path = text.slice('unix://'.length);
    if (!path.startsWith('/'))
      throw new Error(`the engine address "${text}" needs an absolute path, as in unix:///run/docker.sock`);
    return { kind: 'unix', path };
  }
  if (text.startsWith('ssh://')) return parseSsh(text, defaultUser);
  throw new Error(`the engine address "${text}" is neither unix:///PATH nor ssh://USER@HOST`);
}

function parseSsh(text: string, defaultUser: string): Endpoint {
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
    user: url.username ? decodeURIComponent(url.username) : defaultUser,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : 22,
    path: url.pathname && url.pathname !== '/' ? decodeURIComponent(url.pathname) : REMOTE_SOCKET,
  };
}

/** The address as it is shown and given again. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const port = endpoint.port === 22 ? '' : `:${endpoint.port}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  const path = endpoint.path === REMOTE_SOCKET ? '' : endpoint.path;
  return `ssh://${endpoint.user}@${host}${port}${path}`;
}
