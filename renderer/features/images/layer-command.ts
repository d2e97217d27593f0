/** A step of an image's history as its Dockerfile had it: without the shell that builders put in front. */
export function readableCommand(createdBy: string): string {
  const instruction = /^\/bin\/(?:ba)?sh -c #\(nop\)\s+(.*)$/s.exec(createdBy);
  if (instruction) return (instruction[1] ?? '').trim();
  const run = /^(?:RUN )?(?:\|\d+ .*? )?\/bin\/(?:ba)?sh -c (.*)$/s.exec(createdBy);
  if (run) return `RUN ${(run[1] ?? '').trim()}`.replace(/\s*# buildkit$/, '');
  return createdBy.replace(/\s*# buildkit$/, '').trim();
}
