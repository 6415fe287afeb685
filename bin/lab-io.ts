/** Runs commands on the lab: with its virtual time, and the operator's credentials of each environment. */
import { createCloud } from '#cli/cloud.ts';
import type { Io } from '#cli/io.ts';
import type { Lab } from '#demo/lab.ts';

export function labIo(lab: Lab, user: string): Io {
  const now = () => lab.context.clock.date();
  return {
    now,
    user,
    color: false,
    out: () => undefined,
    err: (text) => process.stderr.write(`${text}\n`),
    cloud(name, environment) {
      const operator = lab.environments.find((one) => one.name === name)?.operator;
      return createCloud(name, environment, now, {
        endpoint: lab.front.url,
        ...(operator ? { credentials: operator } : {}),
      });
    },
  };
}
