import type { ContainerCreateRequest, HostConfig, PortMap } from '../../agent/api/container.ts';
import { parsePort } from './port-specs.ts';
import { isCpuSet, parseCpus, parseSize } from './quantities.ts';
import { checkImageReference } from './reference-check.ts';
import type { RunRequest } from './run-request.ts';
import { splitWords } from './shell-words.ts';

/** `field` is a path in the form: "memory", "ports.0.hostPort". */
export interface FieldError {
  field: string;
  message: string;
}
export type CreateResult =
  { ok: true; name: string; body: ContainerCreateRequest } | { ok: false; errors: FieldError[] };

/** The smallest memory limit the engine accepts, in bytes. */
const MIN_MEMORY = 6 * 2 ** 20;

/** Collects what is wrong while the parts are read. */
class Errors {
  readonly list: FieldError[] = [];
  add(field: string, message: string): undefined {
    this.list.push({ field, message });
    return undefined;
  }
}

/**
 * The body of `POST /containers/create` that the equal `docker run -d …` line makes, without its empty values. All fields that are
 * wrong are told, in the words of the `docker` command where it has some.
 */
export function toCreateRequest(run: RunRequest): CreateResult {
  const errors = new Errors();
  checkNames(run, errors);
  const body: ContainerCreateRequest = { Image: run.image.trim() };
  setProcess(run, body, errors);
  if (run.tty) body.Tty = true;
  if (run.interactive) body.OpenStdin = true;
  setHostname(run, body, errors);
  const host: HostConfig = { NetworkMode: run.network.trim() || 'bridge' };
  setMounts(run, body, host, errors);
  setPorts(run, body, host, errors);
  setLimits(run, host, errors);
  setPrivileges(run, host);
  setRestart(run, host, errors);
  body.HostConfig = host;
  return errors.list.length > 0 ? { ok: false, errors: errors.list } : { ok: true, name: run.name.trim(), body };
}

function checkNames(run: RunRequest, errors: Errors): void {
  const problem = checkImageReference(run.image.trim());
  if (problem) errors.add('image', problem);
  const name = run.name.trim();
  if (name && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
    errors.add('name', `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

/** `--entrypoint` takes one word: what follows it goes before the command. */
export function processWords(run: RunRequest): { entrypoint: string[]; command: string[]; errors: FieldError[] } {
  const entrypoint = splitWords(run.entrypoint);
  const command = splitWords(run.command);
  const errors: FieldError[] = [];
  if (!entrypoint.ok) errors.push({ field: 'entrypoint', message: entrypoint.message });
  if (!command.ok) errors.push({ field: 'command', message: command.message });
  const [first, ...rest] = entrypoint.ok ? entrypoint.words : [];
  return {
    entrypoint: first === undefined ? [] : [first],
    command: [...rest, ...(command.ok ? command.words : [])],
    errors,
  };
}

function setProcess(run: RunRequest, body: ContainerCreateRequest, errors: Errors): void {
  const words = processWords(run);
  errors.list.push(...words.errors);
  if (words.entrypoint.length > 0) body.Entrypoint = words.entrypoint;
  if (words.command.length > 0) body.Cmd = words.command;
  const env: string[] = [];
  run.environment.forEach(({ name, value }, at) => {
    if (!name && !value) return;
    if (!name.trim() || name.includes('='))
      errors.add(`environment.${at}.name`, `invalid environment variable: ${name}=${value}`);
    else env.push(`${name.trim()}=${value}`);
  });
  if (env.length > 0) body.Env = env;
  if (run.user.trim()) body.User = run.user.trim();
  const directory = run.workingDir.trim();
  if (!directory) return;
  if (directory.startsWith('/')) body.WorkingDir = directory;
  else errors.add('workingDir', `the working directory '${directory}' is invalid, it needs to be an absolute path`);
}

/** The kernel takes 64 bytes (sethostname(2)); a space in it breaks /etc/hosts, where the engine writes it. */
function setHostname(run: RunRequest, body: ContainerCreateRequest, errors: Errors): void {
  const name = run.hostname.trim();
  if (/^[\x21-\x7e]{1,64}$/.test(name)) body.Hostname = name;
  else if (name) errors.add('hostname', `invalid hostname '${name}': at most 64 letters, digits and hyphens`);
}

function setMounts(run: RunRequest, body: ContainerCreateRequest, host: HostConfig, errors: Errors): void {
  const binds: string[] = [];
  const tmpfs: Record<string, string> = {};
  const anonymous: Record<string, object> = {};
  const targets = new Set<string>();
  run.mounts.forEach((mount, at) => {
    const source = mount.source.trim();
    const target = mount.target.trim();
    if (!source && !target) return;
    const field = `mounts.${at}`;
    if (!checkMount(mount.kind, source, target, field, errors)) return;
    if (targets.has(target)) return errors.add(`${field}.target`, `Duplicate mount point: ${target}`);
    targets.add(target);
    if (mount.kind === 'tmpfs') tmpfs[target] = mount.readOnly ? 'ro' : '';
    else if (!source) anonymous[target] = {};
    else binds.push(`${source}:${target}${mount.readOnly ? ':ro' : ''}`);
  });
  if (binds.length > 0) host.Binds = binds;
  if (Object.keys(tmpfs).length > 0) host.Tmpfs = tmpfs;
  if (Object.keys(anonymous).length > 0) body.Volumes = anonymous;
}

function checkMount(
  kind: 'volume' | 'bind' | 'tmpfs',
  source: string,
  target: string,
  field: string,
  errors: Errors,
): boolean {
  const before = errors.list.length;
  if (!target) errors.add(`${field}.target`, 'field Target must not be empty');
  else if (!target.startsWith('/'))
    errors.add(`${field}.target`, `invalid mount path: '${target}' mount path must be absolute`);
  else if (target === '/') errors.add(`${field}.target`, "invalid specification: destination can't be '/'");
  else if (target.includes(':')) errors.add(`${field}.target`, 'a path with a colon cannot be used here');
  if (kind === 'bind') {
    if (!source.startsWith('/')) errors.add(`${field}.source`, 'the path on this machine must be absolute');
    else if (source.includes(':')) errors.add(`${field}.source`, 'a path with a colon cannot be used here');
  }
  if (kind === 'volume' && source && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(source))
    errors.add(
      `${field}.source`,
      `"${source}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  return errors.list.length === before;
}

function setPorts(run: RunRequest, body: ContainerCreateRequest, host: HostConfig, errors: Errors): void {
  const map: PortMap = {};
  run.ports.forEach((row, at) => {
    if (!row.hostIp.trim() && !row.hostPort.trim() && !row.containerPort.trim()) return;
    const result = parsePort(row);
    if (!result.ok) return errors.add(`ports.${at}.${result.field}`, result.message);
    for (const { key, binding } of result.bindings) (map[key] ??= []).push(binding);
  });
  const keys = Object.keys(map);
  if (keys.length === 0) return;
  host.PortBindings = map;
  body.ExposedPorts = Object.fromEntries(keys.map((key) => [key, {}]));
}

function setLimits(run: RunRequest, host: HostConfig, errors: Errors): void {
  if (run.memory.trim()) {
    const bytes = parseSize(run.memory);
    if (bytes === undefined) errors.add('memory', `invalid size: '${run.memory.trim()}'`);
    else if (bytes > 0 && bytes < MIN_MEMORY) errors.add('memory', 'Minimum memory limit allowed is 6MB');
    else if (bytes > 0) host.Memory = bytes;
  }
  if (run.cpus.trim()) {
    const cpus = parseCpus(run.cpus);
    if (cpus === undefined) errors.add('cpus', `failed to parse ${run.cpus.trim()} as a rational number`);
    else if (cpus === 'precise') errors.add('cpus', 'value is too precise');
    else if (cpus > 0) host.NanoCpus = cpus;
  }
  const cpuset = run.cpuset.trim();
  if (cpuset && !isCpuSet(cpuset)) errors.add('cpuset', `Invalid value ${cpuset} for cpuset cpus`);
  else if (cpuset) host.CpusetCpus = cpuset;
  const pids = run.pids.trim();
  if (pids && !/^-?\d{1,15}$/.test(pids))
    errors.add('pids', `invalid argument "${pids}" for "--pids-limit" flag: not a whole number`);
  else if (pids && Number(pids) !== 0) host.PidsLimit = Number(pids);
}

/** As the `docker` command sends them: "net_admin" is CAP_NET_ADMIN (docker/cli, opts.NormalizeCapability). */
function capabilities(list: readonly string[]): string[] {
  const names = list.map((name) => name.trim().toUpperCase()).filter(Boolean);
  return [...new Set(names.map((name) => (name === 'ALL' || name.startsWith('CAP_') ? name : `CAP_${name}`)))].sort();
}

function setPrivileges(run: RunRequest, host: HostConfig): void {
  if (run.privileged) host.Privileged = true;
  if (run.readOnly) host.ReadonlyRootfs = true;
  if (run.init) host.Init = true;
  const add = capabilities(run.capAdd);
  const drop = capabilities(run.capDrop);
  if (add.length > 0) host.CapAdd = add;
  if (drop.length > 0) host.CapDrop = drop;
}

function setRestart(run: RunRequest, host: HostConfig, errors: Errors): void {
  if (run.autoRemove) {
    host.AutoRemove = true;
    if (run.restart !== 'no') errors.add('autoRemove', 'conflicting options: cannot specify both --restart and --rm');
  }
  if (run.restart === 'no') return;
  host.RestartPolicy = { Name: run.restart };
  if (run.restart === 'on-failure' && run.restartRetries > 0) host.RestartPolicy.MaximumRetryCount = run.restartRetries;
}
