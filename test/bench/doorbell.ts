/** What browsers that wait for a sleeping application cost: requests for the page, through the listener's rule. */
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startLab } from '#demo/lab.ts';
import { raiseShop, SHOP_CONFIG, SHOP_HOST, SHOP_LISTENER } from '#demo/sleeping-shop.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import { functionNameOf } from '#model/names.ts';
import { type Bench, median } from './bench.ts';
import { PRICES } from './prices.ts';

/** 21:55 on a Tuesday in Tokyo; at 02:00 the cluster sleeps. */
const START = new Date('2026-11-24T12:55:00Z');
const LATE = Date.parse('2026-11-24T17:00:00Z');
const BROWSERS = 1_000;
const WAIT_SECONDS = 600;
/** What the page asks for is drawn from 10 to 15. */
const EVERY_SECONDS = 12.5;
const MEMORY_GB = 0.25;
const LIMIT = 0.05;

export const doorbell: Bench = async ({ runs, log }) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'nightshift-bench-'));
  const assemblyDir = path.join(directory, 'out');
  new NightshiftApp({ config: SHOP_CONFIG, now: START, outdir: assemblyDir }).synth();
  const durations: number[] = [];
  const name = functionNameOf('develop', 'doorbell');
  const lab = await startLab({
    config: SHOP_CONFIG,
    assemblyDir,
    start: START,
    onInvocation: (one) => {
      if (one.function.name === name) durations.push(one.durationMs);
    },
  });
  const port = await raiseShop(lab, { listener: SHOP_LISTENER, host: SHOP_HOST });
  try {
    await lab.context.clock.runUntil(LATE);
    log('doorbell: requests for the page');
    await statusOf(port.port);
    durations.length = 0;
    for (let n = 0; n < runs; n++) {
      const status = await statusOf(port.port);
      if (status !== 503 || durations.length !== n + 1)
        throw new Error(`the page was answered ${status} by ${durations.length} invocations`);
    }
    const requests = (BROWSERS * WAIT_SECONDS) / EVERY_SECONDS;
    const each = PRICES.lambdaRequest + PRICES.lambdaGbSecond * MEMORY_GB * (median(durations) / 1_000);
    return {
      bench: 'doorbell',
      method: `over the lab’s load balancer and table, each request in turn; ${BROWSERS} browsers that wait ${WAIT_SECONDS / 60} minutes send ${requests} requests; list prices of ${PRICES.region} as of ${PRICES.asOf}`,
      figures: [
        { what: 'a request for the page', value: median(durations), unit: 'ms' },
        {
          what: 'what all of them cost',
          value: requests * each,
          unit: '$',
          target: { what: `< $${LIMIT}`, met: requests * each < LIMIT },
        },
      ],
    };
  } finally {
    await port.close();
    await lab.close();
    rmSync(directory, { recursive: true });
  }
};

function statusOf(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', path: '/', headers: { host: SHOP_HOST } }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      })
      .on('error', reject);
  });
}
