/**
 * `mornings --advice`: what would have made the last mornings shorter, from their observed phases. Pure. What a lever gains
 * is at most the phase that it shortens: nothing here was tried.
 */
import { median } from '#functions/night-schedule/learn-lead.ts';
import type { Morning } from '#functions/night-schedule/records.ts';

export interface Advice {
  readonly lever: string;
  /** Minutes of a usual morning: the most that it can gain. */
  readonly minutes: number;
  /** Mornings from which this is known. */
  readonly mornings: number;
  readonly why: string;
}

/** Less is not worth a change. */
const LEAST_SECONDS = 30;

export function adviceOf(mornings: readonly Morning[]): readonly Advice[] {
  const usual = mornings.filter(({ fallback }) => fallback === undefined);
  const all = [
    phaseAdvice(usual, {
      from: undefined,
      to: 'instances',
      lever: 'a warm pool of stopped instances, with reuse on scale-in',
      why: 'from the request until all instances were in service',
    }),
    phaseAdvice(usual, {
      from: 'instances',
      to: 'nodes',
      lever:
        'a faster boot: higher throughput and IOPS of the root volume in the launch template, a smaller image',
      why: 'from instances in service until all nodes were Ready',
    }),
    phaseAdvice(usual, {
      from: 'nodes',
      to: 'argocd',
      lever:
        'system pods that start first: priority class system-cluster-critical for CoreDNS, the ingress controller and Argo CD, and their images on the node',
      why: 'from the last node that was Ready until Argo CD answered',
    }),
    phaseAdvice(usual, {
      from: 'argocd',
      to: 'applications',
      lever: 'images that are on the node already: pre-pulled, or in a snapshot of its data volume',
      why: 'from the first answer of Argo CD until all applications were Healthy',
    }),
    phaseAdvice(usual, {
      from: 'nodes',
      to: 'url',
      lever: 'images that are on the node already: pre-pulled, or in a snapshot of its data volume',
      why: 'from the last node that was Ready until the URL answered',
    }),
    spotAdvice(mornings),
  ];
  return all
    .flatMap((one) => (one && one.minutes * 60 >= LEAST_SECONDS ? [one] : []))
    .sort((a, b) => b.minutes - a.minutes);
}

interface Phase {
  readonly from: string | undefined;
  readonly to: string;
  readonly lever: string;
  readonly why: string;
}

function phaseAdvice(mornings: readonly Morning[], { from, to, lever, why }: Phase): Advice | undefined {
  const took = mornings.flatMap(({ seconds }) => {
    const start = from === undefined ? 0 : seconds[from];
    const end = seconds[to];
    return start === undefined || end === undefined ? [] : [end - start];
  });
  if (took.length === 0) return undefined;
  return { lever, minutes: median(took) / 60, mornings: took.length, why };
}

/** How much longer the mornings took in which spot capacity was missing. */
function spotAdvice(mornings: readonly Morning[]): Advice | undefined {
  const nodesOf = (some: readonly Morning[]) => some.flatMap(({ seconds }) => seconds['nodes'] ?? []);
  const short = nodesOf(mornings.filter(({ fallback }) => fallback !== undefined));
  const usual = nodesOf(mornings.filter(({ fallback }) => fallback === undefined));
  if (short.length === 0 || usual.length === 0) return undefined;
  return {
    lever: 'more instance types and zones in the spot groups',
    minutes: (median(short) - median(usual)) / 60,
    mornings: short.length,
    why: 'by which the mornings took longer in which the on-demand group filled in',
  };
}
