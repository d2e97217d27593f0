import { describe, expect, it } from 'vitest';
import { capabilityToContainer, capabilityToHost, mapLine, sameMap, toContainer, toHost } from './id-map.ts';
import { chooseMap } from './subordinate-ids.ts';

const range = { host: 100_000, size: 65_536 };

describe('ids', () => {
  it.each([
    [0, 100_000],
    [33, 100_033],
    [65_535, 165_535],
  ])('%i inside is %i outside', (inside, outside) => {
    expect(toHost(range, inside)).toBe(outside);
    expect(toContainer(range, outside)).toBe(inside);
  });
  it('shows what is not its own as nobody, and has no other ids', () => {
    expect([0, 99_999, 165_536].map((id) => toContainer(range, id))).toEqual([65_534, 65_534, 65_534]);
    expect([-1, 65_536].map((id) => toHost(range, id))).toEqual([undefined, undefined]);
  });
  it('are the same without a range', () => expect([toHost(undefined, 7), toContainer(undefined, 7)]).toEqual([7, 7]));
  it('are written as the kernel reads them', () => expect(mapLine(range)).toBe('0 100000 65536\n'));
  it('are compared', () => {
    const map = { uid: range, gid: range };
    expect(sameMap(map, { uid: { ...range }, gid: { ...range } })).toBe(true);
    expect(sameMap(undefined, undefined)).toBe(true);
    expect(sameMap(map, undefined)).toBe(false);
    expect(sameMap(map, { uid: range, gid: { host: 1, size: 65_536 } })).toBe(false);
  });
});

describe('file capabilities', () => {
  // cap_net_raw=ep, as setcap writes it
  const plain = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const owned = Buffer.from('0100000300200000000000000000000000000000a0860100', 'hex');
  it('get and lose their owner', () => {
    expect(capabilityToHost(range, plain)).toEqual(owned);
    expect(capabilityToContainer(range, owned)).toEqual(plain);
  });
  it('of another root are not shown', () =>
    expect(capabilityToContainer({ host: 5, size: 65_536 }, owned)).toBeUndefined());
  it('stay without a range', () =>
    expect([capabilityToHost(undefined, plain), capabilityToContainer(undefined, owned)]).toEqual([plain, owned]));
});

describe('subordinate ids', () => {
  const files = {
    passwd: 'root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/:/bin/sh\npoor:x:1001:1001::/:/bin/sh\n',
    group: 'root:x:0:\nbob:x:1000:\nstaff:x:50:\n',
    subuid: 'bob:200000:65536\ndockremap:300000:65536\npoor:400000:100\n',
    subgid: '1000:210000:65536\nstaff:220000:70000\ndockremap:310000:65536\n',
  };
  it('default to those set aside for containers', () => {
    expect(chooseMap('default', files)).toEqual({
      uid: { host: 300_000, size: 65_536 },
      gid: { host: 310_000, size: 65_536 },
    });
    expect(chooseMap('', { ...files, subuid: `${files.subuid}berth:500000:65536\n` }).uid.host).toBe(500_000);
    expect(chooseMap('default', { ...files, subuid: '', subgid: '' })).toEqual({ uid: range, gid: range });
  });
  it('are those of the user and group that are named, by name or number', () => {
    const bob = { uid: { host: 200_000, size: 65_536 }, gid: { host: 210_000, size: 65_536 } };
    expect(chooseMap('bob', files)).toEqual(bob);
    expect(chooseMap('1000', files)).toEqual(bob);
    expect(chooseMap('bob:staff', files).gid).toEqual({ host: 220_000, size: 70_000 });
  });
  it.each([
    ['alice', 'userns-remap: the user "alice" does not exist'],
    ['bob:wheel', 'userns-remap: the group "wheel" does not exist'],
    ['poor', `Can't create ID mappings: no subuid ranges found for user "poor"`],
    ['root', `Can't create ID mappings: no subuid ranges found for user "root"`],
    ['bob:root', `Can't create ID mappings: no subgid ranges found for group "root"`],
    ['bob:', 'invalid user/group specification in userns-remap: "bob:"'],
    ['a:b:c', 'invalid user/group specification in userns-remap: "a:b:c"'],
  ])('%s: %s', (remap, message) => expect(() => chooseMap(remap, files)).toThrow(message));
});
