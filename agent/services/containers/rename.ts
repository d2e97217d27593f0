import { invalid } from '../../api/errors.ts';
import { emit, type ContainersContext } from './context.ts';
import { checkName } from './create.ts';
import type { Live } from './live.ts';

/** POST /containers/{id}/rename */
export function rename(ctx: ContainersContext, live: Live, asked: string): Promise<void> {
  if (asked === '') throw invalid('Neither old nor new names may be empty');
  const name = checkName(asked);
  return live.lock.run(async () => {
    const { record } = live;
    const old = record.name;
    if (old === name) throw invalid('Renaming a container with the same name as its current name');
    ctx.table.reserve(name, record.id);
    record.name = name;
    try {
      await ctx.table.save(live);
    } catch (error) {
      record.name = old;
      ctx.table.release(name, record.id);
      throw error;
    }
    ctx.table.release(old, record.id);
    emit(ctx, live, 'rename', { oldName: `/${old}` });
    ctx.table.changed(live, 'rename');
  });
}
