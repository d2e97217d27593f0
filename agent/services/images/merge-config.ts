import type { ContainerConfig, HealthConfig } from '../../api/container.ts';

const keyOf = (entry: string) => entry.split('=', 1)[0];
const isEmpty = (value: readonly unknown[] | null | undefined) => !value || value.length === 0;

/** A configuration with what it leaves open taken from another (moby `daemon/commit.go`, `merge`). */
export function mergeConfig(user: ContainerConfig, base: ContainerConfig): ContainerConfig {
  const own = user.Env ?? [];
  const keys = new Set(own.map(keyOf));
  const merged: ContainerConfig = {
    ...user,
    User: user.User || (base.User ?? ''),
    Env: [...own, ...(base.Env ?? []).filter((entry) => !keys.has(keyOf(entry)))],
    Labels: { ...base.Labels, ...user.Labels },
    WorkingDir: user.WorkingDir || (base.WorkingDir ?? ''),
    Volumes: emptyAsNull({ ...base.Volumes, ...user.Volumes }),
  };
  const ports = { ...base.ExposedPorts, ...user.ExposedPorts };
  if (Object.keys(ports).length > 0) merged.ExposedPorts = ports;
  if (isEmpty(user.Entrypoint)) {
    if (isEmpty(user.Cmd)) merged.Cmd = base.Cmd ?? null;
    merged.Entrypoint = user.Entrypoint ?? base.Entrypoint ?? null;
  }
  const health = mergeHealth(user.Healthcheck, base.Healthcheck);
  if (health) merged.Healthcheck = health;
  const signal = user.StopSignal || base.StopSignal;
  if (signal) merged.StopSignal = signal;
  return merged;
}

const emptyAsNull = (value: Record<string, object>) => (Object.keys(value).length > 0 ? value : null);

function mergeHealth(user: HealthConfig | null | undefined, base: HealthConfig | null | undefined) {
  if (!user || !base) return user ?? base ?? undefined;
  const set = Object.fromEntries(
    Object.entries(user).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : Boolean(value))),
  ) as HealthConfig;
  return { ...base, ...set };
}
