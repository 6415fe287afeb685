/** Every behaviour of Kubernetes that the functions and the lab rely on. */
import type { Bed } from '../bed.ts';
import { describeAccess } from './access.ts';
import { describeApplicationPolicy } from './application-policy.ts';
import { describeArgocdObjects } from './argocd-objects.ts';
import { describeAutoscalers } from './autoscalers.ts';
import { describeContract } from './contract.ts';
import { describeCronJobs } from './cron-jobs.ts';
import { describeDeletions } from './deletions.ts';
import { describeDoctor } from './doctor.ts';
import { describeDrains } from './drains.ts';
import { describeEvictions } from './evictions.ts';
import { describeKeepUp } from './keep-up.ts';
import { describeLists } from './lists.ts';
import { describeNodes } from './nodes.ts';
import { describePermissions } from './permissions.ts';
import { describeWrongRequests } from './wrong-requests.ts';

export function describeKubernetes(bed: () => Bed): void {
  describeContract(bed);
  describeNodes(bed);
  describeEvictions(bed);
  describeDeletions(bed);
  describeLists(bed);
  describeAccess(bed);
  describeWrongRequests(bed);
  describeAutoscalers(bed);
  describeCronJobs(bed);
  describeKeepUp(bed);
  describeArgocdObjects(bed);
  describeApplicationPolicy(bed);
  describeDrains(bed);
  describePermissions(bed);
  describeDoctor(bed);
}
