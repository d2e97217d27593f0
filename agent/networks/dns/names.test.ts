import { describe, expect, test } from 'vitest';
import { addressOfReverse, answer, readQuestion, TYPE, writeName } from './message.ts';
import { answerLocally, NameTable, type NamedNetwork } from './names.ts';

function question(name: string, type: number, extra = Buffer.alloc(0)) {
  const header = Buffer.from(`abcd0100000100000000${extra.length > 0 ? '0001' : '0000'}`, 'hex');
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(type, 0);
  tail.writeUInt16BE(1, 2);
  return Buffer.concat([header, writeName(name), tail, extra]);
}
const read = (name: string, type: number) => {
  const found = readQuestion(question(name, type));
  if (!found) throw new Error('no question');
  return found;
};
/** id, flags, counts; the answers' data */
function parsed(message: Buffer | undefined) {
  if (!message) return undefined;
  const rcode = message.readUInt16BE(2) & 0xf;
  const data: string[] = [];
  let at = message.indexOf(0, 12) + 5;
  for (let left = message.readUInt16BE(6); left > 0; left--) {
    const length = message.readUInt16BE(at + 10);
    data.push(message.toString('hex', at + 12, at + 12 + length));
    at += 12 + length;
  }
  return { id: message.readUInt16BE(0), rcode, truncated: (message.readUInt16BE(2) & 0x200) !== 0, data: data.sort() };
}

const member = (container: string, names: string[], addresses: string[], servers: string[] = []) => ({
  container,
  names,
  addresses,
  servers,
});
const app: NamedNetwork = {
  name: 'app',
  internal: false,
  members: [
    member('1', ['web', 'www', 'Front'], ['10.0.0.2', 'fd00::2']),
    member('2', ['web-2', 'www'], ['10.0.0.3'], ['10.9.9.9']),
  ],
};
const inner: NamedNetwork = {
  name: 'inner',
  internal: true,
  members: [member('2', ['web-2'], ['10.1.0.3']), member('3', ['db'], ['10.1.0.4'])],
};
const table = new NameTable([app, inner]);
const ask = (from: string, name: string, type: number = TYPE.A, size = 512) => {
  const client = table.client(from);
  if (!client) throw new Error(`nobody is at ${from}`);
  return parsed(answerLocally(client, read(name, type), size));
};

describe('names of containers', () => {
  test('are those of every network the asker is on, and of no other', () => {
    expect(ask('10.0.0.2', 'web')).toEqual({ id: 0xabcd, rcode: 0, truncated: false, data: ['0a000002'] });
    expect(ask('10.0.0.2', 'WWW.app')?.data).toEqual(['0a000002', '0a000003']);
    expect(ask('10.0.0.2', 'front')?.data).toEqual(['0a000002']);
    expect(ask('10.0.0.2', 'db')).toBeUndefined();
    expect(ask('10.0.0.3', 'db')?.data).toEqual(['0a010004']);
    expect(ask('10.1.0.3', 'web')?.data).toEqual(['0a000002']);
    expect(ask('10.1.0.4', 'web')).toBeUndefined();
    expect(table.client('10.0.0.9')).toBeUndefined();
  });

  test('are links to those who have them, and to nobody else', () => {
    const linked = new NameTable([
      {
        ...app,
        members: [...app.members, { ...member('4', ['user'], ['10.0.0.5']), links: ['web:Shop', '/later:soon'] }],
      },
    ]);
    const of = (from: string, name: string) => {
      const client = linked.client(from);
      return client && parsed(answerLocally(client, read(name, TYPE.A), 512))?.data;
    };
    expect(of('10.0.0.5', 'SHOP')).toEqual(['0a000002']);
    expect(of('10.0.0.5', 'soon')).toBeUndefined();
    expect(of('10.0.0.2', 'shop')).toBeUndefined();
  });

  test('have addresses of both families; another type of record is empty', () => {
    expect(ask('fd00:0::2', 'web', TYPE.AAAA)?.data).toEqual(['fd000000000000000000000000000002']);
    expect(ask('10.0.0.2', 'web-2', TYPE.AAAA)).toMatchObject({ rcode: 0, data: [] });
    expect(ask('10.0.0.2', 'web', 15)).toMatchObject({ rcode: 0, data: [] });
  });

  test('are found by address', () => {
    const name = (text: string) => [writeName(text).toString('hex')];
    expect(ask('10.0.0.2', '3.0.0.10.in-addr.arpa', TYPE.PTR)?.data).toEqual(name('web-2.app'));
    const six = [...'fd000000000000000000000000000002'].reverse().join('.');
    expect(ask('10.0.0.2', `${six}.ip6.arpa`, TYPE.PTR)?.data).toEqual(name('web.app'));
    expect(ask('10.0.0.2', '4.0.1.10.in-addr.arpa', TYPE.PTR)).toBeUndefined();
  });

  test('who may ask outside, and whom', () => {
    expect(table.client('10.0.0.3')).toMatchObject({ servers: ['10.9.9.9'], internal: false });
    expect(table.client('10.1.0.3')).toMatchObject({ servers: ['10.9.9.9'], internal: false });
    expect(table.client('10.1.0.4')).toMatchObject({ servers: [], internal: true });
  });

  test('what does not fit is left out and said to be', () => {
    const many = { name: 'n', internal: false, members: [] as NamedNetwork['members'] };
    for (let last = 1; last < 100; last++) many.members.push(member(String(last), ['all'], [`10.2.0.${last}`]));
    const client = new NameTable([many]).client('10.2.0.1');
    if (!client) throw new Error('nobody');
    const small = answerLocally(client, read('all', TYPE.A), 512);
    expect(small?.length).toBeLessThanOrEqual(512);
    expect(parsed(small)?.truncated).toBe(true);
    expect(parsed(answerLocally(client, read('all', TYPE.A), 65_535))).toMatchObject({ truncated: false });
  });
});

describe('messages', () => {
  test('EDNS tells what fits', () => {
    expect(readQuestion(question('a', 1))?.size).toBe(512);
    expect(readQuestion(question('a', 1, Buffer.from('0000291000000000000000', 'hex')))?.size).toBe(4096);
    expect(readQuestion(question('a', 1, Buffer.from('0000290010000000000000', 'hex')))?.size).toBe(512);
  });

  test.each([
    ['nothing', ''],
    ['a header alone', 'abcd01000001000000000000'],
    ['an answer', 'abcd8100000100000000000001610000010001'],
    ['two questions', 'abcd0100000200000000000001610000010001'],
    ['a name without end', 'abcd0100000100000000000005610000'],
    ['a compressed name', 'abcd01000001000000000000c00c00010001'],
    ['no type', 'abcd010000010000000000000161000001'],
  ])('%s is no question', (_what, hex) => {
    expect(readQuestion(Buffer.from(hex, 'hex'))).toBeUndefined();
  });

  test('the question is repeated as it came', () => {
    const asked = question('WeB', 1);
    const found = readQuestion(asked);
    expect(found?.name).toBe('web');
    expect(found && answer(found, 3, [], 0, 512).subarray(12).equals(asked.subarray(12))).toBe(true);
  });

  test('names of addresses', () => {
    expect(addressOfReverse('2.0.17.172.in-addr.arpa')).toBe('172.17.0.2');
    expect(addressOfReverse('17.172.in-addr.arpa')).toBeUndefined();
  });
});
