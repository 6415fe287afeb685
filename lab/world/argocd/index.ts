export type { Access, Caller, ProjectSeed, TokenRequest } from './access.ts';
export type { ApiServer, ListQuery } from './api-server.ts';
export type { AuditEvent } from './application.ts';
export { type ArgocdOptions, type ArgocdWorld, createArgocd } from './argocd.ts';
export { ArgocdError, CODES, httpStatusOf } from './errors.ts';
export { podsCanRun, serveApplications } from './in-kubernetes.ts';
export type { ApplicationQuery, SyncRequest } from './sync-request.ts';
export type * from './types.ts';
