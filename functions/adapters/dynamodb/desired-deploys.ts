/** The requested deploys in the environment's table. */

import type { DesiredDeploys } from '#functions/branch-deploy/ports.ts';
import {
  applicationSchema,
  handledBuildSchema,
  healthySchema,
  nightMarkSchema,
} from '#functions/branch-deploy/record.ts';
import { DAY_MS } from '#model/duration.ts';
import { isValid } from '#model/record-schema.ts';
import { recordsOf } from './records.ts';
import type { Table } from './table.ts';
import {
  APPLICATION_PREFIX,
  applicationKey,
  buildKey,
  DEPLOY,
  HEALTHY_PREFIX,
  healthyKey,
  itemName,
  NIGHT_MARK_KEY,
} from './table-keys.ts';

/** Longer than the search for missed builds goes back, so that none is found twice. */
const KNOWN_DAYS = 7;

export function createDesiredDeploys(table: Table): DesiredDeploys {
  const applications = recordsOf(table, DEPLOY, applicationSchema);
  const marks = recordsOf(table, DEPLOY, nightMarkSchema);
  const healthy = recordsOf(table, DEPLOY, healthySchema);
  const builds = recordsOf(table, DEPLOY, handledBuildSchema);
  return {
    async all() {
      const rows = await table.list(DEPLOY, { prefix: APPLICATION_PREFIX });
      const mark = rows.find(({ key }) => key === NIGHT_MARK_KEY);
      // A record under another application's key would stand in for it.
      const { found, corrupt } = applications.fromRows(
        rows.filter((row) => row !== mark),
        ({ project, name }) => applicationKey(project, name),
      );
      if (!mark) return { records: found, corrupt };
      return isValid(nightMarkSchema, mark.value)
        ? { records: found, corrupt, night: mark.value }
        : { records: found, corrupt: [...corrupt, itemName(DEPLOY, mark.key)] };
    },
    get: ({ project, name }) => applications.get(applicationKey(project, name)),
    saveIf: (record, expected) =>
      applications.saveIf(applicationKey(record.project, record.name), record, expected),
    markNight: (mark) => marks.save(NIGHT_MARK_KEY, mark),
    clearNight: () => marks.remove(NIGHT_MARK_KEY),
    async healthy() {
      const rows = await table.list(DEPLOY, { prefix: HEALTHY_PREFIX });
      return healthy.fromRows(rows).found.map(({ value }) => value);
    },
    saveHealthy: (record) => healthy.save(healthyKey(record.application), record),
    // The item's presence is enough, whatever it holds.
    async isKnown(build) {
      return (await table.get(DEPLOY, buildKey(build))) !== undefined;
    },
    async known(project) {
      const rows = await table.list(DEPLOY, { prefix: buildKey(`${project}:`) });
      return new Set(rows.map((row) => row.key.slice(buildKey('').length)));
    },
    async markKnown(build, now) {
      const expires = new Date(now.getTime() + KNOWN_DAYS * DAY_MS);
      const value = { at: now.toISOString() };
      return (await builds.saveIf(buildKey(build), value, 'absent', { expires, now })) !== undefined;
    },
  };
}
