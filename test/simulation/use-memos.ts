/** For `node --import`: replaces these modules of the model by the ones with a memo. */
import { registerHooks } from 'node:module';

const MEMOS = new Map(
  (
    [
      ['#model/desired.ts', './desired-memo.ts'],
      ['#model/zone.ts', './zone-memo.ts'],
    ] as const
  ).map(([exact, memo]) => [import.meta.resolve(exact), new URL(memo, import.meta.url).href]),
);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const memo = MEMOS.get(resolved.url);
    return memo === undefined || context.parentURL === memo ? resolved : { ...resolved, url: memo };
  },
});
