/** Argo CD's RBAC: casbin lines, globs in each field, one deny outweighs every allow. */
export interface Policy {
  readonly subject: string;
  readonly resource: string;
  readonly action: string;
  readonly object: string;
  readonly effect: 'allow' | 'deny';
}

/** `p, proj:develop:deployer, applications, sync, develop/*, allow` */
export function parsePolicy(line: string): Policy {
  const [kind, subject, resource, action, object, effect] = line.split(',').map((part) => part.trim());
  if (
    kind !== 'p' ||
    !subject ||
    !resource ||
    !action ||
    !object ||
    (effect !== 'allow' && effect !== 'deny')
  ) {
    throw new Error(
      `invalid policy: ${line}; write p, <subject>, <resource>, <action>, <object>, allow|deny`,
    );
  }
  return { subject, resource, action, object, effect };
}

export function allows(
  policies: readonly Policy[],
  request: {
    readonly subject: string;
    readonly resource: string;
    readonly action: string;
    readonly object: string;
  },
): boolean {
  const { subject, resource, action, object } = request;
  const matching = policies.filter(
    (policy) =>
      policy.subject === subject &&
      globMatches(policy.resource, resource) &&
      globMatches(policy.action, action) &&
      globMatches(policy.object, object),
  );
  return matching.length > 0 && matching.every((policy) => policy.effect === 'allow');
}

/** Cache of compiled globs: requests use the same few. */
const patterns = new Map<string, RegExp>();

/** `*` stands for any text, also for slashes; `?` for one character. */
export function globMatches(glob: string, text: string): boolean {
  const known = patterns.get(glob) ?? compile(glob);
  if (!patterns.has(glob)) patterns.set(glob, known);
  return known.test(text);
}

function compile(glob: string): RegExp {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`, 's');
}
