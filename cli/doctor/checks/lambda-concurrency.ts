/** Does the account allow as many invocations at once as a storm of interruptions needs? */

import { DOORBELL_CONCURRENCY, PAGE_CONCURRENCY } from '#model/settings.ts';
import { type EnvironmentFacts, nodesWhenAwake } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';
import { observed } from '../observation.ts';

/** What an account that Lambda does not know yet begins with. */
const NEW_ACCOUNT = 10;
/** Lambda keeps so many for functions that reserve none, and refuses a reservation that would leave fewer. */
const ALWAYS_UNRESERVED = 100;

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
      const impossible = reservationOf(facts, unreserved);
      if (impossible) return [impossible];
      if (unreserved > NEW_ACCOUNT && unreserved > spot) return [{ severity: 'ok', found }];
      const storm =
        spot > unreserved
          ? `if all are interrupted at once, ${unreserved} are drained at once and ${spot - unreserved} when one of those is done, if AWS has not taken them by then`
          : 'all other functions of the account share them, and a storm of notices leaves them none';
      return [
        {
          severity: 'warning',
          found: `${found}: ${storm}`,
          advice: moreFor(facts),
        },
      ];
    }),
};

function moreFor({ environment }: EnvironmentFacts): string {
  return `aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000 --region ${environment.region}`;
}

/** The pages of self-service and of the doorbell reserve some. Once they are deployed these are reserved. */
function reservationOf(facts: EnvironmentFacts, unreserved: number): CheckResult | undefined {
  const { selfService, doorbell } = facts.settings;
  if (!selfService) return undefined;
  const pages = [
    { name: 'self-service', reserved: PAGE_CONCURRENCY },
    ...(doorbell ? [{ name: 'doorbell', reserved: DOORBELL_CONCURRENCY }] : []),
  ].filter(({ name }) => !observed(facts.functions)?.some((one) => one.capability === name && one.settings));
  const reserved = pages.reduce((sum, page) => sum + page.reserved, 0);
  if (reserved === 0 || unreserved - reserved >= ALWAYS_UNRESERVED) return undefined;
  return {
    severity: 'failure',
    found: `the page of ${pages.map(({ name }) => name).join(' and of ')} reserves ${reserved} invocations at once, and of ${unreserved} Lambda leaves ${ALWAYS_UNRESERVED} to all functions: the deploy fails`,
    advice: `${moreFor(facts)}; until then leave ${doorbell ? 'doorbell and ' : ''}selfService.links out`,
  };
}
