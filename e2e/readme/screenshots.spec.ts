import { join } from 'node:path';
import { expect, test } from '../fixtures/berth.ts';
import { repository } from '../fixtures/window-host.ts';

/** A little shop: what its containers do, and with which options they run. */
const shop: [name: string, image: string, script: string, ...options: string[]][] = [
  [
    'shop-web',
    'shop/web:2.4',
    'httpd -p 80 -h /tmp; while :; do seq 1 9000 >/dev/null; usleep 180000; done',
    '-p',
    '127.0.0.1:8080:80',
    '-m',
    '256m',
  ],
  [
    'shop-api',
    'shop/api:2.4',
    'x=$(head -c 40000000 /dev/zero | tr "\\0" x); while :; do seq 1 30000 >/dev/null; usleep 90000; done',
    '-p',
    '127.0.0.1:9000:9000',
    '-m',
    '128m',
    '--cpus',
    '0.5',
    '--pids-limit',
    '64',
  ],
  [
    'shop-queue',
    'shop/queue:1.1',
    'while :; do dd if=/dev/zero of=/data/log bs=64k count=20 2>/dev/null; sync; sleep 1; done',
    '-v',
    'shop-data:/data',
    '--cpuset-cpus',
    '0',
    '-m',
    '96m',
  ],
  [
    'shop-probe',
    'shop/queue:1.1',
    'while :; do wget -qO- http://localhost/ >/dev/null 2>&1; sleep 1; done',
    '--network',
    'container:shop-web',
    '--pid',
    'container:shop-web',
  ],
  ['agent', 'tools/agent:5', 'unshare --uts sleep 10000 & exec sleep 10000', '--pid', 'host', '--cap-add', 'SYS_ADMIN'],
];

test('the pictures of the README', async ({ page, containers, container, kernel, registries, docker }) => {
  for (const [name, image, script, ...options] of shop) {
    await docker('tag', registries.busybox, image);
    await docker('run', '-d', '--name', name, ...options, image, 'sh', '-c', script);
  }
  await docker('run', '--name', 'migrate', 'shop/api:2.4', 'true');
  await containers.open();
  await expect(containers.row('agent')).toBeVisible();
  // lines and graphs need a while to have something to show
  await page.waitForTimeout(100_000);
  const shoot = (name: string) => page.screenshot({ path: join(repository, 'docs/screenshots', `${name}.png`) });
  await page.emulateMedia({ colorScheme: 'light' });
  await shoot('containers');
  await container.open(await docker('inspect', '-f', '{{.Id}}', 'shop-api'), 'Stats');
  await expect(container.chart('CPU')).toHaveAccessibleName(/CPU \d/);
  await page.waitForTimeout(2_000);
  await shoot('stats');
  await container.tab('Isolation');
  await page.getByText('Namespaces').waitFor();
  await page.waitForTimeout(500);
  await shoot('isolation');
  await kernel.open();
  await kernel.group(/^shop-api/).click();
  await page.waitForTimeout(20_000);
  await shoot('kernel-groups');
  await page.emulateMedia({ colorScheme: 'dark' });
  await kernel.open('Namespaces');
  await kernel.cell(/^shop-web/, 'net').click();
  await page.mouse.move(640, 500);
  await page.waitForTimeout(1_000);
  await shoot('kernel-namespaces');
});
