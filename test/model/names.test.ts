import { expect, test } from 'vitest';
import { defineConfig, type NightshiftConfig } from '#model/config.ts';
import {
  alarmTopicOf,
  functionNameOf,
  linkKeyAliasOf,
  tableNameOf,
  targetGroupNameOf,
  topicNameOf,
  watchdogNameOf,
} from '#model/names.ts';
import { SETTINGS_VARIABLE, TABLE_VARIABLE } from '#model/settings.ts';
import { TRIGGER_SOURCE } from '#model/trigger.ts';

// Stacks that are deployed carry these names: another one makes a new table and loses the old.
test('resources are found by the names that they were given', () => {
  expect(tableNameOf('develop')).toBe('nightshift-develop');
  expect(functionNameOf('develop', 'spot-drain')).toBe('nightshift-develop-spot-drain');
  expect(topicNameOf('develop', 'failure')).toBe('nightshift-develop-failure');
  expect(alarmTopicOf('develop')).toBe('nightshift-develop-alarms');
  expect(watchdogNameOf('develop')).toBe('nightshift-develop-spot-drain-watchdog');
  expect(linkKeyAliasOf('develop')).toBe('alias/nightshift-develop-links');
});

test('a target group has a name of at most 32 letters, digits and hyphens, and no two environments the same', () => {
  const digest = (text: string) => `0123456${text.length}9abcdef`;
  expect(targetGroupNameOf('develop', digest)).toBe('nightshift-develop');
  expect(targetGroupNameOf('a'.repeat(21), digest)).toBe(`nightshift-${'a'.repeat(21)}`);
  expect(targetGroupNameOf('a'.repeat(22), digest)).toBe(`nightshift-${'a'.repeat(12)}-01234562`);
  expect(targetGroupNameOf('my_dev', digest)).toBe('nightshift-my-dev-01234566');
  expect(targetGroupNameOf('dev-', digest)).toBe('nightshift-dev--01234564');
});

test('a function finds its settings and its triggers under the names that synth wrote', () => {
  expect([SETTINGS_VARIABLE, TABLE_VARIABLE, TRIGGER_SOURCE]).toEqual([
    'NIGHTSHIFT_SETTINGS',
    'NIGHTSHIFT_TABLE',
    'nightshift',
  ]);
});

test('a config is given back as it was written: it is checked when it is loaded', () => {
  const config: NightshiftConfig = { environments: {} };
  expect(defineConfig(config)).toBe(config);
});
