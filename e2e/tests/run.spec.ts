import { freePort } from '../../agent/testing/index.ts';
import { expect, test } from '../fixtures/berth.ts';

test('runs with most options, and each has its effect', async ({ run, containers, registries, docker, page }) => {
  const port = String(await freePort());
  await containers.open();
  await run.open();
  await run.fill({
    image: registries.busybox,
    name: 'all-options',
    command: "sh -c 'echo started; sleep 500'",
    workingDir: '/tmp',
    user: 'nobody',
  });
  await run.section(/^Network|^Ports/);
  await run.dialog.getByRole('button', { name: 'Publish a port' }).click();
  await run.fill({
    'ports.0.hostPort': port,
    'ports.0.containerPort': '8080',
    'ports.0.hostIp': '127.0.0.1',
    hostname: 'inside',
  });
  await run.section(/^Storage|^Volumes/);
  await run.dialog.getByRole('button', { name: 'Add a mount' }).click();
  await run.fill({ 'mounts.0.source': 'e2e-data', 'mounts.0.target': '/data' });
  await run.section(/^Environment/);
  await run.dialog.getByRole('button', { name: 'Add a variable' }).click();
  await run.fill({ 'environment.0.name': 'GREETING', 'environment.0.value': 'hello world' });
  await run.section(/^Limits/);
  await run.fill({ memory: '64m', cpus: '0.5', cpuset: '0', pids: '50' });
  await run.section(/^Security/);
  await run.dialog.getByLabel('Read-only root').check();
  await run.dialog.getByLabel('Capabilities dropped').first().fill('CHOWN');
  // a known capability becomes a chip as soon as it is typed
  await expect(run.dialog.getByRole('button', { name: 'Remove CHOWN' })).toBeVisible();
  for (const word of [
    'docker run',
    '--name all-options',
    '--memory',
    '--cpus',
    '--read-only',
    'e2e-data:/data',
    'GREETING',
    `:${port}:8080`,
  ]) {
    await expect(run.dockerLine).toContainText(word);
  }
  await run.run();
  await expect(run.dialog).toHaveCount(0);
  await expect(page).toHaveURL(/#\/containers\/[0-9a-f]{12,64}/);

  const inspect = JSON.parse(await docker('inspect', 'all-options'))[0];
  expect(inspect.State.Running).toBe(true);
  expect(inspect.Config).toMatchObject({
    User: 'nobody',
    WorkingDir: '/tmp',
    Hostname: 'inside',
    Cmd: ['sh', '-c', 'echo started; sleep 500'],
  });
  expect(inspect.HostConfig).toMatchObject({
    Memory: 64 * 1024 * 1024,
    NanoCpus: 500_000_000,
    CpusetCpus: '0',
    PidsLimit: 50,
    ReadonlyRootfs: true,
  });
  const inside = (script: string) => docker('exec', 'all-options', 'sh', '-c', script);
  expect(await inside('id -un; pwd; hostname; echo "$GREETING"')).toBe('nobody\n/tmp\ninside\nhello world');
  expect(await inside('touch /x 2>&1; mount | grep -c " /data "')).toMatch(/Read-only file system\n1$/);
  expect(
    await inside('cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true'),
  ).toContain('67108864');
  expect(await docker('port', 'all-options')).toContain(`127.0.0.1:${port}`);
});

test('pulls an image that is not stored', async ({ run, containers, registries, docker }) => {
  await containers.open();
  await run.open();
  await run.fill({ image: registries.slow, name: 'pulled-first', command: 'sleep 100' });
  await run.run();
  await expect(run.dialog.getByRole('list', { name: 'Layers' })).toBeVisible();
  await expect(run.dialog).toHaveCount(0, { timeout: 60_000 });
  expect(await docker('inspect', '-f', '{{.State.Running}}', 'pulled-first')).toBe('true');
  await docker('rm', '-f', 'pulled-first');
  await docker('rmi', registries.slow);
});

test.describe('says what is wrong beside the field', () => {
  const cases: [field: string, section: RegExp, value: string, words: RegExp][] = [
    ['name', /^Basics|^General|^Image/, 'not/a/name', /name/i],
    ['memory', /^Limits/, '5 elephants', /size|memory|number/i],
    ['cpuset', /^Limits/, '0-x', /cpu/i],
    ['pids', /^Limits/, 'many', /number|whole|process/i],
  ];
  for (const [field, section, value, words] of cases) {
    test(field, async ({ run, containers, registries }) => {
      await containers.open();
      await run.open();
      await run.fill({ image: registries.busybox });
      if (!(await run.field(field).isVisible())) await run.section(section);
      await run.fill({ [field]: value });
      await run.run();
      await expect(run.field(field)).toHaveAttribute('aria-invalid', 'true');
      await expect(run.dialog.getByRole('alert').first()).toContainText(words);
    });
  }
  test('a name that is taken', async ({ run, containers, registries, sleeper }) => {
    await sleeper('taken');
    await containers.open();
    await run.open();
    await run.fill({ image: registries.busybox, name: 'taken', command: 'true' });
    await run.run();
    await expect(run.dialog.getByRole('alert').first()).toContainText(/already in use/);
  });
});
