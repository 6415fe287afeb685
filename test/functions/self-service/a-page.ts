/** self-service over the lab's KMS and a table in memory, with requests as a function URL sends them. */
import { serveAlbSignIn } from '@nightshift/lab/http/alb-sign-in.ts';
import { serveAws } from '@nightshift/lab/http/aws/server.ts';
import { createAws } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { onTestFinished } from 'vitest';
import { createAlbSignIn } from '#functions/adapters/aws/alb-sign-in.ts';
import { createKeepUpLinks } from '#functions/adapters/aws/keep-up-links.ts';
import { createMacKey } from '#functions/adapters/aws/mac-key.ts';
import { readGeneration } from '#functions/adapters/dynamodb/link-generation.ts';
import { createSelfServiceStore } from '#functions/adapters/dynamodb/self-service-store.ts';
import { NIGHT, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import { requestOf } from '#functions/self-service/event.ts';
import { type PageReply, replyOf } from '#functions/self-service/page/page.ts';
import { respond } from '#functions/self-service/respond.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { type KeepUpLink, linkBody, signedTextOf } from '#model/keep-up-link.ts';
import type { Schedule } from '#model/schedule.ts';
import type { SelfServiceSettings } from '#model/settings.ts';
import { createMemoryTable } from '#test/simulation/table.ts';

const ACCOUNT = '111111111111';
const REGION = 'ap-northeast-1';
const KEY = '01234567-89ab-4def-8123-456789abcdef';
const OTHER_KEY = '11234567-89ab-4def-8123-456789abcdef';

export const OFFICE: Schedule = {
  name: 'office',
  timeZone: 'Asia/Tokyo',
  up: ([1, 2, 3, 4, 5] as const).map((day) => ({ start: { day, minute: 480 }, end: { day, minute: 1320 } })),
};
/** A Wednesday, 21:50 in Tokyo: the stop comes at 22:00. */
export const EVENING = new Date('2026-11-25T12:50:00Z');
export const STOP = '2026-11-25T13:00:00.000Z';
/** 08:00 the next morning in Tokyo. */
export const MORNING = '2026-11-25T23:00:00.000Z';

export const AWAKE: ClusterState = {
  phase: 'awake',
  desired: 'awake',
  reason: 'office hours',
  since: '2026-11-24T23:04:00Z',
  until: STOP,
  groups: [],
};

export const ALB = `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:loadbalancer/app/apps/0123456789abcdef`;
export const SIGN_IN = { loadBalancer: ALB, issuer: 'https://id.example.com', clientId: 'nightshift' };

export interface Asked {
  readonly method?: string;
  readonly query?: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function aPage(overrides: Partial<SelfServiceSettings> = {}) {
  const context = createContext({ start: EVENING, seed: 7 });
  const aws = createAws(context);
  for (const id of [KEY, OTHER_KEY]) aws.macKeys.add({ account: ACCOUNT, region: REGION, id });
  const front = await serveAws({ aws });
  onTestFinished(() => front.close());
  const { accessKeyId, secretAccessKey, sessionToken } = aws.addPrincipal({
    arn: `arn:aws:iam::${ACCOUNT}:role/page`,
    account: ACCOUNT,
    anyTime: true,
  });
  const keyOf = (id: string) =>
    createMacKey({
      keyId: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}`,
      region: REGION,
      credentials: async () => ({ accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }),
      now: () => new Date(),
      endpoint: front.url,
    });
  let now = EVENING;
  const table = createMemoryTable().through();
  await table.save(NIGHT, STATE_KEY, AWAKE);
  const settings: SelfServiceSettings = {
    environment: 'develop',
    production: false,
    account: ACCOUNT,
    region: REGION,
    cluster: 'develop',
    dryRun: false,
    maxHours: 4,
    perNight: 3,
    requireReason: false,
    timeZone: 'Asia/Tokyo',
    ...overrides,
  };
  const alb = await serveAlbSignIn({ ...SIGN_IN, arn: ALB, targetGroup: 'arn:of-the-group', now: () => now });
  onTestFinished(() => alb.close());
  const signIn =
    settings.signIn &&
    createAlbSignIn({ ...settings.signIn, region: REGION, now: () => now, endpoint: alb.keysUrl });
  const decisions: Decision[] = [];
  const store = createSelfServiceStore(table);
  const trail = { record: async (made: readonly Decision[]) => void decisions.push(...made) };
  const link: KeepUpLink = {
    id: 'k3v9x2ab',
    environment: 'develop',
    action: 'keep-up',
    stop: STOP,
    night: STOP,
    expires: MORNING,
    minutes: 90,
    maxHours: 4,
    generation: 0,
  };
  const sign = async (given: Partial<KeepUpLink> = {}, key = KEY) => {
    const body = linkBody({ ...link, ...given }, (text) => Buffer.from(text).toString('base64url'));
    return `${body}.${await keyOf(key).sign(signedTextOf(body))}`;
  };
  return {
    settings,
    table,
    store,
    front,
    alb,
    decisions,
    at: (time: string | Date) => {
      now = new Date(time);
    },
    /** A whole link, signed by the environment's key. */
    sign,
    signByAnotherKey: (given: Partial<KeepUpLink> = {}) => sign(given, OTHER_KEY),
    links: createKeepUpLinks({
      settings: { environment: 'develop', schedule: OFFICE, links: settings },
      pageUrl: 'https://abc.lambda-url.ap-northeast-1.on.aws/',
      key: keyOf(KEY),
      generation: () => readGeneration(table),
    }),
    overrides: async () => (await store.night(now)).overrides,
    async ask({ method = 'GET', query = '', form, headers = {} }: Asked): Promise<PageReply> {
      const body = form && Buffer.from(new URLSearchParams(form).toString()).toString('base64');
      return this.send({
        version: '2.0',
        rawPath: '/',
        rawQueryString: query,
        headers,
        requestContext: { http: { method } },
        ...(body ? { body, isBase64Encoded: true } : {}),
      });
    },
    /** An event of a function URL or of a load balancer. */
    async send(event: unknown): Promise<PageReply> {
      const request = requestOf(event);
      const ports = { settings, store, trail, mac: keyOf(KEY), now: () => now, signIn };
      const page = await respond(ports, request);
      return replyOf(
        page,
        { ...settings, language: request?.language ?? 'en', address: request?.parameters.get('l') ?? '' },
        'hash',
      );
    },
  };
}

/** 23:30 in Tokyo. */
export const UNTIL = '2026-11-25T14:30:00.000Z';
export const aForm = (overrides: Readonly<Record<string, string>> = {}) => ({
  until: UNTIL,
  name: 'Ana',
  reason: 'release 4.2',
  ...overrides,
});
