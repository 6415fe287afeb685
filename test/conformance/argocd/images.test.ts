/** On a real Argo CD whose applications run real pods: Kubernetes' controllers make them, a scripted kubelet runs them. */
import { isOnPath } from '#test/conformance/servers/parts.ts';
import { checkedOn } from '../checked-on.ts';
import { imageBehaviours } from './behaviours/index.ts';
import { openRealStage } from './real-stage.ts';

const { env } = process;
if (env['ARGOCD_ASSETS']) {
  const { stage } = imageBehaviours(() => openRealStage(env, { pods: true }), {
    kustomize: isOnPath('kustomize', env),
  });
  checkedOn(() => stage()?.software ?? 'not reached');
}
