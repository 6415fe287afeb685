/**
 * spot-drain as it is deployed: the bundle of the stack in processes of Lambda's runtime, called by the stack's rules and
 * its state machine, once more by Lambda where an invocation failed.
 */
import { createAsyncInvocations } from '@nightshift/lab/assembly/async-invocations.ts';
import { createFunctionRunner, type FunctionRunner } from '@nightshift/lab/assembly/function-runner.ts';
import { armTriggers } from '@nightshift/lab/assembly/triggers.ts';
import { createStepFunctions } from '@nightshift/lab/http/step-functions.ts';
import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import { SETTINGS_VARIABLE, type SpotDrainSettings } from '#model/settings.ts';
import { tickAt } from '../site.ts';
import type { Ground, PeerNode } from './ground.ts';

export interface FleetOptions {
  /** The nodes whose events it gets. */
  readonly nodes: readonly PeerNode[];
  /** So many processes at most. */
  readonly processes: number;
  readonly settings?: Partial<SpotDrainSettings>;
}

export interface Fleet {
  /** Starts processes whose handlers are loaded, and have not been called. */
  provision(count: number): Promise<void>;
  /** Throws what the function threw. */
  tick(): Promise<void>;
  pids(): readonly number[];
  /** No invocation is under way or waits for a retry. */
  isIdle(): boolean;
  /** Invocations that failed, with their errors. */
  failures(): readonly string[];
  close(): Promise<void>;
}

export interface Functions {
  start(options: FleetOptions): Fleet;
  /** To whom the rules of the stack deliver it. */
  emit(event: AwsEvent): void;
  /** What reached the dead-letter queues. */
  deadLetters(): readonly string[];
  close(): void;
}

interface Served {
  serves(payload: string): boolean;
  invokeAsync(payload: string): void;
}

export function createFunctions(ground: Ground): Functions {
  const { context, front, stack } = ground.site;
  const running = new Set<Served>();
  const deadLetters: string[] = [];
  const invokeAsync = (functionArn: string, payload: string) => {
    if (functionArn !== ground.site.specOf('spot-drain').arn) return;
    for (const one of running) if (one.serves(payload)) one.invokeAsync(payload);
  };
  const machines = createStepFunctions(stack.stateMachines, {
    context,
    services: { invokeAsync, sendMessage: (_queue, body) => void deadLetters.push(body) },
  });
  front.addService(machines);
  const arns = new Set(stack.stateMachines.map(({ arn }) => arn));
  const triggers = armTriggers([{ ...stack, schedules: [] }], {
    context,
    deliver: ({ arn }, payload) =>
      arns.has(arn) ? void machines.start(arn, payload) : invokeAsync(arn, payload),
  });
  return {
    start: (options) => startFleet(ground, options, { running, deadLetters }),
    emit: (event) => context.signals.emit('event', event),
    deadLetters: () => deadLetters,
    close: () => triggers.stop(),
  };
}

function startFleet(
  ground: Ground,
  options: FleetOptions,
  { running, deadLetters }: { readonly running: Set<Served>; readonly deadLetters: string[] },
): Fleet {
  const { context } = ground.site;
  const ids = options.nodes.map(({ instanceId }) => instanceId);
  const failures: string[] = [];
  const runner = createRunner(ground, options, (message) => failures.push(message));
  const retrying = createAsyncInvocations(context, ({ body }) => deadLetters.push(body));
  const served: Served = {
    serves: (payload) => ids.some((id) => payload.includes(id)),
    invokeAsync: (payload) => retrying.invoke(runner, payload),
  };
  running.add(served);
  return {
    provision: (count) => runner.provision(count),
    async tick() {
      const outcome = await runner.invoke(JSON.stringify(tickAt(context.clock.now())));
      if (!outcome.ok) throw new Error(`the tick failed: ${outcome.error.errorMessage}`);
    },
    pids: () => runner.processes(),
    isIdle: () => retrying.pending() === 0,
    failures: () => failures,
    async close() {
      running.delete(served);
      await runner.close();
    },
  };
}

function createRunner(
  { site, endpoints }: Ground,
  { processes, settings }: FleetOptions,
  onFailure: (message: string) => void,
): FunctionRunner {
  const { context, aws } = site;
  const spec = site.specOf('spot-drain');
  const { accessKeyId, secretAccessKey, sessionToken } = aws.addPrincipal({
    arn: spec.roleArn,
    account: spec.account,
    sessionName: spec.name,
  });
  const deployed = JSON.parse(spec.environment[SETTINGS_VARIABLE] ?? '{}') as SpotDrainSettings;
  return createFunctionRunner(spec, {
    context,
    concurrency: processes,
    environment: {
      [SETTINGS_VARIABLE]: JSON.stringify({ ...deployed, ...settings }),
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken ?? '',
      AWS_ENDPOINT_URL: endpoints.lab,
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.moto,
      AWS_ENDPOINT_URL_AUTO_SCALING: endpoints.moto,
      NODE_EXTRA_CA_CERTS: endpoints.ca,
    },
    onLog: () => undefined,
    onInvocation: ({ outcome }) => {
      if (!outcome.ok) onFailure(`${outcome.error.errorType}: ${outcome.error.errorMessage}`);
    },
  });
}
