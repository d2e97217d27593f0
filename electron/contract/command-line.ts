import { processWords } from './create-request.ts';
import { portArgument } from './port-specs.ts';
import type { RunRequest } from './run-request.ts';
import { quoteWord } from './shell-words.ts';

/** The `docker run` line that does what the dialog does. Fields that are not valid yet stand in it as they were typed. */
export function toCommandLine(run: RunRequest): string {
  return ['docker', 'run', ...toArguments(run)].map(quoteWord).join(' ');
}

/** The arguments after `docker run`, unquoted. */
export function toArguments(run: RunRequest): string[] {
  const { entrypoint, command } = processWords(run);
  const out = ['-d'];
  const flag = (name: string, on: boolean) => on && out.push(name);
  const option = (name: string, value: string) => value.trim() && out.push(name, value.trim());
  flag('-i', run.interactive);
  flag('-t', run.tty);
  flag('--rm', run.autoRemove);
  flag('--init', run.init);
  option('--name', run.name);
  option('--hostname', run.hostname);
  if (run.network.trim() !== 'bridge') option('--network', run.network);
  for (const { name, value } of run.environment) if (name || value) out.push('-e', `${name.trim()}=${value}`);
  for (const row of run.ports) if (row.containerPort.trim() || row.hostPort.trim()) out.push('-p', portArgument(row));
  for (const mount of run.mounts) out.push(...mountArguments(mount));
  option('--user', run.user);
  option('--workdir', run.workingDir);
  if (run.restart !== 'no')
    out.push(
      '--restart',
      run.restart === 'on-failure' && run.restartRetries > 0 ? `on-failure:${run.restartRetries}` : run.restart,
    );
  option('--memory', run.memory);
  option('--cpus', run.cpus);
  option('--cpuset-cpus', run.cpuset);
  option('--pids-limit', run.pids);
  flag('--privileged', run.privileged);
  for (const name of run.capAdd) option('--cap-add', name);
  for (const name of run.capDrop) option('--cap-drop', name);
  flag('--read-only', run.readOnly);
  for (const word of entrypoint) out.push('--entrypoint', word);
  out.push(run.image.trim() || 'IMAGE', ...command);
  return out;
}

function mountArguments({ kind, source, target, readOnly }: RunRequest['mounts'][number]): string[] {
  const from = source.trim();
  const to = target.trim();
  if (!to) return [];
  if (kind === 'tmpfs') return ['--tmpfs', readOnly ? `${to}:ro` : to];
  if (!from) return ['-v', to];
  return ['-v', `${from}:${to}${readOnly ? ':ro' : ''}`];
}
