/** The templates that are looked at: those of the sample config, and those of one that uses every option. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadConfig } from '#lib/config-file.ts';
import { NightshiftApp, stackIdOf } from '#lib/nightshift-app.ts';
import { defineConfig, type NightshiftConfig } from '#model/config.ts';
import { configWith, OPTIONS, REFUSED } from '../../infra/options.ts';

const NOW = new Date('2026-11-23T00:00:00Z');

export interface TemplateFile {
  /** `develop`, an environment's name. */
  readonly name: string;
  readonly region: string;
  readonly file: string;
}

const network = { subnets: ['subnet-0123456789abcdef0'], securityGroups: ['sg-0123456789abcdef0'] };

/** Every option, in regions that have little in common. */
const everything = defineConfig({
  schedules: { office: { timeZone: 'Europe/Berlin', up: ['Mon-Fri 08:00-20:00', 'Sat 10:00-14:00'] } },
  environments: {
    everything: {
      account: '111111111111',
      region: 'eu-central-1',
      cluster: 'everything',
      schedule: 'office',
      nodegroups: ['app', 'system'],
      keep: ['always'],
      fallbackGroup: 'on-demand',
      autoscaler: { kind: 'karpenter', namespace: 'karpenter', deployment: 'karpenter', hostGroup: 'system' },
      drain: { onRebalance: 'drain', replaceEarly: true },
      network,
      notify: { info: [], warning: ['night@example.com'], failure: ['night@example.com'] },
      tracing: true,
      readyBy: true,
      deploy: {
        argocd: { url: 'https://argocd.example.com', tokenSecret: 'nightshift/argocd' },
        builds: [
          {
            project: 'api',
            repository: 'https://github.com/example/api',
            branch: 'develop',
            applications: ['api'],
            create: {
              connection:
                'arn:aws:codeconnections:eu-central-1:111111111111:connection/0a1b2c3d-1111-2222-3333-444455556666',
              compute: 'large',
              docker: true,
            },
          },
        ],
        whenAsleep: 'wake',
        status: { github: { tokenSecret: 'nightshift/github' } },
      },
    },
    beijing: { account: '111111111111', region: 'cn-north-1', cluster: 'beijing', schedule: 'office' },
    virginia: { production: true, account: '111111111111', region: 'us-east-1', cluster: 'virginia' },
  },
});

export async function synthesizeTemplates(): Promise<{
  readonly files: readonly TemplateFile[];
  remove(): Promise<void>;
}> {
  const { config } = await loadConfig();
  const directory = await mkdtemp(path.join(tmpdir(), 'templates-'));
  return {
    files: [
      ...synthesize(config, path.join(directory, 'sample')),
      ...synthesize(everything, path.join(directory, 'all')),
      ...synthesize(everyOption(), path.join(directory, 'options')).map((one) => ({
        ...one,
        name: 'every option',
      })),
    ],
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Whatever a config may say, in one environment. */
function everyOption(): NightshiftConfig {
  const options = OPTIONS.filter((option) => !option.endsWith('=false') && !REFUSED.includes(option));
  const config = configWith(...options);
  const develop = config.environments['develop'];
  return develop ? { ...config, environments: { develop } } : config;
}

/** Without bundling: templates do not depend on what the functions hold. */
function synthesize(config: NightshiftConfig, outdir: string): readonly TemplateFile[] {
  new NightshiftApp({ config, now: NOW, outdir, context: { 'aws:cdk:bundling-stacks': [] } }).synth();
  return Object.entries(config.environments).map(([name, { region }]) => ({
    name,
    region,
    file: path.join(outdir, `${stackIdOf(name)}.template.json`),
  }));
}
