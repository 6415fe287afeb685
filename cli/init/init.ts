/** `init`: makes a project that deploys eks-nightshift, in an empty or an existing folder. Never overwrites without asking. */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ClientAccess } from '../account-access.ts';
import { CloudError, RefusedError } from '../errors.ts';
import type { Io } from '../io.ts';
import { packageManifest, packageRoot } from '../version.ts';
import { type Found, NOTHING_FOUND } from './found.ts';
import { type CiKind, looksLikeProduction, type ProjectFile, projectFiles } from './project-files.ts';

export interface InitOptions {
  /** Asks nothing and looks at nothing: a sample. */
  readonly yes?: boolean;
  readonly region?: readonly string[];
  readonly profile?: string;
  readonly ci?: string;
}

/** What the command needs beside the terminal. */
export interface InitIo extends Pick<Io, 'out' | 'err' | 'now'> {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly timeZone: string;
  /** The typed reply; undefined when there is no terminal. */
  ask(question: string): Promise<string | undefined>;
  observe(region: string, access: ClientAccess): Promise<Found>;
}

export async function init(options: InitOptions, io: InitIo): Promise<void> {
  const ci = ciOf(options.ci);
  const found = options.yes ? NOTHING_FOUND : await look(options, io);
  const files = projectFiles({ found, timeZone: io.timeZone, ci, versions: versionsOf() });
  const manifests = globSync('**/*.yaml', { cwd: join(packageRoot(), 'manifests') })
    .sort()
    .map((name) => ({
      path: join('manifests', name),
      text: readFileSync(join(packageRoot(), 'manifests', name), 'utf8'),
    }));
  for (const file of [...files, ...manifests]) await writeOne(file, options, io);
  io.out(summaryOf(found, options.yes ?? false));
}

async function look(options: InitOptions, io: InitIo): Promise<Found> {
  const who =
    options.profile === undefined ? 'the AWS credentials of this shell' : `the profile ${options.profile}`;
  const reply = await io.ask(
    `Look at your EKS clusters and CodeBuild projects with ${who}, read-only? [Y/n] `,
  );
  if (reply === undefined)
    throw new RefusedError(
      'there is no terminal to ask on: add --yes for a sample, which needs no AWS access',
    );
  if (!isYes(reply, true)) return NOTHING_FOUND;
  const results: Found[] = [];
  for (const region of await regionsOf(options, io)) {
    try {
      results.push(
        await io.observe(region, options.profile === undefined ? {} : { profile: options.profile }),
      );
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      results.push({ ...NOTHING_FOUND, unseen: [`everything in ${region}: ${error.message}`] });
    }
  }
  return {
    clusters: results.flatMap(({ clusters }) => clusters),
    projects: results.flatMap(({ projects }) => projects),
    unseen: results.flatMap(({ unseen }) => unseen),
  };
}

async function regionsOf({ region }: InitOptions, io: InitIo): Promise<readonly string[]> {
  if (region && region.length > 0) return region;
  const usual = io.environment['AWS_REGION'] ?? io.environment['AWS_DEFAULT_REGION'];
  const reply = await io.ask(`Regions, separated by spaces${usual ? ` [${usual}]` : ''}: `);
  const regions = (reply?.trim() || usual || '').split(/[\s,]+/).filter((one) => one !== '');
  if (regions.length === 0) throw new RefusedError('no region: add --region, like --region ap-northeast-1');
  return regions;
}

async function writeOne({ path, text }: ProjectFile, options: InitOptions, io: InitIo): Promise<void> {
  const target = join(io.folder, path);
  if (existsSync(target)) {
    if (readFileSync(target, 'utf8') === text) return io.out(`  same     ${path}`);
    if (path === 'package.json') return io.out(`  kept     ${path}: ${missingPackages(target)}`);
    const reply = options.yes
      ? undefined
      : await io.ask(`${path} exists and is different. Overwrite it? [y/N] `);
    if (!isYes(reply ?? '', false)) return io.out(`  kept     ${path}`);
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  io.out(`  written  ${path}`);
}

/** A project that exists keeps its `package.json`; what it lacks is said. */
function missingPackages(file: string): string {
  const { type, dependencies, devDependencies } = readManifest(file);
  const missing = Object.keys(versionsOf()).filter(
    (name) => !Object.hasOwn({ ...dependencies, ...devDependencies }, name),
  );
  const advice = [
    ...(type === 'module' ? [] : ['npm pkg set type=module']),
    ...(missing.length === 0 ? [] : [`npm install ${missing.join(' ')}`]),
  ];
  return advice.length === 0 ? 'it has all that is needed' : `run ${advice.join(' && ')}`;
}

interface Manifest {
  readonly type?: string;
  readonly dependencies?: object;
  readonly devDependencies?: object;
}

function readManifest(file: string): Manifest {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new RefusedError(`${file} is no JSON (${cause.message}): correct it first`, { cause });
  }
}

function versionsOf() {
  const { version, peerDependencies, nightshift } = packageManifest();
  return {
    'eks-nightshift': `^${version}`,
    'aws-cdk-lib': peerDependencies['aws-cdk-lib'] ?? '*',
    constructs: peerDependencies['constructs'] ?? '*',
    'aws-cdk': nightshift.cdk,
  };
}

function ciOf(text: string | undefined): CiKind | undefined {
  if (text === undefined || text === 'github' || text === 'gitlab') return text;
  throw new RefusedError(`--ci ${text}: write github or gitlab`);
}

function isYes(reply: string, usual: boolean): boolean {
  const text = reply.trim().toLowerCase();
  return text === '' ? usual : text === 'y' || text === 'yes';
}

function summaryOf({ clusters, unseen }: Found, isSample: boolean): string {
  const productions = clusters.filter(looksLikeProduction).map(({ name }) => name);
  const found =
    clusters.length === 0
      ? 'a sample environment'
      : `${clusters.length} ${clusters.length === 1 ? 'cluster' : 'clusters'}`;
  return [
    '',
    `${isSample ? 'A sample was written, without a look at AWS' : `nightshift.config.ts has ${found}`}. Every environment is a dry run.`,
    ...(productions.length > 0
      ? [`Written as production, which is never stopped: ${productions.join(', ')}`]
      : []),
    ...(unseen.length > 0 ? ['Not seen:', ...unseen.map((line) => `  ${line}`)] : []),
    '',
    'Next:',
    '  npm install',
    '  npx nightshift plan                  # what would happen; offline',
    '  npx cdk synth --quiet                # the stacks; offline',
    '  kubectl apply -k manifests           # the RBAC of the functions, in each cluster',
    '  npx cdk deploy Nightshift-<environment>',
    '  npx nightshift doctor <environment>  # can it be stopped and started safely?',
  ].join('\n');
}
