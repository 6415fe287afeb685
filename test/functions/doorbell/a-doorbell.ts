/** The doorbell over a table in memory, with requests as a load balancer, CloudFront and a chat send them. */
import { loadBalancerEvent } from '@nightshift/lab/http/load-balancer.ts';
import { createSelfServiceStore } from '#functions/adapters/dynamodb/self-service-store.ts';
import { NIGHT, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import { answerChat } from '#functions/doorbell/chat.ts';
import { type BrowserRequest, eventOf } from '#functions/doorbell/event.ts';
import { type Reply, replyOf } from '#functions/doorbell/page.ts';
import type { DoorbellPorts, DoorbellStore } from '#functions/doorbell/ports.ts';
import { rememberNight } from '#functions/doorbell/remember-night.ts';
import { respond } from '#functions/doorbell/respond.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import type { Override } from '#model/schedule.ts';
import type { DoorbellSettings } from '#model/settings.ts';
import { OFFICE } from '#test/functions/self-service/a-page.ts';
import { createMemoryTable } from '#test/simulation/table.ts';

/** Thursday 02:00 in Tokyo: stopped since Wednesday 22:00, until 08:00. */
export const LATE = new Date('2026-11-25T17:00:00Z');
export const STOP = '2026-11-25T13:00:00.000Z';
export const START = '2026-11-25T23:00:00.000Z';
export const SHOP = 'https://shop.develop.example.com/';
const TARGETS =
  'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:targetgroup/nightshift-develop/0123456789abcdef';

export const ASLEEP: ClusterState = {
  phase: 'asleep',
  desired: 'asleep',
  reason: 'outside office hours',
  since: '2026-11-25T13:06:00Z',
  until: START,
  groups: ['workers'],
};

export interface Asked {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
}

/** Deliberate mistakes. */
export interface Mistaken {
  readonly request?: (request: BrowserRequest) => BrowserRequest;
  readonly store?: (store: Omit<DoorbellStore, 'freshNight'>) => DoorbellStore;
}

export async function aDoorbell(
  changes: Partial<DoorbellSettings> = {},
  ports: Partial<DoorbellPorts> = {},
  mistaken: Mistaken = {},
) {
  let now = LATE;
  let reads = 0;
  const table = createMemoryTable().through();
  await table.save(NIGHT, STATE_KEY, ASLEEP);
  const settings: DoorbellSettings = {
    environment: 'develop',
    production: false,
    account: '111111111111',
    region: 'ap-northeast-1',
    cluster: 'develop',
    dryRun: false,
    maxHours: 4,
    perNight: 3,
    schedule: OFFICE,
    hours: 2,
    wakes: 'anyone',
    requireReason: false,
    applications: [SHOP, 'https://api.develop.example.com/v1'],
    startDeadlineMinutes: 20,
    ...changes,
  };
  const decisions: Decision[] = [];
  const store = createSelfServiceStore(table);
  const counted = {
    ...store,
    night: (at: Date) => {
      reads++;
      return store.night(at);
    },
  };
  const all: DoorbellPorts = {
    settings,
    mac: { isValid: async () => false },
    store: (mistaken.store ?? rememberNight)(counted),
    answers: async () => false,
    trail: { record: async (made) => void decisions.push(...made) },
    now: () => now,
    ...ports,
  };
  const context = { settings, styleHash: 'style', scriptHash: 'script' };
  const answer = async (event: unknown): Promise<Reply> => {
    const given = eventOf(event);
    if (given.kind !== 'browser') throw new Error(`no request of a browser: ${JSON.stringify(given)}`);
    const request = mistaken.request?.(given) ?? given;
    return replyOf(await respond(all, request), request, { ...context, language: request.language });
  };
  return {
    settings,
    table,
    decisions,
    ports: all,
    reads: () => reads,
    at: (time: string | Date) => {
      now = new Date(time);
    },
    state: (next: Partial<ClusterState>) => table.save(NIGHT, STATE_KEY, { ...ASLEEP, ...next }),
    save: (override: Override) => store.addIfAbsent(override, now),
    overrides: async () => (await store.night(now)).overrides,
    /** Through a load balancer. */
    ask: ({ method = 'GET', url = '/', headers = {}, form }: Asked = {}, isMultiValue = false) =>
      answer(
        loadBalancerEvent(
          {
            method,
            url,
            headers: {
              host: 'shop.develop.example.com',
              ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
              ...headers,
            },
          },
          Buffer.from(form ? new URLSearchParams(form).toString() : ''),
          { targetGroup: TARGETS, isMultiValue },
        ),
      ),
    /** At the function's own address. */
    askAddress: ({ method = 'GET', url = '/', headers = {}, form }: Asked = {}) => {
      const [rawPath, rawQueryString = ''] = url.split('?');
      return answer({
        version: '2.0',
        rawPath,
        rawQueryString,
        headers: { host: 'abc.lambda-url.ap-northeast-1.on.aws', ...headers },
        requestContext: { domainName: 'abc.lambda-url.ap-northeast-1.on.aws', http: { method } },
        ...(form
          ? {
              body: Buffer.from(new URLSearchParams(form).toString()).toString('base64'),
              isBase64Encoded: true,
            }
          : {}),
      });
    },
    press: async (stop: string, environment = 'develop') =>
      (await answerChat(all, { kind: 'chat', environment, stop })).message,
  };
}

export const FORM = { nightshift: 'wake' };
export const ORIGIN = { origin: 'https://shop.develop.example.com' };

/** Requests that are no press of the page's button. */
export const HARMLESS: readonly (readonly [string, Asked])[] = [
  ['a health check', { headers: { 'user-agent': 'ELB-HealthChecker/2.0' } }],
  ['a HEAD', { method: 'HEAD' }],
  ['a POST of the application', { method: 'POST', form: { card: '1' }, headers: ORIGIN }],
  ['a PUT', { method: 'PUT', form: FORM }],
  ['a GET with the form in its address', { url: '/?nightshift=wake&name=Ana' }],
  ['a form of another site', { method: 'POST', form: FORM, headers: { origin: 'https://evil.example' } }],
  [
    'a form without an origin from another site',
    { method: 'POST', form: FORM, headers: { 'sec-fetch-site': 'cross-site' } },
  ],
  ['a form of an opaque origin', { method: 'POST', form: FORM, headers: { origin: 'null' } }],
];

export function headerOf({ headers, multiValueHeaders }: Reply, name: string): string | undefined {
  return headers?.[name] ?? multiValueHeaders?.[name]?.[0];
}

export type { BrowserRequest };
