import { invalid } from '../../api/errors.ts';
import { matchLabels, type Filters } from '../../http/query.ts';
import type { ContainersContext } from './context.ts';
import { remove } from './remove.ts';
import { measure } from './size.ts';

export const PRUNE_FILTERS = ['label', 'label!', 'until'] as const;

/** POST /containers/prune: removes those that do not run. */
export async function prune(
  ctx: ContainersContext,
  filters: Filters,
): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }> {
  const until = untilOf(filters, ctx.clock.now());
  const refused = [...(filters.get('label!') ?? [])];
  const deleted: string[] = [];
  let SpaceReclaimed = 0;
  for (const live of ctx.table.values()) {
    const { record } = live;
    if (record.state.Running || record.state.Status === 'removing') continue;
    if (until !== undefined && Date.parse(record.created) > until) continue;
    if (!matchLabels(filters.get('label'), record.config.Labels)) continue;
    if (refused.some((label) => matchLabels(new Set([label]), record.config.Labels))) continue;
    const { SizeRw } = await measure(ctx, record.id, record.imageId);
    try {
      await remove(ctx, live, { force: false, volumes: false });
    } catch (error) {
      ctx.log.warn(`container ${record.id} was not pruned: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    deleted.push(record.id);
    SpaceReclaimed += SizeRw;
  }
  ctx.events.emit('container', 'prune', '', { reclaimed: String(SpaceReclaimed) });
  return { ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed };
}

/** "10m", "1h30m", a time in seconds since the epoch, or RFC 3339; in milliseconds. */
function untilOf(filters: Filters, now: number): number | undefined {
  const values = [...(filters.get('until') ?? [])];
  if (values.length === 0) return undefined;
  if (values.length > 1) throw invalid('more than one until filter specified');
  const [text] = values as [string];
  if (/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    const unit: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
    let total = 0;
    for (const [, amount, name] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
      total += Number(amount) * (unit[name as string] as number);
    return now - total;
  }
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw invalid(`invalid filter 'until=${text}'`);
  return at;
}
