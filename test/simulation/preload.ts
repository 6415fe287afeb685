/**
 * Modules that the functions load with `import()` when they are first needed. Loaded here before the clock runs: otherwise
 * the first night of a process would take other turns than the following ones, and a seed would not play the same night.
 */
import '#functions/adapters/argocd/object-images.ts';
import '#functions/adapters/argocd/server-images.ts';
import '#functions/adapters/aws/ecr.ts';
import '#functions/adapters/kubernetes/autoscaler.ts';
import '#functions/adapters/kubernetes/cron-jobs.ts';
import '#functions/adapters/kubernetes/nodes.ts';
import '#functions/night-schedule/apply-autoscaler.ts';
import '#functions/night-schedule/apply-cron-jobs.ts';
import '#functions/night-schedule/apply-fallback.ts';
import '#functions/night-schedule/apply-group.ts';
import '#functions/night-schedule/decide-warm-pool.ts';
import '#functions/night-schedule/follow-start.ts';
import '#functions/night-schedule/free-provisioning.ts';
import '#functions/night-schedule/keep-up-request.ts';
import '#functions/night-schedule/learn-lead.ts';
import '#functions/night-schedule/missing-groups.ts';
import '#functions/night-schedule/observe-morning.ts';
import '#functions/night-schedule/observe-running.ts';
import '#functions/night-schedule/dry-run.ts';
import '#functions/night-schedule/pause.ts';
import '#functions/branch-deploy/announced-build.ts';
import '#functions/branch-deploy/reconcile.ts';
import '#functions/branch-deploy/record-healthy.ts';
import '#functions/night-schedule/decide-fallback.ts';
import '#functions/night-schedule/report-morning.ts';
import '#functions/night-schedule/report-overdue.ts';
import '#functions/night-schedule/switch-doorbell.ts';
import '#functions/night-schedule/report-state-not-written.ts';
