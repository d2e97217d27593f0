import type { EventMessage } from '../../api/system.ts';
import type { Filters } from '../../http/query.ts';
import { fineNow } from '../../system/clock.ts';
import { matchesEvent } from './filter.ts';
import type { EventBackend, EventSink } from './types.ts';

/** How many events are kept for clients that ask for the past. */
const KEPT = 512;

/** How many may wait for one client. */
const MAX_WAITING = 1024;

/** Milliseconds with fraction since the epoch. */
export type Now = () => number;

/** Stamps events, keeps the last ones, and hands them to those who listen. */
export function createEvents(now: Now = fineNow): EventSink & EventBackend & { listeners: () => number } {
  const kept: EventMessage[] = [];
  const listeners = new Set<(event: EventMessage) => void>();
  return {
    emit: (type, action, id, attributes = {}) => {
      const event = stamped(now(), type, action, id, attributes);
      kept.push(event);
      if (kept.length > KEPT) kept.shift();
      for (const listener of listeners) listener(event);
    },
    follow: (options, onEvent) => follow(kept, listeners, now, options, onEvent),
    listeners: () => listeners.size,
  };
}

function stamped(
  at: number,
  type: EventMessage['Type'],
  action: string,
  id: string,
  attributes: Record<string, string>,
): EventMessage {
  const event: EventMessage = {
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: 'local',
    time: Math.floor(at / 1000),
    timeNano: Math.floor(at * 1e6),
  };
  if (type === 'container') return { status: action, id, from: attributes['image'] ?? '', ...event };
  if (type === 'image') return { status: action, id, ...event };
  return event;
}

async function follow(
  kept: readonly EventMessage[],
  listeners: Set<(event: EventMessage) => void>,
  now: Now,
  options: { since?: bigint; until?: bigint; filters: Filters; signal: AbortSignal },
  onEvent: (event: EventMessage) => Promise<void>,
): Promise<void> {
  const { since, until, filters, signal } = options;
  const wanted = (event: EventMessage) =>
    (until === undefined || BigInt(event.timeNano) <= until) && matchesEvent(event, filters);
  const queue: EventMessage[] =
    since === undefined && until === undefined
      ? []
      : kept.filter((event) => BigInt(event.timeNano) >= (since ?? 0n) && wanted(event));
  let wake: () => void = () => undefined;
  let over = signal.aborted;
  const listener = (event: EventMessage) => {
    // A client that does not keep up misses events, as with dockerd, instead of having them pile up.
    if (!wanted(event) || queue.length >= MAX_WAITING) return;
    queue.push(event);
    wake();
  };
  const stop = () => {
    over = true;
    wake();
  };
  listeners.add(listener);
  signal.addEventListener('abort', stop);
  const left = until === undefined ? undefined : Number(until) / 1e6 - now();
  const timer = left === undefined ? undefined : setTimeout(stop, Math.min(Math.max(left, 0), 2 ** 31 - 1));
  try {
    for (;;) {
      const event = queue.shift();
      if (event) await onEvent(event);
      else if (over) return;
      else await new Promise<void>((done) => (wake = done));
    }
  } finally {
    listeners.delete(listener);
    signal.removeEventListener('abort', stop);
    clearTimeout(timer);
  }
}
