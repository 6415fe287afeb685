/** From the payload of an invocation to what happened: a build that ended here or elsewhere, a tick, or something unknown. */

import { isRecord } from '#model/record-schema.ts';
import { ANNOUNCEMENT_SOURCE, EVENT_SOURCE, TRIGGER_SOURCE } from '#model/trigger.ts';

export type BranchDeployEvent =
  | {
      readonly kind: 'build';
      /** The event's id: what the decisions name as their trigger. */
      readonly id: string;
      /** `<project>:<uuid>` */
      readonly build: string;
      readonly project: string;
      readonly status: string;
      readonly account: string;
      readonly region: string;
    }
  | {
      /** A build that ran elsewhere, as yet unread. */
      readonly kind: 'announcement';
      readonly id: string;
      /** The detail type: which binding it is for. */
      readonly project: string;
      readonly account: string;
      readonly region: string;
      readonly time?: Date;
      readonly detail: unknown;
    }
  | { readonly kind: 'tick'; readonly id: string; readonly time?: Date }
  | { readonly kind: 'unknown'; readonly id: string; readonly reason: string };

const LONGEST_ID = 200;
const BUILD_ARN =
  /^arn:[\w-]+:codebuild:([\w-]{1,32}):(\d{12}):build\/([A-Za-z0-9][\w-]{0,254}):([0-9a-fA-F-]{8,64})$/;

/** Never throws: what cannot be read is `unknown`, with a reason. Unknown fields are ignored. */
export function parseEvent(payload: unknown): BranchDeployEvent {
  const event = objectOf(payload);
  if (event === undefined) return unknown('', 'the payload is not an object');
  const id = textOf(event['id'])?.slice(0, LONGEST_ID) ?? '';

  if (event['source'] === TRIGGER_SOURCE) {
    return {
      kind: 'tick',
      id: id || (textOf(event['schedule'])?.slice(0, LONGEST_ID) ?? 'tick'),
      ...timeOf(event),
    };
  }
  // The cluster is awake: the same work as a tick, without the wait for it.
  if (event['source'] === EVENT_SOURCE) return { kind: 'tick', id: id || 'awake', ...timeOf(event) };
  if (event['source'] === ANNOUNCEMENT_SOURCE) {
    const project = textOf(event['detail-type'])?.slice(0, LONGEST_ID) ?? '';
    const account = textOf(event['account'])?.slice(0, LONGEST_ID) ?? '';
    const region = textOf(event['region'])?.slice(0, LONGEST_ID) ?? '';
    return { kind: 'announcement', id, project, account, region, ...timeOf(event), detail: event['detail'] };
  }
  if (event['source'] !== 'aws.codebuild' || event['detail-type'] !== 'CodeBuild Build State Change') {
    return unknown(
      id,
      `${shown(event['detail-type'])} of ${shown(event['source'])} is not an event of a CodeBuild build`,
    );
  }
  const detail = objectOf(event['detail']);
  if (detail === undefined) return unknown(id, 'the event has no detail');
  const arn = textOf(detail['build-id']);
  const [, region, account, project, uuid] = BUILD_ARN.exec(arn ?? '') ?? [];
  if (!region || !account || !project || !uuid) {
    return unknown(id, `detail.build-id is ${shown(detail['build-id'])}, not the ARN of a build`);
  }
  const status = textOf(detail['build-status']);
  if (!status || !/^[A-Z_]{1,32}$/.test(status))
    return unknown(id, `detail.build-status is ${shown(detail['build-status'])}`);
  const named = textOf(detail['project-name']);
  if (named !== undefined && named !== project) {
    return unknown(id, `detail.project-name is ${shown(named)}, but the build belongs to ${shown(project)}`);
  }
  return { kind: 'build', id, build: `${project}:${uuid}`, project, status, account, region };
}

function timeOf(event: Readonly<Record<string, unknown>>): { readonly time?: Date } {
  const time = new Date(textOf(event['time']) ?? '');
  return Number.isNaN(time.getTime()) ? {} : { time };
}

function unknown(id: string, reason: string): BranchDeployEvent {
  return { kind: 'unknown', id, reason };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isRecord(value) ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A value of somebody else's event, fit for a reason: short, on one line. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
