/**
 * Where a behaviour of Karpenter is observed: a real one over a real control plane, or the lab's. The behaviours know
 * no difference, so whatever differs between the two is found by one of them.
 */
import type { Bed } from '../kubernetes/bed.ts';

export interface KarpenterBed
  extends Pick<Bed, 'software' | 'clientFor' | 'ask' | 'addNamespace' | 'until' | 'asked' | 'close'> {
  /** What a NodePool of this bed launches, and the request of a pod that has such a node to itself. */
  readonly instanceType: string;
  readonly podCpu: string;
  readonly nodeClassRef: { readonly group: string; readonly kind: string; readonly name: string };
  /** Of the cluster. */
  now(): Date;
  pass(seconds: number): Promise<void>;
  /** Karpenter does nothing meanwhile. */
  withoutKarpenter<T>(work: () => Promise<T>): Promise<T>;
}
