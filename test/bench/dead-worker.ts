/** Workers of spot-drain that are killed at random calls, in virtual time: when is the last pod asked to go? */
import { type KilledWorker, killAWorker } from '#test/functions/spot-drain/killed-worker.ts';
import { createRandom } from '#test/simulation/random.ts';
import type { Bench } from './bench.ts';

const KILLS = 200;
const WITHIN_MS = 25_000;

export const deadWorker: Bench = async ({ log }) => {
  log(`dead-worker: ${KILLS} kills`);
  const random = createRandom(Date.now());
  const killed: KilledWorker[] = [];
  for (let kills = 0; kills < KILLS; kills++) killed.push(await killAWorker(random));
  const inTime = killed.filter(({ askedAfterMs }) => askedAfterMs <= WITHIN_MS);
  const latestMs = Math.max(0, ...killed.map(({ askedAfterMs }) => askedAfterMs));
  return {
    bench: 'dead-worker',
    method: `${KILLS} notices (interruptions and lifecycle actions, 1 to 12 pods, 5 to 500 ms for each request to the cluster) whose worker is killed at a random one of its calls, which takes effect or not; what follows is the two watchdogs, Lambda’s retry a minute later and the tick; virtual time, the ports of the tests`,
    figures: [
      {
        what: 'all pods asked within 25 s of the kill',
        value: inTime.length,
        unit: 'kills',
        target: { what: `all ${KILLS}`, met: inTime.length === KILLS },
      },
      { what: 'the latest of them, after the kill', value: latestMs / 1_000, unit: 's' },
      {
        what: 'killed before any request of theirs',
        value: killed.filter(({ index }) => index === 0).length,
        unit: 'kills',
      },
      {
        what: 'pods that were left',
        value: killed.reduce((all, { podsLeft }) => all + podsLeft, 0),
        unit: 'pods',
        target: { what: '0', met: killed.every(({ podsLeft }) => podsLeft === 0) },
      },
    ],
    notes: killed
      .filter((one) => one.askedAfterMs > WITHIN_MS)
      .map(
        ({ notice, call, index, askedAfterMs }) =>
          `dead-worker, late: ${notice}, killed at call ${index} (${call}), ${askedAfterMs} ms`,
      ),
  };
};
