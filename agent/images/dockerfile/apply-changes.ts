import type { ContainerConfig } from '../../api/container.ts';
import { invalid } from '../../api/errors.ts';
import { expandWord, expandWords } from './expand.ts';
import { parseHealthcheck } from './healthcheck.ts';
import { instructionOf, parseDockerfile, parseJsonArray, parseList, parsePairs, type Instruction } from './parse.ts';

/** What the caller knows better than this folder. */
export interface Checks {
  /** Throws for what is no signal. */
  signal(text: string): void;
}

interface State {
  config: ContainerConfig;
  escape: string;
  checks: Checks;
  /** an ENTRYPOINT takes the older CMD away, but not one of these changes */
  cmdSet: boolean;
}

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** The instructions that `docker commit` and `docker import` take as a change. */
const APPLY: Record<string, (state: State, instruction: Instruction) => void> = {
  CMD: (state, { rest }) => {
    const words = commandLine(state, rest);
    state.config.Cmd = words;
    state.cmdSet ||= words.length > 0;
  },
  ENTRYPOINT: (state, { rest }) => {
    const words = commandLine(state, rest);
    state.config.Entrypoint = words.length > 0 ? words : null;
    if (!state.cmdSet) state.config.Cmd = null;
  },
  ENV: (state, instruction) => {
    const expand = expander(state);
    const env = [...(state.config.Env ?? [])];
    for (const pair of parsePairs(instruction, state.escape)) {
      const key = expand(pair.key);
      const entry = `${key}=${expand(pair.value)}`;
      const at = env.findIndex((known) => known.split('=', 1)[0] === key);
      if (at < 0) env.push(entry);
      else env[at] = entry;
    }
    state.config.Env = env;
  },
  LABEL: (state, instruction) => {
    const expand = expander(state);
    const pairs = parsePairs(instruction, state.escape).map(({ key, value }) => [expand(key), expand(value)]);
    state.config.Labels = { ...state.config.Labels, ...(Object.fromEntries(pairs) as Record<string, string>) };
  },
  EXPOSE: (state, { name, rest }) => {
    const words = atLeastOne(name, rest === '' ? [] : rest.split(/[\t\v\f\r ]+/)).sort();
    const ports = words
      .flatMap((word) => expandWords(word, environment(state), state.escape))
      .flatMap((port) => exposed(port));
    state.config.ExposedPorts = {
      ...state.config.ExposedPorts,
      ...Object.fromEntries(ports.map((port) => [port, {}])),
    };
  },
  USER: (state, instruction) => {
    state.config.User = expander(state)(exactlyOne(instruction));
  },
  WORKDIR: (state, instruction) => {
    const path = expander(state)(exactlyOne(instruction));
    if (path === '') throw invalid('cannot normalize nothing');
    state.config.WorkingDir = path.startsWith('/') ? path : joined(state.config.WorkingDir ?? '', path);
  },
  VOLUME: (state, { name, rest }) => {
    const expand = expander(state);
    const paths = atLeastOne(name, parseList(rest)).map((path) => expand(path.trim()));
    if (paths.includes('')) throw invalid('VOLUME specified can not be an empty string');
    state.config.Volumes = { ...state.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  },
  STOPSIGNAL: (state, instruction) => {
    const signal = expander(state)(exactlyOne(instruction));
    state.checks.signal(signal);
    state.config.StopSignal = signal;
  },
  ONBUILD: (state, { rest, written }) => {
    if (rest === '') throw invalid('ONBUILD requires at least one argument');
    const trigger = instructionOf(rest, state.escape).name;
    if (trigger === 'ONBUILD') throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (trigger === 'FROM' || trigger === 'MAINTAINER') throw invalid(`${trigger} isn't allowed as an ONBUILD trigger`);
    state.config.OnBuild = [...(state.config.OnBuild ?? []), written.replace(/^\s*ONBUILD\s*/i, '')];
  },
  HEALTHCHECK: (state, instruction) => {
    state.config.Healthcheck = parseHealthcheck(instruction);
  },
};
const WITHOUT_FLAGS = Object.keys(APPLY).filter((name) => name !== 'HEALTHCHECK');

/**
 * A configuration with the given instructions applied, in order; `config` itself stays as it is. Throws `invalid-parameter` in the words
 * of Docker's builder.
 */
export function applyChanges(config: ContainerConfig, changes: readonly string[], checks: Checks): ContainerConfig {
  if (changes.length === 0) return config;
  const { instructions, escape } = parseDockerfile(changes.join('\n'));
  for (const { name, written } of instructions)
    if (!APPLY[name]) throw invalid(`${written.trim().split(/\s/, 1)[0]} is not a valid change command`);
  const state: State = { config: structuredClone(config), escape, checks, cmdSet: false };
  for (const instruction of instructions) {
    const { name, flags } = instruction;
    if (flags.length > 0 && WITHOUT_FLAGS.includes(name))
      throw invalid(`unknown flag: ${(flags[0] as string).split('=', 1)[0]}`);
    APPLY[name]?.(state, instruction);
  }
  return state.config;
}

function environment({ config }: State): Map<string, string> {
  return new Map(
    (config.Env ?? []).map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** One instruction sees the variables as they were before it. */
function expander(state: State): (word: string) => string {
  const env = environment(state);
  return (word) => expandWord(word, env, state.escape);
}

/** A JSON array as it is, anything else through the shell. */
function commandLine({ config }: State, rest: string): string[] {
  const words = parseJsonArray(rest);
  if (words) return words;
  return [...(config.Shell && config.Shell.length > 0 ? config.Shell : DEFAULT_SHELL), ...(rest === '' ? [] : [rest])];
}

function exactlyOne({ name, rest }: Instruction): string {
  if (rest === '') throw invalid(`${name} requires exactly one argument`);
  return rest;
}

function atLeastOne(name: string, words: string[]): string[] {
  if (words.length === 0) throw invalid(`${name} requires at least one argument`);
  return words;
}

/** path.Join("/", current, path): dots and doubled slashes go. */
function joined(current: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${current}/${path}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** "80", "80/udp", "8000-8002", and with a host's port before it, which counts for nothing (go-connections `ParsePortSpecs`). */
function exposed(text: string): string[] {
  const slash = text.indexOf('/');
  const protocol = (slash < 0 ? 'tcp' : text.slice(slash + 1)).toLowerCase() || 'tcp';
  const container = (slash < 0 ? text : text.slice(0, slash)).split(':').at(-1) ?? '';
  if (container === '') throw invalid(`no port specified: ${text}<empty>`);
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(container) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === undefined || from > to || to > 65_535) throw invalid(`invalid containerPort: ${container}`);
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw invalid(`invalid proto: ${protocol}`);
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol}`);
}
