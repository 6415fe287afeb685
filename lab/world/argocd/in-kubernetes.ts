/**
 * Applications as objects of the Kubernetes API: Argo CD's changes are written there, and what clients write (an
 * operation, a refresh annotation, a deletion) reaches the controller.
 */

import type { WorldContext } from '../interfaces.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import type { Registry } from '../kubernetes/registry.ts';
import type { ArgocdWorld } from './argocd.ts';
import type { ApplicationObject } from './types.ts';

const APPLICATIONS = 'applications.argoproj.io';
/** Delay until the controller's watch sees a change of a workload. */
const WATCH_MS = 200;

/** Call it once, after the applications' namespaces exist or can be created. */
export function serveApplications(context: WorldContext, argocd: ArgocdWorld, api: Registry): void {
  /** True while this module writes: its own changes are ignored. */
  let writing = false;
  const write = (run: () => void) => {
    writing = true;
    try {
      run();
    } finally {
      writing = false;
    }
  };

  const publish = (object: ApplicationObject) => {
    const { name, namespace } = object.metadata;
    if (!api.find('namespaces', undefined, namespace)) {
      api.create('namespaces', undefined, { metadata: { name: namespace } });
    }
    if (!api.find(APPLICATIONS, namespace, name)) {
      const { resourceVersion: _, ...metadata } = object.metadata;
      // The uid is assigned by the API server.
      argocd.adopt(asApplication(api.create(APPLICATIONS, namespace, { ...object, metadata })));
      return;
    }
    api.modify(APPLICATIONS, namespace, name, (draft) => {
      draft['spec'] = object.spec;
      draft['status'] = object.status;
      if (object.operation) draft['operation'] = object.operation;
      else delete draft['operation'];
      const { labels, annotations, finalizers } = object.metadata;
      assign(draft.metadata, { labels, annotations, finalizers });
    });
    if (
      object.metadata.deletionTimestamp &&
      !api.find(APPLICATIONS, namespace, name)?.metadata.deletionTimestamp
    ) {
      api.delete(APPLICATIONS, namespace, name);
    }
  };

  const withdraw = (name: string, namespace: string) => {
    if (!api.find(APPLICATIONS, namespace, name)) return;
    api.modify(APPLICATIONS, namespace, name, (draft) => {
      delete draft.metadata.finalizers;
    });
    if (api.find(APPLICATIONS, namespace, name)) api.delete(APPLICATIONS, namespace, name);
  };

  for (const object of argocd.applications()) write(() => publish(object));

  argocd.onChange((name, namespace, object) =>
    write(() => (object ? publish(object) : withdraw(name, namespace))),
  );

  let watching = false;
  api.subscribe((change) => {
    // The last old pod of a rollout ends after its Deployment has changed for the last time.
    const isPodGone = change.resource.key === 'pods' && change.type === 'DELETED';
    if ((change.resource.key === 'deployments.apps' || isPodGone) && !watching) {
      watching = true;
      context.clock.after(WATCH_MS, () => {
        watching = false;
        // Publish new applications.
        argocd.settle();
      });
    }
    if (writing || change.resource.key !== APPLICATIONS) return;
    const { object } = change;
    const { name, namespace = argocd.namespace } = object.metadata;
    if (change.type === 'DELETED' || object.metadata.deletionTimestamp) {
      if (argocd.has(name, namespace)) argocd.deleteApplication(name, { namespace });
      return;
    }
    if (argocd.has(name, namespace)) argocd.adopt(asApplication(object));
  });
}

/** Whether a new pod would run: some node is Ready and schedulable. */
export function podsCanRun(api: Registry): boolean {
  return api.store
    .all('nodes')
    .some(
      (node) =>
        node.spec?.unschedulable !== true &&
        node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
}

function asApplication(object: KubeObject): ApplicationObject {
  return object as unknown as ApplicationObject;
}

function assign(target: object, values: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) delete (target as Record<string, unknown>)[key];
    else (target as Record<string, unknown>)[key] = value;
  }
}
