import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestImages, type TestImages } from '../../testing/image-service.ts';
import { busyboxImage, pushImage, registryRequest, startRegistry, type TestRegistry } from '../../testing/index.ts';
import { startProxy } from '../../testing/registry-proxy.ts';

// Needs docker-registry, and root for ownership.
const image = busyboxImage();
const right = { username: 'me', password: 'pass:word' };
let registry: TestRegistry;
let service: TestImages;
beforeAll(async () => {
  registry = await startRegistry({ htpasswd: { me: 'pass:word' } });
  await pushImage(registry.host, 'private', '1', image, right);
});
afterAll(() => registry.stop());
beforeEach(async () => {
  service = await openTestImages();
});
afterEach(() => service.close());

describe('a registry with passwords', () => {
  it('gives images to those who have one', async () => {
    const name = `${registry.host}/private:1`;
    await expect(service.pull(name)).rejects.toThrow(
      `Get "http://${registry.host}/v2/private/manifests/1": no basic auth credentials`,
    );
    await expect(service.pull(name, { auth: { ...right, password: 'wrong' } })).rejects.toThrow(
      'unauthorized: authentication required',
    );
    await service.pull(name, { auth: right });
    expect(service.images.resolve(name).id).toBe(image.id);
  });

  it('is what docker login asks', async () => {
    const login = (auth: object) => service.images.auth({ serveraddress: registry.host, ...auth });
    await expect(login(right)).resolves.toEqual({ Status: 'Login Succeeded', IdentityToken: '' });
    await expect(login({ ...right, password: 'wrong' })).rejects.toMatchObject({
      kind: 'unauthorized',
      message: `login attempt to http://${registry.host}/v2/ failed with status: 401 Unauthorized`,
    });
    await expect(service.images.auth({ ...right, serveraddress: '127.0.0.1:1' })).rejects.toThrow('connection refused');
  });

  it('takes a push, byte by byte what was pulled', async () => {
    const name = `${registry.host}/private:1`;
    await service.pull(name, { auth: right });
    await service.images.tag(name, `${registry.host}/copies/busybox`, 'new');
    const messages: { status?: string }[] = [];
    const request = {
      image: `${registry.host}/copies/busybox`,
      tag: 'new',
      signal: new AbortController().signal,
      onProgress: (message: object) => messages.push(message),
    };
    await expect(service.images.push(request)).rejects.toThrow('no basic auth credentials');
    messages.length = 0;
    await service.images.push({ ...request, auth: right });
    const said = messages.map(({ status }) => status);
    expect(said[0]).toBe(`The push refers to repository [${registry.host}/copies/busybox]`);
    expect(said).toContain('Pushed');
    expect(said).toContain(`new: digest: ${image.digest} size: ${image.manifest.length}`);
    const stored = await registryRequest('GET', `http://${registry.host}/v2/copies/busybox/manifests/${image.digest}`, {
      ...right,
      accept: image.mediaType,
    });
    expect(stored.body).toBe(image.manifest.toString());
    messages.length = 0;
    await service.images.push({ ...request, auth: right });
    expect(messages.map(({ status }) => status)).toContain('Layer already exists');
    await expect(service.images.push({ ...request, tag: 'none' })).rejects.toThrow(
      'An image does not exist locally with the tag',
    );
  });
});

describe('a registry with tokens', () => {
  /** Before an open registry: a token service for user "me", and tokens that last for `uses` requests. */
  async function startTokenRegistry(open: TestRegistry, uses: number) {
    const granted: string[] = [];
    let serial = 0;
    const left = new Map<string, number>();
    const proxy = await startProxy(open.host, {
      answer: (req, res) => {
        const url = new URL(req.url ?? '/', `http://${req.headers.host}`);
        if (url.pathname === '/token') {
          const who = Buffer.from((req.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();
          if (who !== 'me:secret')
            return res.writeHead(401).end('{"details":"incorrect username or password"}') && true;
          granted.push(url.searchParams.get('scope') ?? '');
          const token = `token-${(serial += 1)}`;
          left.set(`Bearer ${token}`, uses);
          res.end(JSON.stringify({ token, expires_in: 300 }));
          return true;
        }
        const remaining = left.get(req.headers.authorization ?? '') ?? 0;
        left.set(req.headers.authorization ?? '', remaining - 1);
        if (remaining > 0) return false;
        res.writeHead(401, { 'www-authenticate': `Bearer realm="http://${proxy.host}/token",service="berth-test"` });
        res.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
        return true;
      },
    });
    return { proxy, granted };
  }
  const auth = { username: 'me', password: 'secret' };

  it('is asked for a token once for a repository, and again when the token is not taken any more', async () => {
    const open = await startRegistry();
    const many = await startTokenRegistry(open, 1000);
    const few = await startTokenRegistry(open, 1);
    try {
      await pushImage(open.host, 'x/y', '1', busyboxImage({ layers: [[{ name: 'a', content: 'a' }]] }));
      await service.pull(`${many.proxy.host}/x/y:1`, { auth });
      await service.pull(`${many.proxy.host}/x/y:1`, { auth });
      expect(many.granted).toEqual(['repository:x/y:pull']);
      const other = await openTestImages();
      await other.pull(`${few.proxy.host}/x/y:1`, { auth });
      expect(few.granted.length).toBeGreaterThan(1);
      await other.close();
      await expect(service.pull(`${few.proxy.host}/x/y:1`, { auth: { ...auth, password: 'no' } })).rejects.toThrow(
        'unauthorized: incorrect username or password',
      );
      await expect(
        service.images.auth({ serveraddress: many.proxy.host, ...auth, password: 'no' }),
      ).rejects.toMatchObject({
        kind: 'unauthorized',
        message: `Get "http://${many.proxy.host}/v2/": unauthorized: incorrect username or password`,
      });
      await expect(service.images.auth({ serveraddress: many.proxy.host, ...auth })).resolves.toMatchObject({
        Status: 'Login Succeeded',
      });
    } finally {
      await many.proxy.stop();
      await few.proxy.stop();
      await open.stop();
    }
  });
});
