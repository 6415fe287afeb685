/** Commands that set a project up, and print what is handed to others. */
import { completionScript, SHELLS } from '../completion.ts';
import type { DoorbellIngressOptions } from '../doorbell-ingress.ts';
import type { InitOptions } from '../init/init.ts';
import type { PolicyOptions } from '../policy.ts';
import { createRolloutIo } from '../rollout.ts';
import type { TemplateOptions } from '../template/template.ts';
import { ACCOUNT_OPTION, collect, command, type Invocation, TAG_OPTION } from './invocation.ts';

/** Makes a project in the current folder. */
export function addInit(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'init',
    'write config, CDK app and manifests into this folder, after a look at your clusters; never overwrites without asking',
    ['nightshift init --region ap-northeast-1 --ci github', 'nightshift init --yes'],
  )
    .option('-y, --yes', 'ask nothing and look at nothing: write a sample; offline')
    .option('--region <name>', 'look in this region; may be repeated (default: AWS_REGION)', collect)
    .option('--profile <name>', 'look with this profile of the AWS config')
    .option('--ci <kind>', 'also write a job for pull requests that runs plan and cdk diff: github or gitlab')
    .action(async (options: InitOptions) => {
      const [{ init }, { observeAccount }] = await Promise.all([
        import('../init/init.ts'),
        import('../init/observe-account.ts'),
      ]);
      await init(options, {
        ...createRolloutIo(io),
        folder: process.cwd(),
        timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        observe: (region, access) => observeAccount(region, access, io.now),
      });
    });
}

/** Writes the lock file of the clusters that have the tag. */
export function addDiscover(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'discover',
    'find the clusters with the tag of the config in its accounts, and write them into nightshift.lock.json to review and commit',
    ['nightshift discover && git diff nightshift.lock.json'],
  ).action(async () => {
    const [{ discover }, { listTaggedClusters }] = await Promise.all([
      import('../discover.ts'),
      import('../init/observe-account.ts'),
    ]);
    const complete = await discover(program.opts<{ config?: string }>().config, {
      ...io,
      listClusters: listTaggedClusters,
    });
    invocation.finish({ complete });
  });
}

export function addManifestCommands(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'manifests',
    "print the RBAC of branch-deploy for exactly the config's applications, as a list for kubectl; offline",
    ['nightshift manifests develop | kubectl apply -f -'],
  )
    .argument('<environment>', 'environment name in the config')
    .action(async (name: string) => {
      const { printManifests } = await import('../manifests.ts');
      printManifests(await invocation.config(), name, io);
    });

  command(
    program,
    'doorbell-ingress',
    'print the Ingress with which the AWS Load Balancer Controller forwards to the doorbell; offline',
    [
      'nightshift doorbell-ingress develop --target-group arn:aws:elasticloadbalancing:… | kubectl apply -f -',
    ],
  )
    .argument('<environment>', 'environment name in the config')
    .requiredOption('--target-group <arn>', 'the output DoorbellTargetGroupArn of the stack')
    .option('--namespace <name>', 'namespace of the Ingress (default: default)')
    .option(
      '--ingress-class <name>',
      'its class; with EKS Auto Mode the one that names the group (default: alb)',
    )
    .action(async (name: string, options: DoorbellIngressOptions) => {
      const { printDoorbellIngress } = await import('../doorbell-ingress.ts');
      printDoorbellIngress(await invocation.config(), name, options, io);
    });
}

/** What is handed to others: policies, and the stack as files. */
export function addHandovers(invocation: Invocation): void {
  const { program, io } = invocation;
  command(
    program,
    'policy',
    'print the least IAM policy for a person: reader, developer (overrides), operator (doctor, restore) or deployer; offline',
    [
      'nightshift policy developer --environment develop',
      'nightshift policy operator --account 111111111111',
    ],
  )
    .argument('<role>', 'reader, developer, operator or deployer')
    .option('-e, --environment <name>', 'only this environment')
    .option('--tag <name=value>', TAG_OPTION, collect)
    .option('--account <id>', ACCOUNT_OPTION)
    .action(async (role: string, options: PolicyOptions) => {
      const { printPolicy } = await import('../policy.ts');
      printPolicy(await invocation.config(), role, options, io);
    });

  command(
    program,
    'template',
    'write the CloudFormation template of an environment, the zips of its functions and an example for Terraform; offline',
    ['nightshift template develop', 'nightshift template develop --out terraform/nightshift'],
  )
    .argument('<environment>', 'environment name in the config')
    .option('-o, --out <folder>', 'where to write (default: nightshift-<environment>)')
    .action(async (name: string, options: TemplateOptions) => {
      const { writeTemplate } = await import('../template/template.ts');
      await writeTemplate(await invocation.config(), name, options, io);
    });
}

/** Completion, and what its scripts call. */
export function addCompletion(invocation: Invocation): void {
  const { program, io } = invocation;
  command(program, 'completion', 'print a completion script for a shell', [
    'eval "$(npx nightshift completion bash)"',
  ])
    .argument('<shell>', SHELLS.join(', '))
    .action((shell: string) => io.out(completionScript(program, shell)));
  program
    .command('__environments', { hidden: true })
    .action(async () => io.out(Object.keys((await invocation.config()).config.environments).join('\n')));
}
