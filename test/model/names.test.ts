import { expect, test } from 'vitest';
import { defineConfig, type NightshiftConfig } from '#model/config.ts';
import { functionNameOf, tableNameOf, topicNameOf } from '#model/names.ts';
import { SETTINGS_VARIABLE, TABLE_VARIABLE } from '#model/settings.ts';
import { TRIGGER_SOURCE } from '#model/trigger.ts';

// Stacks that are deployed carry these names: another one makes a new table and loses the old.
test('resources are found by the names that they were given', () => {
  expect(tableNameOf('develop')).toBe('nightshift-develop');
  expect(functionNameOf('develop', 'spot-drain')).toBe('nightshift-develop-spot-drain');
  expect(topicNameOf('develop', 'failure')).toBe('nightshift-develop-failure');
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
