/** Does the account allow as many invocations at once as a storm of interruptions needs? */
import { nodesWhenAwake } from '../facts.ts';
import { type Check, whenObserved } from '../finding.ts';
import { observed } from '../observation.ts';

/** What an account that Lambda does not know yet begins with. */
const NEW_ACCOUNT = 10;

export const lambdaConcurrency: Check = {
  name: 'lambda-concurrency',
  why: 'each spot notice is an invocation of its own for up to two minutes: what exceeds the concurrency of the account waits, and AWS does not',
  evaluate: (facts) =>
    whenObserved([facts.concurrency, facts.groups], ({ limit, unreserved }, groups) => {
      const spot = groups.reduce((sum, group) => {
        const nodes = nodesWhenAwake(group, observed(facts.night));
        return sum + Math.ceil((Math.max(0, nodes - group.onDemandBase) * group.spotPercent) / 100);
      }, 0);
      const found = `${unreserved} invocations at once in this account (limit ${limit}), and ${spot} spot nodes`;
      if (unreserved > NEW_ACCOUNT && unreserved > spot) return [{ severity: 'ok', found }];
      const storm =
        spot > unreserved
          ? `if all are interrupted at once, ${unreserved} are drained at once and ${spot - unreserved} when one of those is done, if AWS has not taken them by then`
          : 'all other functions of the account share them, and a storm of notices leaves them none';
      return [
        {
          severity: 'warning',
          found: `${found}: ${storm}`,
          advice: `aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000 --region ${facts.environment.region}`,
        },
      ];
    }),
};
