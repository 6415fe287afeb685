import { argocd } from './argocd/argocd.ts';
import type { Bench } from './bench.ts';
import { coldStart } from './cold-start.ts';
import { cost } from './cost.ts';
import { deadWorker } from './dead-worker.ts';
import { deploy } from './deploy.ts';
import { doorbell } from './doorbell.ts';
import { drain } from './drain.ts';
import { karpenter } from './karpenter/karpenter.ts';
import { memory } from './memory.ts';
import { pass } from './pass.ts';
import { peers } from './peers.ts';
import { scale } from './scale.ts';
import { selfService } from './self-service.ts';
import { storm } from './storm.ts';
import { wake } from './wake.ts';

export const BENCHES: Readonly<Record<string, Bench>> = {
  'cold-start': coldStart,
  pass,
  drain,
  'dead-worker': deadWorker,
  storm,
  peers,
  deploy,
  wake,
  'self-service': selfService,
  doorbell,
  memory,
  cost,
  scale,
  argocd,
  karpenter,
};
