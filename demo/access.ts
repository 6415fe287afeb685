/** How a person reaches the lab: what is printed while it is up. */
import path from 'node:path';
import type { Colors } from 'picocolors/types.js';
import type { Lab } from './lab.ts';

export function accessText(lab: Lab, consoleUrl: string, colors: Colors): string {
  const lines = lab.environments.flatMap((environment) => {
    const { config, operator } = environment;
    return [
      '',
      `${colors.bold(environment.name)}  account ${config.account}, ${config.region}, cluster ${config.cluster}`,
      `  kubectl --kubeconfig ${fromHere(environment.kubeconfig)} get nodes,pods -A`,
      ...(environment.argocdEndpoint
        ? [`  curl --cacert ${fromHere(lab.caFile)} ${environment.argocdEndpoint.url}/api/version`]
        : []),
      `  export AWS_ENDPOINT_URL=${lab.front.url} AWS_REGION=${config.region} AWS_DEFAULT_REGION=${config.region} \\`,
      `    AWS_ACCESS_KEY_ID=${operator.accessKeyId} AWS_SECRET_ACCESS_KEY=${operator.secretAccessKey}`,
    ];
  });
  const [first] = lab.environments;
  return `${[
    '',
    colors.bold('The lab is up'),
    `Console  ${consoleUrl}`,
    `AWS      ${lab.front.url}`,
    ...lines,
    '',
    'With the variables of an environment exported:',
    `  aws eks list-nodegroups --cluster-name ${first?.config.cluster ?? 'develop'}`,
    `  npm run -s nightshift -- status ${first?.name ?? ''}`,
    '',
    'The time there runs as fast as here. Ctrl-C ends it.',
  ].join('\n')}\n`;
}

/** The shorter of the path from here and the whole path. */
function fromHere(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

/** Lets time run at ×1 until the signal. */
export async function keepUp(lab: Lab, signal: AbortSignal): Promise<void> {
  const leave = lab.context.clock.enter('a person looks at the lab');
  try {
    await lab.context.clock.runUntil(Number.POSITIVE_INFINITY, signal);
  } finally {
    leave();
  }
}
