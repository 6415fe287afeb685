import { describe, expect, test } from 'vitest';
import { isToken, type RequestHeaders, refuseRequest } from '#cli/console/request-guard.ts';

const own = { port: 8022, token: 'right' };
const aRead = (overrides: Partial<RequestHeaders> = {}): RequestHeaders => ({
  method: 'GET',
  host: '127.0.0.1:8022',
  origin: undefined,
  fetchSite: undefined,
  contentType: undefined,
  token: 'right',
  ...overrides,
});
const aChange = (overrides: Partial<RequestHeaders> = {}): RequestHeaders =>
  aRead({
    method: 'POST',
    origin: 'http://127.0.0.1:8022',
    fetchSite: 'same-origin',
    contentType: 'application/json',
    ...overrides,
  });

describe('the guard of the console', () => {
  test('accepts reads and writes of its own page', () => {
    expect(refuseRequest(aRead(), own)).toBeUndefined();
    expect(refuseRequest(aChange(), own)).toBeUndefined();
    const local = { host: 'localhost:8022', origin: 'http://localhost:8022' };
    expect(refuseRequest(aChange(local), own)).toBeUndefined();
  });

  test.each<[string, RequestHeaders, number]>([
    ['a foreign name that points here', aRead({ host: 'evil.example:8022' }), 403],
    ['another port in the Host', aRead({ host: '127.0.0.1:80' }), 403],
    ['no Host', aRead({ host: undefined }), 403],
    ['no token', aRead({ token: undefined }), 401],
    ['a wrong token', aRead({ token: 'wrong' }), 401],
    ['a token that only begins right', aRead({ token: 'right!' }), 401],
    ['reading for another page', aRead({ origin: 'https://evil.example' }), 403],
    ['a change for another page', aChange({ origin: 'https://evil.example' }), 403],
    ['a change for a page on another port', aChange({ origin: 'http://127.0.0.1:3000' }), 403],
    ['a change from a sandboxed frame', aChange({ origin: 'null' }), 403],
    ['a change without an Origin', aChange({ origin: undefined }), 403],
    ['a change of which the browser says it is cross-site', aChange({ fetchSite: 'cross-site' }), 403],
    ['a change as a form would send it', aChange({ contentType: 'text/plain' }), 415],
  ])('refuses %s', (_, request, status) => {
    expect(refuseRequest(request, own)?.status).toBe(status);
  });

  test('compares tokens of any length', () => {
    expect(isToken('right', 'right')).toBe(true);
    expect(isToken('', 'right')).toBe(false);
    expect(isToken('rïght', 'right')).toBe(false);
  });
});
