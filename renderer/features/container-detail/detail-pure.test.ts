import { describe, expect, it } from 'vitest';
import { demoInspect, demoIsolation } from './demo/demo-data.ts';
import { shellLine, summarize } from './inspect/summary.ts';
import { inOrder, ownership, pressureText, uidMapText } from './isolation/describe.ts';
import { tabOf } from './tabs.ts';
import { splitCommand } from './terminal/split-command.ts';

const fact = (label: string) =>
  summarize(demoInspect)
    .flatMap((group) => group.facts)
    .find((each) => each.label === label)?.value;

describe('summary', () => {
  it('says what people look for', () => {
    expect(fact('Command')).toBe("nginx -g 'daemon off;'");
    expect(fact('Restart policy')).toBe('on-failure, at most 5 times');
    expect(fact('Memory')).toBe('256 MiB');
    expect(fact('CPUs')).toBe('1.5');
    expect(fact('80/tcp')).toBe('0.0.0.0:8080, [::]:8080');
    expect(fact('443/tcp')).toBe('not published');
  });
  it('leaves out what is not so', () => {
    expect(fact('Exit code')).toBeUndefined();
    expect(fact('Finished')).toBeUndefined();
    expect(fact('Error')).toBeUndefined();
  });
  it('quotes as a shell needs it', () => expect(shellLine(['a b', "it's", 'x=1'])).toBe(`'a b' 'it'\\''s' x=1`));
});

describe('isolation in words', () => {
  it('tells own, the host’s and shared namespaces apart', () => {
    const of = (type: string) => {
      const found = demoIsolation.namespaces.find((namespace) => namespace.type === type);
      return found && ownership(found, () => 'web').text;
    };
    expect([of('pid'), of('user'), of('net')]).toEqual(['own', 'the host’s', 'shared with web']);
    expect(inOrder([...demoIsolation.namespaces].reverse())[0]?.type).toBe('pid');
  });
  it('reads maps of users', () => {
    expect(uidMapText('0 0 4294967295\n')).toMatch(/same as on the host/);
    expect(uidMapText('  0 100000 65536\n')).toBe('0–65535 inside is 100000–165535 outside');
  });
  it('says when the kernel does not tell', () => expect(pressureText(null)).toMatch(/does not tell/));
});

describe('splitCommand', () => {
  it('splits as a shell does', () => {
    expect(splitCommand(`sh -c 'echo "a b"' "x \\" y" a\\ b ''`)).toEqual([
      'sh',
      '-c',
      'echo "a b"',
      'x " y',
      'a b',
      '',
    ]);
    expect(splitCommand('   ')).toEqual([]);
    expect(splitCommand("sh 'x")).toHaveProperty('error');
    expect(splitCommand('x\\')).toHaveProperty('error');
  });
});

it('knows its tabs', () =>
  expect([tabOf('stats'), tabOf('nonsense'), tabOf(undefined)]).toEqual(['stats', 'logs', 'logs']));
