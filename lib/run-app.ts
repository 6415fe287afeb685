/** The whole program of a CDK app with one stack for each environment of the config file. */
import { ConfigError, loadConfig } from './config-file.ts';
import { fileProblem } from './file-problem.ts';
import { leftStackWarnings, sleepingStacksIn } from './left-stacks.ts';
import { NightshiftApp, type NightshiftAppProps } from './nightshift-app.ts';

/** What an app may change of the defaults. */
export interface RunAppOptions extends Omit<NightshiftAppProps, 'config'> {
  /** Path of the config file. Default: the variable NIGHTSHIFT_CONFIG, or `nightshift.config.ts`. */
  readonly configPath?: string;
  /** Called before the synthesis: for validations, aspects and stacks of your own. */
  readonly prepare?: (app: NightshiftApp) => void;
}

/**
 * Loads the config, makes the stacks and synthesizes them. A mistake in the config and a file that cannot be written are
 * one line each on stderr, with exit code 1; any other error is thrown. A stack that the synthesis before had in the same
 * folder, and this one has no more, is a warning on stderr.
 */
export async function runApp(options: RunAppOptions = {}): Promise<void> {
  const { configPath, prepare, ...props } = options;
  try {
    const { config } = await loadConfig(configPath);
    const app = new NightshiftApp({ ...props, config });
    prepare?.(app);
    const before = sleepingStacksIn(app.outdir);
    app.synth();
    const now = app.environments.map(({ stackName: name, account, region }) => ({ name, account, region }));
    for (const warning of leftStackWarnings(before, now)) process.stderr.write(`${warning}\n`);
  } catch (error) {
    const message = error instanceof ConfigError ? error.message : fileProblem(error);
    if (message === undefined) throw error;
    process.stderr.write(`${message}\n`);
    process.exitCode = 1;
  }
}
