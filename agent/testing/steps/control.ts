import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Says at which step an engine ends, or which of its steps fails; see `preload.ts`. */
export interface StepControl {
  /** what the engine is started with */
  readonly env: NodeJS.ProcessEnv;
  /** `what`: KILL, or the name of an error */
  arm(step: number, what?: string): void;
  disarm(): void;
  /** the steps since `arm`, as text */
  trace(): string[];
  /** a directory of its own, for what a test needs beside */
  readonly directory: string;
  close(): void;
}

export function stepControl(): StepControl {
  const preload = fileURLToPath(new URL('preload.ts', import.meta.url));
  const directory = mkdtempSync(join(tmpdir(), 'berth-steps-'));
  const limitFile = join(directory, 'limit');
  const traceFile = join(directory, 'trace');
  const disarm = () => rmSync(limitFile, { force: true });
  return {
    directory,
    env: { NODE_OPTIONS: `--import=${preload}`, BERTH_STEP_LIMIT: limitFile, BERTH_STEP_TRACE: traceFile },
    arm: (step, what = 'KILL') => {
      rmSync(traceFile, { force: true });
      writeFileSync(limitFile, `${step} ${what}`);
    },
    disarm,
    trace: () => (existsSync(traceFile) ? readFileSync(traceFile, 'utf8').split('\n').filter(Boolean) : []),
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
