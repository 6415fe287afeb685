/** What of `gitops/` can be read without kustomize; `npm run conformance -- platform` builds and applies all of it. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { aPlatformApp, nightshift } from './a-platform.ts';

const GITOPS = 'examples/platform/gitops';
const read = (path: string) => parse(readFileSync(join(GITOPS, path), 'utf8'));

describe('the dashboard', () => {
  const dashboard = JSON.parse(readFileSync(join(GITOPS, 'base/cluster/dashboards/nightshift.json'), 'utf8'));
  const texts: string[] = dashboard.panels.flatMap(
    ({ targets }: { targets: { expression?: string; expr?: string }[] }) =>
      targets.map(({ expression, expr }) => expression ?? expr ?? ''),
  );

  test('shows the metrics that the night shift of an environment has, under their names', () => {
    const night = Template.fromStack(aPlatformApp().node.findChild('Nightshift-develop') as Stack);
    const existing = Object.values(night.findResources('AWS::Logs::MetricFilter')).flatMap(({ Properties }) =>
      Properties.MetricTransformations.map(
        ({
          MetricNamespace,
          MetricName,
          Dimensions,
        }: {
          MetricNamespace: string;
          MetricName: string;
          Dimensions: { Key: string }[];
        }) => `{${MetricNamespace},${Dimensions.map(({ Key }) => Key).join()}} MetricName="${MetricName}"`,
      ),
    );
    const shown = texts.flatMap((text) => /\{Nightshift,\w+\} MetricName="[\w-]+"/.exec(text)?.[0] ?? []);
    expect(shown.length).toBe(1);
    expect(existing).toEqual(expect.arrayContaining(shown));
  });

  test('looks at the taint that spot-drain sets', () => {
    expect(texts.some((text) => text.includes('key="nightshift/draining"'))).toBe(true);
  });

  test('asks data sources that the stack of Prometheus has', () => {
    const uids = new Set(
      dashboard.panels.map(({ datasource }: { datasource: { uid: string } }) => datasource.uid),
    );
    const { additionalDataSources } = read('base/applications/kube-prometheus-stack.yaml').spec.source.helm
      .valuesObject.grafana;
    expect([...uids].sort()).toEqual([additionalDataSources[0].uid, 'prometheus'].sort());
  });
});

test('only production has no component that syncs by itself', () => {
  const automatic = globSync(join(GITOPS, 'overlays/*/{bootstrap,applications}/kustomization.yaml'))
    .filter((file) => readFileSync(file, 'utf8').includes('components/auto-sync'))
    .map((file) => file.split('/').at(-3));
  expect(new Set(automatic)).toEqual(
    new Set(Object.keys(nightshift.environments).filter((name) => name !== 'production')),
  );
});

test('the sample service is as large as a service of the team', () => {
  const [container] = read('base/api/deployment.yaml').spec.template.spec.containers;
  expect(container.resources.requests).toEqual({ cpu: '4', memory: '4096Mi' });
});
