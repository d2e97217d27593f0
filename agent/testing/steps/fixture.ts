import { dockerFixture, type DockerFixture } from '../../docker-cli-fixture.ts';
import { FIRST } from './operation.ts';
import { stepControl, type StepControl } from './control.ts';

/** An engine whose steps are counted, with an image, and the network `first` of a subnet of its own. */
export async function stepFixture(): Promise<{ fixture: DockerFixture; steps: StepControl; close(): Promise<void> }> {
  const steps = stepControl();
  const fixture = await dockerFixture({ env: steps.env });
  const { ok, image } = fixture;
  // what is made once and stays is made now
  await ok('network', 'create', '--subnet', FIRST.subnet, 'first');
  await ok('run', '--rm', '--network', 'first', image, 'true');
  await ok('run', '--rm', image, 'true');
  return {
    fixture,
    steps,
    close: async () => {
      steps.disarm();
      await fixture.close();
      steps.close();
    },
  };
}
