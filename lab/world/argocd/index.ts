export {
  type ApplicationQuery,
  type ArgocdOptions,
  type ArgocdWorld,
  type Caller,
  createArgocd,
  type ListQuery,
  type ProjectSeed,
  type SyncRequest,
  type TokenRequest,
} from './argocd.ts';
export { ArgocdError, CODES, httpStatusOf } from './errors.ts';
export { podsCanRun, serveApplications } from './in-kubernetes.ts';
export type * from './types.ts';
