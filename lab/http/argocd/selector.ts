/** Label selectors of equality: `app=api,tier!=db,team,!legacy`. Sets are refused, not ignored. */
import { ArgocdError } from '../../world/argocd/index.ts';

export function labelSelector(selector: string): (labels: Readonly<Record<string, string>>) => boolean {
  const requirements = selector.split(',').map((part) => {
    const [, not, key, operator, value] =
      /^\s*(!?)\s*([\w./-]+)\s*(?:(==?|!=)\s*([\w.-]*))?\s*$/.exec(part) ?? [];
    if (key === undefined) {
      throw new ArgocdError(
        'unknown',
        `error parsing the selector: unable to parse requirement: found '${part.trim()}'`,
      );
    }
    return (labels: Readonly<Record<string, string>>) => {
      if (not) return !(key in labels);
      if (operator === undefined) return key in labels;
      return operator === '!=' ? labels[key] !== value : labels[key] === value;
    };
  });
  return (labels) => requirements.every((requirement) => requirement(labels));
}
