/**
 * The attach/detach controller: the volumes of a node's pods are attached to it, and detached a few seconds after the last
 * pod that uses them is gone. Of the claims only those that are bound to a volume count.
 */
import type { KubeObject } from '../objects.ts';
import type { ControllerContext } from './controller.ts';

/** How long a volume of EBS takes to be detached. */
const DETACH_MS = 6_000;

const ATTACHMENTS = 'volumeattachments.storage.k8s.io';

export function createVolumeAttachments({ clock, registry }: ControllerContext): void {
  const attach = (node: string, volume: string): void => {
    const name = nameOf(node, volume);
    if (registry.find(ATTACHMENTS, undefined, name)) return;
    registry.create(ATTACHMENTS, undefined, {
      metadata: { name },
      spec: { attacher: 'ebs.csi.aws.com', nodeName: node, source: { persistentVolumeName: volume } },
    });
  };
  const detach = (node: string, volume: string): void => {
    const isUsed = registry.store.podsOn(node).some((pod) => volumesOf(pod).includes(volume) && !isOver(pod));
    const name = nameOf(node, volume);
    if (!isUsed && registry.find(ATTACHMENTS, undefined, name)) registry.delete(ATTACHMENTS, undefined, name);
  };
  const volumesOf = (pod: KubeObject): readonly string[] =>
    (pod.spec?.volumes ?? []).flatMap((one: { persistentVolumeClaim?: { claimName: string } }) => {
      const claim = one.persistentVolumeClaim?.claimName;
      const found =
        claim && registry.find('persistentvolumeclaims', pod.metadata.namespace, claim)?.spec?.volumeName;
      return found ? [found as string] : [];
    });

  registry.subscribe(({ type, resource, object }) => {
    const node = resource.key === 'pods' ? object.spec?.nodeName : undefined;
    if (!node) return;
    for (const volume of volumesOf(object)) {
      if (type === 'DELETED' || isOver(object)) clock.after(DETACH_MS, () => detach(node, volume));
      else attach(node, volume);
    }
  });
}

function isOver(pod: KubeObject): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function nameOf(node: string, volume: string): string {
  return `csi-${volume}-${node}`;
}
