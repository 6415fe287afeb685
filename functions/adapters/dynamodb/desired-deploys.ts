/** The desired deploys in the environment's table, and what branch-deploy reads of the night there. */

import type { DesiredDeploys, Night } from '#functions/branch-deploy/ports.ts';
import type { ApplicationRecord, NightMark } from '#functions/branch-deploy/record.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Override } from '#model/schedule.ts';
import type { Item, Table } from './table.ts';
import { applicationKey, buildKey, DEPLOY, NIGHT, OVERRIDE_KEY, STATE_KEY } from './table-keys.ts';

const APPLICATIONS = 'app#';
/** Beside the applications, so that one query finds both. No application's key is without a slash. */
const NIGHT_MARK = `${APPLICATIONS}night`;
/** Longer than missed builds are looked for, so that none is found twice. */
const KNOWN_DAYS = 7;

export function createDesiredDeploys(table: Table): DesiredDeploys {
  return {
    async all() {
      const items = await table.list<ApplicationRecord | NightMark>(DEPLOY, { prefix: APPLICATIONS });
      const records: Versioned<ApplicationRecord>[] = [];
      let night: NightMark | undefined;
      for (const { key, value, version } of items) {
        if (key === NIGHT_MARK) night = isMark(value) ? value : undefined;
        else if (isRecord(value)) records.push({ value, version });
      }
      return { records, ...(night ? { night } : {}) };
    },
    async get({ project, name }) {
      const item = await table.get<ApplicationRecord>(DEPLOY, applicationKey(project, name));
      if (item && !isRecord(item.value))
        throw new NightshiftError(
          `the item ${DEPLOY} | ${item.key} of the table is not a record of an application: delete it`,
        );
      return item && versionedOf(item);
    },
    saveIf: (record, expected) =>
      table.put(DEPLOY, applicationKey(record.project, record.name), record, { if: expected }),
    async markNight(mark) {
      await table.put(DEPLOY, NIGHT_MARK, mark);
    },
    async clearNight() {
      await table.remove(DEPLOY, NIGHT_MARK);
    },
    async isKnown(build) {
      return (await table.get(DEPLOY, buildKey(build))) !== undefined;
    },
    async known(project) {
      const prefix = buildKey(`${project}:`);
      const items = await table.list(DEPLOY, { prefix });
      return new Set(items.map((item) => item.key.slice(buildKey('').length)));
    },
    async markKnown(build, now) {
      const expires = new Date(now.getTime() + KNOWN_DAYS * 86_400_000);
      const value = { at: now.toISOString() };
      return (await table.put(DEPLOY, buildKey(build), value, { if: 'absent', expires, now })) !== undefined;
    },
  };
}

export function createNight(table: Table): Night {
  return {
    async read() {
      const [state, override] = await Promise.all([
        table.get<ClusterState>(NIGHT, STATE_KEY),
        table.get<Override>(NIGHT, OVERRIDE_KEY),
      ]);
      return {
        ...(state ? { state: state.value } : {}),
        ...(override ? { override: versionedOf(override) } : {}),
      };
    },
    async setOverride(override, expected) {
      return (await table.put(NIGHT, OVERRIDE_KEY, override, { if: expected })) !== undefined;
    },
  };
}

/** What a person edited by hand, or something else wrote, must not stop the work on all other applications. */
function isRecord(value: unknown): value is ApplicationRecord {
  if (!isObject(value)) return false;
  const { name, project, requested, newest, attempt } = value;
  return (
    typeof name === 'string' &&
    typeof project === 'string' &&
    Array.isArray(requested) &&
    requested.every(isBuild) &&
    isObject(newest) &&
    everyValue(newest, isBuild) &&
    (attempt === undefined || (isObject(attempt) && Array.isArray(attempt['builds'])))
  );
}

function everyValue(object: Record<string, unknown>, is: (value: unknown) => boolean): boolean {
  for (const key in object) if (!is(object[key])) return false;
  return true;
}

function isBuild(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value['build'] === 'string' &&
    typeof value['project'] === 'string' &&
    typeof value['repository'] === 'string' &&
    typeof value['branch'] === 'string' &&
    typeof value['number'] === 'number'
  );
}

function isMark(value: unknown): value is NightMark {
  return isObject(value) && typeof value['since'] === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function versionedOf<T>({ value, version }: Item<T>): Versioned<T> {
  return { value, version };
}
