/**
 * The layout of the environment's table (partition | key → value). The only place that knows it.
 *
 * | partition  | key                        | value                                   | expires |
 * |------------|----------------------------|-----------------------------------------|---------|
 * | `night`    | `state`                    | ClusterState                            | never   |
 * | `night`    | `saved#<cluster>/<group>`  | the sizes taken from a group            | never   |
 * | `night`    | `autoscaler#<object>`      | what was taken from an autoscaler: `deployment#<namespace>/<name>`, `nodepool#<name>` | never |
 * | `night`    | `cronjob#<ns>/<name>`      | a CronJob that was suspended            | never   |
 * | `night`    | `note#<what>`              | marks of the pass: warned, mornings (as lines), keep-up, reported, seen; retired | never |
 * | `override` | `<id>`                     | Override                                | a week after its end |
 * | `override` | `pause`                    | Pause of all capabilities               | a week after its end |
 * | `override` | `links`                    | LinkGeneration: older links are revoked | never   |
 * | `drain`    | `instance#<id>`            | claim of a drain                        | yes     |
 * | `drain`    | `instance#<id>#node`       | the name of the instance's node         | yes     |
 * | `drain`    | `cordon#<id>`              | a cordon of ours that may be undone     | yes     |
 * | `deploy`   | `app#<project>/<name>`     | the requested deploy of an application  | never   |
 * | `deploy`   | `app#night`                | the cluster sleeps, or has just slept   | never   |
 * | `deploy`   | `healthy#<project>/<name>` | when it was Healthy after the night     | never   |
 * | `deploy`   | `build#<project>:<id>`     | a build that was handled                | yes     |
 * | `decision` | `<time>#<capability>#<n>`  | Decision                                | yes     |
 * | `ledger`   | `<date>#<group>`           | node-hours, by stretch of sleep         | never   |
 */
export { DECISION, DEPLOY, DRAIN, LEDGER, NIGHT, OVERRIDE } from '#model/partitions.ts';

export const STATE_KEY = 'state';

/** Beside the overrides: night-schedule and branch-deploy read it with them. */
export const PAUSE_KEY = 'pause';

/** Beside the overrides too: operators write both. */
export const LINKS_KEY = 'links';

/** What is under any other key of the partition is an override. */
export const isOverrideKey = (key: string) => key !== PAUSE_KEY && key !== LINKS_KEY;

export const SAVED_PREFIX = 'saved#';
export const savedKey = (cluster: string, group: string) => `${SAVED_PREFIX}${cluster}/${group}`;

export const AUTOSCALER_PREFIX = 'autoscaler#';
export const autoscalerKey = (object: string) => `${AUTOSCALER_PREFIX}${object}`;

export const CRON_JOB_PREFIX = 'cronjob#';
export const cronJobKey = (object: string) => `${CRON_JOB_PREFIX}${object}`;

export const NOTE_PREFIX = 'note#';
export const noteKey = (what: string) => `${NOTE_PREFIX}${what}`;

export const instanceKey = (instanceId: string) => `instance#${instanceId}`;
/** Begins with the key of the claim, so that one query reads both. */
export const nodeNameKey = (instanceId: string) => `${instanceKey(instanceId)}#node`;
export const cordonKey = (instanceId: string) => `cordon#${instanceId}`;

export const APPLICATION_PREFIX = 'app#';
export const applicationKey = (project: string, name: string) => `${APPLICATION_PREFIX}${project}/${name}`;
/** Beside the applications, so that one query finds both. No application's key is without a slash. */
export const NIGHT_MARK_KEY = `${APPLICATION_PREFIX}night`;
export const HEALTHY_PREFIX = 'healthy#';
/** `application` is `<project>/<name>`. */
export const healthyKey = (application: string) => `${HEALTHY_PREFIX}${application}`;
/** `build` is CodeBuild's `<project>:<uuid>`. */
export const buildKey = (build: string) => `build#${build}`;

/** Begins with the time, so that a query finds what was decided since then. */
export const decisionKey = (time: string, capability: string, n: string) => `${time}#${capability}#${n}`;

export const ledgerKey = (date: string, group: string) => `${date}#${group}`;

/** Where an error names an item. */
export const itemName = (partition: string, key: string) => `${partition} | ${key}`;

/** Keys of the layout of 0.1, in the partition `night`; besides them, `saved#<group>` had no cluster. */
export const OLD_NIGHT_KEYS: readonly string[] = ['override', 'note#memo', 'autoscaler#main'];
