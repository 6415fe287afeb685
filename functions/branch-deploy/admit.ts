/** Which build is to be deployed, and where. Pure. */
import { matchBranch } from '#model/branch.ts';
import type { Action } from '#model/decision.ts';
import type { ApplicationSettings, BranchDeploySettings, BuildSettings } from '#model/settings.ts';
import type { Build } from './ports.ts';
import type { RequestedBuild } from './record.ts';

export type Admission =
  | {
      readonly admitted: true;
      /** One for each binding that the build satisfies. */
      readonly deploys: readonly {
        readonly requested: RequestedBuild;
        readonly applications: readonly ApplicationSettings[];
      }[];
    }
  | { readonly admitted: false; readonly action: Action; readonly reason: string };

/** What Kubernetes takes as a name: anything else could be read as another path. */
export const APPLICATION_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** What is said of a build by its status alone; undefined where it must be looked at. */
export function judgeStatus(status: string): { action: Action; reason: string } | undefined {
  if (status === 'SUCCEEDED') return undefined;
  if (status === 'IN_PROGRESS') return { action: 'none', reason: 'the build has not ended' };
  return { action: 'ignore', reason: `the build ended as ${status}` };
}

export function admit(
  settings: Pick<BranchDeploySettings, 'builds' | 'environment'>,
  build: Build,
  facts: { readonly now: Date; readonly trigger: string },
): Admission {
  const bindings = settings.builds.filter((binding) => binding.project === build.project);
  if (bindings.length === 0) {
    return no('ignore', `no application of ${settings.environment} is bound to ${build.project}`);
  }
  const judged = judgeStatus(build.status);
  if (judged) return no(judged.action, judged.reason);
  if (build.number < 1)
    return no('refuse', 'CodeBuild gave it no number, so it cannot be told from older ones');

  const answers = bindings.map((binding) => ({ binding, answer: matchBranch(binding, build) }));
  const unnamable = bindings
    .flatMap((binding) => binding.applications)
    .find(({ name }) => !APPLICATION_NAME.test(name));
  if (unnamable) {
    const shown = JSON.stringify(unnamable.name.slice(0, 120));
    return no('refuse', `${shown} is no name of an application: correct it in the config`);
  }
  const deploys = answers.flatMap(({ binding, answer }) =>
    answer.matches
      ? [{ requested: wantedOf(build, binding, answer.sha, facts), applications: binding.applications }]
      : [],
  );
  if (deploys.length > 0) return { admitted: true, deploys };
  // A project may feed several branches: the answers differ only in which branch was bound.
  const [first] = answers;
  return first && !first.answer.matches
    ? no(first.answer.action, first.answer.reason)
    : no('ignore', 'no binding fits');
}

function wantedOf(
  build: Build,
  binding: BuildSettings,
  sha: string | undefined,
  facts: { readonly now: Date; readonly trigger: string },
): RequestedBuild {
  return {
    project: build.project,
    build: build.id,
    number: build.number,
    repository: binding.repository,
    branch: binding.branch,
    ...(sha ? { sha } : {}),
    ...(build.startedAt ? { startedAt: build.startedAt.toISOString() } : {}),
    recordedAt: facts.now.toISOString(),
    trigger: facts.trigger,
  };
}

const no = (action: Action, reason: string): Admission => ({ admitted: false, action, reason });
