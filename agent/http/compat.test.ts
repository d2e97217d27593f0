import { describe, expect, it } from 'vitest';
import type { ContainerCreateRequest, ContainerInspect, MountRequest } from '../api/container.ts';
import { adaptCreate, infoFor, inspectFor } from './compat.ts';

const host = (version: string, given: ContainerCreateRequest['HostConfig'] = {}, cgroups: 1 | 2 = 1) =>
  adaptCreate({ Image: 'x', HostConfig: given }, version, cgroups).request.HostConfig;
const mount = (version: string, given: Partial<MountRequest>) =>
  host(version, { Mounts: [{ Type: 'bind', Target: '/x', ...given } as MountRequest] })?.Mounts?.[0];

describe('a request to create, from an older client', () => {
  it('has the defaults of its time', () => {
    expect(host('1.24', { AutoRemove: true })).toMatchObject({ AutoRemove: false, IpcMode: 'shareable' });
    expect(host('1.39', { IpcMode: 'private' })).toMatchObject({ IpcMode: 'private', CgroupnsMode: 'host' });
    expect(host('1.40')).toEqual({ CgroupnsMode: 'host' });
    expect(host('1.40', {}, 2)).toEqual({});
    expect(host('1.51', { AutoRemove: true })).toEqual({ AutoRemove: true });
  });
  it('loses what was not known then', () => {
    const later = { ConsoleSize: [1, 2] as [number, number], Annotations: { a: 'b' } };
    expect(host('1.41', later)).toEqual({});
    expect(host('1.42', later)).toEqual({ ConsoleSize: [1, 2] });
    expect(host('1.43', later)).toEqual(later);
    const Healthcheck = { Test: ['CMD', 'true'], StartInterval: 5 };
    expect(adaptCreate({ Image: 'x', Healthcheck }, '1.43', 1).request.Healthcheck).toMatchObject({ StartInterval: 0 });
    expect(adaptCreate({ Image: 'x', Healthcheck }, '1.44', 1).request.Healthcheck).toEqual(Healthcheck);
  });
  it('has mounts as they were, and is told of what it cannot ask', () => {
    expect(mount('1.41', { TmpfsOptions: { SizeBytes: 1 } })).not.toHaveProperty('TmpfsOptions');
    expect(mount('1.42', { TmpfsOptions: { SizeBytes: 1 } })).toHaveProperty('TmpfsOptions');
    expect(mount('1.43', { ReadOnly: true })).toMatchObject({ BindOptions: { ReadOnlyNonRecursive: true } });
    expect(mount('1.44', { ReadOnly: true })).not.toHaveProperty('BindOptions');
    expect(() => mount('1.43', { BindOptions: { ReadOnlyForceRecursive: true } })).toThrow('needs API v1.44 or newer');
    expect(() => mount('1.44', { Type: 'volume', VolumeOptions: { Subpath: 'a' } })).toThrow(
      'needs API v1.45 or newer',
    );
    const EndpointsConfig = { a: {}, b: {} };
    expect(() => adaptCreate({ Image: 'x', NetworkingConfig: { EndpointsConfig } }, '1.43', 1)).toThrow(
      'Container cannot be created with multiple network endpoints: a, b',
    );
  });
  it('is not changed itself, nor broken by what is not there', () => {
    const request = { Image: 'x', HostConfig: { Mounts: [{ Type: 'bind', Target: '/x', ReadOnly: true }] } } as const;
    const copy = structuredClone(request);
    adaptCreate(request as unknown as ContainerCreateRequest, '1.24', 1);
    expect(request).toEqual(copy);
    for (const bad of [null, 7, 'x', [], { Mounts: 3 }, { Mounts: [null, 4] }, { NetworkMode: 7 }])
      expect(() => host('1.24', bad as never)).not.toThrow();
  });
});

describe('the MAC address of a container', () => {
  const adapt = (version: string, request: ContainerCreateRequest) =>
    adaptCreate({ Image: 'x', ...request }, version, 1);
  const MAC = '02:42:00:00:00:01';
  it('becomes that of its main network', () => {
    expect(adapt('1.43', { MacAddress: MAC })).toMatchObject({
      request: { NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: MAC } } } },
      warnings: [],
    });
    const EndpointsConfig = { mynet: { Aliases: ['a'] } };
    const request = { MacAddress: MAC, HostConfig: { NetworkMode: 'mynet' }, NetworkingConfig: { EndpointsConfig } };
    const { request: adapted, warnings } = adapt('1.44', request);
    expect(adapted.NetworkingConfig?.EndpointsConfig).toEqual({ mynet: { Aliases: ['a'], MacAddress: MAC } });
    expect(adapted).not.toHaveProperty('MacAddress');
    expect(warnings).toHaveLength(1);
  });
  it('of an endpoint was not looked at before 1.44', () => {
    const NetworkingConfig = { EndpointsConfig: { mynet: { MacAddress: MAC } } };
    const { request } = adapt('1.43', { NetworkingConfig, HostConfig: { NetworkMode: 'mynet' } });
    expect(request.NetworkingConfig?.EndpointsConfig).toEqual({ mynet: { MacAddress: '' } });
  });
  it('is refused where it has no place', () => {
    const NetworkingConfig = { EndpointsConfig: { mynet: { MacAddress: '02:42:00:00:00:02' } } };
    expect(() => adapt('1.51', { MacAddress: MAC, NetworkingConfig })).toThrow('must match the identity of a network');
    expect(() => adapt('1.51', { MacAddress: MAC, NetworkingConfig, HostConfig: { NetworkMode: 'mynet' } })).toThrow(
      'must match the endpoint-specific MAC address',
    );
    expect(() => adapt('1.43', { MacAddress: MAC, HostConfig: { NetworkMode: 'host' } })).toThrow(
      'conflicting options',
    );
  });
});

describe('answers to older clients', () => {
  it('tell names in DNS as aliases before 1.45', () => {
    const container = {
      Id: 'f'.repeat(64),
      Config: { Hostname: 'host' },
      NetworkSettings: { Networks: { mynet: { Aliases: ['a'] }, bridge: { Aliases: null } } },
    } as unknown as ContainerInspect;
    expect(inspectFor(container, '1.44').NetworkSettings.Networks).toEqual({
      mynet: { Aliases: ['a', 'f'.repeat(12), 'host'] },
      bridge: { Aliases: null },
    });
    expect(inspectFor(container, '1.45')).toBe(container);
  });
  it('have the keys of their time in info', () => {
    const info = {
      BridgeNfIptables: true,
      FirewallBackend: {},
      RuncCommit: { ID: 'a' },
      RegistryConfig: { Mirrors: [] },
      Runtimes: { crun: { path: 'crun', status: {} } },
      SecurityOptions: ['name=seccomp,profile=default', 'name=cgroupns'],
    };
    expect(infoFor(info, '1.51')).toMatchObject({ RuncCommit: { ID: 'a' }, RegistryConfig: { Mirrors: [] } });
    expect(infoFor(info, '1.51')).not.toHaveProperty('BridgeNfIptables');
    expect(infoFor(info, '1.49')).toMatchObject({ BridgeNfIptables: false, FirewallBackend: {} });
    expect(infoFor(info, '1.48')).toMatchObject({ RuncCommit: { ID: 'a', Expected: 'a' } });
    expect(infoFor(info, '1.46')['RegistryConfig']).toHaveProperty('AllowNondistributableArtifactsCIDRs', null);
    expect(infoFor(info, '1.43')['Runtimes']).toEqual({ crun: { path: 'crun' } });
    expect(infoFor(info, '1.24')['SecurityOptions']).toEqual(['seccomp', 'cgroupns']);
  });
});
