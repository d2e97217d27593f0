/** The user's machine as the guest sees it (QEMU's user network). */
export const HOST_FROM_GUEST = '10.0.2.2';

const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const;

/** What the engine in the guest has of this host's environment: the proxies. One that listens on this host's loopback is reached as the guest sees it. */
export function engineEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of NAMES) {
    const value = env[name] ?? env[name.toLowerCase()];
    if (value) result[name] = name === 'NO_PROXY' ? value : fromGuest(value);
  }
  return result;
}

function fromGuest(proxy: string): string {
  try {
    const url = new URL(proxy.includes('://') ? proxy : `http://${proxy}`);
    if (!/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)) return proxy;
    url.hostname = HOST_FROM_GUEST;
    return url.href.replace(/\/$/, '');
  } catch {
    return proxy;
  }
}
