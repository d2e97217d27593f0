import type { ContainerConfig, HealthConfig } from '../../api/container.ts';

const nameOf = (entry: string) => entry.split('=', 1)[0];

/** Completes what the user said with the image's defaults (moby, daemon/commit.go `merge`). */
export function mergeImage(user: ContainerConfig, image: ContainerConfig): ContainerConfig {
  const named = new Set((user.Env ?? []).map(nameOf));
  const env = [...(user.Env ?? []), ...(image.Env ?? []).filter((entry) => !named.has(nameOf(entry)))];
  // An entrypoint of the user's own drops the image's command as well; [""] is "none".
  const ownEntrypoint = (user.Entrypoint?.length ?? 0) > 0;
  const ownCommand = (user.Cmd?.length ?? 0) > 0;
  let entrypoint = user.Entrypoint ?? image.Entrypoint ?? null;
  if (entrypoint?.length === 1 && entrypoint[0] === '') entrypoint = null;
  return {
    ...user,
    User: user.User || image.User || '',
    ExposedPorts: { ...image.ExposedPorts, ...user.ExposedPorts },
    Env: env,
    Labels: { ...image.Labels, ...user.Labels },
    Cmd: ownEntrypoint || ownCommand ? (user.Cmd ?? null) : (image.Cmd ?? null),
    Entrypoint: entrypoint?.length ? entrypoint : null,
    Healthcheck: mergeHealth(user.Healthcheck, image.Healthcheck),
    WorkingDir: user.WorkingDir || image.WorkingDir || '',
    Volumes: { ...image.Volumes, ...user.Volumes },
    StopSignal: user.StopSignal || image.StopSignal || '',
    OnBuild: null,
  };
}

function mergeHealth(user?: HealthConfig | null, image?: HealthConfig | null): HealthConfig | undefined {
  if (!image) return user ?? undefined;
  if (!user) return image;
  return {
    Test: user.Test?.length ? user.Test : image.Test,
    Interval: user.Interval || image.Interval,
    Timeout: user.Timeout || image.Timeout,
    StartPeriod: user.StartPeriod || image.StartPeriod,
    StartInterval: user.StartInterval || image.StartInterval,
    Retries: user.Retries || image.Retries,
  };
}
