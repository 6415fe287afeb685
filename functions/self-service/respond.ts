/**
 * One request of a browser: observe → decide → apply. GET only shows: scanners of mail and chat open every link. POST
 * acts. Whoever has the link may act, and behind a load balancer with sign-in must have signed in too.
 */
import { createDecisionRecorder } from '#functions/shared/decision-recorder.ts';
import {
  type KeepUpLink,
  LINK_PARAMETER,
  type LinkRefusal,
  parseLink,
  refuseLink,
} from '#model/keep-up-link.ts';
import { authorOf, type Override } from '#model/schedule.ts';
import { type Ask, authorIn, decide } from './decide.ts';
import type { PageRequest } from './event.ts';
import type { Page } from './page/page.ts';
import type { NightOfPage, SelfServicePorts } from './ports.ts';

export async function respond(ports: SelfServicePorts, request: PageRequest | undefined): Promise<Page> {
  if (!request) return { kind: 'refused', why: 'invalid' };
  const { method } = request;
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return { kind: 'refused', why: 'method' };
  const now = ports.now();
  const who = await signInOf(ports, request);
  if (who === 'nobody') return { kind: 'refused', why: 'sign-in' };
  const admitted = await admit(ports, request, now);
  if ('why' in admitted) return { kind: 'refused', why: admitted.why };
  const { link, night } = admitted;
  const shown = { link, night, now, ...who };
  if (method !== 'POST' && request.parameters.get('view') === 'state') return { kind: 'state', ...shown };
  if (link.action === 'why') {
    if (method === 'POST') return { kind: 'refused', why: 'method' };
    return { kind: 'why', ...shown, decisions: await ports.store.decisions(now) };
  }
  return method === 'POST' ? act(ports, shown, askIn(request)) : { kind: 'ask', ...shown };
}

/** A page that is reached on another way than it should be has nobody signed in. */
async function signInOf(
  { signIn }: SelfServicePorts,
  { through, signInToken }: PageRequest,
): Promise<'nobody' | { readonly address?: string }> {
  if (!signIn) return through === 'url' ? {} : 'nobody';
  const verified = through === 'load-balancer' ? await signIn.verify(signInToken) : { ok: false as const };
  return verified.ok ? { address: verified.address } : 'nobody';
}

/** What costs nothing is checked first: a flood of invalid links reaches neither KMS nor the table. */
async function admit(
  { settings, mac, store }: SelfServicePorts,
  request: PageRequest,
  now: Date,
): Promise<{ readonly link: KeepUpLink; readonly night: NightOfPage } | { readonly why: LinkRefusal }> {
  const parsed = parseLink(request.parameters.get(LINK_PARAMETER), textOf);
  if (!parsed.ok) return { why: 'invalid' };
  const { link } = parsed;
  const refused = refuseLink(link, settings.environment, now);
  if (refused) return { why: refused };
  if (!(await mac.isValid(parsed.signedText, parsed.mac))) return { why: 'invalid' };
  const night = await store.night(now);
  return link.generation === night.generation ? { link, night } : { why: 'revoked' };
}

function textOf(base64Url: string): string {
  return Buffer.from(base64Url, 'base64url').toString('utf8');
}

function askIn({ form }: PageRequest): Ask {
  const field = (name: string) => (form.get(name) ?? '').trim();
  return { until: field('until'), name: field('name'), reason: field('reason') };
}

async function act(
  ports: SelfServicePorts,
  shown: {
    readonly link: KeepUpLink;
    readonly night: NightOfPage;
    readonly now: Date;
    readonly address?: string;
  },
  ask: Ask,
): Promise<Page> {
  const { settings, store } = ports;
  const { link, night, now, address } = shown;
  const decided = decide(link, ask, night, { settings, now, address });
  if (decided.kind === 'ask-again') return { kind: 'ask', ...shown, problem: decided.problem, typed: ask };
  if (decided.kind === 'already') return { kind: 'already', ...shown, by: decided.by };
  if (decided.kind === 'keep-up') {
    for (const id of decided.ids) {
      const override: Override = { id, ...decided.override };
      if (!(await store.addIfAbsent(override, now))) continue;
      await record(ports, override, 'override', reasonOf(override));
      return { kind: 'kept-up', ...shown, override };
    }
  }
  const author = authorIn(link, ask, address);
  const reason = `refused ${authorOf(author)}: the ${settings.perNight} requests of this night are used`;
  await record(ports, author, 'refuse', reason);
  return { kind: 'used-up', ...shown, perNight: settings.perNight };
}

function reasonOf(override: Override): string {
  const how = override.via === 'link' ? ', whose name was typed and not verified' : '';
  return `kept up until ${override.until} by ${authorOf(override)}${how}: ${override.reason}`;
}

async function record(
  { settings, trail, now }: SelfServicePorts,
  { author, via, label }: Pick<Override, 'author' | 'via' | 'label'>,
  action: 'override' | 'refuse',
  reason: string,
): Promise<void> {
  const recorder = createDecisionRecorder({
    environment: settings.environment,
    capability: 'self-service',
    trigger: author,
    now,
    trail,
  });
  recorder.record({
    target: settings.cluster,
    action,
    reason,
    facts: { author, via, ...(label ? { label } : {}) },
  });
  await recorder.close();
}
