/** The lab's Argo CD shows what a real one shows: `npm run conformance -- argocd` runs the same on that. */
import { argocdBehaviours } from '../../conformance/argocd/behaviours/index.ts';
import { openLabStage } from '../../conformance/argocd/lab-stage.ts';

argocdBehaviours(openLabStage);
