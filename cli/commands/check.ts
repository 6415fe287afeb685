/** Commands that look at a cluster: the doctor and the console. */
import type { DoctorOptions } from '../doctor/doctor.ts';
import { command, type Invocation, JSON_OPTION } from './invocation.ts';

export function addDoctorAndConsole(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'doctor',
    'check whether a cluster can be stopped and started safely; says why each finding matters and how to fix it; read-only',
    [
      'nightshift doctor develop',
      'nightshift doctor --json',
      'nightshift doctor develop --template cdk.out/Platform-develop.template.json',
    ],
  )
    .argument('[environment]', 'only this environment')
    .option('--json', JSON_OPTION)
    .option(
      '-t, --template <path>',
      'check the nodegroups and subnets of a synthesized template instead; offline, needs no AWS access',
    )
    .action(async (name: string | undefined, options: DoctorOptions) => {
      const { doctor } = await import('../doctor/doctor.ts');
      invocation.finish(await doctor(await invocation.config(), name, options, io));
    });

  command(
    program,
    'console',
    'serve a web page on this machine that shows each cluster and its decisions, with buttons for keep-up, wake, sleep and cancel',
    ['nightshift console', 'nightshift console --port 8022', 'nightshift console --demo'],
  )
    .option('-p, --port <number>', 'port on 127.0.0.1 (default: a free one)')
    .option('--demo', 'show a recorded day at 60 times its speed; needs no config and no AWS access')
    .action(async ({ demo, ...options }: { port?: string; demo?: boolean }) => {
      const { showConsole, showDemo } = await import('../console/show-console.ts');
      const interrupted = new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
      if (demo) await showDemo(options, io, interrupted);
      else await showConsole(await invocation.config(), options, io, interrupted);
    });
}
