/** Prints how to connect to the running lab. */
import path from 'node:path';
import type { Colors } from 'picocolors/types.js';
import type { Lab } from './lab.ts';

/** The last line that `npm run lab` prints once the lab is up. */
export const LAST_LINE = 'Virtual time runs at the speed of real time. Ctrl-C stops the lab.';

export function accessText(lab: Lab, consoleUrl: string, colors: Colors): string {
  const lines = lab.environments.flatMap((environment) => {
    const { config, operator } = environment;
    return [
      '',
      `${colors.bold(environment.name)}  account ${config.account}, ${config.region}, cluster ${config.cluster}`,
      `  kubectl --kubeconfig ${displayPath(environment.kubeconfig)} get nodes,pods -A`,
      ...(environment.argocdEndpoint
        ? [`  curl --cacert ${displayPath(lab.caFile)} ${environment.argocdEndpoint.url}/api/version`]
        : []),
      `  export AWS_ENDPOINT_URL=${lab.front.url} AWS_REGION=${config.region} AWS_DEFAULT_REGION=${config.region} \\`,
      `    AWS_ACCESS_KEY_ID=${operator.accessKeyId} AWS_SECRET_ACCESS_KEY=${operator.secretAccessKey}`,
    ];
  });
  const [first] = lab.environments;
  return `${[
    '',
    colors.bold('The lab is running'),
    `Console  ${consoleUrl}`,
    `AWS      ${lab.front.url}`,
    ...lines,
    '',
    'With the variables of an environment exported:',
    `  aws eks list-nodegroups --cluster-name ${first?.config.cluster ?? 'develop'}`,
    `  npm run -s nightshift -- status ${first?.name ?? ''}`,
    '',
    LAST_LINE,
  ].join('\n')}\n`;
}

/** Relative to the working directory if inside it. */
function displayPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

/** Runs virtual time at the speed of real time until the signal. */
export async function keepUp(lab: Lab, signal: AbortSignal): Promise<void> {
  const leave = lab.context.clock.enter('lab kept running');
  try {
    await lab.context.clock.runUntil(Number.POSITIVE_INFINITY, signal);
  } finally {
    leave();
  }
}
