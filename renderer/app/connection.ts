import { createORPCClient, DynamicLink } from '@orpc/client';
import type { ClientContext, ClientLink } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import { ref } from 'vue';
import type { Ref } from 'vue';
import type { Client } from './client.ts';

export type ConnectionState = 'connecting' | 'open' | 'lost';
export interface Connection {
  client: Client;
  /** 'lost' while it tries to connect again */
  state: Readonly<Ref<ConnectionState>>;
  /** tries at once instead of at the next attempt */
  reconnect(): void;
  close(): void;
}

type Link = ClientLink<ClientContext>;

/** A call waits this long for a connection before it fails. */
const patienceMs = 8_000;
const retryMs = [250, 500, 1_000, 2_000, 3_000];

/** Thrown by calls while there is no connection to the host. */
export class ConnectionLostError extends Error {
  constructor() {
    super('The connection to Berth is lost');
    this.name = 'ConnectionLostError';
  }
}

/** Connects to the host that serves this page. The socket carries the page's cookie, and is opened again whenever it closes. */
export function connectSocket(url: string): Connection {
  const state = ref<ConnectionState>('connecting');
  let link: Link | undefined;
  let socket: WebSocket | undefined;
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  const waiting = new Set<(link: Link) => void>();

  const open = () => {
    clearTimeout(timer);
    const opening = new WebSocket(url);
    opening.binaryType = 'arraybuffer';
    socket = opening;
    const next: Link = new SocketLink({ websocket: opening });
    opening.addEventListener('open', () => {
      attempt = 0;
      link = next;
      state.value = 'open';
      for (const resume of waiting) resume(next);
      waiting.clear();
    });
    opening.addEventListener('close', () => {
      if (closed || socket !== opening) return;
      link = undefined;
      state.value = 'lost';
      timer = setTimeout(open, retryMs[Math.min(attempt++, retryMs.length - 1)]);
    });
  };
  open();

  return {
    client: createORPCClient(new DynamicLink(() => link ?? waitForLink(waiting))),
    state,
    reconnect: () => {
      if (state.value === 'open' || socket?.readyState === WebSocket.CONNECTING) return;
      open();
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      socket?.close();
    },
  };
}

function waitForLink(waiting: Set<(link: Link) => void>): Promise<Link> {
  return new Promise((resolve, reject) => {
    const resume = (link: Link) => {
      clearTimeout(timer);
      resolve(link);
    };
    const timer = setTimeout(() => {
      waiting.delete(resume);
      reject(new ConnectionLostError());
    }, patienceMs);
    waiting.add(resume);
  });
}

/**
 * Connects through the MessagePort that Electron's preload script posts to the window (message 'berth:port', the port with it).
 * The preload script answers 'berth:connect', so it does not matter which of the two is ready first. A new port replaces the old one.
 */
export function connectPort(target: Window): Connection {
  const state = ref<ConnectionState>('connecting');
  let link: Link | undefined;
  const waiting = new Set<(link: Link) => void>();
  const onMessage = (event: MessageEvent) => {
    const port = event.ports[0];
    if (event.source !== target || event.data !== 'berth:port' || !port) return;
    const next: Link = new PortLink({ port });
    port.addEventListener('close', () => {
      if (link !== next) return;
      link = undefined;
      state.value = 'lost';
      ask();
    });
    port.start();
    link = next;
    state.value = 'open';
    for (const resume of waiting) resume(next);
    waiting.clear();
  };
  const ask = () => target.postMessage('berth:connect', '*');
  target.addEventListener('message', onMessage);
  ask();
  return {
    client: createORPCClient(new DynamicLink(() => link ?? waitForLink(waiting))),
    state,
    reconnect: ask,
    close: () => target.removeEventListener('message', onMessage),
  };
}

/** The connection that fits where this page runs: Electron's port, else a socket to the page's own origin. */
export function connect(): Connection {
  if (navigator.userAgent.includes('Electron/')) return connectPort(window);
  const url = new URL('rpc', location.href.split('#')[0]);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  url.pathname = '/rpc';
  url.search = '';
  return connectSocket(url.href);
}
