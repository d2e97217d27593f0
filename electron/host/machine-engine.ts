import type { MachineStatus } from '../contract/machine.ts';
import { unixTransport, type Transport } from '../engine/transport.ts';
import type { StartEngine } from './engine-link.ts';
import { HostError } from './failures.ts';
import type { MachineService } from './machine-service.ts';

export interface EngineSource {
  transport: Transport;
  start?: StartEngine;
  /** started with the application, and not only when it is asked for */
  startNow: boolean;
}

/**
 * The engine in the machine. A look at it starts nothing: the window's own connection would else keep the machine from stopping, or
 * start it again at once. It is started by who asks for it.
 */
export async function machineEngine(machine: MachineService): Promise<EngineSource> {
  const { socket } = await machine.status();
  const { start } = await machine.settings();
  const inner = unixTransport(socket);
  return {
    startNow: start === 'application',
    start: () => machine.start(),
    transport: {
      ...inner,
      connect: async () => {
        const status = await machine.status();
        if (status.state !== 'running') throw away(status);
        return inner.connect();
      },
    },
  };
}

/** Why the machine's engine is not there, in words. */
function away(status: MachineStatus): HostError {
  if (status.state === 'failed') {
    const hint = status.steps.find(({ error }) => error !== undefined)?.hint;
    return new HostError({
      code: 'machine-stopped',
      message: 'The machine failed.',
      detail: status.error ?? '',
      action: hint ?? 'The view “Machine” shows its console.',
    });
  }
  if (status.state === 'starting' || status.state === 'stopping')
    return new HostError({ code: 'machine-starting', message: `The machine is ${status.state}.` });
  return new HostError({
    code: 'machine-stopped',
    message: status.state === 'waiting' ? 'The machine sleeps.' : 'The machine is stopped.',
    detail: 'The engine in use runs in the machine; its containers, images and volumes are there when it runs again.',
    action:
      status.state === 'waiting' ? 'The next request on its socket starts it, or start it here.' : 'Start it here.',
  });
}
