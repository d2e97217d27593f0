import { describe, expect, it } from 'vitest';
import { machinePaths } from './paths.ts';

describe('where a machine keeps its things', () => {
  it('on Windows its sockets are pipes of their own for each user and machine, and its monitor has none', () => {
    const one = machinePaths({ LOCALAPPDATA: 'C:\\Users\\one\\AppData\\Local' }, 'win32');
    const other = machinePaths({ LOCALAPPDATA: 'C:\\Users\\other\\AppData\\Local' }, 'win32');
    for (const path of [one.socket, one.control])
      expect(path).toMatch(/^\\\\\.\\pipe\\berth-(engine|machine)-[0-9a-f]{12}$/);
    expect(new Set([one.socket, one.control, other.socket, other.control]).size).toBe(4);
    expect(one.monitor).toMatch(/machine\.pid$/);
  });

  it('elsewhere they are sockets, beside the rest where all of it is moved', () => {
    const moved = machinePaths({ BERTH_MACHINE_HOME: '/m' }, 'darwin');
    expect(moved).toMatchObject({
      home: '/m',
      socket: '/m/engine.sock',
      control: '/m/control.sock',
      monitor: '/m/monitor.sock',
    });
    const mine = machinePaths({ XDG_RUNTIME_DIR: '/run/user/7', XDG_DATA_HOME: '/d' }, 'linux');
    expect(mine).toMatchObject({ home: '/d/berth/machine', socket: '/run/user/7/berth-machine/engine.sock' });
  });
});
