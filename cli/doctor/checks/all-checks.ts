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
import { lambdaConcurrency } from './lambda-concurrency.ts';
import { managedSizes } from './managed-sizes.ts';
import { network } from './network.ts';
import { paused } from './paused.ts';
import { podIpCapacity } from './pod-ip-capacity.ts';
import { schedulers } from './schedulers.ts';
import { spotShare } from './spot-share.ts';
import { subscribers } from './subscribers.ts';
import { tick } from './tick.ts';
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
  holidays,
  tick,
  paused,
  schedulers,
  subscribers,
  lambdaConcurrency,
];
