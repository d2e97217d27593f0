import { z } from 'zod';

/** What the run dialog asks for; `toCreateRequest` (Docker API) and `toCommandLine` (`docker run …`) are made from it. */
export const runRequest = z.object({
  image: z.string().min(1),
  name: z.string().default(''),
  /** command line as typed, split like a shell does */
  command: z.string().default(''),
  entrypoint: z.string().default(''),
  environment: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  ports: z
    .array(
      z.object({
        hostIp: z.string(),
        hostPort: z.string(),
        containerPort: z.string(),
        protocol: z.enum(['tcp', 'udp']),
      }),
    )
    .default([]),
  mounts: z
    .array(
      z.object({
        kind: z.enum(['volume', 'bind', 'tmpfs']),
        source: z.string(),
        target: z.string(),
        readOnly: z.boolean(),
      }),
    )
    .default([]),
  user: z.string().default(''),
  workingDir: z.string().default(''),
  restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']).default('no'),
  /** for on-failure; 0 is no limit */
  restartRetries: z.number().int().min(0).default(0),
  /** as typed: "512m"; empty is no limit */
  memory: z.string().default(''),
  /** as typed: "1.5" */
  cpus: z.string().default(''),
  /** as typed: "0-1,3" */
  cpuset: z.string().default(''),
  pids: z.string().default(''),
  /** "bridge", "host", "none", "container:ID" or a network's name */
  network: z.string().default('bridge'),
  hostname: z.string().default(''),
  privileged: z.boolean().default(false),
  capAdd: z.array(z.string()).default([]),
  capDrop: z.array(z.string()).default([]),
  readOnly: z.boolean().default(false),
  tty: z.boolean().default(false),
  interactive: z.boolean().default(false),
  autoRemove: z.boolean().default(false),
  init: z.boolean().default(false),
});
export type RunRequest = z.infer<typeof runRequest>;
export const emptyRunRequest = (image = ''): RunRequest => ({ ...runRequest.parse({ image: image || 'x' }), image });
