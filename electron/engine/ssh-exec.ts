import type { Client as SshClient, ClientChannel } from 'ssh2';

export interface RemoteResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command line in the far side's shell to its end. */
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
