import ssh2, { type Client as SshClient, type ClientChannel } from 'ssh2';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { MachineError } from './types.ts';

const { Client, utils } = ssh2;

/** Under emulation a key exchange takes a second, on a loaded machine many. */
const PATIENCE = 30_000;
const KEEPALIVE = 10_000;

export interface SshTarget {
  host: string;
  port: number;
  privateKey: string;
  /** base64 of the only host key that is accepted */
  hostKey: string;
}

/** The machine's key pair, made on first use; only this user can read it. `publicKey` is the base64 part. */
export function machineKey(path: string): { privateKey: string; publicKey: string } {
  if (!existsSync(path)) {
    const pair = utils.generateKeyPairSync('ed25519', { comment: 'berth' });
    writeFileSync(path, pair.private, { mode: 0o600, flag: 'wx' });
  }
  const privateKey = readFileSync(path, 'utf8');
  const parsed = utils.parseKey(privateKey);
  if (parsed instanceof Error)
    throw new MachineError(`the machine's key ${path} cannot be read: ${parsed.message}`, 'berth machine reset', 'ssh');
  return { privateKey, publicKey: parsed.getPublicSSH().toString('base64') };
}

const STRANGER = new MachineError(
  'the machine has another host key than at its first start: this is not the machine, or its disk was replaced',
  'if you replaced its disk, begin anew: berth machine reset; else find out what listens there',
  'ssh',
);
const REFUSED = new MachineError(
  'the machine does not let this key in: the key was replaced after the machine started',
  'start it again with the key that is there now: berth machine restart (or berth machine kill, when it does not stop)',
  'ssh',
);
const isRefusal = (error: Error & { level?: string }) => error.level === 'client-authentication';

/** Connects once. A host key other than the pinned one is an error of its own, since trying again does not help. */
export function connect(target: SshTarget): Promise<SshClient> {
  return new Promise((done, fail) => {
    const client = new Client();
    let stranger = false;
    client.once('ready', () => done(client));
    client.on('error', (error) => fail(stranger ? STRANGER : isRefusal(error) ? REFUSED : error));
    client.once('close', () => fail(new Error('the connection was closed')));
    client.connect({
      host: target.host,
      port: target.port,
      username: 'root',
      privateKey: target.privateKey,
      readyTimeout: PATIENCE,
      keepaliveInterval: KEEPALIVE,
      keepaliveCountMax: 3,
      hostVerifier: (key: Buffer) => {
        stranger = key.toString('base64') !== target.hostKey;
        return !stranger;
      },
    });
  });
}

export interface RemoteResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command line in the guest's shell to its end. */
export function runOver(client: SshClient, command: string, input?: string | Buffer): Promise<RemoteResult> {
  return new Promise((done, fail) => {
    client.exec(command, (error: Error | undefined, channel: ClientChannel) => {
      if (error) return fail(error);
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let code: number | null = null;
      channel.on('data', (chunk: Buffer) => out.push(chunk));
      channel.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      channel.on('exit', (exitCode: number | null) => (code = exitCode));
      channel.on('error', fail);
      channel.on('close', () =>
        done({ code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') }),
      );
      channel.end(input);
    });
  });
}
