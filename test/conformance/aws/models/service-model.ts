/**
 * AWS's own statement of its services, as machines read it: the models that botocore, the SDK for Python, is made of.
 * https://github.com/boto/botocore/tree/develop/botocore/data
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Member {
  readonly shape: string;
  readonly location?: 'uri' | 'querystring' | 'header' | 'headers' | 'statusCode';
  readonly locationName?: string;
  readonly queryName?: string;
}

export interface Shape {
  readonly type:
    | 'structure'
    | 'list'
    | 'map'
    | 'string'
    | 'integer'
    | 'long'
    | 'float'
    | 'double'
    | 'boolean'
    | 'timestamp'
    | 'blob';
  readonly members?: Readonly<Record<string, Member>>;
  readonly required?: readonly string[];
  readonly member?: Member;
  readonly key?: Member;
  readonly value?: Member;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
  readonly flattened?: boolean;
  readonly payload?: string;
  readonly document?: boolean;
  readonly exception?: boolean;
  readonly error?: { readonly code?: string; readonly httpStatusCode?: number };
}

export interface OperationModel {
  readonly name: string;
  readonly http: { readonly method: string; readonly requestUri: string; readonly responseCode?: number };
  readonly input?: Member;
  readonly output?: Member & { readonly resultWrapper?: string };
  readonly errors?: readonly Member[];
}

export interface ServiceModel {
  readonly metadata: {
    readonly protocol: string;
    /** All that the service speaks; the SDKs choose. */
    readonly protocols?: readonly string[];
    readonly apiVersion: string;
  };
  readonly operations: Readonly<Record<string, OperationModel>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

export interface Models {
  /** `botocore 1.44.5`. */
  readonly version: string;
  of(service: string): ServiceModel;
}

/** Of what the service speaks, that which the lab and the SDK for JavaScript agree on. */
export function protocolOf({ metadata }: ServiceModel): 'query' | 'ec2' | 'json' | 'rest-json' {
  const spoken = [metadata.protocol, ...(metadata.protocols ?? [])];
  const known = (['query', 'ec2', 'json', 'rest-json'] as const).find((name) => spoken.includes(name));
  if (!known) throw new Error(`nothing here reads ${spoken.join(' or ')}`);
  return known;
}

/** BOTOCORE_DATA, or where the Python on the PATH has botocore. Undefined where there is none. */
export function findModels(env: NodeJS.ProcessEnv = process.env): Models | undefined {
  const folder = env['BOTOCORE_DATA'] ?? askPython();
  if (folder === undefined || !existsSync(folder)) return undefined;
  const known = new Map<string, ServiceModel>();
  return {
    version: `botocore ${versionBeside(folder)}`,
    of(service) {
      const model = known.get(service) ?? read(folder, service);
      known.set(service, model);
      return model;
    },
  };
}

function askPython(): string | undefined {
  const question = 'import botocore, os; print(os.path.join(os.path.dirname(botocore.__file__), "data"))';
  try {
    return execFileSync('python3', ['-c', question], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

function versionBeside(folder: string): string {
  const source = readFileSync(path.join(folder, '..', '__init__.py'), 'utf8');
  return /__version__ = '([^']+)'/.exec(source)?.[1] ?? 'of an unknown version';
}

function read(folder: string, service: string): ServiceModel {
  const versions = readdirSync(path.join(folder, service)).sort();
  for (const version of versions.reverse()) {
    const file = path.join(folder, service, version, 'service-2.json');
    if (existsSync(`${file}.gz`)) return JSON.parse(gunzipSync(readFileSync(`${file}.gz`)).toString('utf8'));
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  }
  throw new Error(`${folder} has no model of ${service}: set BOTOCORE_DATA to the data folder of botocore`);
}
