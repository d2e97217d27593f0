import { LABEL, removeContainers, type Case } from './types.ts';

const COUNT = 20;

/** Through the API: twenty docker commands at once would measure themselves. */
export const together: Case = {
  name: 'together',
  what: '20 containers created, then started together on the default bridge, until the last start has answered',
  unit: 'ms',
  aim: { dockerd: 0.5 },
  share: 0.3,
  once: async (engine, { small }) => {
    const { client } = engine;
    const ids: string[] = [];
    for (let index = 0; index < COUNT; index++) {
      const body = { Image: small, Cmd: ['sleep', '3600'], Labels: { [LABEL]: '' } };
      ids.push(
        (await client.call<{ Id: string }>('POST', `/v1.41/containers/create?name=bench-together-${index}`, body)).Id,
      );
    }
    const start = performance.now();
    await Promise.all(ids.map((id) => client.call('POST', `/v1.41/containers/${id}/start`)));
    const took = performance.now() - start;
    await removeContainers(engine);
    return took;
  },
};
