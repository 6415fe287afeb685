/** Where a status leads whoever clicks on it. Pure. */
import type { BranchDeploySettings } from '#model/settings.ts';
import type { StatusLinks } from './ports.ts';

/** Undefined where nothing is known to link to. */
export function linksOf(settings: BranchDeploySettings, name: string): StatusLinks | undefined {
  const application = settings.builds
    .flatMap(({ applications }) => applications)
    .find((one) => one.name === name);
  const page = settings.argocd.url && pageOf(settings.argocd.url, name, application?.namespace);
  const environment = application?.url;
  if (!page && !environment) return undefined;
  return { ...(page && { page }), ...(environment && { environment }) };
}

function pageOf(url: string, name: string, namespace: string | undefined): string {
  const path = [...(namespace ? [namespace] : []), name].map(encodeURIComponent).join('/');
  return `${url.replace(/\/+$/, '')}/applications/${path}?operation=true`;
}
