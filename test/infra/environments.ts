/** Configs and synthesized stacks for the tests of the CDK app. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import type { NightshiftStack } from '#lib/nightshift-stack.ts';
import type {
  DevelopmentEnvironmentConfig,
  NightshiftConfig,
  ProductionEnvironmentConfig,
} from '#model/config.ts';

const assemblies = mkdtempSync(join(tmpdir(), 'nightshift-assemblies-'));

export const NOW = new Date('2026-11-22T00:00:00Z');

/** Of a load balancer that no controller reconciles. */
export const LISTENER =
  'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:listener/app/develop/0123456789abcdef/fedcba9876543210';

export function aDevelopment(
  overrides: Partial<DevelopmentEnvironmentConfig> = {},
): DevelopmentEnvironmentConfig {
  return {
    account: '111111111111',
    region: 'ap-northeast-1',
    cluster: 'develop',
    schedule: 'office',
    deploy: {
      argocd: { url: 'https://argocd.develop.example.com', tokenSecret: 'nightshift/argocd-develop' },
      builds: [
        {
          project: 'api-develop',
          repository: 'https://github.com/example/api',
          branch: 'develop',
          applications: ['api'],
        },
      ],
    },
    ...overrides,
  };
}

export function aProduction(
  overrides: Partial<ProductionEnvironmentConfig> = {},
): ProductionEnvironmentConfig {
  return {
    account: '222222222222',
    region: 'ap-northeast-1',
    cluster: 'production',
    production: true,
    ...overrides,
  };
}

export function aConfig(environments: NightshiftConfig['environments']): NightshiftConfig {
  return {
    calendars: { japan: { closed: ['2026-12-29/2027-01-03'] } },
    schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'], calendar: 'japan' } },
    environments,
  };
}

/** Stacks are synthesized without bundling: templates do not depend on what the functions hold. */
const context = { 'aws:cdk:bundling-stacks': [] };

export function anEmptyApp(): App {
  return new App({ context, outdir: mkdtempSync(join(assemblies, 'app-')) });
}

export function anApp(environments: NightshiftConfig['environments']): NightshiftApp {
  return anAppOf(aConfig(environments));
}

export function anAppOf(config: NightshiftConfig): NightshiftApp {
  return new NightshiftApp({
    config,
    now: NOW,
    context,
    outdir: mkdtempSync(join(assemblies, 'app-')),
  });
}

export function stackOf(environment: NightshiftConfig['environments'][string]): NightshiftStack {
  const [stack] = anApp({ [environment.cluster]: environment }).environments;
  if (!stack) throw new Error('the app has no stack');
  return stack;
}

export function templateOf(environment: NightshiftConfig['environments'][string]): Template {
  return Template.fromStack(stackOf(environment));
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: readonly unknown[];
  readonly Condition?: Record<string, Record<string, unknown>>;
}

/** Every statement of the template's IAM policies, by the logical id of the policy. */
export function statementsOf(template: Template): readonly (Statement & { readonly policy: string })[] {
  const many = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);
  return Object.entries(template.findResources('AWS::IAM::Policy')).flatMap(([policy, resource]) =>
    resource['Properties'].PolicyDocument.Statement.map((statement: Record<string, unknown>) => ({
      ...statement,
      policy,
      Action: many(statement['Action']),
      Resource: many(statement['Resource']),
    })),
  );
}

/** The template with the hashes of assets taken out: a change of a function's code is no change of the stack. */
export function withoutHashes(template: Template): unknown {
  return JSON.parse(JSON.stringify(template.toJSON()).replaceAll(/\b[0-9a-f]{64}\b/g, '<hash>'));
}
