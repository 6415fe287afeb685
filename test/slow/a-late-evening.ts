/** An evening on the lab with self-service, from the stacks as they would be deployed: 21:20 on a Wednesday in Tokyo. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lab, startLab } from '#demo/lab.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import { defineConfig, type SelfServiceConfig } from '#model/config.ts';

const START = new Date('2026-11-25T12:20:00Z');
const MINUTE = 60_000;

export async function aLateEvening(selfService: SelfServiceConfig) {
  const config = defineConfig({
    schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
    environments: {
      develop: {
        account: '111111111111',
        region: 'ap-northeast-1',
        cluster: 'develop',
        schedule: 'office',
        notify: { warning: ['team@example.com'], failure: ['team@example.com'] },
        prices: { currency: 'USD', perNodeHour: { '*': 0.05 } },
        selfService,
      },
    },
  });
  const directory = mkdtempSync(join(tmpdir(), 'late-evening-'));
  const assemblyDir = join(directory, 'out');
  new NightshiftApp({ config, now: START, outdir: assemblyDir }).synth();
  const lab = await startLab({ config, assemblyDir, start: START });
  const { clock } = lab.context;
  return {
    lab,
    config,
    pass: (minutes: number) => clock.runUntil(clock.now() + minutes * MINUTE),
    until: (time: string) => clock.runUntil(Date.parse(time)),
    messages: () => messagesOf(lab),
    links: () => linksIn(messagesOf(lab).at(-1) ?? ''),
    sizes: () => {
      const cluster = lab.environments[0]?.cluster;
      return cluster ? lab.aws.groups(cluster).map(({ name, desired }) => ({ name, desired })) : [];
    },
    async close() {
      await lab.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** What the topic for warnings sent, as mail. */
function messagesOf(lab: Lab): readonly string[] {
  const topic = lab.aws.messaging.topics().find(({ name }) => name === 'nightshift-develop-warning');
  return (topic?.messages ?? []).map(({ message }) => (JSON.parse(message) as { email: string }).email);
}

/** The addresses, by the words before them. */
function linksIn(mail: string): ReadonlyMap<string, string> {
  return new Map(
    mail.split('\n').flatMap((line) => {
      const [, words, address] = /^(.*): (https:\S+)$/.exec(line) ?? [];
      return words && address ? [[words, address] as const] : [];
    }),
  );
}

export interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** As a browser without script: through the lab's proxy, which knows where the host is. */
export function visitor({ proxyUrl, caFile }: Lab) {
  const ca = readFileSync(caFile, 'utf8');
  const agent = new https.Agent({ ca, proxyEnv: { HTTPS_PROXY: proxyUrl } });
  return (
    address: string,
    form?: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ) =>
    new Promise<Got>((resolve, reject) => {
      const request = https.request(address, {
        agent,
        servername: new URL(address).hostname,
        method: form ? 'POST' : 'GET',
        headers: { ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}), ...headers },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          body += part;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      });
      request.end(form ? new URLSearchParams(form).toString() : '');
    });
}
