/** Lists of CPUs or memory nodes: "0-2,4" (cpuset(7), List format). Undefined when it cannot be read. */
export function parseIdList(text: string): Set<number> | undefined {
  const ids = new Set<number>();
  if (text === '') return ids;
  for (const part of text.split(',')) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part);
    if (!match) return undefined;
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (to < from || to >= 8192) return undefined;
    for (let id = from; id <= to; id++) ids.add(id);
  }
  return ids;
}
