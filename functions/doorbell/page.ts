/** What a request is answered with, as HTML. Works without script; with it the page changes by itself. Pure. */

import { type Html, html, trusted } from '#functions/self-service/page/html.ts';
import { iconOf } from '#functions/self-service/page/icons.ts';
import { STYLE } from '#functions/self-service/page/style.ts';
import { type Language, timeIn } from '#functions/self-service/page/texts.ts';
import { nightAt } from '#model/doorbell.ts';
import { NAME_LIMIT, REASON_LIMIT } from '#model/night-requests.ts';
import type { DoorbellSettings } from '#model/settings.ts';
import { SCRIPT } from './assets.ts';
import type { BrowserRequest } from './event.ts';
import { readyMinutes } from './progress.ts';
import { FORM_FIELD, FORM_VALUE, type Page } from './respond.ts';
import { TEXTS, type Texts } from './texts.ts';

/** As a load balancer and a function URL take it. */
export interface Reply {
  readonly statusCode: number;
  readonly statusDescription: string;
  readonly isBase64Encoded: false;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

export interface PageContext {
  readonly settings: DoorbellSettings;
  readonly language: Language;
  readonly styleHash: string;
  readonly scriptHash: string;
}

/** Says to the script, and to people who look, that the doorbell answered and not the application. */
export const DOORBELL_HEADER = 'x-nightshift-doorbell';

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  303: '303 See Other',
  403: '403 Forbidden',
  404: '404 Not Found',
  503: '503 Service Unavailable',
};

export function replyOf(page: Page, request: BrowserRequest, context: PageContext): Reply {
  const statusCode = statusOf(page);
  const headers = {
    [DOORBELL_HEADER]: page.kind,
    'cache-control': 'no-store',
    ...(page.kind === 'go'
      ? { location: page.to }
      : {
          'content-type': 'text/html; charset=utf-8',
          'content-language': context.language,
          vary: 'accept-language',
        }),
    'content-security-policy': policyOf(page, context),
    // The form must say where it comes from, and the address may hold a link.
    'referrer-policy': 'strict-origin',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
    // Programs come back later; the page itself asks more often.
    ...(statusCode === 503 ? { 'retry-after': '60' } : {}),
  };
  const body = page.kind === 'go' || request.method === 'HEAD' ? '' : documentOf(page, context).text;
  const shared = {
    statusCode,
    statusDescription: DESCRIPTIONS[statusCode] ?? String(statusCode),
    isBase64Encoded: false,
    body,
  } as const;
  return request.replyTo === 'load-balancer-multi-value'
    ? {
        ...shared,
        multiValueHeaders: Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, [value]]),
        ),
      }
    : { ...shared, headers };
}

/** What sleeps is unavailable, also to a monitor: never 200. */
function statusOf(page: Page): number {
  if (page.kind === 'go') return 303;
  if (page.kind !== 'refused') return 503;
  return page.why === 'host' ? 404 : page.why === 'cross-site' ? 403 : 503;
}

/** A browser checks where a form is redirected to as well. */
function policyOf(page: Page, { settings, styleHash, scriptHash }: PageContext): string {
  const origins = settings.applications.map((url) => new URL(url).origin);
  const action = 'place' in page && page.place.action ? [new URL(page.place.action).origin] : [];
  const targets = [...new Set([...origins, ...action])].join(' ');
  return `default-src 'none'; style-src 'sha256-${styleHash}'; script-src 'sha256-${scriptHash}'; connect-src 'self'; form-action 'self' ${targets}; base-uri 'none'; frame-ancestors 'none'`;
}

/** So many seconds, drawn for each page: a thousand browsers must not ask at once. */
function secondsOf(page: Page, random: number): number {
  const isSlow = 'progress' in page && page.progress.kind === 'given-up';
  return isSlow ? 60 + Math.floor(random * 30) : 10 + Math.floor(random * 6);
}

function documentOf(page: Exclude<Page, { readonly kind: 'go' }>, context: PageContext): Html {
  const texts = TEXTS[context.language];
  const title = titleOf(page, context, texts);
  const seconds = secondsOf(page, Math.random());
  const isWaiting = page.kind === 'waiting' || page.kind === 'asking';
  // A page with a form is not loaded again while somebody writes in it.
  const again =
    page.kind === 'waiting'
      ? html`<noscript><meta http-equiv="refresh" content="${seconds}"></noscript>`
      : undefined;
  return html`<!doctype html>
<html lang="${context.language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>${title}</title>${again}<style>${trusted(STYLE)}</style></head>
<body><main id="doorbell" data-kind="${page.kind}" data-seconds="${seconds}">${contentOf(page, title, context)}</main>${isWaiting ? html`<script>${trusted(SCRIPT)}</script>` : undefined}</body></html>`;
}

function titleOf(page: Page, { settings, language }: PageContext, texts: Texts): string {
  const { environment, schedule } = settings;
  if (page.kind === 'refused') return texts.refused[page.why];
  if (!('progress' in page)) return texts.failed;
  if (page.progress.kind === 'starting') return texts.starting(environment);
  if (page.progress.kind === 'given-up') return texts.givenUp(environment);
  const { now, night } = page;
  const known = night.state?.until ?? nightAt(schedule, now)?.end?.toISOString();
  const until =
    known && Date.parse(known) > now.getTime() ? dayAndTime(known, language, schedule.timeZone) : undefined;
  return texts.asleep(environment, until);
}

/** `Mon 08:00` */
function dayAndTime(at: string, language: Language, timeZone: string): string {
  const date = new Date(at);
  const day = new Intl.DateTimeFormat(language === 'ja' ? 'ja-JP' : 'en-GB', { timeZone, weekday: 'short' });
  return `${day.format(date)} ${timeIn(language, timeZone, date, date)}`;
}

function contentOf(page: Page, title: string, context: PageContext): readonly Html[] {
  const { settings, language } = context;
  const texts = TEXTS[language];
  if (!('progress' in page)) return [html`<section class="card problem"><h1>${title}</h1></section>`];
  const refusal = page.refusal
    ? [
        html`<section class="card problem" role="alert"><strong>${texts.nothing}</strong><p id="problem">${texts.refusal[page.refusal]}</p></section>`,
      ]
    : [];
  const foot = html`<footer><p>${texts.times(settings.schedule.timeZone)}</p><p>${texts.unverified}</p></footer>`;
  const phase = PHASES[page.progress.kind];
  const heading = html`<h1 class="phase ${phase}">${iconOf(phase)}${title}</h1>`;
  const main = page.kind === 'asking' ? asking(page, context) : waiting(page, context);
  return [...refusal, html`<section class="card">${heading}${main}</section>`, foot];
}

const PHASES = { asleep: 'asleep', starting: 'starting', 'given-up': 'unknown' } as const;

type Shown = Extract<Page, { readonly kind: 'asking' | 'waiting' }>;

function asking({ place, canWake, night }: Shown, { settings, language }: PageContext): Html {
  const texts = TEXTS[language];
  if (!canWake) return html`<p>${texts.withLink}</p>`;
  const minutes = readyMinutes(night.mornings, settings);
  return html`<p>${texts.effect(settings.hours, minutes)}</p>
<form method="post"${place.action ? html` action="${place.action}"` : undefined}><input type="hidden" name="${FORM_FIELD}" value="${FORM_VALUE}">
<div class="inputs"><label class="field" for="name">${texts.name}</label><input id="name" name="name" maxlength="${NAME_LIMIT}" autocomplete="name"></div>
${settings.requireReason ? html`<div class="inputs"><label class="field" for="reason">${texts.reason}</label><input id="reason" name="reason" maxlength="${REASON_LIMIT}" required></div>` : undefined}
<button>${texts.wake}</button></form>`;
}

function waiting({ progress, now }: Shown, { settings, language }: PageContext): Html {
  const texts = TEXTS[language];
  if (progress.kind === 'asleep') return html`<p>${texts.failed}</p>`;
  const { timeZone } = settings.schedule;
  const steps = progress.steps.map(
    ({ step, at }) =>
      html`<li class="${at ? 'reached' : 'ahead'}"><span>${texts.steps[step]}</span> <span>${at ? timeIn(language, timeZone, new Date(at), now) : texts.open}</span></li>`,
  );
  const isLate = progress.kind === 'given-up';
  return html`<div role="status" aria-live="polite"><ol class="steps">${steps}</ol>
<p class="soft">${isLate ? texts.ask : `${texts.ready(progress.minutes)} ${texts.waits} ${texts.goes}`}</p></div>
<a class="button" href="">${texts.again}</a>`;
}
