/**
 * The time of an AWS on this machine: the lab plays another day, and a plan or an override with the time of the laptop would
 * be of the wrong one. AWS itself is not asked, so that `plan` stays offline.
 */
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const TIMEOUT_MS = 1_000;
/** The header has whole seconds: a smaller difference means nothing. */
const SAME_MS = 2_000;

/** What to add to the time of this machine, in ms: 0 without an endpoint on this machine, or where it does not answer. */
export async function endpointOffset(
  endpoint: string | undefined,
  localNow: () => Date,
  request: typeof fetch = fetch,
): Promise<number> {
  if (!endpoint || !URL.canParse(endpoint) || !LOOPBACK.has(new URL(endpoint).hostname)) return 0;
  const time = await request(endpoint, { method: 'HEAD', signal: AbortSignal.timeout(TIMEOUT_MS) })
    .then(({ headers }) => Date.parse(headers.get('date') ?? ''))
    // The command that needs it names it.
    .catch(() => Number.NaN);
  const offset = time - localNow().getTime();
  return Number.isNaN(offset) || Math.abs(offset) < SAME_MS ? 0 : offset;
}
