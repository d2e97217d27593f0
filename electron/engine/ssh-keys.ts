import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import ssh2, { type BaseAgent, type ParsedKey } from 'ssh2';
import type { SshRoute } from './ssh-config.ts';

export type AuthMethod =
  { type: 'agent'; username: string; agent: BaseAgent } | { type: 'publickey'; username: string; key: ParsedKey };

export interface Credentials {
  methods: AuthMethod[];
  /** what was not tried, and why, in words */
  left: string[];
  /** what the user can do about that */
  hints: string[];
}

interface KeyFile {
  path: string;
  /** base64, from the file beside it or the key itself */
  publicKey: string | undefined;
  key: ParsedKey | undefined;
  locked: boolean;
}

/** Keys to be shown to a host, in ssh's order: those of the agent that are also files, the agent's others, files. */
export async function credentials(route: SshRoute): Promise<Credentials> {
  const files = (await Promise.all(route.identityFiles.map(readKey))).filter((file) => file !== undefined);
  const left: string[] = [];
  const hints: string[] = [];
  const methods: AuthMethod[] = files.flatMap(({ key }) =>
    key ? [{ type: 'publickey' as const, username: route.user, key }] : [],
  );
  const agent = route.agent !== undefined && isThere(route.agent) ? route.agent : undefined;
  const wanted = files.flatMap(({ publicKey }) => publicKey ?? []);
  if (agent !== undefined)
    methods.unshift({ type: 'agent', username: route.user, agent: orderedAgent(agent, wanted, route.identitiesOnly) });
  else left.push('no ssh agent runs');
  for (const { path, locked } of files)
    if (locked) {
      left.push(`${path} has a passphrase, which only the agent can ask for`);
      hints.push(`ssh-add ${path}`);
    }
  if (files.length === 0) left.push(`there is no key in ${route.identityFiles.join(', ')}`);
  return { methods, left, hints };
}

/** A pipe of Windows is not seen by a look at it. */
const isThere = (path: string) => path === 'pageant' || path.startsWith('\\\\') || existsSync(path);

async function readKey(path: string): Promise<KeyFile | undefined> {
  const text = await readFile(path).catch(() => undefined);
  const beside = await readFile(`${path}.pub`, 'utf8').catch(() => undefined);
  if (text === undefined && beside === undefined) return undefined;
  const parsed = text === undefined ? undefined : ssh2.utils.parseKey(text);
  const usable = parsed !== undefined && !(parsed instanceof Error) && parsed.isPrivateKey();
  return {
    path,
    publicKey: usable ? parsed.getPublicSSH().toString('base64') : beside?.split(/\s+/)[1],
    key: usable ? parsed : undefined,
    locked: parsed instanceof Error && /encrypted|passphrase/i.test(parsed.message),
  };
}

/** Servers listen to a few keys only: those that are meant come first. */
function orderedAgent(path: string, wanted: readonly string[], only: boolean): BaseAgent {
  const agent = ssh2.createAgent(path) as BaseAgent<ParsedKey>;
  const rank = (key: ParsedKey) => {
    const at = wanted.indexOf(key.getPublicSSH().toString('base64'));
    return at === -1 ? wanted.length : at;
  };
  const all = agent.getIdentities.bind(agent);
  agent.getIdentities = (done) =>
    all((error, keys) => {
      if (error || !keys) return done(error, keys);
      const usable = only ? keys.filter((key) => rank(key as ParsedKey) < wanted.length) : [...keys];
      done(
        undefined,
        usable.sort((a, b) => rank(a as ParsedKey) - rank(b as ParsedKey)),
      );
    });
  return agent as BaseAgent;
}
