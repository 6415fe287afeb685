/** The same on the lab's Argo CD and its Kubernetes, as `npm run conformance -- argocd` runs it on real ones. */
import { imageBehaviours } from '../../conformance/argocd/behaviours/index.ts';
import { openLabStage } from '../../conformance/argocd/lab-stage.ts';

imageBehaviours(() => openLabStage({ pods: true }), { kustomize: true, helm: true });
