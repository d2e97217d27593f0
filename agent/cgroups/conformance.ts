import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MeteredCgroups } from './meter.ts';

/** A real hierarchy to try a driver on. */
export interface ConformanceHost {
  driver: MeteredCgroups;
  /** a group of the test's own, made fresh and limited by nothing */
  make(path: string): void;
  /** puts a process into it */
  enter(path: string, pid: number): void;
}

const MEBIBYTE = 2 ** 20;

/** What every driver does with real groups and real processes. `prefix` names groups of this run only. */
export function cgroupConformance(name: string, hostOf: () => ConformanceHost): void {
  describe(`${name}: a live group`, () => {
    const path = `/berth-test-${process.pid}`;
    const children: ChildProcess[] = [];
    let host: ConformanceHost;

    beforeEach(() => {
      host = hostOf();
      host.make(path);
    });
    afterEach(async () => {
      await host.driver.thaw(path).catch(() => undefined);
      for (const child of children.splice(0)) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
      for (const pid of await host.driver.processes(path))
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // ended between the look and the signal
        }
      await until(async () => (await host.driver.processes(path)).length === 0, 'the end of all processes');
      await host.driver.remove(path);
    });

    /** A shell that waits to be let go, so that it is in the group before it does anything. */
    async function run(script: string): Promise<ChildProcess> {
      const child = spawn('sh', ['-c', `read go; ${script}`], { stdio: ['pipe', 'pipe', 'ignore'] });
      children.push(child);
      await once(child, 'spawn');
      host.enter(path, child.pid as number);
      child.stdin?.write('go\n');
      return child;
    }
    async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
      for (let wait = 0; !(await condition()); wait++) {
        if (wait > 500) throw new Error(`waited in vain for ${what}`);
        await sleep(10);
      }
    }

    test('counts CPU time', async () => {
      await run('while :; do :; done');
      const before = (await host.driver.read(path)).cpu?.total ?? 0;
      await until(async () => ((await host.driver.read(path)).cpu?.total ?? 0) - before > 50_000_000, 'CPU time');
      const { cpu } = await host.driver.read(path);
      expect(cpu?.user).toBeGreaterThanOrEqual(0);
      expect((cpu?.user ?? 0) + (cpu?.system ?? 0)).toBeLessThan((cpu?.total ?? 0) + 1e9);
    });

    test('counts throttling under a quota', async () => {
      await host.driver.update(path, { cpuQuota: 10_000, cpuPeriod: 50_000 });
      await run('while :; do :; done');
      await until(async () => ((await host.driver.read(path)).cpu?.throttledPeriods ?? 0) > 2, 'throttling');
      const { cpu } = await host.driver.read(path);
      expect(cpu?.periods).toBeGreaterThanOrEqual(cpu?.throttledPeriods ?? Infinity);
      expect(cpu?.throttledTime).toBeGreaterThan(0);
    });

    test('counts memory, and tells the limit', async () => {
      expect((await host.driver.read(path)).memory?.limit).toBe(Infinity);
      await host.driver.update(path, { memory: 256 * MEBIBYTE });
      // the shell holds the variable in memory
      const child = await run('x=$(head -c 20000000 /dev/zero | tr "\\0" x); echo ready; read end');
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      const { memory } = await host.driver.read(path);
      expect(memory?.usage).toBeGreaterThan(19_000_000);
      expect(memory?.limit).toBe(256 * MEBIBYTE);
      expect(memory?.stat['pgfault']).toBeGreaterThan(100);
      const meter = host.driver.meter(path);
      const reading = meter.read();
      expect(reading?.memory).toBeGreaterThan(15_000_000);
      expect(reading?.memoryLimit).toBe(256 * MEBIBYTE);
      expect(reading?.pids).toBe(1);
      meter.close();
    });

    test('changes the limit of memory up and down, and lifts it', async () => {
      for (const size of [64, 256, 32, 128]) {
        await host.driver.update(path, { memory: size * MEBIBYTE, memorySwap: size * 2 * MEBIBYTE });
        expect((await host.driver.read(path)).memory?.limit).toBe(size * MEBIBYTE);
      }
      await host.driver.update(path, { memory: 64 * MEBIBYTE, memorySwap: -1 });
      await host.driver.update(path, { memory: -1 });
      expect((await host.driver.read(path)).memory?.limit).toBe(Infinity);
    });

    test('counts what the OOM killer did', async () => {
      await host.driver.update(path, { memory: 16 * MEBIBYTE, memorySwap: 16 * MEBIBYTE });
      expect(await host.driver.oomKills(path)).toBe(0);
      await run('x=$(head -c 60000000 /dev/zero | tr "\\0" x); echo "$x" | wc -c');
      await until(async () => (await host.driver.oomKills(path)) > 0, 'the OOM killer');
      expect((await host.driver.read(path)).memory?.oomKills).toBeGreaterThan(0);
    });

    test('holds the number of processes down', async () => {
      await host.driver.update(path, { pids: 2 });
      expect((await host.driver.read(path)).pids?.limit).toBe(2);
      const child = await run('sleep 60 >/dev/null & echo second; sleep 60 >/dev/null & echo third');
      let said = '';
      child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await once(child, 'close');
      expect(said).toBe('second\n');
      expect((await host.driver.read(path)).pids?.current).toBe(1);
      await host.driver.update(path, { pids: -1 });
      expect((await host.driver.read(path)).pids?.limit).toBe(Infinity);
    });

    test('tells the limits in force, and that there is none', async () => {
      expect(host.driver.limits(path)).toEqual({ memory: null, cpus: null, pids: null, cpuset: null });
      await host.driver.update(path, { memory: 64 * MEBIBYTE, cpuQuota: 150_000, cpuPeriod: 100_000, pids: 7 });
      await host.driver.update(path, { cpusetCpus: '0', cpusetMems: '0' });
      expect(host.driver.limits(path)).toEqual({ memory: 64 * MEBIBYTE, cpus: 1.5, pids: 7, cpuset: '0' });
      await host.driver.update(path, { memory: -1, cpuQuota: -1, pids: -1 });
      expect(host.driver.limits(path)).toEqual({ memory: null, cpus: null, pids: null, cpuset: '0' });
      expect(host.driver.limits(`${path}-gone`)).toEqual({ memory: null, cpus: null, pids: null, cpuset: null });
    });

    test('lists processes, those of groups below too', async () => {
      const child = await run('read end');
      host.make(`${path}/inner`);
      const inner = spawn('sleep', ['60'], { stdio: 'ignore' });
      children.push(inner);
      await once(inner, 'spawn');
      host.enter(`${path}/inner`, inner.pid as number);
      expect(await host.driver.processes(`${path}/inner`)).toEqual([inner.pid]);
      const all = await host.driver.processes(path);
      // in v2 a group that hands controllers down has no processes itself; none are handed down here
      expect(all.sort()).toEqual([child.pid, inner.pid].sort());
      expect(host.driver.children(path)).toEqual(['inner']);
    });

    test('freezes and thaws', async () => {
      const child = await run('while :; do echo tick; sleep 0.01; done');
      let ticks = 0;
      child.stdout?.on('data', () => ticks++);
      await until(() => ticks > 3, 'ticks');
      expect(await host.driver.isFrozen(path)).toBe(false);
      await host.driver.freeze(path);
      expect(await host.driver.isFrozen(path)).toBe(true);
      await sleep(30);
      const frozenAt = ticks;
      await sleep(100);
      expect(ticks).toBe(frozenAt);
      await host.driver.thaw(path);
      expect(await host.driver.isFrozen(path)).toBe(false);
      await until(() => ticks > frozenAt + 3, 'ticks again');
    });

    test('does not remove a group with processes in it, and then does', async () => {
      const child = await run('sleep 60');
      await expect(host.driver.remove(path)).rejects.toMatchObject({ kind: 'conflict' });
      const gone = once(child, 'exit');
      for (const pid of await host.driver.processes(path))
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // ended between the look and the signal
        }
      await gone;
      await until(async () => (await host.driver.processes(path)).length === 0, 'the end of all');
      await host.driver.remove(path);
      expect(await host.driver.read(path)).toEqual({});
      expect(await host.driver.processes(path)).toEqual([]);
      expect(await host.driver.oomKills(path)).toBe(0);
      await host.driver.remove(path);
    });

    test('a meter of a group that goes away says so', async () => {
      const meter = host.driver.meter(path);
      expect(meter.read()).toBeDefined();
      await host.driver.remove(path);
      expect(meter.read()).toBeUndefined();
      meter.close();
    });

    test('shows its files', async () => {
      const files = await host.driver.files(path);
      expect(Object.keys(files).some((file) => file.endsWith('pids.max'))).toBe(true);
      expect(Object.keys(files).some((file) => file.endsWith('memory.stat'))).toBe(true);
    });
  });
}
