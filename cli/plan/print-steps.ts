/** `plan --steps`: the order of a stop and a start. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import type { Io } from '../io.ts';
import { type EnvironmentFilter, selectEnvironments } from '../select-environments.ts';
import { dryRunMark, paintOf } from '../text.ts';
import { stepsOf } from './steps.ts';

export function printSteps(
  loaded: LoadedConfig,
  options: EnvironmentFilter & { readonly environment?: string; readonly json?: boolean },
  io: Io,
): void {
  const plans = selectEnvironments(loaded, options.environment, options).map(({ name, environment }) => {
    const settings = settingsOf(loaded.config, name, io.now()).nightSchedule;
    return { environment: name, mark: dryRunMark(environment, paintOf(io.color)), settings };
  });
  if (options.json) {
    const out = plans.map(({ environment, settings }) => ({
      environment,
      steps: settings ? stepsOf(settings) : [],
    }));
    io.out(JSON.stringify(out, null, 2));
    return;
  }
  const paint = paintOf(io.color);
  const texts = plans.map(({ environment, mark, settings }) => {
    const head = `${mark}${paint.bold(environment)}`;
    if (!settings) return `${head}: never stopped`;
    const lines = stepsOf(settings).map(
      ({ transition, target, what }) => `  ${transition.padEnd(5)}  ${target}: ${what}`,
    );
    return [`${head}: ${lines.length} steps, in this order`, ...lines].join('\n');
  });
  io.out(texts.join('\n\n'));
}
