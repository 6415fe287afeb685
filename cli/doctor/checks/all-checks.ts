/** In the order of the report: what can prevent the morning start comes first. */
import type { TemplateFacts } from '../facts.ts';
import type { Check } from '../finding.ts';
import { access, rbac } from './access.ts';
import { argocdCapability } from './argocd-capability.ts';
import { argocdToken } from './argocd-token.ts';
import { branchFilters } from './branch-filters.ts';
import { cronJobs } from './cron-jobs.ts';
import { deployed } from './deployed.ts';
import { disruptionBudgets } from './disruption-budgets.ts';
import { doorbell } from './doorbell.ts';
import { holidays } from './holidays.ts';
import { hostGroup } from './host-group.ts';
import { images } from './images.ts';
import { lambdaConcurrency } from './lambda-concurrency.ts';
import { managedSizes } from './managed-sizes.ts';
import { network } from './network.ts';
import { pauseUndone } from './pause-undone.ts';
import { paused } from './paused.ts';
import { podIpCapacity } from './pod-ip-capacity.ts';
import { savedSizes } from './saved-sizes.ts';
import { schedulers } from './schedulers.ts';
import { sleepingCompute } from './sleeping-compute.ts';
import { spotShare } from './spot-share.ts';
import { subscribers } from './subscribers.ts';
import { tick } from './tick.ts';
import { warmPools } from './warm-pools.ts';
import { webhooks } from './webhooks.ts';
import { zonalVolumes } from './zonal-volumes.ts';

/** Those that a template alone answers. */
export const TEMPLATE_CHECKS: readonly Check<TemplateFacts>[] = [podIpCapacity, spotShare];

export const CHECKS: readonly Check[] = [
  podIpCapacity,
  spotShare,
  webhooks,
  disruptionBudgets,
  zonalVolumes,
  hostGroup,
  sleepingCompute,
  warmPools,
  pauseUndone,
  doorbell,
  cronJobs,
  managedSizes,
  network,
  deployed,
  access,
  rbac,
  argocdToken,
  argocdCapability,
  branchFilters,
  images,
  holidays,
  tick,
  paused,
  schedulers,
  savedSizes,
  subscribers,
  lambdaConcurrency,
];
