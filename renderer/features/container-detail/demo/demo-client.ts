import type {
  ContainerChange,
  ContainerRow,
  LogBatch,
  LogLine,
  TerminalUpdate,
  UsageHistoryUpdate,
  UsageSample,
} from '../../../../electron/contract/model.ts';
import { readStatus } from '../../../../electron/contract/status-text.ts';
import type { Client } from '../../../app/client.ts';
import { fakeClient, PushStream } from '../../../testing/fake-client.ts';
import { demoInspect, demoIsolation, demoRow } from './demo-data.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const texts = [
  'GET /api/items?page=2 200 OK in 12 ms',
  '\x1b[32mINFO\x1b[0m  connected to \x1b[1mpostgres://database:5432\x1b[0m as app',
  '\x1b[33mWARN\x1b[0m  slow query: select * from items where owner = $1 order by created_at desc limit 100 (834 ms) — consider an index on items(owner, created_at); see https://example.org/docs/queries/slow?reason=missing-index&table=items&columns=owner,created_at for the plan that was chosen',
  '{"level":"info","time":"2026-11-23T20:11:12Z","msg":"request served","status":200,"bytes":5120}',
  '\x1b[38;5;208mcache\x1b[0m miss\tkey=user:4711\tttl=60',
];
function line(index: number): LogLine {
  const time = Date.now() - 3_600_000 + index;
  const stderr = index % 17 === 0;
  const text = stderr
    ? `\x1b[1;31mERROR\x1b[0m request ${index} failed: upstream timed out`
    : `${index} ${texts[index % texts.length]}`;
  return {
    time,
    stamp: `${new Date(time).toISOString().slice(0, -1)}123456Z`,
    stream: stderr ? 'stderr' : 'stdout',
    text,
  };
}

async function* logs(count: number, live: boolean): AsyncGenerator<LogBatch> {
  for (let at = 0; at < count; at += 2000) {
    yield { kind: 'lines', lines: Array.from({ length: Math.min(2000, count - at) }, (_, i) => line(at + i)) };
    await pause(0);
  }
  yield { kind: 'caughtUp' };
  for (let at = count; live; at++) {
    await pause(400);
    yield { kind: 'lines', lines: [line(at)] };
  }
  yield { kind: 'end' };
}

function sample(time: number): UsageSample {
  const t = time / 1000;
  const wave = Math.sin(t / 17) + Math.sin(t / 5.3) * 0.5 + 1.6;
  return {
    time,
    cpuPercent: wave * 31,
    memory: (160 + wave * 22) * 1_048_576,
    memoryLimit: 268_435_456,
    rxRate: wave * 91_000,
    txRate: Math.abs(Math.sin(t / 9)) * 40_000,
    readRate: Math.sin(t / 30) > 0.8 ? 4_200_000 : 0,
    writeRate: wave * 120_000,
    pids: 5 + Math.round(wave),
    throttledPercent: Math.max(0, wave - 2.4) * 40,
  };
}
async function* history(live: boolean): AsyncGenerator<UsageHistoryUpdate> {
  const now = Date.now();
  const samples = live
    ? Array.from({ length: 600 }, (_, i) => sample(now - (600 - i) * 1000)).filter((_, i) => i < 200 || i > 240)
    : [];
  yield { kind: 'history', interval: 1000, samples };
  while (live) {
    await pause(1000);
    yield { kind: 'sample', sample: sample(Date.now()) };
  }
}

/** Answers about one container as a host would. */
export function demoClient(options: { lines: number; state: ContainerRow['state']; foreign: boolean }): Client {
  const live = options.state === 'running';
  let row: ContainerRow = {
    ...demoRow,
    state: options.state,
    status: live ? 'Up 3 hours' : 'Exited (0) 2 minutes ago',
    ports: live ? demoRow.ports : [],
  };
  const changes = new PushStream<ContainerChange>({ kind: 'snapshot', rows: [row] });
  const become = (part: Partial<ContainerRow>) => {
    row = { ...row, ...part, ...readStatus(part.status ?? row.status) };
    changes.push({ kind: 'upsert', row });
    return [{ id: row.id }];
  };
  const terminal = new PushStream<TerminalUpdate>({ kind: 'session', session: 's' });
  return fakeClient({
    engine: {
      watch: () =>
        new PushStream({
          state: 'ready' as const,
          endpoint: 'unix:///run/berth/engine.sock',
          berth: !options.foreign,
          cpus: 2,
          memory: 25_000_000_000,
          version: '0.1.0',
          warnings: [],
        }),
    },
    containers: {
      watch: () => changes,
      logs: () => logs(options.lines, live),
      history: () => history(live),
      start: () => become({ state: 'running', status: 'Up 1 second' }),
      stop: () => become({ state: 'exited', status: 'Exited (0) 1 second ago' }),
      pause: () => become({ state: 'paused', status: 'Up 3 hours (Paused)' }),
      unpause: () => become({ state: 'running', status: 'Up 3 hours' }),
      remove: () => (changes.push({ kind: 'remove', id: row.id }), [{ id: row.id }]),
      inspect: () => demoInspect,
      isolation: () => (options.foreign ? null : demoIsolation),
      pressure: () => ({
        cpu: { someAvg10: 1.2, someAvg60: 0.8, fullAvg10: 0, fullAvg60: 0 },
        memory: { someAvg10: 0, someAvg60: 0, fullAvg10: 0, fullAvg60: 0 },
        io: null,
      }),
      processes: () => ({
        titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
        rows: [
          ['root', '4711', '4690', '0', '20:11', '?', '00:00:01', 'nginx: master process nginx -g daemon off;'],
          [
            '101',
            '4752',
            '4711',
            '3',
            '20:11',
            '?',
            '00:01:13',
            `nginx: worker process ${'--with-a-very-long-option '.repeat(12)}`,
          ],
        ],
      }),
    },
    terminals: {
      async *open() {
        yield* [
          { kind: 'session', session: 's' },
          {
            kind: 'output',
            data: '\x1b[32mroot@9f8e7d6c5b4a\x1b[0m:\x1b[34m/app\x1b[0m# ls -l\r\ntotal 8\r\ndrwxr-xr-x 2 root root 4096 Nov 23 20:11 \x1b[1;34massets\x1b[0m\r\n-rw-r--r-- 1 root root  512 Nov 23 20:11 index.html\r\n\x1b[32mroot@9f8e7d6c5b4a\x1b[0m:\x1b[34m/app\x1b[0m# ',
          },
        ] satisfies TerminalUpdate[];
        yield* terminal;
      },
      write: ({ data }) => {
        if (data === '\x04') {
          terminal.push({ kind: 'exit', code: 0 });
          terminal.end();
        } else terminal.push({ kind: 'output', data: data === '\r' ? '\r\n# ' : data });
      },
      resize: ({ columns, rows }) => terminal.push({ kind: 'output', data: `\r\n[${columns}×${rows}]\r\n# ` }),
    },
  });
}
