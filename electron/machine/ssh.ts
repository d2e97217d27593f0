import ssh2, { type Client as SshClient } from 'ssh2';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOver } from '../engine/ssh-exec.ts';
import { MachineError } from './types.ts';

const { Client, utils } = ssh2;

/** Under emulation a key exchange takes a second, on a loaded machine many. */
const PATIENCE = 30_000;
/** Milliseconds between signs of life; after three without, the connection is given up. Shorter in tests. */
export const KEEPALIVE = Number(process.env['BERTH_MACHINE_KEEPALIVE'] ?? 10_000);

export interface SshTarget {
  host: string;
  port: number;
  privateKey: string;
  /** base64 of the only host key that is accepted */
  hostKey: string;
}

/** One in some two hundred keys that ssh2 makes of this kind cannot be read again. */
function makeKey(make: () => string): string {
  for (;;) {
    const key = make();
    if (!(utils.parseKey(key) instanceof Error)) return key;
  }
}

/** The machine's key pair, made on first use; only this user can read it. `publicKey` is the base64 part. */
export function machineKey(
  path: string,
  make = () => utils.generateKeyPairSync('ed25519', { comment: 'berth' }).private,
): { privateKey: string; publicKey: string } {
  if (!existsSync(path)) writeFileSync(path, makeKey(make), { mode: 0o600, flag: 'wx' });
  const privateKey = readFileSync(path, 'utf8');
  const parsed = utils.parseKey(privateKey);
  if (parsed instanceof Error)
    throw new MachineError(`the machine's key ${path} cannot be read: ${parsed.message}`, 'berth machine reset', 'ssh');
  return { privateKey, publicKey: parsed.getPublicSSH().toString('base64') };
}

export const STRANGER = new MachineError(
  'the machine has another host key than at its first start: this is not the machine, or its disk was replaced',
  'if you replaced its disk, begin anew: berth machine reset; else find out what listens there',
  'ssh',
);
export const REFUSED = new MachineError(
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

/** Asks the guest to end everything in order and power off, which busybox init does for USR2. The connection may go before it answers. */
export async function askToPowerOff(client: SshClient): Promise<void> {
  await Promise.race([runOver(client, 'kill -USR2 1'), sleep(2_000)]);
}
