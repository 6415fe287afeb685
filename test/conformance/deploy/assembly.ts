/** The synthesized stacks of a config, without what the CloudFormation at hand does not know. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import type { NightshiftConfig } from '#model/config.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  DependsOn?: string | string[];
}

export interface Template {
  readonly Parameters?: Record<string, { readonly Type: string; readonly Default?: string }>;
  readonly Resources: Record<string, Resource>;
  readonly Outputs?: Record<string, unknown>;
}

export interface Assembly {
  readonly directory: string;
  readonly templates: Readonly<Record<string, Template>>;
  /** `<stack>: <logical id> <type>` */
  readonly removed: readonly string[];
}

/** What ministack refuses: types as unknown, and alarms on an expression as not supported. */
function isUnknown({ Type, Properties }: Resource): boolean {
  return (
    Type === 'AWS::EKS::AccessEntry' ||
    (Type === 'AWS::CloudWatch::Alarm' && Properties?.['Metrics'] !== undefined)
  );
}

export function synth(
  config: NightshiftConfig,
  edit: (stack: string, template: Template) => void = () => undefined,
): Assembly {
  process.env['CDK_VALIDATION'] = 'false';
  const directory = mkdtempSync(path.join(tmpdir(), 'nightshift-deploy-'));
  new NightshiftApp({ config, now: new Date('2026-11-24T12:55:00Z'), outdir: directory }).synth();
  return { directory, ...withoutUnknown(directory, edit) };
}

/** Takes out of the templates of a folder what ministack does not know. */
export function withoutUnknown(
  directory: string,
  edit: (stack: string, template: Template) => void = () => undefined,
  isRefused: (resource: Resource) => boolean = isUnknown,
): Pick<Assembly, 'templates' | 'removed'> {
  const templates: Record<string, Template> = {};
  const removed: string[] = [];
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.template.json'))) {
    const stack = file.replace('.template.json', '');
    const before = readFileSync(path.join(directory, file));
    const template = JSON.parse(before.toString()) as Template;
    const unknown = removeUnknown(template, isRefused);
    const referrers = isRefused === isUnknown ? [] : removeReferrers(template, unknown);
    removed.push(...[...unknown, ...referrers].map((line) => `${stack}: ${line}`));
    edit(stack, template);
    replaceTemplate(directory, stack, before, template);
    templates[stack] = template;
  }
  return { templates, removed };
}

export function removeUnknown(template: Template, isRefused = isUnknown): readonly string[] {
  const unknown = Object.entries(template.Resources).filter(([, resource]) => isRefused(resource));
  for (const [id] of unknown) delete template.Resources[id];
  for (const resource of Object.values(template.Resources)) {
    if (!resource.DependsOn) continue;
    resource.DependsOn = [resource.DependsOn].flat().filter((id) => template.Resources[id] !== undefined);
  }
  return unknown.map(([id, { Type }]) => `${id} ${Type}`);
}

/** Also takes out what refers to what was taken out, and says so. */
export function removeReferrers(template: Template, removed: readonly string[]): readonly string[] {
  const gone = new Set(removed.map((line) => line.split(' ')[0] ?? ''));
  const refers = (value: unknown) => {
    const text = JSON.stringify(value) ?? '';
    return [...text.matchAll(/"(?:Ref|Fn::GetAtt)":\[?"(\w+)"/g)].some(([, id = '']) => gone.has(id));
  };
  const more: string[] = [];
  for (;;) {
    const [id, resource] = Object.entries(template.Resources).find(([, one]) => refers(one.Properties)) ?? [];
    if (id === undefined || resource === undefined) break;
    delete template.Resources[id];
    gone.add(id);
    more.push(`${id} ${resource.Type}`);
  }
  for (const [name, output] of Object.entries(template.Outputs ?? {}))
    if (refers(output)) delete template.Outputs?.[name];
  for (const resource of Object.values(template.Resources))
    if (resource.DependsOn) resource.DependsOn = [resource.DependsOn].flat().filter((id) => !gone.has(id));
  return more;
}

/** The CDK uploads a template under its hash, once: changed content needs another one. */
function replaceTemplate(directory: string, stack: string, before: Buffer, template: Template): void {
  const content = JSON.stringify(template, undefined, 1);
  writeFileSync(path.join(directory, `${stack}.template.json`), content);
  const hash = createHash('sha256').update(content).digest('hex');
  const assets = path.join(directory, `${stack}.assets.json`);
  const { files } = JSON.parse(readFileSync(assets, 'utf8')) as {
    files: Record<string, { source: { path: string } }>;
  };
  const old = Object.keys(files).find((key) => files[key]?.source.path === `${stack}.template.json`);
  if (old === undefined)
    throw new Error(`${stack} has no template among its assets (${before.length} bytes)`);
  for (const file of [assets, path.join(directory, 'manifest.json')])
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(old, hash));
}
