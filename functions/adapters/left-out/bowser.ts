/**
 * Stands in for `bowser` in the bundles (34 KB): it reads the user agent of a web browser, and only code of the SDK
 * that is made for browsers loads it.
 */
export function parse(): never {
  throw new Error('the bundle reads no user agent of a browser: take bowser out of the aliases');
}
