/** spot-drain with its own adapters, in front of the simulated cluster. */
import { createInstanceGroups, createLifecycle } from '#functions/adapters/aws/lifecycle.ts';
import { createClaims, createCordons, createNodeNames } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createNightReader } from '#functions/adapters/dynamodb/night.ts';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { createCordonGate } from '#functions/spot-drain/cordon.ts';
import type { Ports } from '#functions/spot-drain/ports.ts';
import type { Pass } from '../faults.ts';
import { createPortCalls, type PortCalls } from '../port-calls.ts';
import { type AutoScalingApi, createAutoScalingApi } from './auto-scaling-api.ts';
import { createDecisionCheck, createRequestChecks, type Effects } from './checks.ts';
import { createKubernetesApi } from './kubernetes-api.ts';
import type { Scene } from './scene.ts';
// Loaded before: a simulated clock does not wait for a file.
import '#functions/spot-drain/attached-volumes.ts';
import '#functions/spot-drain/tick.ts';
import '#functions/spot-drain/watch.ts';

export interface Process {
  readonly ports: Ports;
  readonly autoScaling: AutoScalingApi;
}

/** One process of the function: warm from the second invocation on, and it runs one at a time. */
export function createProcess(scene: Scene) {
  const { scenario, random, clock, context, aws, table, scope, kubernetes, decisions, completions } = scene;
  const checks = createRequestChecks(scene);
  const checkDecision = createDecisionCheck(scene);
  const calls = createPortCalls<Effects>(clock, random);
  const { through } = calls;
  const client = createKubernetesApi({
    context,
    kubernetes,
    onRequest: (request) => checks.onKubernetes(calls.effects(), request),
    denial: () => scene.webhook.status,
    around: (call, act, errorOf) => through(call, act, false, errorOf) as Promise<never>,
  });
  const autoScaling = createAutoScalingApi({
    aws,
    scope,
    around: (call, act) => through(call, act, call.includes('Lifecycle')) as Promise<never>,
    onReply: ({ operation, input }) => {
      if (operation === 'CompleteLifecycleAction') calls.effects().confirmed.add(scene.tokenOf(input));
    },
    onRequest: (request) => checks.onAutoScaling(calls.effects(), request),
    onApplied: ({ operation, input }) => {
      if (operation !== 'CompleteLifecycleAction') return;
      const token = scene.tokenOf(input);
      completions.set(token, clock.now());
      calls.effects().completed.add(String(input['InstanceId']));
    },
  });
  const store = table.through((call, act) => through(call, act, true) as Promise<never>);
  const ports: Ports = {
    settings: scenario.settings,
    cluster: createDrainCluster(client),
    groups: createInstanceGroups(autoScaling, () => clock.date()),
    lifecycle: createLifecycle(autoScaling),
    claims: createClaims(store),
    cordons: createCordons(store),
    names: createNodeNames(store),
    gate: createCordonGate({ alarm: (ms) => ports.clock.alarm(ms) }),
    night: createNightReader(store),
    watchdog: {
      send: (check, delaySeconds) =>
        through(
          'sqs:SendMessage',
          () => void clock.after(delaySeconds * 1_000, () => scene.watchdogs.deliver(check)),
          true,
        ),
    },
    trail: {
      record: (made) =>
        through(
          'trail.record',
          () => {
            decisions.push(...made);
            calls.effects().decisions.push(...made);
            for (const decision of made) checkDecision(decision);
          },
          true,
        ),
    },
    clock: alarms(scene, calls),
  };
  const process: Process = { ports, autoScaling };
  return {
    ...process,
    enter: (pass: Pass) =>
      calls.enter(pass, {
        marked: new Set(),
        unmarked: new Set(),
        completed: new Set(),
        confirmed: new Set(),
        began: clock.now(),
        decisions: [],
        mustReport: 0,
      }),
  };
}

/** The clock of the function: its alarms do not ring in a killed pass. */
function alarms({ clock, random }: Scene, calls: PortCalls<Effects>): Ports['clock'] {
  const alarm: Ports['clock']['alarm'] = (ms) => {
    const current = calls.pass();
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => {
      if (!current.crashed()) resolve();
    };
    const timer = clock.after(ms, wake);
    return {
      rang: promise,
      ring() {
        timer.cancel();
        wake();
      },
    };
  };
  return {
    now: () => clock.date(),
    random: () => random.next(),
    sleep: (ms) => alarm(ms).rang,
    alarm,
  };
}
