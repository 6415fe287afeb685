/** Checks of each request and each decision of branch-deploy, against the world at that moment. */
import type { CommitStatus } from '#functions/branch-deploy/ports.ts';
import type { Decision } from '#model/decision.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import type { ApplicationObserver } from './applications-api.ts';
import type { Scene } from './scene.ts';

/** An invocation that began before the stop waits for its sync for 25 s, and calls may be slow. */
const AFTER_STOP_MS = 60_000;

/** Checks of the requests to Argo CD, before they take effect, and notes of its replies. */
export function createRequestChecks(scene: Scene): ApplicationObserver {
  const { violate, exercise, clock, when, bound, night, syncs, commits, seenHealthy, deliverer } = scene;
  const isBound = ({ name, project }: Pick<ApplicationSettings, 'name' | 'project'>) =>
    bound.some((one) => one.name === name && one.project === project);
  return {
    read(application) {
      exercise(2);
      if (!bound.some(({ name }) => name === application.name))
        violate(2, `${when()} ${application.name} does not belong to this environment`);
    },
    sync(application) {
      exercise(2);
      if (!isBound(application))
        violate(
          2,
          `${when()} ${application.project}/${application.name} does not belong to this environment`,
        );
      const state = night.state();
      if (!state) return;
      exercise(3);
      const sleptMs = clock.now() - Date.parse(state.since);
      if (state.phase !== 'awake' && sleptMs > AFTER_STOP_MS)
        violate(3, `${when()} ${application.name} was synced while the cluster was ${state.phase}`);
    },
    refused: (why) => violate(2, `${when()} the role of branch-deploy does not allow it: ${why}`),
    written({ name }, { isBlind, over }) {
      if (isBlind) violate(3, `${when()} a sync of ${name} was written without the version that was read`);
      if (over) {
        const by = over.initiatedBy?.username ?? 'Argo CD itself';
        violate(3, `${when()} a sync of ${name} replaced an operation of ${by}`);
      }
    },
    synced: ({ name }) => void syncs.set(name, (syncs.get(name) ?? 0) + 1),
    shown({ name }, { sync, health, revisions, operation, reconciledAt }) {
      if (health !== 'Healthy') return;
      // With images of its own an application is where its oldest pod is.
      if (deliverer) {
        const running = deliverer.oldestOf(name);
        if (running >= (seenHealthy.get(name) ?? running)) seenHealthy.set(name, running);
        return;
      }
      // OutOfSync because the branch has moved on: the commit that was synced is live, and compared since.
      const isLive =
        operation?.phase === 'Succeeded' &&
        operation.finishedAt !== undefined &&
        reconciledAt !== undefined &&
        reconciledAt >= operation.finishedAt;
      const live = sync === 'Synced' ? revisions : isLive ? operation.revisions : [];
      const at = commits.indexOf(live[0] ?? '');
      if (at >= 0 && at >= (seenHealthy.get(name) ?? at)) seenHealthy.set(name, at);
    },
  };
}

/** Checks of the decisions, when they are recorded. */
export function createDecisionCheck(scene: Scene): (decision: Decision) => void {
  const { violate, exercise, when, commits, seenHealthy } = scene;
  return (decision) => {
    exercise(7);
    if (!decision.reason.trim() || !decision.trigger.trim())
      violate(7, `${when()} ${decision.action} ${decision.target} has no reason or no trigger`);
    if (decision.action !== 'deployed') return;
    exercise(4);
    const from = commits.indexOf(String(decision['sha']));
    const seen = seenHealthy.get(decision.target);
    if (seen === undefined || seen < from)
      violate(
        4,
        `${when()} a decision says that ${decision.target} is deployed, and Argo CD never showed that`,
      );
  };
}

/** Checks of what commits show: green is only what is live, or contained in what is live. */
export function createStatusCheck(scene: Scene): (status: CommitStatus) => void {
  const { violate, exercise, when, commits, seenHealthy } = scene;
  return ({ state, sha, application, description }) => {
    if (state !== 'success') return;
    exercise(4);
    const seen = seenHealthy.get(application);
    if (seen === undefined || seen < commits.indexOf(sha))
      violate(
        4,
        `${when()} commit ${sha.slice(0, 7)} is green for ${application} ("${description}"), and it was never live`,
      );
  };
}
