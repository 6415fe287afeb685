import { checkedOn } from '../checked-on.ts';
import { argocdBehaviours } from './behaviours/index.ts';
import { openRealStage } from './real-stage.ts';

const { stage } = argocdBehaviours(() => openRealStage(process.env));
checkedOn(() => stage()?.software ?? 'not reached');
