/**
 * The layout of the environment's table (partition | key → value).
 *
 * | partition  | key                        | value                                   | expires |
 * |------------|----------------------------|-----------------------------------------|---------|
 * | `night`    | `state`                    | ClusterState                            | never   |
 * | `night`    | `override`                 | Override                                | never; judged by its own `until` |
 * | `night`    | `saved#<group>`            | the sizes taken from a group            | never   |
 * | `night`    | `autoscaler#<object>`      | what was taken from an autoscaler       | never   |
 * | `night`    | `note#<what>`              | marks of the pass (warned, learned lead …) | some |
 * | `drain`    | `instance#<id>`            | claim of a drain                        | yes     |
 * | `drain`    | `instance#<id>#node`       | the name of the instance's node         | yes     |
 * | `drain`    | `cordon#<id>`              | a cordon of ours that may be undone     | yes     |
 * | `deploy`   | `app#<project>/<name>`     | the desired deploy of an application    | never   |
 * | `deploy`   | `app#night`                | the applications are looked at after the night | never |
 * | `deploy`   | `build#<project>:<id>`     | a build that was dealt with             | yes     |
 * | `decision` | `<time>#<capability>#<n>`  | Decision                                | yes     |
 * | `ledger`   | `<date>#<group>`           | node-hours                              | never   |
 */
export const NIGHT = 'night';
export const DRAIN = 'drain';
export const DEPLOY = 'deploy';
export const DECISION = 'decision';
export const LEDGER = 'ledger';

export const STATE_KEY = 'state';
export const OVERRIDE_KEY = 'override';

export const savedKey = (group: string) => `saved#${group}`;
export const instanceKey = (instanceId: string) => `instance#${instanceId}`;
/** Begins with the key of the claim, so that one query reads both. */
export const nodeNameKey = (instanceId: string) => `${instanceKey(instanceId)}#node`;
export const cordonKey = (instanceId: string) => `cordon#${instanceId}`;
export const applicationKey = (project: string, name: string) => `app#${project}/${name}`;
/** `build` is CodeBuild's `<project>:<uuid>`. */
export const buildKey = (build: string) => `build#${build}`;
