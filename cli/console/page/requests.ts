/** Requests to the console's server. */
import { words } from './words.ts';

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string };

export async function fetchJson<T>(url: string, options?: RequestInit): Promise<Result<T>> {
  try {
    const response = await fetch(url, options);
    if (!response.headers.get('content-type')?.startsWith('application/json'))
      return { ok: false, error: (await response.text()).trim() };
    const body = (await response.json()) as T | { readonly error: string };
    return typeof body === 'object' && body !== null && 'error' in body
      ? { ok: false, error: body.error }
      : { ok: true, value: body as T };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return { ok: false, error: words('unreachableServer', { error: cause }) };
  }
}
