/**
 * spot-drain beside what others use, on servers that nobody here wrote: a real kube-apiserver, and moto. All times are
 * those of the audit log. It needs what test/conformance/servers/build.sh builds, and moto_server.
 */
import { missingOnPath, missingPrograms } from '#test/conformance/servers/parts.ts';
import type { Bench, Figure } from './bench.ts';
import { createFunctions } from './peers/functions.ts';
import { type Ground, raiseGround } from './peers/ground.ts';
import { measureStorm, type Storm } from './peers/measure.ts';
import { nthGiven, terminationHandler } from './peers/nth.ts';
import { measureQuiet } from './peers/quiet.ts';
import { RECORDED_NOTE } from './peers/recorded.ts';
import { type Compared, fullNodeRows, quietRows, stormRows } from './peers/rows.ts';
import { type Announce, kubectlDrain, MOST_PROCESSES, spotDrain } from './peers/sides.ts';

const STORMS = [50, 100, 300];
const PODS_EACH = 5;
const FULL = 110;
/** The time of the tools is measured, not that of the pods. */
const FULL_EXIT_SECONDS = 0.5;

export const peers: Bench = async ({ log }) => {
  const missing = whatIsMissing(process.env);
  if (missing !== undefined) return { bench: 'peers', method: '', figures: [], missing };
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? '';
  log('peers: starting kube-apiserver and moto');
  const ground = await raiseGround(assets);
  try {
    const { clock } = ground.site.context;
    await clock.runUntil(Date.now());
    return await ground.site.live(() => measureAll(ground, assets, log));
  } finally {
    await ground.close();
  }
};

async function measureAll(ground: Ground, assets: string, log: (line: string) => void) {
  const functions = createFunctions(ground);
  try {
    const ours = spotDrain(ground, functions);
    const kubectl = kubectlDrain(ground, assets);
    const given = nthGiven(process.env);
    const nthOf = given && ((announce?: Announce) => terminationHandler(ground, given, announce));
    const nth = nthOf?.();
    const notes: string[] = [];
    const note = (what: string, compared: Compared) => {
      for (const [who, { failures }] of Object.entries(compared))
        if (failures.length > 0)
          notes.push(`peers, ${what}, ${who}: ${failures.length} failed: ${failures[0]}`);
    };
    const compare = async (what: string, storm: Storm): Promise<Compared> => {
      log(`peers: ${what}`);
      const compared: Compared = {
        ours: await measureStorm(ground, ours, storm),
        kubectl: await measureStorm(ground, kubectl, storm),
        ...(nth ? { nth: await measureStorm(ground, nth, storm) } : {}),
      };
      note(what, compared);
      return compared;
    };
    log('peers: budgets, a killed worker, other events');
    const quiet = quietRows(await measureQuiet(ground, functions, { assets, nth: nthOf }));
    const full = { nodes: 1, each: FULL, exitSeconds: FULL_EXIT_SECONDS };
    const fullNode = fullNodeRows(FULL, await compare(`${FULL} pods`, full));
    const storms: Figure[] = [];
    for (const nodes of STORMS)
      storms.push(...stormRows(nodes, await compare(`${nodes} notices`, { nodes, each: PODS_EACH })));
    const { plane, moto } = ground;
    return {
      bench: 'peers',
      own: 'spot-drain',
      method: `${PODS_EACH} pods on each node, which exit after 2 s; kube-apiserver ${plane.version}, whose audit log gives the times and counts, and moto ${moto.version}, on this machine’s processors; spot-drain: the deployed function in a new process for each notice, ${MOST_PROCESSES} at most, whose handler is loaded; kubectl: a program for each node, ${MOST_PROCESSES} at once`,
      figures: [...storms, ...fullNode, ...quiet],
      notes: [...notes, `peers, ${RECORDED_NOTE}`],
    };
  } finally {
    functions.close();
  }
}

export function whatIsMissing(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const servers = missingPrograms(environment, 'KUBEBUILDER_ASSETS', [
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kube-scheduler',
    'kubectl',
  ]);
  if (servers !== undefined)
    return `${servers}: build the servers with test/conformance/servers/build.sh <folder>, and set KUBEBUILDER_ASSETS to that folder`;
  const moto = missingOnPath(environment, ['moto_server']);
  return moto && `${moto}: install it with pip install 'moto[server]'`;
}
