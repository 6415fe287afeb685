/** What is wrong with a single value of a config, in a message that says what to write; undefined where nothing is. */
import { formatDate, parseDate } from '#model/date.ts';
import { nearest } from '#model/nearest.ts';
import { canonicalTimeZone, isTimeZone } from '#model/zone.ts';

/** What the check needs from the holiday library, which is not a part of the model. */
export interface KnownHolidays {
  has(code: string): boolean;
  /** Codes near the given one: the countries, or the states of its country. */
  candidates(code: string): readonly string[];
}

export function wrongDates(value: string): string | undefined {
  const [first = '', last = first, ...more] = value.split('/');
  const from = parseDate(first);
  const to = parseDate(last);
  if (more.length > 0 || from === undefined || to === undefined) {
    return 'write a date that exists, like "2026-12-29", or a range like "2026-12-29/2027-01-03"';
  }
  if (to < from)
    return `the range ends before it begins: did you mean "${formatDate(to)}/${formatDate(from)}"?`;
  return to - from > 366 ? 'the range is longer than a year: write a shorter one' : undefined;
}

export function wrongHolidays(code: string, holidays: KnownHolidays): string {
  const candidates = holidays.candidates(code);
  const meant =
    candidates.find((candidate) => candidate.toLowerCase() === code.toLowerCase()) ??
    (code.includes('-') ? nearest(code, candidates) : undefined);
  return `no holidays are known under this code: ${meant ? `did you mean "${meant}"?` : 'write a country code like "JP", or one with a state like "US-NY"'}`;
}

export function wrongTimeZone(name: string): string | undefined {
  if (isTimeZone(name)) return undefined;
  const known = Intl.supportedValuesOf('timeZone');
  const canonical = /^[+-]/.test(name) ? undefined : canonicalTimeZone(name);
  const ending = `/${name.toLowerCase().replaceAll(' ', '_')}`;
  const meant =
    canonical ?? known.find((zone) => zone.toLowerCase().endsWith(ending)) ?? nearest(name, known);
  return `this is not the IANA name of a time zone: ${meant ? `did you mean "${meant}"?` : 'write one like "Asia/Tokyo"'}`;
}

export function wrongRegion(region: string): string | undefined {
  if (/^[a-z]{2}-iso/.test(region))
    return 'the isolated regions are not supported: their hosts and certificates are others';
  if (/^[a-z]{2,4}(-[a-z]+)+-\d$/.test(region)) return undefined;
  const zone = /^([a-z]{2,4}(?:-[a-z]+)+-\d)[a-z]$/.exec(region);
  return zone
    ? `this is an availability zone: write "${zone[1]}"`
    : 'write an AWS region like "ap-northeast-1"';
}

export function wrongUrl(value: string, insecureLoopback: boolean): string | undefined {
  const url = URL.parse(value);
  if (!url) return 'write the address of the Argo CD server like "https://argocd.example.com"';
  if (url.username || url.password) return 'an address with a password in it is refused: use tokenSecret';
  if (url.search || url.hash) return 'write the address without anything after "?" or "#"';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return 'write an address that begins with https://';
  if (!insecureLoopback) return 'plain http:// would send the token in the clear: write https://';
  return isLoopback(url.hostname)
    ? undefined
    : 'insecureLoopback allows plain http:// for localhost, 127.0.0.1 and [::1] only: write https://';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

export function wrongRepository(value: string): string | undefined {
  const url = URL.parse(value);
  if (url?.protocol !== 'https:') {
    return 'write the https:// address of the repository, as the CodeBuild project has it';
  }
  return url.username || url.password ? 'an address with a password in it is refused: remove it' : undefined;
}

const TAG_FIELDS = ['sha', 'sha7', 'branch', 'build'];

/** `isFixed`: it may be the same for each build, because the workloads are restarted. */
export function wrongTagTemplate(tag: string, isFixed: boolean): string | undefined {
  const unknown = [...tag.matchAll(/\{([^}]*)\}/g)].find(([, field]) => !TAG_FIELDS.includes(field ?? ''));
  if (unknown) return `${unknown[0]} is unknown: write {sha}, {sha7}, {branch} or {build}`;
  if (!isFixed && !['sha', 'sha7', 'build'].some((field) => tag.includes(`{${field}}`)))
    return "a tag that is the same for each build does not say which build runs: write one with {sha7} or {build}, or bring: 'restart'";
  return /^[\w.-]+$/.test(tag.replace(/\{\w+\}/g, 'x'))
    ? undefined
    : 'no tag can be written so: use letters, digits, "_", "." and "-"';
}

export function wrongImageRepository(repository: string): string | undefined {
  if (/^[a-z]+:\/\//.test(repository)) return 'write the repository without https://';
  const name = repository.split('/').at(-1) ?? '';
  if (/[:@]/.test(name)) return 'write the repository alone: the tag has a key of its own';
  return /^[\w.-]+(:\d+)?(\/[\w.-]+)*$/.test(repository) ? undefined : 'no repository can be written so';
}

export function wrongBranch(branch: string): string | undefined {
  const full = /^refs\/heads\/(.+)/.exec(branch);
  if (full) return `write the name alone: "${full[1]}"`;
  if (/[*?[]/.test(branch)) return 'a pattern is not a branch: write the name of exactly one';
  return /^[/.-]|[\s~^:\\]|\.\.|[/.]$/.test(branch) ? 'no branch can have this name' : undefined;
}

/** A label selector of Kubernetes: `a=b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b,c)`, separated by commas. */
export function wrongSelector(selector: string): string | undefined {
  const parts = selector.split(/,(?![^(]*\))/).map((part) => part.trim());
  const wrong = parts.find((part) => !REQUIREMENT.test(part));
  return wrong === undefined
    ? undefined
    : `"${wrong}" is no part of a label selector: write one like "nightshift/night=suspend" or "team in (video,audio)"`;
}

const LABEL = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const KEY = `([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${LABEL}`;
const REQUIREMENT = new RegExp(
  `^(!?${KEY}|${KEY}\\s*(=|==|!=)\\s*(${LABEL})?|${KEY}\\s+(in|notin)\\s+\\(\\s*${LABEL}(\\s*,\\s*${LABEL})*\\s*\\))$`,
);
