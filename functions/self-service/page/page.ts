/** What a request is answered with, and the reply that a function URL sends of it. Pure. */

import type { KeepUpLink } from '#model/keep-up-link.ts';
import type { Override } from '#model/schedule.ts';
import type { Ask, FormProblem } from '../decide.ts';
import type { NightOfPage, ShownDecision } from '../ports.ts';
import type { PageContext } from './context.ts';
import { type Html, html, trusted } from './html.ts';
import { asking, decisionsOf, messageOf, outcome, stateOf, type View } from './sections.ts';
import { STYLE } from './style.ts';
import { type Refusal, TEXTS } from './texts.ts';

interface Shown {
  readonly link: KeepUpLink;
  readonly night: NightOfPage;
  readonly now: Date;
  /** The verified address of whoever signed in. */
  readonly address?: string;
}

export type Page =
  | { readonly kind: 'refused'; readonly why: Refusal }
  | { readonly kind: 'failed' }
  | ({ readonly kind: 'ask'; readonly problem?: FormProblem; readonly typed?: Ask } & Shown)
  | ({ readonly kind: 'state' } & Shown)
  | ({ readonly kind: 'why'; readonly decisions: readonly ShownDecision[] } & Shown)
  | ({ readonly kind: 'kept-up'; readonly override: Override } & Shown)
  | ({ readonly kind: 'already'; readonly by: Override } & Shown)
  | ({ readonly kind: 'used-up'; readonly perNight: number } & Shown);

/** As a function URL takes it; a load balancer takes two fields more. */
export interface PageReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly statusDescription?: string;
  readonly isBase64Encoded?: boolean;
}

const REFUSED_STATUS: Readonly<Record<Refusal, number>> = {
  invalid: 403,
  foreign: 403,
  expired: 410,
  revoked: 410,
  method: 405,
  'sign-in': 401,
};

/** `styleHash` is the SHA-256 of `STYLE` in base64: no other style and no script may run on the page. */
export function replyOf(page: Page, context: PageContext, styleHash: string): PageReply {
  return {
    statusCode: statusOf(page),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-language': context.language,
      'content-security-policy': `default-src 'none'; img-src data:; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      'cache-control': 'no-store',
      // The address holds the link.
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-robots-tag': 'noindex',
      'strict-transport-security': 'max-age=31536000',
      vary: 'accept-language',
      ...(page.kind === 'refused' && page.why === 'method' ? { allow: 'GET, HEAD, POST' } : {}),
    },
    body: documentOf(page, context).text,
  };
}

function statusOf(page: Page): number {
  if (page.kind === 'refused') return REFUSED_STATUS[page.why];
  if (page.kind === 'failed') return 503;
  if (page.kind === 'used-up') return 429;
  return page.kind === 'ask' && page.problem ? 422 : 200;
}

function documentOf(page: Page, context: PageContext): Html {
  const texts = TEXTS[context.language];
  // To a stranger the page does not even say whose it is.
  const isKnown = 'link' in page;
  const title = isKnown ? texts.title(context.environment) : messageTitle(page, context);
  return html`<!doctype html>
<html lang="${context.language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><link rel="icon" href="data:,"><title>${title}</title><style>${trusted(STYLE)}</style></head>
<body><main><h1>${title}</h1>${contentOf(page, context)}${isKnown ? html`<footer><p>${texts.times(context.timeZone)}</p><p>${texts.links}</p></footer>` : undefined}</main></body></html>`;
}

function messageTitle(page: Page, { language }: PageContext): string {
  const texts = TEXTS[language];
  return page.kind === 'refused' ? texts.refused[page.why][0] : texts.failed[0];
}

function contentOf(page: Page, context: PageContext): readonly Html[] {
  const texts = TEXTS[context.language];
  if (page.kind === 'refused') return [messageOf(texts.refused[page.why][1])];
  if (page.kind === 'failed') return [messageOf(texts.failed[1])];
  const { night, link, now, address: signedInAs } = page;
  const view: View = { ...context, texts, night, link, now, signedInAs };
  switch (page.kind) {
    case 'ask':
      return [stateOf(view), asking(view, page.typed, page.problem)];
    case 'state':
      return [stateOf(view, { withLinks: true })];
    case 'why':
      return [stateOf(view), decisionsOf(view, page.decisions)];
    case 'kept-up':
      return [outcome(view, { kind: 'kept-up', override: page.override })];
    case 'already':
      return [outcome(view, { kind: 'already', by: page.by })];
    case 'used-up':
      return [outcome(view, { kind: 'used-up', perNight: page.perNight }), stateOf(view)];
  }
}
