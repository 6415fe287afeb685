/** For `node --import`: whoever imports `model/desired.ts` gets `desired-memo.ts`. */
import { registerHooks } from 'node:module';

const EXACT = import.meta.resolve('#model/desired.ts');
const MEMO = new URL('./desired-memo.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    return resolved.url === EXACT && context.parentURL !== MEMO ? { ...resolved, url: MEMO } : resolved;
  },
});
