import { freePort } from '../../agent/testing/index.ts';
import { expect, test } from '../fixtures/berth.ts';
import type { RunDialog, Section } from '../pages/run-dialog.ts';

/** The field is marked, its section is in sight, and its own description says what is wrong. */
async function expectFault(run: RunDialog, field: string, words: RegExp): Promise<void> {
  const input = run.field(field);
  await expect(input, `${field} is marked`).toHaveAttribute('aria-invalid', 'true');
  await expect(input).toBeVisible();
  const described = (await input.getAttribute('aria-describedby')) ?? '';
  await expect(run.dialog.locator(`[id="${described}"]`)).toHaveText(words);
}

async function typeInto(run: RunDialog, section: Section, values: Record<string, string>): Promise<void> {
  await run.section(new RegExp(`^${section}`));
  for (const [name, value] of Object.entries(values)) {
    const rows: Record<string, string> = {
      ports: 'Publish a port',
      mounts: 'Add a mount',
      environment: 'Add a variable',
    };
    const add = rows[name.split('.')[0] ?? ''];
    if (add && (await run.field(name).count()) === 0) await run.dialog.getByRole('button', { name: add }).click();
    const kind = await run.field(name).evaluate((element) => `${element.tagName} ${element.getAttribute('type')}`);
    if (kind.startsWith('SELECT')) await run.field(name).selectOption(value);
    else if (kind.endsWith('checkbox')) await run.field(name).setChecked(value === 'on');
    else await run.field(name).fill(value);
  }
}

type Case = [section: Section, values: Record<string, string>, wrong: string, words: RegExp];

test('says what is wrong beside the field, before the engine is asked', async ({ run, containers, docker }) => {
  const cases: Case[] = [
    ['Basics', { image: 'Not An Image' }, 'image', /invalid reference|lowercase/i],
    ['Basics', { image: '' }, 'image', /image|empty/i],
    ['Basics', { image: 'x', name: 'not/a/name' }, 'name', /Invalid container name/],
    ['Basics', { name: '', command: "sh -c 'open" }, 'command', /quotation mark/],
    ['Basics', { command: '', entrypoint: '"open' }, 'entrypoint', /quotation mark/],
    ['Basics', { entrypoint: '', workingDir: 'tmp' }, 'workingDir', /absolute/],
    ['Basics', { workingDir: '', restart: 'always', autoRemove: 'on' }, 'autoRemove', /conflicting options/],
    ['Ports', { 'ports.0.hostPort': '80a', 'ports.0.containerPort': '80' }, 'ports.0.hostPort', /invalid hostPort/],
    [
      'Ports',
      { 'ports.0.hostPort': '', 'ports.0.containerPort': '0' },
      'ports.0.containerPort',
      /invalid containerPort/,
    ],
    ['Ports', { 'ports.0.containerPort': '', 'ports.0.hostIp': '::1' }, 'ports.0.containerPort', /no port/],
    ['Ports', { 'ports.0.containerPort': '80', 'ports.0.hostIp': '300.1.1.1' }, 'ports.0.hostIp', /invalid IP address/],
    ['Ports', { 'ports.0.hostIp': '', hostname: 'not a host!' }, 'hostname', /host ?name/i],
    ['Storage', { 'mounts.0.source': '../up', 'mounts.0.target': '/data' }, 'mounts.0.source', /local volume name/],
    ['Storage', { 'mounts.0.source': 'data', 'mounts.0.target': 'data' }, 'mounts.0.target', /absolute/],
    ['Storage', { 'mounts.0.target': '/' }, 'mounts.0.target', /destination can't be/],
    ['Storage', { 'mounts.0.target': '/a', 'mounts.1.target': '/a' }, 'mounts.1.target', /Duplicate mount point/],
    [
      'Environment',
      { 'environment.0.name': 'A=B', 'environment.0.value': 'c' },
      'environment.0.name',
      /invalid environment/,
    ],
    ['Limits', { memory: '5 elephants' }, 'memory', /invalid size/],
    ['Limits', { memory: '1m' }, 'memory', /Minimum memory limit/],
    ['Limits', { memory: '', cpus: 'lots' }, 'cpus', /rational number/],
    ['Limits', { cpus: '', cpuset: '0-x' }, 'cpuset', /Invalid value 0-x/],
    ['Limits', { cpuset: '', pids: 'many' }, 'pids', /whole number/],
    ['Security', { capAdd: 'NET_ADMN,' }, 'capAdd', /Unknown capability: NET_ADMN/],
    ['Security', { capDrop: 'EVERYTHING,' }, 'capDrop', /Unknown capability: EVERYTHING/],
  ];
  await containers.open();
  await run.open();
  /** what each case leaves wrong is put right before the next section's */
  const mend: Partial<Record<Section, Record<string, string>>> = {
    Basics: { autoRemove: '' },
    Ports: { 'ports.0.hostIp': '', hostname: '' },
    Storage: { 'mounts.1.target': '' },
    Environment: { 'environment.0.name': '', 'environment.0.value': '' },
    Limits: { pids: '' },
  };
  for (const [at, [section, values, wrong, words]] of cases.entries()) {
    await test.step(`${wrong}: ${JSON.stringify(values)}`, async () => {
      await typeInto(run, section, values);
      // the error must bring its section back from elsewhere
      await run.section(section === 'Basics' ? /^Limits/ : /^Basics/);
      await run.run();
      await expectFault(run, wrong, words);
      const last = cases[at + 1]?.[0] !== section;
      if (last && mend[section]) await typeInto(run, section, mend[section]);
    });
    if (wrong === 'capAdd') await run.dialog.getByRole('button', { name: 'Remove NET_ADMN' }).click();
  }
  expect(await docker('ps', '-aq')).toBe('');
});

test('puts the engine’s refusals beside the field, and leaves no container behind', async ({
  run,
  containers,
  registries,
  sleeper,
  docker,
}) => {
  const port = String(await freePort());
  await sleeper('taken', '-p', `127.0.0.1:${port}:80`);
  const cases: Case[] = [
    ['Basics', { image: `${registries.host}/nothing:1` }, 'image', /not found|unknown/],
    ['Basics', { image: registries.busybox, name: 'taken' }, 'name', /already in use/],
    ['Basics', { name: 'again', command: 'no-such-program' }, 'command', /executable file not found/],
    ['Basics', { command: 'true', entrypoint: '/no/such' }, 'entrypoint', /no such file/],
    ['Basics', { entrypoint: '', user: 'ghost' }, 'user', /unable to find user ghost/],
    ['Basics', { user: '', workingDir: '/etc/passwd' }, 'workingDir', /not a directory/],
    ['Limits', { cpus: '99' }, 'cpus', /range of CPUs/],
    ['Limits', { cpus: '', cpuset: '99' }, 'cpuset', /not available/],
    ['Ports', { 'ports.0.hostPort': port, 'ports.0.containerPort': '80' }, 'ports.0.hostPort', /already|in use/],
  ];
  await containers.open();
  await run.open();
  for (const [section, values, wrong, words] of cases) {
    await test.step(wrong, async () => {
      await typeInto(run, section, values);
      await run.run();
      await expectFault(run, wrong, words);
      expect(await docker('ps', '-a', '--format', '{{.Names}}')).toBe('taken');
      if (wrong === 'workingDir') await run.fill({ workingDir: '' });
      if (wrong === 'cpuset') await run.fill({ cpuset: '' });
    });
  }
  // put right, the same dialog runs it
  await run.fill({ 'ports.0.hostPort': String(await freePort()) });
  await run.run();
  await expect(run.dialog).toHaveCount(0);
  await expect.poll(() => docker('inspect', '-f', '{{.State.ExitCode}} {{.State.Status}}', 'again')).toBe('0 exited');
});
