import { errorWords } from './api/error-words.ts';
import { ConfigError } from './services/config-file.ts';
import { configBefore, loadConfig } from './services/command-line.ts';
import type { EngineConfig } from './services/config.ts';
import { isHybridCgroup } from './namespaces/mount-namespace.ts';
import { checkRequirements, type Programs } from './requirements.ts';

/** `berth engine`: runs until SIGTERM or SIGINT; containers outlive it. */
async function engine(args: readonly string[]): Promise<number> {
  let config: EngineConfig;
  try {
    const before = configBefore(args);
    if (before.begin !== '') await (await import('./begin.ts')).untilBegun(before.begin, before);
    config = await loadConfig(args);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`berth engine: ${error.message}`);
    return 2;
  }
  const { programs, missing } = await checkRequirements(config.runtime);
  if (!programs) {
    console.error('berth engine: cannot run here, because this is missing:');
    for (const { what, why, hint } of missing) console.error(`  ${what}: ${why}. To do: ${hint}`);
    return 1;
  }
  await enterNamespace(config, programs);
  const { runEngine } = await import('./run.ts');
  return runEngine(config, programs);
}

/** Does not come back where the engine has to run in a mount namespace of its own: this process then becomes that engine. */
async function enterNamespace(config: EngineConfig, programs: Programs): Promise<void> {
  const { OUTER_VARIABLE, enterMountNamespace, hideUnifiedCgroup, keepOuterNamespaceClosed } =
    await import('./namespaces/mount-namespace.ts');
  if (!programs.runtimes.some(({ name }) => name === 'crun')) return;
  const { syscalls } = await import('./system/syscalls.ts');
  if (process.env[OUTER_VARIABLE] !== undefined) {
    keepOuterNamespaceClosed();
    hideUnifiedCgroup(syscalls());
    return;
  }
  if (!isHybridCgroup()) return;
  const { Layout } = await import('./store/layout.ts');
  const { program, argv, env } = enterMountNamespace(
    new Layout(config.root, config.runDir).mountNamespace,
    programs,
    syscalls(),
  );
  process.execve?.(program, argv, env as Record<string, string>);
  throw new Error('this Node cannot replace its process (process.execve)');
}

/** Runs the engine and ends this process with its exit code. */
export function start(args: readonly string[]): void {
  engine(args).then(
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(
        `berth engine: ${error instanceof Error && process.env['BERTH_DEBUG'] ? error.stack : errorWords(error)}`,
      );
      process.exit(1);
    },
  );
}
