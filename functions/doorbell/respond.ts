/**
 * One request of a browser to a sleeping application: observe → decide → apply. Every request but a POST of our own form
 * only shows: health checks, bots and open tabs wake nothing.
 */
import type { NightOfPage } from '#functions/self-service/ports.ts';
import { LINK_PARAMETER, parseLink, refuseLink } from '#model/keep-up-link.ts';
import type { Press, Refusal } from './decide.ts';
import type { BrowserRequest } from './event.ts';
import type { DoorbellPorts } from './ports.ts';
import { pressed } from './press.ts';
import { type Progress, progressOf } from './progress.ts';

/** Where the browser is, and where it is to go. */
export interface Place {
  /** The address of the application. */
  readonly application: string;
  /** `in-place`: the browser asked for the application itself, and asks again. `beside`: the page has a host of its own. */
  readonly kind: 'in-place' | 'beside';
  /** Where the form is sent; empty for the same address. */
  readonly action: string;
}

export type Page =
  | { readonly kind: 'refused'; readonly why: 'host' | 'method' | 'cross-site' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'go'; readonly to: string }
  | {
      readonly kind: 'asking' | 'waiting';
      readonly place: Place;
      readonly night: NightOfPage;
      readonly now: Date;
      readonly progress: Progress;
      readonly canWake: boolean;
      readonly refusal?: Refusal;
    };

export async function respond(ports: DoorbellPorts, request: BrowserRequest): Promise<Page> {
  const { method } = request;
  const place = placeOf(request, ports.settings.applications);
  if (!place) return { kind: 'refused', why: 'host' };
  const now = ports.now();
  if (method === 'POST' && request.form.get(FORM_FIELD) === FORM_VALUE)
    return press(ports, request, place, now);
  // A POST of the application, or any other method: nothing is shown that a program could take for its answer.
  if (method !== 'GET' && method !== 'HEAD') return { kind: 'refused', why: 'method' };
  return show(ports, request, place, now);
}

/** Marks our own form. */
export const FORM_FIELD = 'nightshift';
export const FORM_VALUE = 'wake';

/** Undefined for a host that is nobody's. */
function placeOf(
  { host, application, ownHost, parameters }: BrowserRequest,
  applications: readonly string[],
): Place | undefined {
  const known = (wanted: string) => applications.find((url) => new URL(url).hostname === wanted);
  const asked =
    application !== undefined && URL.canParse(application) ? known(new URL(application).hostname) : undefined;
  // CloudFront repeats a GET only: the form goes to the function itself.
  if (asked && ownHost) {
    const link = parameters.get(LINK_PARAMETER);
    const query = new URLSearchParams({ to: asked, ...(link ? { [LINK_PARAMETER]: link } : {}) });
    return { application: asked, kind: 'in-place', action: `https://${ownHost}/?${query}` };
  }
  const own = known(host);
  if (own) return { application: own, kind: 'in-place', action: '' };
  const to = parameters.get('to');
  const chosen = to === undefined ? applications[0] : applications.find((url) => url === to);
  return chosen === undefined ? undefined : { application: chosen, kind: 'beside', action: '' };
}

async function show(
  ports: DoorbellPorts,
  request: BrowserRequest,
  place: Place,
  now: Date,
  refusal?: Refusal,
): Promise<Page> {
  const night = await ports.store.night(now);
  const isUp = night.state?.phase === 'awake';
  // In place the same address is the application's as soon as it answers.
  if (isUp && place.kind === 'beside' && (await ports.answers(place.application)))
    return { kind: 'go', to: place.application };
  const progress = progressOf(night, ports.settings, now);
  const isAsked = progress.kind !== 'asleep';
  return {
    kind: isAsked ? 'waiting' : 'asking',
    place,
    night,
    now,
    progress,
    canWake:
      !isAsked && (ports.settings.wakes === 'anyone' || (await linkIn(ports, request, now)) !== undefined),
    ...(refusal ? { refusal } : {}),
  };
}

async function press(ports: DoorbellPorts, request: BrowserRequest, place: Place, now: Date): Promise<Page> {
  if (!isOwnForm(request, ports.settings.applications)) return { kind: 'refused', why: 'cross-site' };
  const link = await linkIn(ports, request, now);
  if (!link && ports.settings.wakes === 'link') return show(ports, request, place, now, 'no-link');
  const field = (name: string) => (request.form.get(name) ?? '').trim();
  const by: Press = {
    via: link ? 'link' : 'doorbell',
    author: link ? `link/${link}` : 'doorbell, unverified',
    name: field('name'),
    reason: field('reason'),
  };
  const result = await pressed(ports, by, now);
  if (result.kind === 'refused') return show(ports, request, place, now, result.why);
  // So that a browser that asks again sends no second form.
  return { kind: 'go', to: backTo(request, place) };
}

/** The form of a page behind CloudFront is sent to the function's own address: from there to the application. */
function backTo({ target, replyTo, application }: BrowserRequest, place: Place): string {
  return replyTo === 'address' && application === undefined ? place.application : target;
}

/** A form of another site must not wake the cluster. What sends no origin is no browser of today. */
function isOwnForm(
  { origin, host, ownHost, isCrossSite }: BrowserRequest,
  applications: readonly string[],
): boolean {
  if (origin === undefined) return !isCrossSite;
  if (!URL.canParse(origin)) return false;
  const { hostname } = new URL(origin);
  return (
    hostname === host ||
    hostname === ownHost ||
    applications.some((url) => new URL(url).hostname === hostname)
  );
}

/** The id of a valid signed link in the address. */
async function linkIn(
  { settings, mac, store }: DoorbellPorts,
  { parameters }: BrowserRequest,
  now: Date,
): Promise<string | undefined> {
  const parsed = parseLink(parameters.get(LINK_PARAMETER), (text) =>
    Buffer.from(text, 'base64url').toString('utf8'),
  );
  if (!parsed.ok || parsed.link.action === 'why') return undefined;
  const { link } = parsed;
  if (refuseLink(link, settings.environment, now)) return undefined;
  if (!(await mac.isValid(parsed.signedText, parsed.mac))) return undefined;
  return link.generation === (await store.night(now)).generation ? link.id : undefined;
}
