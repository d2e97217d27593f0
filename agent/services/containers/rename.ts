import { EngineError, invalid } from '../../api/errors.ts';
import { emit, type ContainersContext } from './context.ts';
import { checkName } from './create.ts';
import type { Live } from './live.ts';

/** POST /containers/{id}/rename */
export function rename(ctx: ContainersContext, live: Live, asked: string): Promise<void> {
  if (asked === '') throw invalid('Neither old nor new names may be empty');
  const name = allocating(() => checkName(asked.startsWith('/') ? asked : `/${asked}`));
  return live.lock.run(async () => {
    const { record } = live;
    const old = record.name;
    if (old === name) throw invalid('Renaming a container with the same name as its current name');
    allocating(() => ctx.table.reserve(name, record.id));
    record.name = name;
    for (const endpoint of Object.values(record.attached.networks))
      if (endpoint.DNSNames) endpoint.DNSNames = endpoint.DNSNames.map((known) => (known === old ? name : known));
    try {
      await ctx.table.save(live);
    } catch (error) {
      record.name = old;
      ctx.table.release(name, record.id);
      throw error;
    }
    ctx.table.release(old, record.id);
    await ctx.networking
      .rename?.(record.id, name)
      .catch((error: unknown) => ctx.log.error(`networks of container ${record.id}: new name`, error));
    emit(ctx, live, 'rename', { oldName: `/${old}` });
    ctx.table.changed(live, 'rename');
  });
}

/** A refused name, with the words dockerd puts before it. */
function allocating<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(error.kind, `Error when allocating new name: ${error.message}`, error);
  }
}
