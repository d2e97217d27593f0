import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleanMappings } from './program-pages.ts';

const entry = (range: string, mode: string, path: string, anonymous: number) =>
  `${range} ${mode} 00000000 fe:00 12      ${path}\nSize:  4 kB\nAnonymous:  ${anonymous} kB\nVmFlags: rd\n`;

describe('pages of the program', () => {
  it('are those that are as in its file', () => {
    const smaps = [
      entry('00400000-00500000', 'r--p', '/node', 0),
      entry('00500000-00700000', 'r-xp', '/node', 0),
      entry('00700000-00800000', 'r--p', '/node', 8),
      entry('00800000-00900000', 'rw-p', '/node', 0),
      entry('00900000-00a00000', '---p', '/node', 0),
      entry('7f0000000000-7f0000100000', 'r-xp', '/lib/libc.so.6', 0),
      entry('7f0000100000-7f0000200000', 'r--p', '', 0),
    ].join('');
    expect(cleanMappings(smaps, '/node')).toEqual([
      { start: 0x400000, size: 0x100000 },
      { start: 0x500000, size: 0x200000 },
    ]);
  });

  it('go from the memory of a process that goes on working', () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { programPages } from ${JSON.stringify(join(import.meta.dirname, 'program-pages.ts'))};
      const file = () => Number(/^RssFile:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      const before = file();
      programPages.release();
      const after = file();
      const worked = new Intl.NumberFormat('en').format(1234567) + JSON.stringify({ a: /b+/.exec('abbb')[0] });
      console.log(JSON.stringify({ before, after, worked }));`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    const { before, after, worked } = JSON.parse(said) as { before: number; after: number; worked: string };
    expect(worked).toBe('1,234,567{"a":"bbb"}');
    expect(after).toBeLessThan(before / 2);
  });
});
