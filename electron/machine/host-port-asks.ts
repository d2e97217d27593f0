import type { HostPortAnswer, HostPortMessage } from '../../agent/api/berth.ts';
import { jsonLines } from '../engine/streams.ts';
import type { EngineHttp } from '../engine/http.ts';
import { pause } from '../host/signals.ts';
import type { PortForwards } from './port-forwards.ts';

const RETRY = 500;

/** Answers the engine's questions for ports of this host, each before its container starts, until `signal`. */
export async function answerHostPorts(
  http: EngineHttp,
  forwards: Pick<PortForwards, 'ask' | 'release'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await follow(http, forwards, signal).catch(() => undefined);
    await pause(RETRY, signal);
  }
}

async function follow(http: EngineHttp, forwards: Pick<PortForwards, 'ask' | 'release'>, signal: AbortSignal) {
  const stream = await http.stream('GET', '/berth/v1/host-ports', { signal });
  for await (const message of jsonLines<HostPortMessage>(stream, signal)) {
    if ('release' in message) void forwards.release(message.release);
    else
      void forwards.ask(message).then((refused) => {
        const body: HostPortAnswer = refused === undefined ? {} : { refused };
        return http.json('POST', `/berth/v1/host-ports/${message.ask}`, { body }).catch(() => undefined);
      });
  }
}
