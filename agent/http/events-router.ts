import { invalid } from '../api/errors.ts';
import { EVENT_FILTERS } from '../services/events/filter.ts';
import type { EventBackend } from '../services/events/types.ts';
import { parseFilters } from './query.ts';
import { stream, type Router } from './router.ts';

/** "1700000000", "1700000000.123456789", or RFC 3339, in nanoseconds since the epoch; undefined when absent. */
export function parseTime(query: URLSearchParams, name: string): bigint | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  const seconds = /^(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (seconds) return BigInt(seconds[1] as string) * 1_000_000_000n + BigInt((seconds[2] ?? '').padEnd(9, '0'));
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw invalid(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return BigInt(at) * 1_000_000n;
}

/** GET /events */
export function addEventRoutes(router: Router, events: EventBackend): void {
  router.get('/events', (ctx) => {
    const since = parseTime(ctx.query, 'since');
    const until = parseTime(ctx.query, 'until');
    if (since !== undefined && until !== undefined && until < since)
      throw invalid(
        `\`since\` time (${ctx.query.get('since')}) cannot be after \`until\` time (${ctx.query.get('until')})`,
      );
    const filters = parseFilters(ctx.query, EVENT_FILTERS);
    return stream('application/json', async (sink) => {
      sink.start();
      await events
        .follow({ since, until, filters, signal: sink.signal }, (event) => sink.line(event))
        .catch((error: unknown) => {
          if (!sink.signal.aborted) throw error;
        });
    });
  });
}
