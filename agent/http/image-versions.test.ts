import { describe, expect, it } from 'vitest';
import type { ImageInspect, ImageSummary } from '../api/image.ts';
import { inspectFor, summaryFor } from './image-versions.ts';

const image: ImageInspect = {
  Id: 'sha256:1',
  RepoTags: [],
  RepoDigests: [],
  Parent: '',
  Comment: '',
  Created: '',
  DockerVersion: '',
  Author: '',
  Container: 'c1',
  ContainerConfig: { Cmd: ['x'], Hostname: 'h' },
  Config: { Hostname: 'h', Env: [], Cmd: ['x'], Labels: { a: 'b' }, ExposedPorts: {}, StopSignal: '' },
  Architecture: 'amd64',
  Os: 'linux',
  Size: 7,
  GraphDriver: { Name: 'overlay2', Data: null },
  RootFS: { Type: 'layers', Layers: [] },
  Metadata: { LastTagTime: '' },
};
const summary: ImageSummary = {
  Id: 'sha256:1',
  ParentId: '',
  RepoTags: [],
  RepoDigests: [],
  Created: 1,
  Size: 7,
  SharedSize: -1,
  Labels: null,
  Containers: 2,
};

describe('an image’s inspection', () => {
  it('loses what newer versions of the API dropped', () => {
    const keys = (version: string) => new Set(Object.keys(inspectFor(image, version)));
    expect([keys('1.43').has('VirtualSize'), keys('1.44').has('VirtualSize')]).toEqual([true, false]);
    expect([keys('1.44').has('ContainerConfig'), keys('1.45').has('ContainerConfig')]).toEqual([true, false]);
    expect([keys('1.44').has('Container'), keys('1.45').has('Container')]).toEqual([true, false]);
    expect(inspectFor(image, '1.43')).toMatchObject({ Created: '0001-01-01T00:00:00Z', VirtualSize: 7 });
    expect(keys('1.44').has('Created')).toBe(false);
    expect(inspectFor({ ...image, Created: '2024' }, '1.51')).toMatchObject({ Created: '2024' });
  });

  it('has a configuration of an image’s own keys', () => {
    const config = (version: string) => (inspectFor(image, version) as { Config: object }).Config;
    expect(config('1.51')).toEqual({
      Cmd: ['x'],
      Entrypoint: null,
      Env: null,
      Labels: { a: 'b' },
      OnBuild: null,
      User: '',
      Volumes: null,
      WorkingDir: '',
    });
    // the container's name is none of the image's
    expect(config('1.49')).toMatchObject({ Hostname: '', Tty: false, Image: '', Cmd: ['x'] });
  });
});

describe('an entry of the list', () => {
  it('is as the version has it', () => {
    expect(summaryFor(summary, '1.51')).toEqual(summary);
    expect(summaryFor(summary, '1.50')).toEqual({ ...summary, Containers: -1 });
    expect(summaryFor(summary, '1.43')).toEqual({ ...summary, Containers: -1, VirtualSize: 7 });
    expect(summaryFor(summary, '1.42')).toMatchObject({
      RepoTags: ['<none>:<none>'],
      RepoDigests: ['<none>@<none>'],
    });
    expect(summaryFor({ ...summary, RepoDigests: ['x@y'] }, '1.42')).toMatchObject({ RepoTags: [] });
  });
});
