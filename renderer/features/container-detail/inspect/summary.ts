import type { ContainerInspect } from '../../../../agent/api/container.ts';
import { exitMeaning } from '../../containers/exit.ts';
import { formatBytes } from '../../../ui/format.ts';

export interface Fact {
  label: string;
  value: string;
  /** something a machine reads: path, command, id */
  mono?: boolean;
  copy?: boolean;
}
export interface FactGroup {
  title: string;
  facts: Fact[];
}

/** Docker's "never". */
const never = /^0001-/;
export function when(stamp: string | undefined): string {
  if (!stamp || never.test(stamp)) return '';
  const time = new Date(stamp);
  return Number.isNaN(time.getTime()) ? stamp : time.toLocaleString();
}

/** A command line as one would type it. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}

/** The facts that people look for in `docker inspect`, in groups; what is not set is left out. */
export function summarize(inspect: ContainerInspect): FactGroup[] {
  const groups = [state(inspect), command(inspect), network(inspect), limits(inspect)];
  return groups
    .map((group) => ({ ...group, facts: group.facts.filter((fact) => fact.value !== '') }))
    .filter((group) => group.facts.length > 0);
}

function exitText({ ExitCode, OOMKilled }: ContainerInspect['State']): string {
  const meaning = OOMKilled ? 'it was killed for using too much memory' : exitMeaning(ExitCode);
  return meaning ? `${ExitCode}: ${meaning}` : String(ExitCode);
}

function state({ State, RestartCount, Created, HostConfig, Id, Image, Config }: ContainerInspect): FactGroup {
  const ended = !State.Running && !never.test(State.FinishedAt);
  const policy = HostConfig.RestartPolicy;
  const retries =
    policy?.Name === 'on-failure' && policy.MaximumRetryCount ? `, at most ${policy.MaximumRetryCount} times` : '';
  return {
    title: 'State',
    facts: [
      { label: 'State', value: State.Status },
      { label: 'Health', value: State.Health && State.Health.Status !== 'none' ? State.Health.Status : '' },
      {
        label: 'Exit code',
        value: ended ? exitText(State) : '',
      },
      { label: 'Error', value: State.Error },
      { label: 'Process', value: State.Pid ? `pid ${State.Pid} on the host` : '' },
      { label: 'Created', value: when(Created) },
      { label: 'Started', value: when(State.StartedAt) },
      { label: 'Finished', value: ended ? when(State.FinishedAt) : '' },
      { label: 'Restart policy', value: `${policy?.Name || 'no'}${retries}` },
      { label: 'Restarts', value: RestartCount ? String(RestartCount) : '' },
      { label: 'Id', value: Id, mono: true, copy: true },
      { label: 'Image', value: Config.Image ?? '', mono: true, copy: true },
      { label: 'Image id', value: Image, mono: true, copy: true },
    ],
  };
}

function command({ Path, Args, Config, Platform }: ContainerInspect): FactGroup {
  return {
    title: 'Command',
    facts: [
      {
        label: 'Command',
        value: shellLine([Path, ...Args].filter((word, index) => index > 0 || word !== '')),
        mono: true,
        copy: true,
      },
      { label: 'Entrypoint', value: shellLine(Config.Entrypoint ?? []), mono: true },
      { label: 'Working directory', value: Config.WorkingDir ?? '', mono: true },
      { label: 'User', value: Config.User || 'root' },
      { label: 'Hostname', value: Config.Hostname ?? '', mono: true },
      { label: 'Terminal', value: Config.Tty ? 'yes (TTY)' : '' },
      { label: 'Platform', value: Platform },
    ],
  };
}

function network({ NetworkSettings, HostConfig }: ContainerInspect): FactGroup {
  const facts: Fact[] = [{ label: 'Mode', value: HostConfig.NetworkMode ?? '' }];
  for (const [name, endpoint] of Object.entries(NetworkSettings.Networks ?? {})) {
    const addresses = [endpoint.IPAddress, endpoint.GlobalIPv6Address].filter(Boolean).join(', ');
    facts.push({ label: name, value: addresses || 'no address', mono: addresses !== '', copy: addresses !== '' });
    facts.push(
      { label: `${name} gateway`, value: endpoint.Gateway ?? '', mono: true },
      { label: `${name} MAC`, value: endpoint.MacAddress ?? '', mono: true },
    );
  }
  for (const [port, bindings] of Object.entries(NetworkSettings.Ports ?? {})) {
    const published = (bindings ?? [])
      .map(({ HostIp, HostPort }) => `${HostIp?.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}`)
      .join(', ');
    facts.push({ label: port, value: published || 'not published', mono: published !== '' });
  }
  return { title: 'Network', facts };
}

function limits({ HostConfig }: ContainerInspect): FactGroup {
  const cpus = HostConfig.NanoCpus
    ? HostConfig.NanoCpus / 1e9
    : HostConfig.CpuQuota && HostConfig.CpuQuota > 0
      ? HostConfig.CpuQuota / (HostConfig.CpuPeriod || 100_000)
      : 0;
  const size = (bytes: number | undefined) => (bytes && bytes > 0 ? formatBytes(bytes, 1024) : '');
  return {
    title: 'Limits and rights',
    facts: [
      { label: 'Memory', value: size(HostConfig.Memory) || 'no limit' },
      {
        label: 'Memory and swap',
        value: HostConfig.MemorySwap === -1 ? 'swap without limit' : size(HostConfig.MemorySwap),
      },
      { label: 'CPUs', value: cpus ? String(+cpus.toFixed(3)) : 'no limit' },
      { label: 'CPU set', value: HostConfig.CpusetCpus ?? '' },
      { label: 'CPU shares', value: HostConfig.CpuShares ? String(HostConfig.CpuShares) : '' },
      {
        label: 'Processes',
        value: HostConfig.PidsLimit && HostConfig.PidsLimit > 0 ? String(HostConfig.PidsLimit) : 'no limit',
      },
      {
        label: 'Privileged',
        value: HostConfig.Privileged ? 'yes: no isolation from the host’s devices and kernel' : 'no',
      },
      { label: 'Added capabilities', value: (HostConfig.CapAdd ?? []).join(', ') },
      { label: 'Dropped capabilities', value: (HostConfig.CapDrop ?? []).join(', ') },
      { label: 'Root file system', value: HostConfig.ReadonlyRootfs ? 'read-only' : 'writable' },
      { label: 'Security options', value: (HostConfig.SecurityOpt ?? []).join(', '), mono: true },
    ],
  };
}
