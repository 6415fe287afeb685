/**
 * Modules that the functions load with `import()` when they are first needed. Loaded here before the clock runs: otherwise
 * the first night of a process would take other turns than the following ones, and a seed would not play the same night.
 */
import '#functions/adapters/kubernetes/autoscaler.ts';
import '#functions/night-schedule/apply-autoscaler.ts';
import '#functions/night-schedule/apply-fallback.ts';
import '#functions/night-schedule/configured-size.ts';
import '#functions/night-schedule/decide-warm-pool.ts';
import '#functions/night-schedule/dry-run.ts';
import '#functions/branch-deploy/announced-build.ts';
import '#functions/night-schedule/report-overdue.ts';
import '#functions/spot-drain/tick.ts';
import '#functions/spot-drain/watch.ts';
