/** A lab that runs what a config synthesizes, in virtual time, for one test file: close it at the end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { type Lab, type LabEnvironment, type LabOptions, startLab } from '#demo/lab.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';

const MINUTE_MS = 60_000;

export interface RunningLab {
  readonly lab: Lab;
  /** A file with the config, for the command line. */
  readonly configPath: string;
  /** The first environment, or the one of that name. */
  environment(name?: string): LabEnvironment;
  now(): Date;
  pass(minutes: number): Promise<void>;
  /** `min/desired/max` of each group of the first environment. */
  sizes(): Readonly<Record<string, string>>;
  /** Until `vi.unstubAllEnvs`, the SDK of this process is an operator of the first environment, on the lab. */
  actAsOperator(): void;
  close(): Promise<void>;
}

export async function aRunningLab(options: Omit<LabOptions, 'assemblyDir'>): Promise<RunningLab> {
  const { config, start } = options;
  const directory = mkdtempSync(join(tmpdir(), 'nightshift-lab-'));
  const assemblyDir = join(directory, 'out');
  const configPath = join(directory, 'nightshift.config.json');
  writeFileSync(configPath, JSON.stringify(config));
  vi.stubEnv('CDK_VALIDATION', 'false');
  new NightshiftApp({ config, now: start, outdir: assemblyDir }).synth();
  const lab = await startLab({ ...options, assemblyDir });
  const { clock } = lab.context;
  const environment = (name?: string) => {
    const found = lab.environments.find((one) => name === undefined || one.name === name);
    if (!found) throw new Error(`the lab has no environment ${name ?? 'at all'}`);
    return found;
  };
  return {
    lab,
    configPath,
    environment,
    now: () => new Date(clock.now()),
    pass: (minutes) => clock.runUntil(clock.now() + minutes * MINUTE_MS),
    sizes: () =>
      Object.fromEntries(
        lab.aws
          .groups(environment().cluster)
          .map(({ name, min, desired, max }) => [name, `${min}/${desired}/${max}`]),
      ),
    actAsOperator() {
      const { accessKeyId, secretAccessKey } = environment().operator;
      vi.stubEnv('AWS_ENDPOINT_URL', lab.front.url);
      vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
      vi.stubEnv('AWS_SESSION_TOKEN', undefined);
    },
    async close() {
      vi.unstubAllEnvs();
      await lab.close();
      rmSync(directory, { recursive: true });
    },
  };
}
