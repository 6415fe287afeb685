import { describe, expect, it } from 'vitest';
import { type Asked, isToken, refuse } from '#cli/console/guard.ts';

const own = { port: 8022, token: 'right' };
const anAsk = (overrides: Partial<Asked> = {}): Asked => ({
  method: 'GET',
  host: '127.0.0.1:8022',
  origin: undefined,
  fetchSite: undefined,
  contentType: undefined,
  token: 'right',
  ...overrides,
});
const aChange = (overrides: Partial<Asked> = {}): Asked =>
  anAsk({
    method: 'POST',
    origin: 'http://127.0.0.1:8022',
    fetchSite: 'same-origin',
    contentType: 'application/json',
    ...overrides,
  });

describe('the guard of the console', () => {
  it('lets its own page read and write', () => {
    expect(refuse(anAsk(), own)).toBeUndefined();
    expect(refuse(aChange(), own)).toBeUndefined();
    const local = { host: 'localhost:8022', origin: 'http://localhost:8022' };
    expect(refuse(aChange(local), own)).toBeUndefined();
  });

  it.each<[string, Asked, number]>([
    ['a name that was made to point here', anAsk({ host: 'evil.example:8022' }), 403],
    ['another port in the Host', anAsk({ host: '127.0.0.1:80' }), 403],
    ['no Host', anAsk({ host: undefined }), 403],
    ['no token', anAsk({ token: undefined }), 401],
    ['a wrong token', anAsk({ token: 'wrong' }), 401],
    ['a token that only begins right', anAsk({ token: 'right!' }), 401],
    ['reading for another page', anAsk({ origin: 'https://evil.example' }), 403],
    ['a change for another page', aChange({ origin: 'https://evil.example' }), 403],
    ['a change for a page on another port', aChange({ origin: 'http://127.0.0.1:3000' }), 403],
    ['a change from a sandboxed frame', aChange({ origin: 'null' }), 403],
    ['a change without an Origin', aChange({ origin: undefined }), 403],
    ['a change of which the browser says it is cross-site', aChange({ fetchSite: 'cross-site' }), 403],
    ['a change as a form would send it', aChange({ contentType: 'text/plain' }), 415],
  ])('refuses %s', (_, asked, status) => {
    expect(refuse(asked, own)?.status).toBe(status);
  });

  it('compares tokens of any length', () => {
    expect(isToken('right', 'right')).toBe(true);
    expect(isToken('', 'right')).toBe(false);
    expect(isToken('rïght', 'right')).toBe(false);
  });
});
