import { invalid } from '../api/errors.ts';
import { atLeast } from '../api/version.ts';
import type { EventBackend } from '../services/events/types.ts';
import { parseFilters } from './query.ts';
import { stream, type Router } from './router.ts';
import { parseTimestamp } from './timestamp.ts';

/** Nanoseconds since the epoch; undefined when absent. Throws `invalid-parameter`. */
function parseTime(query: URLSearchParams, name: string, now: number): bigint | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  const time = parseTimestamp(text, now);
  if (time === undefined) throw invalid(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return time;
}

/** GET /events */
export function addEventRoutes(router: Router, events: EventBackend): void {
  router.get('/events', ({ query, apiVersion }) => {
    const now = Date.now();
    const since = parseTime(query, 'since', now);
    const until = parseTime(query, 'until', now);
    if (since !== undefined && until !== undefined && until < since)
      throw invalid(`\`since\` time (${query.get('since')}) cannot be after \`until\` time (${query.get('until')})`);
    // Names it does not know dockerd does not mind here.
    const filters = parseFilters(query, undefined);
    const imagesMade = atLeast(apiVersion, '1.46');
    return stream('application/json', async (sink) => {
      sink.start();
      await events
        .follow({ since, until, filters, signal: sink.signal }, async (event) => {
          if (!imagesMade && event.Type === 'image' && event.Action === 'create') return;
          await sink.write(`${JSON.stringify(event)}\n`);
        })
        .catch((error: unknown) => {
          if (!sink.signal.aborted) throw error;
        });
    });
  });
}
