/** What one request to AWS or Kubernetes returned, or why it returned nothing. */
export type Observation<T> = { readonly value: T } | { readonly missing: Missing };

export interface Missing {
  readonly reason: string;
  /** The permission that was missing: `ec2:DescribeSubnets`, or `list pods` in Kubernetes. */
  readonly permission?: string;
}

/** The observed value, or undefined: for facts that improve a result but are not required for it. */
export function observed<T>(observation: Observation<T>): T | undefined {
  return 'value' in observation ? observation.value : undefined;
}
