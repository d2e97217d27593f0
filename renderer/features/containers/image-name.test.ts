import { expect, test } from 'vitest';
import { imageName } from './image-name.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
test.each([
  ['busybox', 'busybox', ''],
  ['127.0.0.1:5000/debian:1', 'debian:1', '127.0.0.1:5000'],
  ['quay.io/team/shop/api:2026.11', 'api:2026.11', 'quay.io/team/shop'],
  [digest, 'abababababab', ''],
  [`host:5000/x@${digest}`, 'x@abababababab', 'host:5000'],
])('%s', (image, name, from) => {
  expect(imageName({ image })).toEqual({ name, from });
});
