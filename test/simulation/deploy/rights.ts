/** The permissions of branch-deploy: the role in manifests/, as the lab's API server evaluates it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkAccess } from '@nightshift/lab/http/kubernetes/access.ts';
import { readRequest } from '@nightshift/lab/http/kubernetes/request.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { createAuthorizer } from '@nightshift/lab/world/kubernetes/authorize.ts';
import type { ObjectInput } from '@nightshift/lab/world/kubernetes/index.ts';
import { createRegistry } from '@nightshift/lab/world/kubernetes/registry.ts';
import { createSeeds } from '@nightshift/lab/world/kubernetes/seeds.ts';
import { createStore } from '@nightshift/lab/world/kubernetes/store.ts';
import { parseAllDocuments } from 'yaml';

const MANIFEST = path.join(import.meta.dirname, '../../../manifests/argocd/branch-deploy.yaml');
/** As in lib/cluster-access.ts. */
const USER = { username: 'branch-deploy', groups: ['nightshift:branch-deploy', 'system:authenticated'] };

/** Requests that were allowed before: the permissions do not change. */
const allowed = new Set<string>();
let authorize: ReturnType<typeof createAuthorizer> | undefined;

/** Throws the API server's 403. */
export function checkRights(method: string, path: string): void {
  const request = `${method} ${path}`;
  if (allowed.has(request)) return;
  authorize ??= readRights();
  checkAccess({ authorize }, USER, readRequest(method, new URL(path, 'https://cluster')));
  allowed.add(request);
}

function readRights(): ReturnType<typeof createAuthorizer> {
  const objects = parseAllDocuments(readFileSync(MANIFEST, 'utf8')).map(
    (document) => document.toJS() as ObjectInput,
  );
  // Its random values must not change those of the story.
  const context = createContext({ start: new Date(0), seed: 0 });
  const registry = createRegistry(createStore(context.clock), context);
  const { addNamespace, applyObjects } = createSeeds(registry);
  for (const { metadata } of objects) if (metadata?.namespace) addNamespace(metadata.namespace);
  applyObjects(objects);
  return createAuthorizer(registry.store);
}
