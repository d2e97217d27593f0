import type { ContainersContext } from './context.ts';

export interface Layers {
  target: string;
  /** uppermost first; two or more where there is no upper directory */
  lowers: readonly string[];
  /** upperdir= and workdir= */
  upper?: string;
  /** mount(2) */
  flags: number;
  /** descriptor of the user namespace whose ids the layers are seen with */
  namespace: number | undefined;
}

/** Mounts layers over each other (overlayfs). */
export function mountLayers(
  ctx: Pick<ContainersContext, 'layout' | 'mapped' | 'sys'>,
  { target, lowers, upper, flags, namespace }: Layers,
): void {
  const mount = (directories: readonly string[]) =>
    ctx.sys.mount(
      'overlay',
      target,
      'overlay',
      flags,
      `lowerdir=${directories.join(':')},${upper === undefined ? '' : `${upper},`}index=off,metacopy=off`,
    );
  if (namespace === undefined) mount(lowers);
  else
    ctx.mapped.during(ctx.layout.images, namespace, (at) =>
      mount(lowers.map((lower) => lower.replace(`${ctx.layout.images}/`, `${at}/`))),
    );
}
