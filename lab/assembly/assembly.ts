/**
 * Reads a synthesized cloud assembly (`cdk.out`): its manifest, its stacks' templates and where their assets are.
 * Layout: https://github.com/aws/aws-cdk/tree/main/packages/@aws-cdk/cloud-assembly-schema
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { AssemblyError } from './errors.ts';
import { isObject, type Json, type JsonObject } from './intrinsics.ts';

export interface Stack {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly template: JsonObject;
  /** Where the asset of an S3 object key is: an absolute path. */
  assetPath(objectKey: string): string | undefined;
}

export interface Assembly {
  readonly directory: string;
  readonly stacks: readonly Stack[];
}

export async function readAssembly(directory: string): Promise<Assembly> {
  const root = path.resolve(directory);
  const manifest = await readJson(path.join(root, 'manifest.json'), 'run `npm run synth` first');
  const artifacts = Object.entries(objectAt(manifest, 'artifacts'));
  const stacks = await Promise.all(
    artifacts
      .filter(([, artifact]) => isObject(artifact) && artifact['type'] === 'aws:cloudformation:stack')
      .map(([id, artifact]) => readStack(root, id, artifact as JsonObject)),
  );
  if (stacks.length === 0) throw new AssemblyError(`the assembly ${directory} has no stack`);
  return { directory: root, stacks };
}

async function readStack(root: string, id: string, artifact: JsonObject): Promise<Stack> {
  const properties = objectAt(artifact, 'properties');
  const [, account, region] = /^aws:\/\/(\d{12})\/([a-z0-9-]+)$/.exec(String(artifact['environment'])) ?? [];
  if (!account || !region) {
    throw new AssemblyError(
      `the stack ${id} has the environment '${artifact['environment']}': the lab needs a stack with an account and a region`,
    );
  }
  const template = await readJson(path.join(root, String(properties['templateFile'])), 'run synth again');
  const assets = await readAssets(root, id);
  return {
    name: String(properties['stackName'] ?? artifact['displayName'] ?? id),
    account,
    region,
    template,
    assetPath: (objectKey) => assets.get(objectKey),
  };
}

/** From the object key that a template names to the folder or file in the assembly. */
async function readAssets(root: string, stackId: string): Promise<ReadonlyMap<string, string>> {
  const manifest = await readJson(path.join(root, `${stackId}.assets.json`), 'run synth again');
  const paths = new Map<string, string>();
  for (const file of Object.values(objectAt(manifest, 'files'))) {
    const source = objectAt(file, 'source')['path'];
    for (const destination of Object.values(objectAt(file, 'destinations'))) {
      const key = isObject(destination) ? destination['objectKey'] : undefined;
      if (typeof key === 'string' && typeof source === 'string') paths.set(key, path.join(root, source));
    }
  }
  return paths;
}

/** A hash over every file below `directory`: two equal hashes mean the same code. */
export async function hashFolder(directory: string): Promise<string> {
  if (!(await stat(directory)).isDirectory())
    throw new AssemblyError(`the asset ${directory} is not a folder`);
  const hash = createHash('sha256');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
  for (const file of files) {
    const content = await readFile(path.join(directory, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

async function readJson(file: string, advice: string): Promise<JsonObject> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new AssemblyError(`${file} cannot be read: ${advice}`, { cause });
  }
  try {
    const value = JSON.parse(text) as Json;
    if (isObject(value)) return value;
  } catch (cause) {
    throw new AssemblyError(`${file} is not JSON: ${advice}`, { cause });
  }
  throw new AssemblyError(`${file} is not a JSON object: ${advice}`);
}

function objectAt(value: Json, key: string): JsonObject {
  const inner = isObject(value) ? value[key] : undefined;
  if (!isObject(inner)) throw new AssemblyError(`invalid assembly: '${key}' is not an object`);
  return inner;
}
