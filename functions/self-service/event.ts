/**
 * What a function URL sends (payload format 2.0), or an Application Load Balancer → the request of a browser. Anything
 * else is no request.
 */
import { isRecord } from '#model/record-schema.ts';
import type { Language } from './page/texts.ts';

export interface PageRequest {
  readonly through: 'url' | 'load-balancer';
  readonly method: string;
  /** Of the address and, for a POST, of the form. The first of several counts. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly form: ReadonlyMap<string, string>;
  readonly language: Language;
  /** The JWT of a load balancer about who has signed in. Not verified yet. */
  readonly signInToken?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** A name, a reason and an end are far shorter. */
const LONGEST_FORM_BYTES = 8_192;

/** Undefined for what nothing of both sends, and for a form that is too long. */
export function requestOf(event: unknown): PageRequest | undefined {
  if (!isRecord(event) || !isRecord(event['requestContext'])) return undefined;
  const form = bodyOf(event);
  if (form === undefined) return undefined;
  const context = event['requestContext'];
  const request = event['version'] === '2.0' ? ofUrl(event, context) : ofLoadBalancer(event, context);
  return request && { ...request, form: pairsOf(form), language: languageOf(event['headers']) };
}

type WithoutForm = Omit<PageRequest, 'form' | 'language'>;

function ofUrl(event: Fields, { http }: Fields): WithoutForm | undefined {
  const method = isRecord(http) ? http['method'] : undefined;
  if (typeof method !== 'string') return undefined;
  // A header of that name is one that the browser has sent: no load balancer is in between.
  return { through: 'url', method, parameters: pairsOf(textIn(event, 'rawQueryString')) };
}

function ofLoadBalancer(event: Fields, { elb }: Fields): WithoutForm | undefined {
  const method = event['httpMethod'];
  if (!isRecord(elb) || typeof method !== 'string') return undefined;
  const query = event['queryStringParameters'];
  // As the browser encoded them.
  const text = isRecord(query)
    ? Object.entries(query)
        .map(([name, value]) => `${name}=${typeof value === 'string' ? value : ''}`)
        .join('&')
    : '';
  const headers = event['headers'];
  const token = isRecord(headers) ? headers['x-amzn-oidc-data'] : undefined;
  return {
    through: 'load-balancer',
    method,
    parameters: pairsOf(text),
    ...(typeof token === 'string' ? { signInToken: token } : {}),
  };
}

function bodyOf(event: Fields): string | undefined {
  const body = textIn(event, 'body');
  if (body.length > LONGEST_FORM_BYTES) return undefined;
  return event['isBase64Encoded'] === true ? Buffer.from(body, 'base64').toString('utf8') : body;
}

function textIn(event: Fields, key: string): string {
  const value = event[key];
  return typeof value === 'string' ? value : '';
}

function pairsOf(text: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) if (!pairs.has(name)) pairs.set(name, value);
  return pairs;
}

/** Japanese where the browser prefers it to English. */
function languageOf(headers: unknown): Language {
  const accepted = isRecord(headers) ? headers['accept-language'] : undefined;
  if (typeof accepted !== 'string') return 'en';
  const ranked = accepted
    .slice(0, 200)
    .split(',')
    .map((entry, index) => {
      const [tag = '', quality] = entry
        .trim()
        .toLowerCase()
        .split(/;\s*q=/);
      return { tag, weight: quality === undefined ? 1 : Number(quality) || 0, index };
    })
    .filter(({ tag, weight }) => weight > 0 && /^(ja|en)(-|$)/.test(tag))
    .sort((a, b) => b.weight - a.weight || a.index - b.index);
  return ranked[0]?.tag.startsWith('ja') ? 'ja' : 'en';
}
