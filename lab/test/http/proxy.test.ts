import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startProxy } from '#lab/http/proxy.ts';
import { createCertificateAuthority } from '#lab/http/tls.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function aProxiedHost(name: string) {
  const authority = await createCertificateAuthority();
  const server = https.createServer(await authority.issue([name]), (request, response) =>
    response.end(`hello from ${request.headers.host}`),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const proxy = await startProxy();
  cleanups.push(() => proxy.close());
  proxy.route(`${name}:443`, (server.address() as AddressInfo).port);
  const agent = new https.Agent({ ca: authority.pem, proxyEnv: { HTTPS_PROXY: proxy.url } });
  cleanups.push(async () => agent.destroy());
  return { proxy, agent };
}

const get = (url: string, agent: http.Agent) =>
  new Promise<string>((resolve, reject) => {
    const send = url.startsWith('https:') ? https.get : http.get;
    send(url, { agent }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
    }).on('error', reject);
  });

describe('the proxy of the lab', () => {
  it('connects a host name to the server that stands for it', async () => {
    const { agent } = await aProxiedHost('argocd.develop.example.com');
    expect(await get('https://argocd.develop.example.com/', agent)).toBe(
      '200 hello from argocd.develop.example.com',
    );
  });

  it('knows no other host', async () => {
    const { agent } = await aProxiedHost('argocd.develop.example.com');
    await expect(get('https://example.com/', agent)).rejects.toThrow('502');
    await expect(get('https://argocd.develop.example.com:8443/', agent)).rejects.toThrow('502');
  });

  it('forwards nothing but connections', async () => {
    const { proxy } = await aProxiedHost('argocd.develop.example.com');
    expect(await get(`${proxy.url}/`, new http.Agent())).toContain('405');
  });
});
